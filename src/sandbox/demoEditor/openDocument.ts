import { type EditorView, infoMessage, isWriter, personOf, tokenExpiresAtMs } from "./editorView.ts";
import type { ReadOnlyNotice, SaveResult, ServerMessage } from "./messages.ts";
import { readPlainText, type TextForm, writePlainText } from "./plainText.ts";
import { problemText, readOnlyResult, saveResult } from "./saveResult.ts";
import { type NumberedEdit, SharedText } from "./sharedText.ts";
import type { NamedAnswer, SaveFlags, StoredFile } from "./storedFile.ts";

export interface DocumentSettings {
  now: () => number;
  lockRefreshMs: number;
  autosaveIdleMs: number;
  /** Makes the page of a new file ready; undefined when this editor may not call its host. */
  openElsewhere: (url: string, from: EditorView) => EditorView | undefined;
  onEnded: (document: OpenDocument) => void;
}

const typingSaveMs = 5 * 60_000;
const expiryWarningMs = 5 * 60_000;

/** A document as its users share it: one copy, one lock, one storage conversation at a time. */
export class OpenDocument {
  readonly #file: StoredFile;
  readonly #settings: DocumentSettings;
  readonly #views = new Set<EditorView>();
  #joining = 0;
  #turn: Promise<unknown> = Promise.resolve();
  #ended: Promise<void> | undefined;
  #text: SharedText | undefined;
  #form: TextForm | undefined;
  #bytes: Buffer = Buffer.alloc(0);
  #lockRefusal: string | undefined;
  #lastWriter: EditorView | undefined;
  #savedRevision = 0;
  #conflict = false;
  #saving = false;
  #problem: string | undefined;
  #lastEditAtMs = 0;
  #unsavedSinceMs = 0;
  #lastTryAtMs = 0;
  #lockedAtMs = 0;

  constructor(file: StoredFile, settings: DocumentSettings) {
    this.#file = file;
    this.#settings = settings;
  }

  /** Present from the moment the last user has left; resolves when the host has heard the goodbye. */
  get ended(): Promise<void> | undefined {
    return this.#ended;
  }

  get #modified(): boolean {
    return this.#text !== undefined && this.#text.revision !== this.#savedRevision;
  }

  /** Lets a person in: the first one loads and locks, the others are only checked. */
  async join(view: EditorView): Promise<void> {
    this.#joining += 1;
    let cameTooLate = false;
    await this.#inTurn(async () => {
      cameTooLate = this.#ended !== undefined;
      if (!cameTooLate) await this.#admit(view);
      this.#joining -= 1;
    });
    if (this.#ended !== undefined) {
      // The document was closed for everybody meanwhile; the page asks again and opens it anew.
      if (this.#views.delete(view) || cameTooLate) view.send?.({ type: "reload", keepTyped: false });
      return;
    }
    if (view.send === undefined) await this.leave(view);
    if (this.#views.size === 0 && this.#joining === 0) await this.#end(true);
  }

  async leave(view: EditorView): Promise<void> {
    if (!this.#views.delete(view)) return;
    this.#announcePeople();
    if (this.#views.size === 0 && this.#joining === 0) await this.#end(true, view);
    else if (this.#modified && isWriter(view) && ![...this.#views].some(isWriter))
      await this.#inTurn(() => this.#store(view, { autosave: true }));
  }

  receive(view: EditorView, baseRevision: number, edits: readonly NumberedEdit[]): void {
    if (!this.#views.has(view) || this.#text === undefined || edits.length === 0) return;
    const accepted = this.#readOnly(view) === null ? this.#text.receive(view.number, baseRevision, edits) : undefined;
    if (accepted === undefined) {
      view.send?.({ type: "reload", keepTyped: this.#readOnly(view) === null });
      return;
    }
    const wasSaved = this.#text.revision - accepted.length === this.#savedRevision;
    this.#lastEditAtMs = this.#settings.now();
    this.#lastWriter = view;
    // Before the edits: a page that has all its letters confirmed would take itself for unmodified.
    if (wasSaved && accepted.length > 0) {
      this.#unsavedSinceMs = this.#lastEditAtMs;
      this.#announceState();
    }
    for (const { revision, edit, sequence } of accepted) {
      view.acceptedSequence = sequence;
      for (const each of this.#views) each.send?.({ type: "edit", revision, edit, own: each === view });
    }
  }

  save(view: EditorView, extendedData?: string): Promise<SaveResult> {
    return this.#inTurn(async () => {
      if (!this.#views.has(view) || this.#readOnly(view) !== null) return readOnlyResult;
      if (!this.#modified) return { success: true, result: "unmodified", errorMsg: "" };
      return this.#store(view, extendedData === undefined ? {} : { extendedData });
    });
  }

  /** Writes over what changed in storage. */
  overwrite(view: EditorView): Promise<SaveResult> {
    return this.#inTurn(async () => {
      if (!this.#views.has(view) || this.#readOnly(view) !== null) return readOnlyResult;
      return this.#store(view, { force: true });
    });
  }

  /** Drops everybody's unsaved work and lets all pages load what is stored. */
  async discard(view: EditorView): Promise<void> {
    if (!this.#views.has(view) || this.#readOnly(view) !== null) return;
    this.#tellAll({ type: "reload", keepTyped: false });
    this.#views.clear();
    await this.#end(false, view);
  }

  async saveAs(view: EditorView, name: string): Promise<SaveResult> {
    const answer = await this.#inTurn(async (): Promise<NamedAnswer> => {
      if (!this.#views.has(view) || view.info?.canSaveAs !== true)
        return { kind: "failed", errorMsg: "Save as is not allowed here" };
      return this.#file.putRelative(view, this.#currentBytes(), name);
    });
    if (answer.kind !== "done") {
      if (answer.kind === "conflict") this.#meetConflict();
      return { success: false, result: "Save failed", errorMsg: answer.errorMsg };
    }
    if (answer.url !== "") this.#move(view, answer.url);
    return { success: true, result: "", errorMsg: "", fileName: answer.name };
  }

  /** Saves, then renames, as real editors do. */
  async rename(view: EditorView, stem: string): Promise<void> {
    const answer = await this.#inTurn(async (): Promise<NamedAnswer> => {
      if (!this.#views.has(view) || view.info?.canRename !== true || this.#readOnly(view) !== null)
        return { kind: "failed", errorMsg: "renaming is not allowed here" };
      const saved = this.#modified ? await this.#store(view, {}) : undefined;
      if (saved?.success === false) return { kind: "failed", errorMsg: "the document could not be saved before" };
      return this.#file.rename(view, this.#currentBytes(), stem);
    });
    if (answer.kind === "conflict") this.#meetConflict();
    if (answer.kind !== "done") {
      view.send?.({ type: "notice", text: `Not renamed: ${answer.errorMsg}` });
      return;
    }
    const oldName = view.info?.fileName ?? "";
    const extension = /\.[^.]+$/.exec(oldName)?.[0] ?? "";
    const newName = answer.name || stem;
    for (const each of this.#views) if (each.info !== undefined) each.info.fileName = newName + extension;
    this.#tellAll({ type: "renamed", fileName: newName + extension, newName });
    if (answer.url !== "") this.#move(view, answer.url);
  }

  /** Asks again for the lock the host refused. */
  async tryLock(view: EditorView): Promise<void> {
    await this.#inTurn(async () => {
      if (!this.#views.has(view) || !isWriter(view) || this.#lockRefusal === undefined) return;
      await this.#lock(view);
      for (const each of this.#views) each.send?.({ type: "access", readOnly: this.#readOnly(each) });
    });
  }

  /** Does what the clock asks for: autosave, lock refresh, warnings of a token's end. */
  tick(): void {
    if (this.#text === undefined || this.#ended !== undefined) return;
    const now = this.#settings.now();
    for (const view of this.#views) this.#warnOfExpiry(view, now);
    const writer = this.#someWriter();
    if (writer === undefined) return;
    if (this.#autosaveIsDue(now)) {
      this.#lastTryAtMs = now;
      void this.#inTurn(async () => (this.#modified ? this.#store(writer, { autosave: true }) : undefined));
    }
    if (this.#file.lockHeld && now - this.#lockedAtMs >= this.#settings.lockRefreshMs) {
      this.#lockedAtMs = now;
      void this.#inTurn(() => this.#file.refreshLock(writer));
    }
  }

  /** The editor goes down: users are told, work is saved, the lock given back. */
  async shutDown(): Promise<void> {
    const by = this.#someWriter();
    this.#tellAll({ type: "closed", reason: "recycling" });
    this.#views.clear();
    await this.#end(true, by);
  }

  async #admit(view: EditorView): Promise<void> {
    const answer = await this.#file.checkFileInfo(view);
    if ("problem" in answer) {
      view.send?.({ type: "failed", reason: answer.problem });
      return;
    }
    const { info } = answer;
    view.info = info;
    view.send?.(infoMessage(view, info));
    if (info.supportsLocks) this.#file.expectLocks();
    if (this.#text !== undefined) {
      this.#views.add(view);
      this.#welcome(view);
      if (this.#file.movedOn(info.lastModifiedTime)) this.#meetConflict();
      return;
    }
    const loaded = await this.#file.load(view, info.lastModifiedTime);
    if ("problem" in loaded) {
      view.send?.({ type: "failed", reason: loaded.problem });
      return;
    }
    const plain = readPlainText(loaded);
    this.#bytes = loaded;
    this.#form = plain?.form;
    this.#text = new SharedText(plain?.text ?? "");
    if (info.supportsLocks && info.userCanWrite && plain !== undefined) await this.#lock(view);
    this.#lastWriter = view;
    this.#views.add(view);
    this.#welcome(view);
  }

  #welcome(view: EditorView): void {
    if (this.#text === undefined) return;
    view.send?.({ type: "access", readOnly: this.#readOnly(view) });
    view.send?.({
      type: "opened",
      text: this.#text.text,
      revision: this.#text.revision,
      acceptedSequence: view.acceptedSequence,
      epoch: view.epoch,
    });
    this.#announceState();
    this.#announcePeople();
    if (this.#conflict) view.send?.({ type: "conflict", open: true });
  }

  async #lock(view: EditorView): Promise<void> {
    this.#lockRefusal = await this.#file.lock(view);
    this.#lockedAtMs = this.#settings.now();
  }

  async #store(
    view: EditorView,
    { force = false, autosave = false, exitSave = false, extendedData }: StoreWish,
  ): Promise<SaveResult> {
    const revision = this.#text?.revision ?? 0;
    const flags: SaveFlags = {
      modifiedByUser: this.#modified,
      autosave,
      exitSave,
      force,
      ...(extendedData === undefined ? {} : { extendedData }),
    };
    this.#saving = true;
    this.#lastTryAtMs = this.#settings.now();
    this.#announceState();
    const answer = await this.#file.put(view, this.#currentBytes(), flags);
    this.#saving = false;
    if (answer.kind === "stored") {
      this.#savedRevision = revision;
      this.#unsavedSinceMs = this.#lastEditAtMs;
      this.#problem = undefined;
      view.expired = false;
      if (this.#conflict) this.#tellAll({ type: "conflict", open: false });
      this.#conflict = false;
    } else if (answer.kind === "expired") view.expired = true;
    else this.#problem = problemText(answer);
    this.#announceState();
    if (answer.kind === "conflict") this.#meetConflict();
    return saveResult(answer);
  }

  /** Unsaved work: everybody is asked what to do with it. Without, everybody is sent away to open it anew. */
  #meetConflict(): void {
    if (this.#modified) {
      this.#conflict = true;
      this.#tellAll({ type: "conflict", open: true });
      return;
    }
    const by = this.#someWriter();
    this.#tellAll({ type: "closed", reason: "documentconflict" });
    this.#views.clear();
    void this.#end(false, by);
  }

  #end(save: boolean, by?: EditorView): Promise<void> {
    const speaker = by !== undefined && isWriter(by) ? by : (this.#lastWriter ?? by);
    this.#ended ??= this.#inTurn(async () => {
      if (speaker !== undefined) {
        if (save && this.#modified) await this.#store(speaker, { exitSave: true });
        if (this.#file.lockHeld) await this.#file.unlock(speaker);
      }
      this.#settings.onEnded(this);
    });
    return this.#ended;
  }

  #move(view: EditorView, url: string): void {
    const moved = this.#settings.openElsewhere(url, view);
    if (moved !== undefined) view.send?.({ type: "moved", view: moved.id });
  }

  #readOnly(view: EditorView): ReadOnlyNotice | null {
    if (this.#form === undefined) return { reason: "This file is not UTF-8 text.", canTryAgain: false };
    if (!isWriter(view)) return { reason: "You may read this document, not change it.", canTryAgain: false };
    if (this.#lockRefusal !== undefined) {
      const reason = this.#lockRefusal === "" ? "The host gave no lock." : this.#lockRefusal;
      return { reason: `Read-only: ${reason}`, canTryAgain: true };
    }
    if (view.viewOnly) return { reason: "Opened for viewing.", canTryAgain: false };
    return null;
  }

  /** Somebody here whose token may still write; who typed last comes first. */
  #someWriter(): EditorView | undefined {
    const present = [...this.#views].filter((view) => isWriter(view) && !view.expired);
    return present.find((view) => view === this.#lastWriter) ?? present[0];
  }

  #autosaveIsDue(now: number): boolean {
    if (!this.#modified || this.#conflict || this.#saving) return false;
    const { autosaveIdleMs } = this.#settings;
    if (now - this.#lastTryAtMs < autosaveIdleMs) return false;
    return now - this.#lastEditAtMs >= autosaveIdleMs || now - this.#unsavedSinceMs >= typingSaveMs;
  }

  #warnOfExpiry(view: EditorView, now: number): void {
    const expiresAtMs = tokenExpiresAtMs(view);
    if (view.warnedOfExpiry || expiresAtMs === 0 || expiresAtMs - now > expiryWarningMs) return;
    view.warnedOfExpiry = true;
    view.send?.({ type: "tokenExpiring", expiresAtMs });
  }

  #currentBytes(): Buffer {
    if (this.#form === undefined || this.#text === undefined) return this.#bytes;
    return this.#text.revision === 0 ? this.#bytes : writePlainText({ text: this.#text.text, form: this.#form });
  }

  #announceState(): void {
    for (const view of this.#views) {
      const problem = view.expired ? "your session has expired" : (this.#problem ?? null);
      view.send?.({ type: "state", modified: this.#modified, saving: this.#saving, problem });
    }
  }

  #announcePeople(): void {
    const people = [...this.#views].map((view) => personOf(view, this.#readOnly(view) !== null));
    this.#tellAll({ type: "people", people });
  }

  #tellAll(message: ServerMessage): void {
    for (const view of this.#views) view.send?.(message);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

type StoreWish = Partial<Pick<SaveFlags, "force" | "autosave" | "exitSave">> & { extendedData?: string };
