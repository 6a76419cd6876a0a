import { applyEdit, editBetween, transformPair } from "./textOperation.js";

/** The text one page shows: what the server confirmed, one edit under way, and what was typed since. */
export class LocalText {
  #confirmed;
  #revision;
  #sequence = 0;
  #underWay;
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
    return this.#shown === this.#confirmed;
  }

  typed(text) {
    this.#shown = text;
  }

  /** The next message to the server; undefined while one is under way or nothing is new. */
  outgoing() {
    if (this.#underWay !== undefined) return undefined;
    const edit = editBetween(this.#confirmed, this.#shown);
    if (edit === undefined) return undefined;
    this.#sequence += 1;
    this.#underWay = { sequence: this.#sequence, edit };
    return this.unconfirmed();
  }

  /** Everything the server has not confirmed: for a repeated message and for the last words of a leaving page. */
  unconfirmed(withTyped = false) {
    const edits = this.#underWay === undefined ? [] : [this.#underWay];
    const typed = withTyped ? editBetween(this.#sent(), this.#shown) : undefined;
    if (typed !== undefined) edits.push({ sequence: this.#sequence + 1, edit: typed });
    return { baseRevision: this.#revision, edits };
  }

  /** Takes the next revision; returns the edit to make in the shown text, undefined for the page's own. */
  receive({ revision, edit, own }) {
    if (revision !== this.#revision + 1) throw new RangeError(`revision ${revision} after ${this.#revision}`);
    const before = this.#confirmed;
    const typed = editBetween(this.#sent(), this.#shown);
    this.#confirmed = applyEdit(before, edit);
    this.#revision = revision;
    if (own) {
      this.#underWay = undefined;
      return undefined;
    }
    let over = edit;
    if (this.#underWay !== undefined) {
      const [overNext, underWay] = transformPair(over, this.#underWay.edit);
      over = overNext;
      this.#underWay = { ...this.#underWay, edit: underWay };
    }
    if (typed !== undefined) [over] = transformPair(over, typed);
    this.#shown = applyEdit(this.#shown, over);
    return over;
  }

  /** Starts again from the server's text after a lost connection, with what only this page still holds on top. */
  rejoin(text, revision, acceptedSequence) {
    const known = this.#underWay !== undefined && this.#underWay.sequence <= acceptedSequence;
    const base = known ? this.#sent() : this.#confirmed;
    const theirs = editBetween(base, text);
    const mine = editBetween(base, this.#shown);
    const follows = mine !== undefined && theirs !== undefined ? transformPair(theirs, mine)[1] : mine;
    this.#underWay = undefined;
    this.#confirmed = text;
    this.#revision = revision;
    this.#shown = follows === undefined ? text : applyEdit(text, follows);
  }

  #sent() {
    return this.#underWay === undefined ? this.#confirmed : applyEdit(this.#confirmed, this.#underWay.edit);
  }
}
