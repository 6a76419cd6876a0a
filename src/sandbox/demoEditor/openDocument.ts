import { keptMark, lettersStart } from "./browser/documentMarkup.js";
import type { Edit } from "./browser/textOperation.js";
import { DocumentSaves } from "./documentSaves.ts";
import { DocumentText } from "./documentText.ts";
import { DocumentViews } from "./documentViews.ts";
import { type EditorView, infoMessage, isWriter, mayType, personOf } from "./editorView.ts";
import type { Guise } from "./guises.ts";
import type { FileInfo } from "./hostAnswers.ts";
import type { KeptCopies } from "./keptCopies.ts";
import type { ReadOnlyNotice, SaveResult, ServerMessage } from "./messages.ts";
import { mayComment, readOnlyNotice } from "./readOnlyNotice.ts";
import { readOnlyResult, swallowedResult } from "./saveResult.ts";
import type { NumberedEdit } from "./sharedText.ts";
import type { NamedAnswer, StoredFile } from "./storedFile.ts";

export interface DocumentSettings {
  now: () => number;
  guise: Guise;
  lockRefreshMs: number;
  /** From the last user's leaving to the last save; who comes meanwhile goes on in the same document. */
  exitDelayMs: number;
  autosaveIdleMs: number;
  /** What is typed under a lock that the host refused. */
  afterRefusedLock: "readOnly" | "writable";
  kept: KeptCopies;
  /** Makes the page of a new file ready; undefined when this editor may not call its host. */
  openElsewhere: (url: string, from: EditorView) => EditorView | undefined;
  onEnded: (document: OpenDocument) => void;
}

const expiryWarningMs = 5 * 60_000;

/** A document as its users share it: one copy, one lock, one storage conversation at a time. */
export class OpenDocument {
  readonly #file: StoredFile;
  readonly #settings: DocumentSettings;
  readonly #views = new DocumentViews();
  readonly #saves: DocumentSaves;
  #joining = 0;
  #turn: Promise<unknown> = Promise.resolve();
  #ended: Promise<void> | undefined;
  #text: DocumentText | undefined;
  #lockRefusal: string | undefined;
  #lastWriter: EditorView | undefined;
  #lockedAtMs = 0;
  /** User ids, by the comments that were made since the document was opened. */
  readonly #commenters = new Map<number, string>();
  #leftBy: { view: EditorView; atMs: number } | undefined;

  constructor(file: StoredFile, settings: DocumentSettings) {
    this.#file = file;
    this.#settings = settings;
    this.#saves = new DocumentSaves({
      ...settings,
      file,
      views: this.#views,
      onConflict: () => this.#meetConflict(),
    });
  }

  /** Present from the moment the last user has left; resolves when the host has heard the goodbye. */
  get ended(): Promise<void> | undefined {
    return this.#ended;
  }

  get #revision(): number {
    return this.#text?.shared.revision ?? 0;
  }

  get #isEditable(): boolean {
    return this.#text !== undefined && this.#text.problem === undefined;
  }

  /** Lets a person in: the first one loads and locks, the others are only checked. */
  async join(view: EditorView): Promise<void> {
    this.#joining += 1;
    this.#leftBy = undefined;
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
    if (this.#views.size === 0 && this.#joining === 0) {
      if (this.#settings.exitDelayMs > 0) this.#leftBy = { view, atMs: this.#settings.now() };
      else await this.#end(true, view);
    } else if (
      this.#saves.isUnstored &&
      this.#settings.guise.savesMeanwhile &&
      isWriter(view) &&
      !this.#views.hasWriter()
    )
      await this.#inTurn(() => this.#saves.store(view, { autosave: true }));
  }

  receive(view: EditorView, baseRevision: number, edits: readonly NumberedEdit[]): void {
    if (!this.#views.has(view) || this.#text === undefined || edits.length === 0) return;
    const mayWrite = this.#readOnly(view) === null;
    const accepted = mayWrite ? this.#text.shared.receive(view.number, baseRevision, edits) : undefined;
    if (accepted === undefined) {
      view.send?.({ type: "reload", keepTyped: mayWrite });
      return;
    }
    this.#lastWriter = view;
    // Before the edits: a page that has all its letters confirmed would take itself for unmodified.
    this.#saves.edited(view, accepted.length);
    for (const { revision, edit, sequence } of accepted) {
      view.acceptedSequence = sequence;
      for (const each of this.#views) each.send?.({ type: "edit", revision, edit, own: each === view });
    }
  }

  /**
   * Puts a comment into the text. `place` is one in the text as it was at `baseRevision`.
   * @returns why not, when the person may not or the text is too far ahead
   */
  comment(view: EditorView, comment: { text: string; place: number; baseRevision: number }): SaveResult {
    const shared = this.#text?.shared;
    const place = shared?.placeNow(comment.baseRevision, comment.place);
    if (shared === undefined || place === undefined) return notDone("the text is another one by now");
    const at = new Date(this.#settings.now()).toISOString().replace(/\.\d+Z$/, "Z");
    const look = { author: view.info?.userName ?? "", at, text: comment.text };
    const kept = this.#mayComment(view) ? this.#text?.comment(look) : undefined;
    if (kept === undefined) return notDone("commenting is not possible here");
    for (const each of this.#views) each.send?.({ type: "comment", kept, look, own: each === view });
    this.#commenters.set(kept, view.info?.userId ?? "");
    // Whatever a page says, a comment changes nothing of the text, nor of what stands before it.
    return this.#change(view, { position: lettersStart(shared.text, place), deleted: 0, inserted: keptMark(kept) });
  }

  /** Takes a comment away: somebody's own, or any for whoever may type. */
  removeComment(view: EditorView, kept: number): SaveResult {
    const isOwn = this.#commenters.get(kept) === (view.info?.userId ?? "");
    const may = this.#readOnly(view) === null || (isOwn && this.#mayComment(view));
    const position = this.#text?.shared.text.indexOf(keptMark(kept)) ?? -1;
    const isComment = this.#text?.form.kind === "document" && this.#text.form.kept[kept]?.what === "comment";
    if (!may || position < 0 || !isComment) return notDone("it can't be removed");
    return this.#change(view, { position, deleted: keptMark(kept).length, inserted: "" });
  }

  /** An edit that no page made, for everybody. */
  #change(view: EditorView, edit: Edit): SaveResult {
    const made = this.#views.has(view) ? this.#text?.shared.change(edit) : undefined;
    if (made === undefined) return notDone("the document is closed");
    if (mayType(view)) this.#lastWriter = view;
    this.#saves.edited(view, 1);
    for (const each of this.#views) each.send?.({ type: "edit", ...made, own: false });
    return { success: true, result: "", errorMsg: "" };
  }

  #mayComment(view: EditorView): boolean {
    return this.#views.has(view) && this.#text?.takesComments === true && mayComment(view, this.#state);
  }

  save(view: EditorView, extendedData?: string): Promise<SaveResult> {
    return this.#inTurn(async () => {
      if (!this.#views.has(view) || (this.#readOnly(view) !== null && !this.#mayComment(view))) return readOnlyResult;
      // What it says of a save that stays in its own cache.
      if (!view.savesMeanwhile) return swallowedResult;
      if (!this.#saves.isUnstored) return { success: true, result: "unmodified", errorMsg: "" };
      return this.#saves.store(view, extendedData === undefined ? {} : { extendedData });
    });
  }

  /** Writes over what changed in storage. */
  overwrite(view: EditorView): Promise<SaveResult> {
    return this.#inTurn(async () => {
      if (!this.#views.has(view) || this.#readOnly(view) !== null) return readOnlyResult;
      return this.#saves.store(view, { force: true });
    });
  }

  /** Drops everybody's unsaved work and lets all pages load what is stored. */
  async discard(view: EditorView): Promise<void> {
    if (!this.#views.has(view) || this.#readOnly(view) !== null) return;
    this.#views.sendAway({ type: "reload", keepTyped: false });
    await this.#end(false, view);
  }

  async saveAs(view: EditorView, name: string): Promise<SaveResult> {
    const answer = await this.#inTurn(async (): Promise<NamedAnswer> => {
      if (!this.#views.has(view) || view.info?.canSaveAs !== true)
        return { kind: "failed", errorMsg: "Save as is not allowed here" };
      return this.#file.putRelative(view, this.#saves.bytes(), name);
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
      const saved = this.#saves.isUnstored && view.savesMeanwhile ? await this.#saves.store(view, {}) : undefined;
      if (saved?.success === false) return { kind: "failed", errorMsg: "the document could not be saved before" };
      return this.#file.rename(view, this.#saves.bytes(), stem);
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
    for (const each of this.#settings.guise.tellsRenameTo === "asker" ? [view] : this.#views)
      each.send?.({ type: "renamed", fileName: newName + extension, newName });
    if (answer.url !== "") this.#move(view, answer.url);
  }

  /** Asks again for the lock the host refused. */
  async tryLock(view: EditorView): Promise<void> {
    await this.#inTurn(async () => {
      if (!this.#views.has(view) || !isWriter(view) || this.#lockRefusal === undefined) return;
      await this.#lock(view);
      for (const each of this.#views) each.send?.(this.#access(each));
    });
  }

  /** Does what the clock asks for: autosave, further tries, lock refresh, warnings of a token's end. */
  tick(): void {
    const now = this.#settings.now();
    this.#saves.retryExitSave(now);
    if (this.#leftBy !== undefined && now - this.#leftBy.atMs >= this.#settings.exitDelayMs)
      void this.#end(true, this.#leftBy.view);
    if (this.#text === undefined || this.#ended !== undefined) return;
    for (const view of this.#views) this.#warnOfExpiry(view, now);
    this.#refreshLock(now);
    const writer = this.#views.someWriter(this.#lastWriter);
    const wish = this.#saves.due(now);
    if (writer === undefined || wish === undefined) return;
    this.#saves.postpone(now);
    void this.#inTurn(async () => (this.#saves.isUnstored ? this.#saves.store(writer, wish) : undefined));
  }

  /** The editor goes down: users are told, work is saved, the lock given back. */
  async shutDown(): Promise<void> {
    const by = this.#views.someWriter(this.#lastWriter) ?? this.#leftBy?.view;
    this.#views.sendAway({ type: "closed", reason: "recycling" });
    this.#saves.goDown();
    await this.#end(true, by);
  }

  async #admit(view: EditorView): Promise<void> {
    if (!this.#settings.guise.asksHostAtPage) {
      const answer = await this.#file.checkFileInfo(view);
      if ("problem" in answer) view.problem = answer.problem;
      else {
        view.info = answer.info;
        delete view.problem;
      }
    }
    const { info } = view;
    if (view.problem !== undefined || info === undefined) {
      view.send?.({ type: "failed", reason: view.problem ?? "" });
      return;
    }
    view.send?.(infoMessage(view, info, this.#settings.guise));
    if (info.supportsLocks) this.#file.expectLocks();
    if (view.lockAtPage?.isHeld) this.#foundLocked();
    if (this.#text !== undefined) {
      this.#views.add(view);
      this.#welcome(view);
      if (this.#settings.guise.tellsRefusals && this.#file.movedOn(info.lastModifiedTime)) this.#meetConflict();
      return;
    }
    const problem = await this.#load(view, info);
    if (problem !== undefined) {
      view.send?.({ type: "failed", reason: problem });
      return;
    }
    const mayLock = info.supportsLocks && isWriter(view) && this.#isEditable;
    if (mayLock && !this.#settings.guise.asksHostAtPage) await this.#lock(view);
    this.#lastWriter = view;
    this.#views.add(view);
    this.#welcome(view);
  }

  /** @returns why there is nothing to show */
  async #load(view: EditorView, info: FileInfo): Promise<string | undefined> {
    const kept = view.keptKey === undefined ? undefined : this.#settings.kept.of(view.keptKey);
    if (kept !== undefined) {
      this.#file.heardTime(info.lastModifiedTime);
      this.#text = new DocumentText(kept.bytes, info.fileName);
      this.#saves.opened(this.#text, kept.isForgotten && this.#readOnly(view) === null);
      return undefined;
    }
    const loaded = await this.#file.load(view, info);
    if ("problem" in loaded) return loaded.problem;
    this.#text = new DocumentText(loaded, info.fileName);
    this.#saves.opened(this.#text, false);
    return undefined;
  }

  #welcome(view: EditorView): void {
    if (this.#text === undefined) return;
    view.send?.(this.#access(view));
    view.send?.({
      type: "opened",
      form: this.#text.form,
      text: this.#text.shared.text,
      revision: this.#revision,
      acceptedSequence: view.acceptedSequence,
      epoch: view.epoch,
    });
    this.#saves.announce();
    this.#announcePeople();
    if (this.#saves.isConflictOpen) view.send?.({ type: "conflict", open: true });
  }

  async #lock(view: EditorView): Promise<void> {
    this.#lockRefusal = await this.#file.lock(view);
    this.#lockedAtMs = this.#settings.now();
  }

  #foundLocked(): void {
    this.#file.foundLocked();
    this.#lockedAtMs = this.#settings.now();
  }

  #refreshLock(now: number): void {
    if (!this.#file.lockHeld || now - this.#lockedAtMs < this.#settings.lockRefreshMs) return;
    const { refreshesLockAs } = this.#settings.guise;
    const by =
      refreshesLockAs === "newestJoiner" ? this.#views.newestWriter() : this.#views.someWriter(this.#lastWriter);
    if (by === undefined) return;
    this.#lockedAtMs = now;
    void this.#inTurn(() => this.#file.refreshLock(by));
  }

  /** Unsaved work: everybody is asked what to do with it. Without, everybody is sent away to open it anew. */
  #meetConflict(): void {
    if (this.#saves.isUnstored) {
      this.#saves.openConflict();
      return;
    }
    const by = this.#views.someWriter(this.#lastWriter);
    this.#views.sendAway({ type: "closed", reason: "documentconflict" });
    void this.#end(false, by);
  }

  #end(save: boolean, by?: EditorView): Promise<void> {
    const speaker = by !== undefined && isWriter(by) ? by : (this.#lastWriter ?? by);
    this.#ended ??= this.#inTurn(async () => {
      if (speaker !== undefined) {
        if (save && this.#saves.isUnstored) await this.#saves.storeAtExit(speaker);
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
    return readOnlyNotice(view, this.#state);
  }

  get #state(): Parameters<typeof readOnlyNotice>[1] {
    const isUnlockedWritable = this.#settings.afterRefusedLock === "writable";
    return { problem: this.#text?.problem, lockRefusal: isUnlockedWritable ? undefined : this.#lockRefusal };
  }

  #access(view: EditorView): ServerMessage {
    return { type: "access", readOnly: this.#readOnly(view), mayComment: this.#mayComment(view) };
  }

  #warnOfExpiry(view: EditorView, now: number): void {
    const { expiresAtMs } = view;
    if (view.warnedOfExpiry || expiresAtMs === 0 || expiresAtMs - now > expiryWarningMs) return;
    view.warnedOfExpiry = true;
    view.send?.({ type: "tokenExpiring", expiresAtMs });
  }

  #announcePeople(): void {
    const people = [...this.#views].map((view) => personOf(view, this.#readOnly(view) !== null));
    this.#views.tell({ type: "people", people });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

function notDone(errorMsg: string): SaveResult {
  return { success: false, result: "", errorMsg };
}
