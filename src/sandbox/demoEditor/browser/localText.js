import { applyEdit, editBetween, transformPair } from "./textOperation.js";

/**
 * The text one page shows: what the server confirmed, the edits under way to it, and what was typed since.
 * Typing at two places stays two edits: as one replacement it would take the text between them along, and two
 * people doing so would double it.
 */
export class LocalText {
  #confirmed;
  #revision;
  #sequence = 0;
  #underWay = [];
  #typed = [];
  #shown;

  constructor(text, revision) {
    this.#confirmed = text;
    this.#shown = text;
    this.#revision = revision;
  }

  get text() {
    return this.#shown;
  }

  get revision() {
    return this.#revision;
  }

  /** Whether the server knows every letter. */
  get settled() {
    return this.#underWay.length + this.#typed.length === 0;
  }

  typed(text) {
    const edit = editBetween(this.#shown, text);
    if (edit === undefined) return;
    this.#shown = text;
    const last = this.#typed.pop();
    const joined = last === undefined ? [edit] : join(last, edit);
    this.#typed.push(...joined.filter(({ deleted, inserted }) => deleted > 0 || inserted !== ""));
  }

  /** The next message to the server; undefined while one is under way or nothing is new. */
  outgoing() {
    if (this.#underWay.length > 0 || this.#typed.length === 0) return undefined;
    this.#underWay = this.#numbered();
    this.#sequence += this.#typed.length;
    this.#typed = [];
    return { baseRevision: this.#revision, edits: this.#underWay };
  }

  /** Everything the server has not confirmed: the last words of a leaving page. */
  unconfirmed() {
    return { baseRevision: this.#revision, edits: [...this.#underWay, ...this.#numbered()] };
  }

  /** Takes the next revision; returns the edit to make in the shown text, undefined for the page's own. */
  receive({ revision, edit, own }) {
    if (revision !== this.#revision + 1) throw new RangeError(`revision ${revision} after ${this.#revision}`);
    this.#confirmed = applyEdit(this.#confirmed, edit);
    this.#revision = revision;
    if (own) {
      this.#underWay.shift();
      return undefined;
    }
    const over = this.#rebase(edit);
    this.#shown = applyEdit(this.#shown, over);
    return over;
  }

  /** Starts again from the server's text after a lost connection, with what only this page still holds on top. */
  rejoin(text, revision, acceptedSequence) {
    const isKnown = ({ sequence }) => sequence <= acceptedSequence;
    const base = this.#underWay.filter(isKnown).reduce((before, { edit }) => applyEdit(before, edit), this.#confirmed);
    this.#typed.unshift(...this.#underWay.filter((each) => !isKnown(each)).map(({ edit }) => edit));
    this.#underWay = [];
    const theirs = editBetween(base, text);
    if (theirs !== undefined) this.#rebase(theirs);
    this.#confirmed = text;
    this.#revision = revision;
    this.#shown = this.#typed.reduce(applyEdit, text);
  }

  /** Lets every edit of this page follow an edit that came before them; returns that edit as it follows them. */
  #rebase(earlier) {
    let over = earlier;
    const follow = (edit) => {
      const [overNext, editNext] = transformPair(over, edit);
      over = overNext;
      return editNext;
    };
    this.#underWay = this.#underWay.map(({ sequence, edit }) => ({ sequence, edit: follow(edit) }));
    this.#typed = this.#typed.map(follow);
    return over;
  }

  #numbered() {
    return this.#typed.map((edit, index) => ({ sequence: this.#sequence + index + 1, edit }));
  }
}

/** Two edits one after the other; one edit where the second only changes what the first inserted. */
function join(first, second) {
  const start = second.position - first.position;
  const end = start + second.deleted;
  if (start < 0 || end > first.inserted.length) return [first, second];
  const inserted = first.inserted.slice(0, start) + second.inserted + first.inserted.slice(end);
  return [{ ...first, inserted }];
}
