import { applyEdit, type Edit, transformPair } from "./browser/textOperation.js";

/** One edit of a page, numbered by that page so that a repeated message is known again. */
export interface NumberedEdit {
  sequence: number;
  edit: Edit;
}

export interface AcceptedEdit extends NumberedEdit {
  revision: number;
  author: number;
}

const historyLimit = 20_000;
/** No view has this number. */
const nobody = -1;

/** The text all pages of a document share: every accepted edit makes the next revision. */
export class SharedText {
  #text: string;
  #revision = 0;
  #history: AcceptedEdit[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  get text(): string {
    return this.#text;
  }

  get revision(): number {
    return this.#revision;
  }

  /** Where a place in an earlier text is by now; undefined when that one is not known any more. */
  placeNow(baseRevision: number, place: number): number | undefined {
    const unseen = this.#revision - baseRevision;
    if (unseen < 0 || unseen > this.#history.length) return undefined;
    let mark: Edit = { position: place, deleted: 0, inserted: "-" };
    for (const past of this.#history.slice(this.#history.length - unseen)) [, mark] = transformPair(past.edit, mark);
    return mark.position <= this.#text.length ? mark.position : undefined;
  }

  /** Takes an edit of the current text that no page made. */
  change(edit: Edit): { revision: number; edit: Edit } | undefined {
    const [accepted] = this.receive(nobody, this.#revision, [{ sequence: 0, edit }]) ?? [];
    return accepted === undefined ? undefined : { revision: accepted.revision, edit: accepted.edit };
  }

  /**
   * Takes edits a page made one after the other on `baseRevision`; those already accepted are passed over.
   * @returns what became of the new ones, or undefined when the page must start anew from the current text
   */
  receive(author: number, baseRevision: number, edits: readonly NumberedEdit[]): AcceptedEdit[] | undefined {
    const unseen = this.#revision - baseRevision;
    if (unseen < 0 || unseen > this.#history.length) return undefined;
    let waiting = [...edits];
    for (const past of this.#history.slice(this.#history.length - unseen)) {
      if (past.author === author) {
        // An own edit lies in the past only when its answer got lost: what follows already stands on it.
        if (waiting[0]?.sequence === past.sequence) waiting = waiting.slice(1);
        continue;
      }
      let over = past.edit;
      waiting = waiting.map(({ sequence, edit }) => {
        const [overNext, editNext] = transformPair(over, edit);
        over = overNext;
        return { sequence, edit: editNext };
      });
    }
    let text = this.#text;
    for (const { edit } of waiting) {
      if (edit.position + edit.deleted > text.length) return undefined;
      text = applyEdit(text, edit);
    }
    const accepted = waiting.map((each, index) => ({ ...each, author, revision: this.#revision + index + 1 }));
    this.#text = text;
    this.#revision += accepted.length;
    this.#history.push(...accepted);
    if (this.#history.length > historyLimit) this.#history = this.#history.slice(-historyLimit / 2);
    return accepted;
  }
}
