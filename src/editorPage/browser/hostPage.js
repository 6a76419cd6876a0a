// The page around the editor. Talks to the editor's exact origin, to a listed portal's, and to the bridge.
import { sessionEnd } from "./end.js";
import { statusPolling } from "./polling.js";
import { portalTalk } from "./portal.js";
import { nameAfterRename, reopenPath, unsavedAfterEnd } from "./rules.js";
import { saveRequests } from "./saving.js";
import { ending, fill, statusLine, timeSpelling } from "./statusLine.js";
import { tokenKeeper } from "./token.js";

const facts = JSON.parse(document.getElementById("facts").textContent);
const { words } = facts;
const line = document.getElementById("status");
const holder = document.getElementById("frame-holder");
const form = document.getElementById("editor-form");
const callTimeoutMs = 10_000;
const clockDriftMs = 5000;

const state = {
  phase: "loading",
  isEditorHeard: false,
  editorOrigin: facts.editorOrigin,
  bridgeUrl: facts.bridgeUrl,
  fileName: facts.fileName,
  permission: facts.permission,
  status: undefined,
  isModified: false,
  isOffline: !navigator.onLine,
  ended: undefined,
  endedAtMs: undefined,
  wasModified: false,
  waitsForCopy: false,
  openedAtMs: Date.now(),
  notSavedSinceMs: undefined,
  waitsForSave: false,
};
let frame;
let loadingSince = performance.now();
/** The bridge's clock may differ from this machine's. */
let clockOffsetMs = 0;
const bridgeNow = () => Date.now() + clockOffsetMs;

// The line.

const locale = navigator.languages.find((tag) => tag.split("-")[0] === facts.language.split("-")[0]) ?? facts.language;
const spell = timeSpelling(locale, bridgeNow);

function show() {
  const { tone, text } = statusLine(
    {
      ...state,
      isSaving: saving.isWaiting(),
      waitedMs: performance.now() - loadingSince,
      nowMs: bridgeNow(),
      tokenEndsAtMs: token.endsAtMs,
      canRenew: renewals.canRenew(),
    },
    words,
    spell,
  );
  // What has ended is said large; the line stays for those who hear it.
  line.className = state.phase === "ended" ? "heard" : tone;
  // A screen reader reads the line whenever it is written, not only when it says something new.
  if (line.textContent !== text) line.textContent = text;
  line.title = text;
}

// What the bridge knows.

/** When the bridge last said that the session lives. */
let aliveAtMs = Date.now();
let toldSavedMs;
let toldFailedMs;

function askBridge(what, method) {
  return fetch(`${facts.bridgeUrl}/edit/${facts.pageKey}/${what}`, {
    method,
    credentials: "omit",
    cache: "no-store",
    signal: AbortSignal.timeout(callTimeoutMs),
  });
}

const polling = statusPolling({
  ask: () => askBridge("status", "GET"),
  isBusy: () =>
    state.phase === "loading" ||
    state.isModified ||
    state.waitsForCopy ||
    saving.isWaiting() ||
    (state.status?.saving_since ?? null) !== null,
  took: takeStatus,
  ended: end,
  reached: (isReached) => {
    state.isOffline = !isReached;
    show();
  },
});

function takeStatus(status) {
  const offsetMs = status.now - Date.now();
  const wasSet = Math.abs(offsetMs - clockOffsetMs) > clockDriftMs;
  clockOffsetMs = offsetMs;
  if (state.status === undefined) {
    state.openedAtMs = status.now - performance.now();
    toldSavedMs = state.openedAtMs;
    toldFailedMs = state.openedAtMs;
    if (!token.isRenewed) token.gotAtMs = state.openedAtMs;
  }
  // The first answer tells how wrong this machine's clock is; later ones, that somebody has set it.
  if (wasSet) renewals.plan();
  state.status = status;
  const { last_save: saved, not_saved: failed } = status;
  if (saved !== null && saved.at > toldSavedMs) {
    toldSavedMs = saved.at;
    portal.tell("saved", { at: new Date(saved.at).toISOString(), by: saved.by });
  }
  if (failed !== null && failed.at > toldFailedMs) {
    toldFailedMs = failed.at;
    portal.tell("saveFailed", { reason: failed.why, keptIn: failed.kept_in, copyName: failed.copy_name });
  }
  if (failed === null || failed.kept_in === "copy") state.notSavedSinceMs = undefined;
  else state.notSavedSinceMs ??= failed.at;
  if (noticedEditMs !== undefined && saved !== null && saved.at >= noticedEditMs) {
    noticedEditMs = undefined;
    setModified(false);
  }
  if (status.ended !== null) end(status.ended);
  else if (state.permission === "edit" && status.permission === "view") end("lostEditing");
  else aliveAtMs = status.now;
}

/** As the poll does, for somebody who waits for the answer. */
async function look() {
  try {
    const answered = await askBridge("status", "GET");
    if (answered.ok) takeStatus(await answered.json());
  } catch {
    // The poll goes on by itself.
  }
}

// The end.

function end(reason) {
  // Who could still view may lose that too.
  if (state.phase === "closed" || (state.ended !== undefined && state.ended !== "lostEditing")) return;
  if (state.ended === reason) return;
  const isFirst = state.ended === undefined;
  state.ended = reason;
  if (isFirst) Object.assign(state, { endedAtMs: aliveAtMs, wasModified: state.isModified, waitsForCopy: true });
  renewals.stop();
  portal.tell("expired", { reason });
  if (isFirst) over.begin();
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
    saving.answered({ success: false, errorMsg: "ended" });
    setModified(false);
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

function showEnd() {
  show();
  if (state.phase !== "ended") return;
  const { end: title, unsaved } = ending(state, words);
  // Revoked is revoked: what would only open a page that says no is not offered.
  const canReload = isReopenable && ["expired", "signedOut", "lostEditing"].includes(state.ended);
  const label = state.ended === "lostEditing" ? words.openToView : words.openAgain;
  if (canReload) showNote({ title, text: unsaved, label, act: () => location.reload() });
  else if (state.ended === "lostEditing") showNote({ title, text: unsaved, label, act: openToView });
  else showNote({ title, text: unsaved });
}

function openToView() {
  Object.assign(state, { ended: undefined, wasModified: false, permission: "view" });
  over.reset();
  holder.replaceChildren();
  openEditor();
  renewals.plan();
  show();
}

/** In the editor's place. `label` and `act` are of a button. */
function showNote({ title, text, label, act }) {
  const note = document.createElement("div");
  note.className = "end";
  const add = (name, content) => {
    const element = document.createElement(name);
    element.textContent = content;
    note.append(element);
    return element;
  };
  if (title !== undefined) add("h1", title);
  if (text !== "") add("p", text);
  if (act !== undefined) {
    const button = add("button", label);
    button.type = "button";
    button.addEventListener("click", act);
  }
  holder.replaceChildren(note);
}

// The token.

const token = {
  gotAtMs: Date.now(),
  endsAtMs: facts.tokenEndsAtMs,
  renewableUntilMs: facts.renewableUntilMs,
  isRenewed: false,
};
const isOver = () => state.ended !== undefined || state.phase === "closed" || state.phase === "left";
const renewals = tokenKeeper({
  token,
  ask: () => askBridge("renew", "POST"),
  now: bridgeNow,
  isOver,
  took: (accessToken) => {
    form.elements.access_token.value = accessToken;
    form.elements.access_token_ttl.value = token.endsAtMs;
    if (facts.takesFreshTokens) handTokenOver();
    else {
      state.waitsForSave = true;
      reloadEditorOnceSaved();
    }
    show();
  },
  ended: end,
});

function handTokenOver() {
  tellEditor("Reset_Access_Token", { token: form.elements.access_token.value, access_token_ttl: token.endsAtMs });
}

/** For editors that take a token only with the form. */
function reloadEditorOnceSaved() {
  if (!state.waitsForSave || state.isModified || isOver() || state.phase !== "loaded") return;
  state.waitsForSave = false;
  openEditor();
}

// The editor.

/** When an editor that tells of edits but not of saves last told of one. */
let noticedEditMs;
let tellsModified = false;

/** A frame made after the form exists, and anew for each post: one that was there before would leave a history entry. */
function openEditor() {
  frame?.remove();
  frame = document.createElement("iframe");
  frame.name = "editor-frame";
  frame.title = state.fileName;
  frame.allow = "clipboard-read *; clipboard-write *; fullscreen";
  frame.allowFullscreen = true;
  holder.append(frame);
  state.phase = "loading";
  loadingSince = performance.now();
  form.submit();
}

function tellEditor(MessageId, Values = {}) {
  const message = JSON.stringify({ MessageId, SendTime: Date.now(), Values });
  frame.contentWindow?.postMessage(message, facts.editorOrigin);
}

function loaded() {
  if (state.phase === "loaded" || state.phase === "closed") return;
  state.phase = "loaded";
  // What was renewed while it was loading has reached nobody.
  if (token.isRenewed && facts.takesFreshTokens) handTokenOver();
  portal.tell("loaded", {});
}

function setModified(isModified) {
  if (state.isModified !== isModified) portal.tell("modified", { modified: isModified });
  state.isModified = isModified;
  reloadEditorOnceSaved();
}

const saving = saveRequests({
  tell: tellEditor,
  changed: () => {
    show();
    polling.now();
  },
});

function save() {
  if (state.ended !== undefined) return Promise.resolve({ saved: false, reason: "ended" });
  if (state.phase !== "loaded") return Promise.resolve({ saved: false, reason: "notLoaded" });
  if (state.status?.permission === "view") return Promise.resolve({ saved: !state.isModified, reason: "viewOnly" });
  return saving.ask();
}

function share() {
  if (!facts.mayShare) return;
  open(
    `${facts.bridgeUrl}/share?file_id=${encodeURIComponent(facts.fileId)}`,
    "_blank",
    "noopener,width=560,height=720",
  );
  tellEditor("Grab_Focus");
}

function leave() {
  if (state.phase === "closed") return;
  state.phase = "closed";
  setModified(false);
  polling.stop();
  renewals.stop();
  frame.remove();
  sayClosed();
  portal.tell("closed", {});
  show();
  if (parent === window) window.close();
  // A used ticket opens nothing: only under an address of its own does a reload help.
  const again = isReopenable ? { label: words.openAgain, act: () => location.reload() } : {};
  showNote({ text: words.closedHint, ...again });
}

/** Outlives the page as a beacon does, which could not leave cookies out. */
function sayClosed() {
  fetch(`${facts.bridgeUrl}/edit/${facts.pageKey}/closed`, {
    method: "POST",
    credentials: "omit",
    keepalive: true,
  }).catch(() => undefined);
}

const fromEditor = {
  App_LoadingStatus: ({ Status }) => {
    tellEditor("Host_PostmessageReady");
    if (Status === "Failed") state.phase = "failed";
    // Office names no status: it tells only when it is done.
    else if (Status === "Document_Loaded" || Status === undefined) loaded();
  },
  Doc_ModifiedStatus: ({ Modified }) => {
    tellsModified = true;
    noticedEditMs = undefined;
    loaded();
    setModified(Modified === true);
    polling.now();
  },
  Edit_Notification: () => {
    loaded();
    if (tellsModified) return;
    noticedEditMs = bridgeNow();
    setModified(true);
  },
  File_Rename: ({ NewName }) => {
    if (typeof NewName !== "string" || NewName === "") return;
    state.fileName = nameAfterRename(state.fileName, NewName);
    document.title = state.fileName;
    frame.title = state.fileName;
    portal.tell("renamed", { name: state.fileName });
  },
  Action_Save_Resp: saving.answered,
  App_TokenExpiring: renewals.planAsked,
  Session_Closed: () => {
    state.phase = "left";
    renewals.stop();
    setModified(false);
  },
  UI_Close: leave,
  UI_Share: share,
  UI_Sharing: share,
};

function hearEditor(data) {
  let message;
  try {
    message = JSON.parse(data);
  } catch {
    return;
  }
  state.isEditorHeard = true;
  // From its end on the page waits for the answer to its last save, and for nothing else.
  if (state.ended !== undefined && message?.MessageId !== "Action_Save_Resp") return;
  if (!Object.hasOwn(fromEditor, message?.MessageId) || state.phase === "closed") return;
  fromEditor[message.MessageId](message.Values ?? {});
  show();
}

// The portal that frames this page.

const portal = portalTalk({
  origins: facts.embedOrigins,
  save,
  close: async () => {
    if (state.ended !== undefined) {
      await over.begin();
      return { saved: !["keeping", "lost"].includes(unsavedAfterEnd(state)), reason: "ended" };
    }
    // The last letters may not have been told as a change yet; editors that tell of none save by themselves.
    const answer = tellsModified && !isOver() ? await save() : { saved: true };
    return { ...answer, saved: answer.saved || !state.isModified };
  },
  left: leave,
});

addEventListener("message", (event) => {
  if (event.source === frame.contentWindow && event.source !== null) {
    if (event.origin === facts.editorOrigin) hearEditor(event.data);
  } else if (event.source === parent) portal.hear(event);
});

// The window.

function wake() {
  if (document.hidden) return;
  state.isOffline = !navigator.onLine;
  polling.now();
  renewals.plan();
}

addEventListener("beforeunload", (event) => {
  if (state.isModified) event.preventDefault();
});
addEventListener("pagehide", () => {
  if (state.phase !== "closed") sayClosed();
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

const reopen = reopenPath(location.hash);
let isReopenable = false;
if (reopen !== undefined) {
  try {
    history.replaceState(null, "", facts.bridgeUrl + reopen);
    isReopenable = true;
  } catch {
    // The bridge is reached here under another origin than its own: the address stays.
  }
}

line.textContent = fill(words.loading, { name: facts.fileName });
openEditor();
renewals.plan();
polling.now();
