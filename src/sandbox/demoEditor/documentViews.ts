import { type EditorView, isWriter } from "./editorView.ts";
import type { ServerMessage } from "./messages.ts";

/** The people who have a document open right now. */
export class DocumentViews {
  readonly #views = new Set<EditorView>();

  get size(): number {
    return this.#views.size;
  }

  [Symbol.iterator](): Iterator<EditorView> {
    return this.#views.values();
  }

  has(view: EditorView): boolean {
    return this.#views.has(view);
  }

  add(view: EditorView): void {
    this.#views.add(view);
  }

  delete(view: EditorView): boolean {
    return this.#views.delete(view);
  }

  /** @param last what everybody is told as they are sent away */
  sendAway(last: ServerMessage): void {
    this.tell(last);
    this.#views.clear();
  }

  tell(message: ServerMessage): void {
    for (const view of this.#views) view.send?.(message);
  }

  hasWriter(): boolean {
    return [...this.#views].some(isWriter);
  }

  /** Somebody whose token may still write; `first` comes first. */
  someWriter(first: EditorView | undefined): EditorView | undefined {
    const present = [...this.#views].filter((view) => isWriter(view) && !view.expired);
    return present.find((view) => view === first) ?? present[0];
  }

  /** Who came last, whatever has become of their token. */
  newestWriter(): EditorView | undefined {
    return [...this.#views].filter(isWriter).sort((one, other) => other.number - one.number)[0];
  }
}
