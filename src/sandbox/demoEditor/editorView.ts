import { randomBytes } from "node:crypto";
import type { Guise, HostButton } from "./guises.ts";
import type { FileInfo } from "./hostAnswers.ts";
import type { Person, ServerMessage } from "./messages.ts";
import type { Caller } from "./wopiClient.ts";

/** One person's page on one document. */
export interface EditorView extends Caller {
  /** Credential of the page towards this server; never shown to anybody else. */
  readonly id: string;
  /** The ViewId everybody sees. */
  readonly number: number;
  /** Opened for viewing by the page's address; the host may still let this person write. */
  viewOnly: boolean;
  /** Views of one key share one text. */
  documentKey: string;
  /** Under which key the editor keeps this document's exit saves, if it does. */
  keptKey?: string;
  /** The end that "your session expires" counts down to; 0 when nobody said. */
  expiresAtMs: number;
  info?: FileInfo;
  /** Why the host's answers, asked as the page was posted, let nothing open. */
  problem?: string;
  /** The lock was asked for as the page was posted: whether the host gave it, or why not. */
  lockAtPage?: { isHeld: true } | { isHeld: false; reason: string };
  /** Save reaches the host. */
  savesMeanwhile: boolean;
  /** The host refused this person's token at a save. */
  expired: boolean;
  warnedOfExpiry: boolean;
  acceptedSequence: number;
  /** Counts how often the page began to listen. */
  epoch: number;
  leftAtMs?: number;
  /** Present while the page listens. */
  send?: ((message: ServerMessage) => void) | undefined;
}

export function newView(
  number: number,
  caller: Caller,
  wish: { viewOnly: boolean; savesMeanwhile: boolean },
): EditorView {
  const { wopiSrc, accessToken, accessTokenTtl, frameParameters } = caller;
  return {
    wopiSrc,
    accessToken,
    accessTokenTtl,
    frameParameters,
    id: randomBytes(18).toString("base64url"),
    number,
    ...wish,
    documentKey: new URL(wopiSrc).pathname,
    expiresAtMs: momentOf(accessTokenTtl),
    expired: false,
    warnedOfExpiry: false,
    acceptedSequence: 0,
    epoch: 0,
  };
}

/** Gives a view a fresh token; answers whether the host had refused the old one. */
export function takeToken(view: EditorView, accessToken: string, expiresAtMs: number, movesExpiry: boolean): boolean {
  const wasExpired = view.expired;
  view.accessToken = accessToken;
  view.accessTokenTtl = String(expiresAtMs);
  view.expired = false;
  if (movesExpiry) {
    view.expiresAtMs = expiresAtMs;
    view.warnedOfExpiry = false;
  }
  return wasExpired;
}

/** Whether the host lets this person change the text. */
export function mayType(view: EditorView): boolean {
  return view.info?.userCanWrite === true;
}

/** Whether the host takes saves from this person: a comment is written into the file too. */
export function isWriter(view: EditorView): boolean {
  return mayType(view) || view.info?.trueFlags.includes("UserCanOnlyComment") === true;
}

function momentOf(accessTokenTtl: string): number {
  const moment = Number(accessTokenTtl);
  return Number.isFinite(moment) && moment > 0 ? moment : 0;
}

export function personOf(view: EditorView, readOnly: boolean): Person {
  return {
    ViewId: view.number,
    UserId: view.info?.userId ?? "",
    UserName: view.info?.userName ?? "",
    Color: view.number % 8,
    ReadOnly: readOnly,
  };
}

/** What a page is told of its file before the text arrives. */
export function infoMessage(view: EditorView, info: FileInfo, guise: Guise): ServerMessage {
  return {
    type: "info",
    viewNumber: view.number,
    fileName: info.shownName,
    postMessageOrigin: info.postMessageOrigin,
    canSaveAs: info.canSaveAs,
    canRename: info.canRename,
    hidesSave: info.hidesSave,
    enableShare: info.enableShare,
    saveAsByMessage: guise.page.asksHostForName || info.saveAsByMessage,
    closesByMessage: info.closesByMessage,
    notesEdits: info.notesEdits,
    host: guise.page,
    buttons: guise.page.buttons.filter(({ property }) => isOffered(property, info)),
  };
}

function isOffered(property: HostButton["property"], info: FileInfo): boolean {
  return property === undefined || info.trueFlags.includes(property);
}
