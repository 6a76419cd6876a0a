import type { Edit } from "./textOperation.js";

export interface OutgoingEdits {
  baseRevision: number;
  edits: { sequence: number; edit: Edit }[];
}

export class LocalText {
  constructor(text: string, revision: number);
  get text(): string;
  get revision(): number;
  get settled(): boolean;
  typed(text: string): void;
  outgoing(): OutgoingEdits | undefined;
  unconfirmed(): OutgoingEdits;
  receive(message: { revision: number; edit: Edit; own: boolean }): Edit | undefined;
  rejoin(text: string, revision: number, acceptedSequence: number): void;
}
