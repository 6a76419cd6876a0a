export type CellInput =
  | { kind: "empty" }
  | { kind: "text"; text: string }
  | { kind: "number"; number: number }
  | { kind: "boolean"; isTrue: boolean }
  | { kind: "formula"; formula: string };

export function entryLine(sheet: number, cell: string, input: string): string;
export function readEntries(text: string, into?: Map<string, string>): Map<string, string>;
export function columnName(column: number): string;
export function placeOf(cell: string): { column: number; row: number };
export function readInput(input: string): CellInput;
export function inputOfText(text: string): string;
