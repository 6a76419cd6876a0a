// The page around the editor. Exchanges messages only with the editor's exact origin, a listed portal's, and the
// bridge.

import { ownKind } from "../../words/language.ts";
import type { AnsweredMessage, HostMessage } from "../editorMessages.ts";
import type { HostPageStatus, ScriptFacts } from "../pageMessages.ts";
import { accessAsking } from "./askAccess.ts";
import { bridgeCalls } from "./bridgeCalls.ts";
import { editorComingUp } from "./comingUp.ts";
import { sessionEnd } from "./end.ts";
import { happenings } from "./happenings.ts";
import { isLineHidden, placeOf, wishIn } from "./linePlace.ts";
import { newFileNews } from "./newFileNews.ts";
import { newsNotices } from "./news.ts";
import { noteIn } from "./note.ts";
import { noticeLine } from "./noticeLine.ts";
import { part } from "./part.ts";
import { peopleHere } from "./people.ts";
import { pictureDialog } from "./pictureDialog.ts";
import { statusPolling } from "./polling.ts";
import { portalTalk } from "./portal.ts";
import {
  decodedName,
  hasArrived,
  hasFailed,
  mayReloadEditor,
  movedBy,
  nameAfterRename,
  reopenPath,
  type UnsavedWork,
  unsavedAfterEnd,
  unsavedAfterWord,
} from "./rules.ts";
import { saveAsDialog } from "./saveAsDialog.ts";
import { meaningOf, type SaveResponse } from "./saveResponse.ts";
import { type SaveAnswer, saveRequests } from "./saving.ts";
import {
  afterStop,
  ending,
  fill,
  isKept,
  isLocked,
  isNotUp,
  type PageState,
  retryOf,
  timeSpelling,
  toldLine,
  whyNotUp,
} from "./statusLine.ts";
import { type PageToken, tokenKeeper } from "./token.ts";
import { type Way, wayBackFrom } from "./wayBack.ts";

const facts: ScriptFacts = JSON.parse(part("#facts", HTMLScriptElement).text);
const { words } = facts;
const pageUrl = `${facts.bridgeUrl}/edit/${facts.pageKey}`;
const { ask: askBridge, sayClosed } = bridgeCalls(pageUrl);
const lineBox = part("#line", HTMLDivElement);
const line = part("#status", HTMLParagraphElement);
const notice = noticeLine(part("#notice", HTMLDivElement), words.dismiss);
const retry = part("#try-again", HTMLButtonElement);
const download = part("#download-changes", HTMLAnchorElement);
const takeOver = part("#take-over", HTMLAnchorElement);
const openCopy = part("#open-copy", HTMLAnchorElement);
const ownTab = part("#own-tab", HTMLAnchorElement);
const holder = part("#frame-holder", HTMLElement);
const showNote = noteIn(holder);
const form = part("#editor-form", HTMLFormElement);
const tokenField = part("[name=access_token]", HTMLInputElement);
const tokenEndField = part("[name=access_token_ttl]", HTMLInputElement);
const clockDriftMs = 5000;
/** Nobody waits longer than this for a document to close. */
const lastSaveWithinMs = 2000;

type State = Omit<PageState, "isSaving" | "waitedMs" | "nowMs" | "tokenEndsAtMs" | "canRenew">;
const state: { -readonly [Name in keyof State]: State[Name] } & { openedAtMs: number } = {
  phase: "loading",
  isEditorHeard: false,
  editorOrigin: facts.editorOrigin,
  bridgeUrl: facts.bridgeUrl,
  fileName: facts.fileName,
  permission: facts.permission,
  isOwner: facts.mayShare,
  status: undefined,
  isModified: false,
  isOffline: !navigator.onLine,
  ended: undefined,
  endedAtMs: Number.POSITIVE_INFINITY,
  wasModified: false,
  waitsForCopy: false,
  openedAtMs: Date.now(),
  notSavedSinceMs: undefined,
  waitsForSave: false,
};
let frame: HTMLIFrameElement;
let loadingSince = performance.now();
/** The bridge's clock may differ from this machine's. */
let clockOffsetMs = 0;
const bridgeNow = (): number => Date.now() + clockOffsetMs;

// The status line.

const spell = timeSpelling(ownKind(facts.language, navigator.languages), bridgeNow);

const pageState = (): PageState => ({
  ...state,
  isSaving: saving.isWaiting(),
  waitedMs: performance.now() - loadingSince,
  nowMs: bridgeNow(),
  tokenEndsAtMs: token.endsAtMs,
  canRenew: renewals.canRenew(),
});

function show(): void {
  const said = toldLine(pageState(), words, spell);
  const { tone, text } = said;
  if (isOver()) for (const dialog of [saveAs, pictures]) dialog?.cancel();
  // The end of a session is shown in large type; the line remains for screen readers.
  line.className = state.phase === "ended" ? "heard" : tone;
  // A screen reader reads the line each time it is written, even when the text is the same.
  if (line.textContent !== text) line.textContent = text;
  retry.hidden = retryOf(pageState(), facts.savesWhenTold) === undefined;
  download.hidden = !facts.mayShare || !isKept(state);
  takeOver.hidden = !facts.mayShare || !isLocked(state);
  openCopy.hidden = state.status?.copy_opens !== true || state.phase !== "loaded" || state.ended !== undefined;
  ownTab.hidden = parent === window || !isNotUp(pageState());
  const isTold = said.toldAs !== "saveFailed" || state.status?.not_saved?.at === happened.failedAtMs();
  lineBox.hidden = isLineHidden(linePlace, said, isTold ? portalListens : nothing);
  const code = whyNotUp(pageState());
  if (code !== undefined && code !== toldNotUp) portal.tell("failed", { code });
  toldNotUp = code;
}

// A portal of today's embed.js says it again, and what it listens to, once it has greeted.
let linePlace = parent === window ? "top" : wishIn(location.hash);
const nothing: ReadonlySet<string> = new Set();
let portalListens = nothing;

function arrange(place: typeof linePlace): void {
  linePlace = place;
  document.body.dataset["line"] = place;
}
arrange(linePlace);

const people = peopleHere(words, spell);
const news = newsNotices(part("#news", HTMLDivElement), words);

/** The last reason told to the portal, until the editor is up. */
let toldNotUp: ReturnType<typeof whyNotUp>;

function tryAgain(): void {
  const what = retryOf(pageState(), facts.savesWhenTold);
  if (what === "editor") openEditor();
  if (what === "save") void saving.ask();
  state.isOffline = !navigator.onLine;
  show();
  polling.now();
}
retry.addEventListener("click", tryAgain);

// What the bridge reports.

/** When the bridge last confirmed the session. */
let aliveAtMs = Date.now();
const happened = happenings({ tellPortal: (name, detail) => portal.tell(name, detail), renamed: setName });

const polling = statusPolling({
  ask: () => askBridge("status", "GET"),
  isBusy: () =>
    state.phase === "loading" ||
    state.isModified ||
    state.waitsForCopy ||
    saving.isWaiting() ||
    newFile.isWaiting() ||
    access.isWaiting() ||
    (state.status?.saving_since ?? null) !== null,
  took: takeStatus,
  ended: end,
  reached: (isReached) => {
    state.isOffline = !isReached;
    show();
  },
});

function takeStatus(status: HostPageStatus): void {
  const driftMs = status.now - bridgeNow();
  const wasSet = Math.abs(driftMs) > clockDriftMs;
  clockOffsetMs += driftMs;
  if (state.status === undefined) {
    if (unsaved !== undefined) unsaved = movedBy(driftMs, unsaved);
    state.openedAtMs = status.now - performance.now();
    happened.beginAt(state.openedAtMs);
    if (!token.isRenewed) token.gotAtMs = state.openedAtMs;
  }
  // The first answer shows how wrong this machine's clock is; later ones, that somebody has set it.
  if (wasSet) renewals.plan();
  state.status = status;
  happened.took(status);
  const { not_saved: failed } = status;
  if (failed === null || failed.kept_in === "copy") state.notSavedSinceMs = undefined;
  else state.notSavedSinceMs ??= failed.at;
  news.took(status);
  const present = people.took(status);
  if (present !== undefined) portal.tell("presence", { people: present });
  newFile.took(status, state.openedAtMs);
  access.took(status);
  if (unsaved !== undefined && hasArrived(unsaved, status)) setUnsaved(undefined);
  reloadEditorOnceSaved();
  if (status.editor_stopped) stopped();
  if (status.ended !== null) end(status.ended);
  else if (state.permission === "edit" && status.permission === "view") end("lostEditing");
  else aliveAtMs = status.now;
}

/** Asks like the poll, for a caller that waits for the answer. */
async function look(): Promise<void> {
  try {
    const answered = await askBridge("status", "GET");
    if (answered.ok && !isClosedTold) takeStatus(await answered.json());
  } catch {
    // The poll continues by itself.
  }
}

/** The editor's server died: the frame shows a document that nobody has any more. */
function stopped(): void {
  if (state.phase === "closed" || state.phase === "stopped" || state.ended !== undefined) return;
  state.phase = "stopped";
  saving.answered({ success: false, errorMsg: "editorStopped" });
  setUnsaved(undefined);
  frame.remove();
  // Its lock is given up once nobody has the document open in it.
  sayClosed();
  const again = () => (isReopenable ? location.reload() : openAgain());
  showNote({
    title: words.editorStopped,
    text: afterStop(pageState(), words, spell),
    button: { label: words.openAgain, act: again },
  });
}

function openAgain(): void {
  holder.replaceChildren();
  openEditor();
  show();
  polling.now();
}

const access = accessAsking({
  words,
  mayAsk: facts.mayAskToEdit,
  hasName: facts.hasName,
  isReopenable: () => isReopenable,
  ask: (name) => askBridge("ask", "POST", { name }),
  look: () => polling.now(),
});

// The end.

function end(reason: NonNullable<State["ended"]>): void {
  // Somebody who could still view may lose that too.
  if (state.phase === "closed" || (state.ended !== undefined && state.ended !== "lostEditing")) return;
  if (state.ended === reason) return;
  const isFirst = state.ended === undefined;
  state.ended = reason;
  if (isFirst) Object.assign(state, { endedAtMs: aliveAtMs, wasModified: state.isModified, waitsForCopy: true });
  renewals.stop();
  portal.tell("expired", { reason });
  if (isFirst) void over.begin();
  else showEnd();
}

const over = sessionEnd({
  hasUnsaved: () => state.isModified,
  canBeAsked: () => tellsModified && state.phase === "loaded",
  began: () => {
    frame.inert = true;
    show();
  },
  save: () => saving.ask(),
  look,
  takeAway: () => {
    state.phase = "ended";
    people.over();
    saving.answered({ success: false, errorMsg: "ended" });
    setUnsaved(undefined);
    frame.remove();
    sayClosed();
    showEnd();
  },
  isSettled: () => unsavedAfterEnd(state) !== "keeping",
  settled: () => {
    state.waitsForCopy = false;
    if (state.ended !== "lostEditing") polling.stop();
    showEnd();
  },
});

function showEnd(): void {
  show();
  const ended = ending(state, words);
  if (state.phase !== "ended" || ended === undefined) return;
  const { end: title, unsaved } = ended;
  // Revoked is final: no button is offered that would only open a page of refusal.
  const canReload = isReopenable && ["expired", "signedOut", "lostEditing"].includes(String(state.ended));
  const label = state.ended === "lostEditing" ? words.openToView : words.openAgain;
  const links = [...copyLink(), ...wayBack()];
  if (canReload) showNote({ title, text: unsaved, links, button: { label, act: () => location.reload() } });
  else if (state.ended === "lostEditing") showNote({ title, text: unsaved, links, button: { label, act: openToView } });
  else showNote({ title, text: unsaved, links });
}

function openToView(): void {
  Object.assign(state, { ended: undefined, wasModified: false, permission: "view" });
  over.reset();
  holder.replaceChildren();
  openEditor();
  renewals.plan();
  show();
}

/** The copy that an ended session has left, for those who may open it. */
function copyLink(): readonly Way[] {
  if (state.status?.copy_opens !== true || unsavedAfterEnd(state) !== "copy") return [];
  return [{ label: words.openCopy, href: openCopy.href, isBeside: true }];
}

// The way back.

const back = wayBackFrom({ homeUrl: facts.homeUrl, hash: location.hash, embedOrigins: facts.embedOrigins });

/** In a portal's frame there is none: the portal has its own. */
function wayBack(): readonly Way[] {
  if (parent !== window || back === undefined) return [];
  return [{ label: back.isPortals ? words.goBack : words.backToDocuments, href: back.href }];
}

const home = part("#home", HTMLAnchorElement);
if (parent === window && back !== undefined) {
  home.textContent = back.isPortals ? words.goBack : words.toDocuments;
  home.href = back.href;
  home.hidden = false;
  home.addEventListener("click", (event) => {
    // What is unsaved is saved first. If that fails, the browser asks whether to leave all the same.
    if (!state.isModified || !facts.savesWhenTold || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    void save().then(() => location.assign(home.href));
  });
}

// The token.

const token: PageToken = {
  gotAtMs: Date.now(),
  endsAtMs: facts.tokenEndsAtMs,
  renewableUntilMs: facts.renewableUntilMs,
  isRenewed: false,
};
const isOver = (): boolean => state.ended !== undefined || state.phase === "closed" || state.phase === "left";
const renewals = tokenKeeper({
  token,
  ask: () => askBridge("renew", "POST"),
  now: bridgeNow,
  isOver,
  took: (accessToken) => {
    tokenField.value = accessToken;
    tokenEndField.value = String(postedTokenEndMs());
    if (facts.takesFreshTokens) handTokenOver();
    else {
      state.waitsForSave = true;
      renewedAtMs = bridgeNow();
      reloadEditorOnceSaved();
    }
    show();
  },
  ended: end,
});

function handTokenOver(): void {
  tellEditor("Reset_Access_Token", { token: tokenField.value, access_token_ttl: postedTokenEndMs() });
}

/** 0: the editor does not know, and does not warn. */
function postedTokenEndMs(): number {
  return facts.postsTokenEnd ? token.endsAtMs : 0;
}

/** Of the last renewal. */
let renewedAtMs = 0;
/** End of the token that the editor has. */
let postedTokenEndsAtMs = token.endsAtMs;

/** For editors that accept a token only with the form. */
function reloadEditorOnceSaved(): void {
  if (!state.waitsForSave || isOver() || state.phase !== "loaded") return;
  const mayBeUnheard = hasNoticedEdit && !tellsModified;
  const savedAtMs = state.status?.last_save?.at ?? 0;
  const { isModified } = state;
  const times = { nowMs: bridgeNow(), renewedAtMs, savedAtMs, tokenEndsAtMs: postedTokenEndsAtMs };
  if (!mayReloadEditor({ isModified, mayBeUnheard, ...times })) return;
  state.waitsForSave = false;
  openEditor();
}

// The editor.

/** This page makes way for the one of the file that the editor makes; the portal's greeting is for that one. */
const isConversion = form.target === "_self";
let unsaved: UnsavedWork | undefined;
let tellsModified = false;
/** Since the editor was loaded. */
let hasNoticedEdit = false;

const comingUp = editorComingUp({
  isUp: () => state.phase !== "loading" || state.isEditorHeard || state.status?.editor_called.check_file_info === true,
  ask: () => askBridge("address", "POST"),
  moved: (actionUrl) => {
    form.action = actionUrl;
    openEditor();
  },
});

/** The frame is made after the form, and newly for each post: an existing frame would leave a history entry. */
function openEditor(): void {
  frame?.remove();
  frame = document.createElement("iframe");
  frame.name = "editor-frame";
  frame.title = state.fileName;
  frame.allow = "clipboard-read *; clipboard-write *; fullscreen";
  frame.allowFullscreen = true;
  holder.append(frame);
  state.phase = "loading";
  loadingSince = performance.now();
  hasNoticedEdit = false;
  postedTokenEndsAtMs = token.endsAtMs;
  form.submit();
  comingUp.watch(frame);
}

function tellEditor(MessageId: HostMessage, Values: Readonly<Record<string, unknown>> = {}): void {
  const message = JSON.stringify({ MessageId, SendTime: Date.now(), Values });
  frame.contentWindow?.postMessage(message, facts.editorOrigin);
}

function loaded(): void {
  if (state.phase === "loaded" || state.phase === "closed") return;
  state.phase = "loaded";
  // A token that was renewed during loading has not reached the editor.
  if (token.isRenewed && facts.takesFreshTokens) handTokenOver();
  portal.tell("loaded", {});
}

/** What was handed over is stored or discarded by now, or its upload goes on: only what the bridge hears decides. */
function loadedAgain(): void {
  if (unsaved?.kind !== "handedOver") return;
  const atMs = bridgeNow();
  setUnsaved({ kind: "handedOver", beganMs: atMs, editedMs: atMs, toldMs: atMs });
}

function setUnsaved(next: UnsavedWork | undefined): void {
  unsaved = next;
  const isModified = next !== undefined;
  if (state.isModified !== isModified) portal.tell("modified", { modified: isModified });
  state.isModified = isModified;
  reloadEditorOnceSaved();
}

/** The editor tells of its own person's rename, the bridge of everybody's. */
function setName(name: string): void {
  if (name === state.fileName) return;
  state.fileName = name;
  document.title = name;
  frame.title = name;
  portal.tell("renamed", { name });
}

const saving = saveRequests({
  tell: tellEditor,
  changed: () => {
    show();
    polling.now();
  },
});

// New files.

const newFile = newFileNews({
  words,
  href: `${pageUrl}/new-file`,
  show: notice.show,
  tellPortal: (made) => portal.tell("savedAs", made),
});

const saveAs = facts.maySaveAs
  ? saveAsDialog({
      words,
      chosen: (name) => {
        newFile.asked(name);
        tellEditor("Action_SaveAs", { Filename: name, Notify: true });
        polling.now();
      },
      closed: () => {
        frame.focus();
        tellEditor("Grab_Focus");
      },
    })
  : undefined;

const pictures = facts.mayInsertPictures
  ? pictureDialog({
      words,
      address: `${pageUrl}/pictures`,
      chosen: (url) => tellEditor("Action_InsertGraphic", { url }),
      closed: () => {
        frame.focus();
        tellEditor("Grab_Focus");
      },
    })
  : undefined;

/** "unmodified" is said by the editor's own server, also when its last upload has failed. */
function tellsOfSave(work: UnsavedWork, { success, result }: SaveResponse): boolean {
  if (success === true) return true;
  return result === "unmodified" && (state.status === undefined || !hasFailed(work, state.status));
}

function heardOfSave(values: SaveResponse): void {
  const meaning = meaningOf(values, { forSave: saving.isWaiting(), forNewFile: newFile.isWaiting() });
  if (meaning === "saved") {
    saving.answered(values);
    if (unsaved?.kind === "handedOver" && tellsOfSave(unsaved, values)) setUnsaved(undefined);
  }
  if (meaning === "refused") newFile.refused();
  // Token, title and status of this page are the document's, not the new file's.
  if (meaning === "moved" && !isOver()) {
    setUnsaved(undefined);
    openEditor();
  }
  polling.now();
}

async function save(): Promise<SaveAnswer> {
  if (state.ended !== undefined) return { saved: false, reason: "ended" };
  if (state.phase !== "loaded") return { saved: false, reason: "notLoaded" };
  if (state.status?.permission === "view") return { saved: !state.isModified, reason: "viewOnly" };
  // Its own Save button saves, and so does leaving it.
  if (!facts.savesWhenTold) return state.isModified ? { saved: false, reason: "notSupported" } : { saved: true };
  return saving.ask();
}

function share(): void {
  if (!facts.mayShare) return;
  open(
    `${facts.bridgeUrl}/share?file_id=${encodeURIComponent(facts.fileId)}`,
    "_blank",
    "noopener,width=560,height=720",
  );
  tellEditor("Grab_Focus");
}

function showVersions(): void {
  if (facts.maySeeVersions)
    open(`${facts.bridgeUrl}/versions/${encodeURIComponent(facts.fileId)}`, "_blank", "noopener");
}

let isClosedTold = false;

async function leave(): Promise<void> {
  if (state.phase === "closed") return;
  state.phase = "closed";
  people.over();
  polling.stop();
  renewals.stop();
  frame.remove();
  show();
  // The editor's last save follows by itself.
  if (unsaved?.kind === "edited" && state.permission === "edit") {
    unsaved = unsavedAfterWord(unsaved, false, { atMs: bridgeNow(), tellsLocalSaves: true });
  }
  if (parent !== window) await hearOfLastSave();
  setUnsaved(undefined);
  isClosedTold = true;
  sayClosed();
  portal.tell("closed", {});
  if (parent === window) window.close();
  // A used ticket opens nothing: a reload helps only at an address of its own.
  const again = { label: words.openAgain, act: () => location.reload() };
  const links = wayBack();
  const text = links.length === 0 ? words.closedHint : "";
  showNote({ title: words.closed, text, links, button: isReopenable ? again : undefined });
}

/** A portal stops listening when it closes the document: what the bridge knows of the last save comes before that. */
async function hearOfLastSave(): Promise<void> {
  const untilMs = performance.now() + lastSaveWithinMs;
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  const lookOn = async (): Promise<void> => {
    await look();
    while (unsaved?.kind === "handedOver" && performance.now() < untilMs) {
      await pause(250);
      await look();
    }
  };
  // The bridge may be away.
  await Promise.race([lookOn(), pause(lastSaveWithinMs)]);
}

/** The values in an editor's message; none of them is trusted. */
type Values = Readonly<Record<string, unknown>>;

const fromEditor: Readonly<Record<AnsweredMessage, (values: Values) => void>> = {
  App_LoadingStatus: ({ Status }) => {
    tellEditor("Host_PostmessageReady");
    if (Status === "Failed") state.phase = "failed";
    // Office sends no status: it only reports when it has loaded.
    else if (Status === "Document_Loaded" || Status === undefined) loaded();
    if (Status === "Document_Loaded") loadedAgain();
  },
  Doc_ModifiedStatus: ({ Modified }) => {
    tellsModified = true;
    loaded();
    const { tellsLocalSaves } = facts;
    setUnsaved(unsavedAfterWord(unsaved, Modified === true, { atMs: bridgeNow(), tellsLocalSaves }));
    polling.now();
  },
  Edit_Notification: () => {
    loaded();
    hasNoticedEdit = true;
    if (tellsModified) return;
    const atMs = bridgeNow();
    setUnsaved({ kind: "noticed", beganMs: unsaved?.beganMs ?? atMs, editedMs: atMs, toldMs: atMs });
  },
  File_Rename: ({ NewName }) => {
    if (typeof NewName !== "string" || NewName === "") return;
    setName(nameAfterRename(state.fileName, facts.encodesNames ? decodedName(NewName) : NewName));
  },
  Action_Save_Resp: heardOfSave,
  Action_Load_Resp: ({ success }) => {
    if (success === false) state.phase = "failed";
  },
  App_TokenExpiring: renewals.planAsked,
  App_TokenExpired: renewals.planAsked,
  Session_Closed: () => {
    state.phase = "left";
    renewals.stop();
    setUnsaved(undefined);
  },
  UI_Close: () => void leave(),
  UI_Share: share,
  UI_Sharing: share,
  UI_FileVersions: showVersions,
  UI_SaveAs: ({ format }) => {
    if (saveAs === undefined) notice.show({ tone: "trouble", text: words.saveAsForbidden });
    else saveAs.ask(state.fileName, format);
  },
  UI_InsertGraphic: () => pictures?.ask(),
  UI_CreateFile: () => notice.show({ text: words.noNewDocuments }),
  UI_Cancel_Password: () =>
    notice.show({ text: words.passwordNeeded, button: { label: words.openAgain, act: openEditor } }),
};

function isAnswered(name: string): name is AnsweredMessage {
  return Object.hasOwn(fromEditor, name);
}

function hearEditor(data: string): void {
  let message: { readonly MessageId?: string; readonly Values?: Values | null } | null;
  try {
    message = JSON.parse(data);
  } catch {
    return;
  }
  state.isEditorHeard = true;
  // After the session's end, the page waits only for the answer to its last save.
  if (state.ended !== undefined && message?.MessageId !== "Action_Save_Resp") return;
  const name = String(message?.MessageId);
  if (!isAnswered(name) || state.phase === "closed") return;
  fromEditor[name](message?.Values ?? {});
  show();
}

// The portal that frames this page.

const portal = portalTalk({
  origins: facts.embedOrigins,
  arranged: ({ statusLine: wish, events }) => {
    portalListens = new Set(events ?? []);
    arrange(placeOf(wish) ?? linePlace);
    people.isShownBy(portalListens.has("presence") ? "portal" : "page");
    show();
  },
  save,
  close: async () => {
    if (state.ended !== undefined) {
      await over.begin();
      return { saved: !["keeping", "lost"].includes(unsavedAfterEnd(state)), reason: "ended" };
    }
    // The editor may not have reported the last keystrokes yet; editors that report no changes save by themselves.
    const answer = tellsModified && !isOver() ? await save() : { saved: true };
    const isSaved = answer.saved || !state.isModified;
    if (isSaved) await hearOfLastSave();
    return { ...answer, saved: isSaved };
  },
  left: () => void leave(),
});

addEventListener("message", (event) => {
  if (event.source === frame.contentWindow && event.source !== null) {
    if (event.origin === facts.editorOrigin) hearEditor(event.data);
  } else if (event.source === parent && !isConversion) portal.hear(event);
});

// The window.

function wake(): void {
  if (document.hidden) return;
  state.isOffline = !navigator.onLine;
  polling.now();
  renewals.plan();
}

addEventListener("beforeunload", (event) => {
  if (state.isModified) event.preventDefault();
});
addEventListener("pagehide", () => {
  if (!isClosedTold) sayClosed();
});
addEventListener("pageshow", (event) => {
  if (event.persisted) wake();
});
addEventListener("online", wake);
addEventListener("offline", () => {
  state.isOffline = true;
  show();
});
document.addEventListener("visibilitychange", wake);

let { isReopenable } = facts;
const reopen = isReopenable ? undefined : reopenPath(location.hash);
if (reopen !== undefined) {
  try {
    history.replaceState(null, "", facts.bridgeUrl + reopen);
    isReopenable = true;
  } catch {
    // The page was opened at another origin than the bridge's own: the address stays.
  }
}

line.textContent = fill(words.loading, { name: facts.fileName });
openEditor();
renewals.plan();
polling.now();
