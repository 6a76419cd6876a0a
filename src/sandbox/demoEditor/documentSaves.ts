import type { DocumentText } from "./documentText.ts";
import type { DocumentViews } from "./documentViews.ts";
import type { EditorView } from "./editorView.ts";
import type { Guise } from "./guises.ts";
import type { KeptCopies } from "./keptCopies.ts";
import type { SaveResult } from "./messages.ts";
import { problemText, saveResult, swallowedResult } from "./saveResult.ts";
import type { SaveFlags, StoredFile } from "./storedFile.ts";
import { UnsavedWork } from "./unsavedWork.ts";

export type SaveWish = Partial<Pick<SaveFlags, "force" | "autosave" | "exitSave">> & { extendedData?: string };

export interface DocumentSavesParts {
  file: StoredFile;
  views: DocumentViews;
  guise: Guise;
  kept: KeptCopies;
  now: () => number;
  autosaveIdleMs: number;
  /** The host says that the document has changed in storage. */
  onConflict: () => void;
}

/** A document's way to its host: what is unsaved, each upload, and what people are told of it. */
export class DocumentSaves {
  readonly #parts: DocumentSavesParts;
  readonly #work: UnsavedWork;
  #text: DocumentText | undefined;
  /** Who has typed since the last save, by user id. */
  readonly #editors = new Set<string>();
  #isConflictOpen = false;
  #isSaving = false;
  #problem: string | undefined;
  #lastWish: SaveWish = {};
  #isGoingDown = false;
  /** Set while the last save waits for its next try. */
  #tryAgain: (() => void) | undefined;

  constructor(parts: DocumentSavesParts) {
    this.#parts = parts;
    this.#work = new UnsavedWork(parts.guise, parts.autosaveIdleMs);
  }

  /** @param isUnstored the host never had this text */
  opened(text: DocumentText, isUnstored: boolean): void {
    this.#text = text;
    if (isUnstored) this.#work.startsUnstored();
  }

  /** Whether the host lacks something. */
  get isUnstored(): boolean {
    return this.#text !== undefined && this.#work.isUnstored(this.#revision);
  }

  get isConflictOpen(): boolean {
    return this.#isConflictOpen;
  }

  get #revision(): number {
    return this.#text?.shared.revision ?? 0;
  }

  /** Somebody has typed; `count` edits are new. */
  edited(view: EditorView, count: number): void {
    const before = this.#revision - count;
    const isFirst = !this.#work.isUnstored(before);
    this.#work.edited(this.#parts.now(), isFirst);
    this.#editors.add(view.info?.userId ?? "");
    if (count > 0 && (isFirst || !this.#work.isModified(before))) this.announce();
  }

  /** @returns what is to be saved by itself now; undefined when nothing is */
  due(nowMs: number): SaveWish | undefined {
    if (!this.isUnstored || this.#isConflictOpen || this.#isSaving) return undefined;
    if (this.#work.retryIsDue(nowMs)) return this.#lastWish;
    return this.#work.autosaveIsDue(nowMs) ? { autosave: true } : undefined;
  }

  /** What is due has been put in line. */
  postpone(nowMs: number): void {
    this.#work.postponed(nowMs);
  }

  /** Lets the last save try again when its time has come. */
  retryExitSave(nowMs: number): void {
    if (this.#work.retryIsDue(nowMs)) this.#tryAgain?.();
  }

  async store(view: EditorView, wish: SaveWish): Promise<SaveResult> {
    const { file, views, guise, now, onConflict } = this.#parts;
    const revision = this.#revision;
    const { force = false, autosave = false, exitSave = false, extendedData } = wish;
    this.#lastWish = wish;
    this.#isSaving = true;
    this.#work.tried(revision, now());
    this.announce();
    const answer = await file.put(view, this.bytes(), {
      modifiedByUser: this.isUnstored,
      autosave,
      exitSave,
      force,
      editors: [...this.#editors],
      ...(extendedData === undefined ? {} : { extendedData }),
    });
    this.#isSaving = false;
    if (answer.kind === "stored") {
      this.#work.stored(revision);
      this.#editors.clear();
      this.#problem = undefined;
      view.expired = false;
      if (this.#isConflictOpen) views.tell({ type: "conflict", open: false });
      this.#isConflictOpen = false;
    } else {
      this.#work.refused(revision, answer.kind === "failed");
      if (guise.tellsRefusals) {
        if (answer.kind === "expired") view.expired = true;
        else this.#problem = problemText(answer);
      }
    }
    this.announce();
    if (answer.kind === "conflict" && guise.tellsRefusals) onConflict();
    return guise.tellsRefusals ? saveResult(answer) : swallowedResult;
  }

  /** The last save, tried as often as the guise does; what it keeps of it is kept. */
  async storeAtExit(by: EditorView): Promise<void> {
    const { guise, kept } = this.#parts;
    this.#work.beginsAnew();
    await this.store(by, { exitSave: true });
    while (!this.#isGoingDown && this.isUnstored && this.#work.mayRetry) {
      await new Promise<void>((resolve) => {
        this.#tryAgain = resolve;
      });
      await this.store(by, { exitSave: true });
    }
    if (guise.keepsExitSaves && by.keptKey !== undefined)
      kept.keep(by.keptKey, { bytes: this.bytes(), isForgotten: this.isUnstored });
  }

  /** Waits for no further try any more. */
  goDown(): void {
    this.#isGoingDown = true;
    this.#tryAgain?.();
  }

  /** Everybody is asked what to do with what is unsaved. */
  openConflict(): void {
    this.#isConflictOpen = true;
    this.#parts.views.tell({ type: "conflict", open: true });
  }

  bytes(): Buffer {
    return this.#text?.bytes() ?? Buffer.alloc(0);
  }

  announce(): void {
    const unstored = this.isUnstored;
    const modified = this.#text !== undefined && this.#work.isModified(this.#revision);
    for (const view of this.#parts.views) {
      const problem = view.expired ? "your session has expired" : (this.#problem ?? null);
      view.send?.({ type: "state", modified, unstored, saving: this.#isSaving, problem });
    }
  }
}
