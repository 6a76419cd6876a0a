import { type EditorView, newView, takeToken } from "./editorView.ts";
import type { Guise } from "./guises.ts";
import type { KeptCopies } from "./keptCopies.ts";
import type { PageCommand, SaveResult } from "./messages.ts";
import { type DocumentSettings, OpenDocument } from "./openDocument.ts";
import { askHostAtPage, lockIdOf } from "./pageOpening.ts";
import { StoredFile } from "./storedFile.ts";
import type { Caller, WopiClient } from "./wopiClient.ts";

export interface OpenDocumentsOptions {
  client: WopiClient;
  now: () => number;
  guise: Guise;
  lockRefreshMs: number;
  exitDelayMs: number;
  autosaveIdleMs: number;
  afterRefusedLock: "readOnly" | "writable";
  kept: KeptCopies;
  warn: (sentence: string) => void;
}

const forgetAfterMs = 15 * 60_000;
// A leaving page's last words travel on another connection than the one that breaks.
const lastWordsMs = 300;

/** Every view and every open document of the editor. */
export class OpenDocuments {
  readonly #options: OpenDocumentsOptions;
  readonly #documents = new Map<string, OpenDocument>();
  readonly #views = new Map<string, EditorView>();
  readonly #leaving = new Map<EditorView, NodeJS.Timeout>();
  #nextViewNumber = 1;
  #over = false;

  constructor(options: OpenDocumentsOptions) {
    this.#options = options;
  }

  /** How many documents are open, those included whose last save is still to come. */
  get count(): number {
    return this.#documents.size;
  }

  /** @returns undefined when this editor may not call the host */
  addView(caller: Caller, wish: { viewOnly: boolean; savesMeanwhile?: boolean }): EditorView | undefined {
    if (this.#over || !this.#options.client.mayCall(caller.wopiSrc)) return undefined;
    const { viewOnly, savesMeanwhile = this.#options.guise.savesMeanwhile } = wish;
    const view = newView(this.#nextViewNumber++, caller, { viewOnly, savesMeanwhile });
    view.leftAtMs = this.#options.now();
    this.#views.set(view.id, view);
    return view;
  }

  /** What this editor asks its host before the page is sent, let alone connected. */
  async prepare(view: EditorView): Promise<void> {
    if (this.#options.guise.asksHostAtPage) await askHostAtPage(this.#file(view), view);
  }

  /** Makes a file of a new format beside an old one. @returns where the host edits it, or why there is none */
  async convert(view: EditorView, extension: string): Promise<{ hostEditUrl: string } | { problem: string }> {
    this.#views.delete(view.id);
    const file = this.#file(view);
    const answer = await file.checkFileInfo(view);
    if ("problem" in answer) return answer;
    const bytes = await file.load(view, answer.info);
    return "problem" in bytes ? bytes : file.putConverted(view, bytes, extension);
  }

  view(id: string): EditorView | undefined {
    return this.#views.get(id);
  }

  /** The page began to listen. One that listens anew after a drop left in between. */
  async arrive(view: EditorView, send: NonNullable<EditorView["send"]>): Promise<void> {
    const before = view.send !== undefined || this.#leaving.has(view);
    view.send = send;
    view.epoch += 1;
    if (before) await this.#leave(view);
    delete view.leftAtMs;
    while (!this.#over && view.send === send) {
      const open = this.#documents.get(view.documentKey);
      const isAsked = view.info !== undefined || view.problem !== undefined;
      // What was asked as the page was posted has served one opening.
      if (open === undefined && (view.epoch > 1 || !isAsked)) await this.prepare(view);
      if (open?.ended === undefined) return this.#opened(view).join(view);
      await open.ended;
    }
  }

  /** The page stopped listening: it left, or the connection dropped. */
  drop(view: EditorView, send: EditorView["send"]): void {
    if (this.#over || view.send !== send) return;
    view.send = undefined;
    this.#leaving.set(
      view,
      setTimeout(() => void this.#leave(view), lastWordsMs),
    );
  }

  /** @returns an outcome only for the commands that have one */
  async obey(view: EditorView, wanted: PageCommand): Promise<SaveResult | undefined> {
    const document = this.#documents.get(view.documentKey);
    if (wanted.command === "token") {
      const wasExpired = takeToken(
        view,
        wanted.accessToken,
        wanted.expiresAtMs,
        this.#options.guise.renewalMovesExpiry,
      );
      // What the old token could not save is tried again.
      if (wasExpired) await document?.save(view);
      return undefined;
    }
    if (document === undefined || this.#over) return undefined;
    switch (wanted.command) {
      case "edit":
        if (wanted.epoch === view.epoch) document.receive(view, wanted.baseRevision, wanted.edits);
        return undefined;
      case "leave":
        if (wanted.epoch !== view.epoch) return undefined;
        document.receive(view, wanted.baseRevision, wanted.edits);
        view.send = undefined;
        await this.#leave(view);
        return undefined;
      case "save":
        return document.save(view, wanted.extendedData);
      case "overwrite":
        return document.overwrite(view);
      case "saveAs":
        return document.saveAs(view, wanted.name);
      case "discard":
        await document.discard(view);
        return undefined;
      case "rename":
        await document.rename(view, wanted.name);
        return undefined;
      case "picture":
        return this.#options.client.picture(view.wopiSrc, wanted.url);
      case "comment":
        return document.comment(view, wanted);
      case "removeComment":
        return document.removeComment(view, wanted.kept);
      case "tryLock":
        await document.tryLock(view);
        return undefined;
    }
  }

  tick(): void {
    if (this.#over) return;
    for (const document of this.#documents.values()) document.tick();
    const now = this.#options.now();
    for (const [id, { leftAtMs }] of this.#views)
      if (leftAtMs !== undefined && now - leftAtMs > forgetAfterMs) this.#views.delete(id);
  }

  /** Every document is saved and unlocked. */
  async shutDown(): Promise<void> {
    this.#over = true;
    for (const view of [...this.#leaving.keys()]) void this.#leave(view);
    await Promise.all([...this.#documents.values()].map((document) => document.shutDown()));
    this.forgetAll();
  }

  /** Nothing is said to anybody any more. */
  forgetAll(): void {
    this.#over = true;
    for (const timer of this.#leaving.values()) clearTimeout(timer);
    this.#leaving.clear();
    this.#documents.clear();
    this.#views.clear();
  }

  async #leave(view: EditorView): Promise<void> {
    clearTimeout(this.#leaving.get(view));
    this.#leaving.delete(view);
    view.leftAtMs = this.#options.now();
    await this.#documents.get(view.documentKey)?.leave(view);
  }

  /** The document of a view's key; opened when it is not yet. */
  #opened(view: EditorView): OpenDocument {
    const { documentKey } = view;
    const open = this.#documents.get(documentKey);
    if (open !== undefined) return open;
    const settings: DocumentSettings = {
      ...this.#options,
      openElsewhere: (url, from) => this.#viewOf(url, from),
      onEnded: (ended) => {
        if (this.#documents.get(documentKey) === ended) this.#documents.delete(documentKey);
      },
    };
    const document = new OpenDocument(this.#file(view), settings);
    this.#documents.set(documentKey, document);
    return document;
  }

  #file(view: EditorView): StoredFile {
    const { client, guise, warn } = this.#options;
    return new StoredFile({ client, guise, lockId: lockIdOf(guise, view), warn });
  }

  /** The page of a file the host just named: its token is taken out of the address's query. */
  #viewOf(url: string, from: EditorView): EditorView | undefined {
    if (!URL.canParse(url)) return undefined;
    const [wopiSrc = ""] = url.split("?");
    const given = new URL(url).searchParams;
    const caller: Caller = {
      wopiSrc,
      accessToken: given.get("access_token") ?? "",
      accessTokenTtl: given.get("access_token_ttl") ?? "",
      frameParameters: from.frameParameters,
    };
    return this.addView(caller, { viewOnly: from.viewOnly, savesMeanwhile: from.savesMeanwhile });
  }
}
