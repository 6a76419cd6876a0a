import { askComment, Comments } from "./comments.js";
import { Connection } from "./connection.js";
import { HostMessages } from "./hostMessages.js";
import { LocalText } from "./localText.js";
import { askName, element, showNotice, showPeople } from "./pageParts.js";
import { surfaces } from "./surfaces.js";

const surfaceFor = surfaces({ onText: hearTyped });

let surface = surfaceFor("plain");
let local;
let epoch = 0;
let info = {};
let server = { modified: false, unstored: false, saving: false, problem: null };
let readOnly = null;
let mayComment = false;
let people = [];
let over = false;
let failed = false;
let composing = false;
let everModified = false;
let toldModified = false;
let lineBroken = false;
const comments = new Comments({
  onRemove: (kept) => void connection.ask({ command: "removeComment", kept }),
  onShow: (kept) => surface.showKept(kept),
});
const heldMessages = [];
let requests = 0;
const settling = [];

const connection = new Connection(document.body.dataset.view, {
  onMessage: (message) => {
    // Replacing the text under an input method would break the word being composed.
    if (composing) heldMessages.push(message);
    else take(message);
  },
  onBreak: () => {
    lineBroken = true;
    showState();
  },
});

const host = new HostMessages({
  Action_Save: (values) => void save(values),
  Action_SaveAs: (values) => void saveAs(String(values.Filename ?? ""), values.Notify === true),
  Action_Close: () => leave(),
  Action_InsertGraphic: (values) => void insertPicture(String(values.url ?? "")),
  Blur_Focus: () => surface.blur(),
  Get_Views: () => host.send("Get_Views_Resp", viewsList()),
  Grab_Focus: () => surface.focus(),
  Insert_Button: ({ id, label, hint }) => addButton(label ?? hint ?? id, () => host.send("Clicked_Button", { Id: id })),
  Reset_Access_Token: (values) => void renewToken(values),
});

const takers = {
  info(message) {
    info = message;
    host.allow(message.postMessageOrigin, message.host);
    host.send("App_LoadingStatus", { Status: "Frame_Ready" });
    showName(message.fileName);
    element("save").hidden = message.hidesSave;
    element("save-as").hidden = !message.canSaveAs;
    element("rename").hidden = !message.canRename;
    element("share").hidden = !message.enableShare;
    if (message.closesByMessage) element("close").hidden = false;
    element("host-buttons").replaceChildren();
    for (const { label, message: id, values } of message.buttons) addButton(label, () => host.send(id, values));
  },
  access(message) {
    readOnly = message.readOnly;
    mayComment = message.mayComment;
    element("read-only").hidden = readOnly === null;
    element("read-only-reason").textContent = readOnly?.reason ?? "";
    element("try-lock").hidden = readOnly?.canTryAgain !== true;
    showAccess();
  },
  opened(message) {
    failed = false;
    lineBroken = false;
    epoch = message.epoch;
    if (local === undefined) local = new LocalText(message.text, message.revision);
    else local.rejoin(message.text, message.revision, message.acceptedSequence);
    surface = surfaceFor(message.form.kind);
    surface.show(local.text, message.form);
    showAccess();
    host.send("App_LoadingStatus", { Status: "Document_Loaded", DocumentLoadedTime: Date.now() });
    sendTyped();
  },
  comment({ kept, look, own }) {
    surface.learn?.(kept, { what: "comment", text: "", comment: look });
    if (own) comments.made(kept);
  },
  edit(message) {
    if (local === undefined) return;
    const change = local.receive(message);
    if (change !== undefined) surface.showEdit(local.text, change);
    if (message.own) sendTyped();
  },
  state(message) {
    server = message;
  },
  people(message) {
    people = message.people;
    showPeople(viewsList());
    host.send("Views_List", viewsList());
  },
  conflict(message) {
    const dialog = element("conflict");
    element("conflict-save-as").hidden = !info.canSaveAs;
    element("conflict-overwrite").hidden = readOnly !== null;
    element("conflict-discard").hidden = readOnly !== null;
    if (message.open && !dialog.open) dialog.showModal();
    else if (!message.open) dialog.close();
  },
  renamed(message) {
    showName(message.fileName);
    host.send("File_Rename", {
      NewName: info.host.encodesNames ? encodeURIComponent(message.newName) : message.newName,
    });
  },
  tokenExpiring(message) {
    if (info.host.warnsOfExpiry)
      showNotice(`Your session expires at ${new Date(message.expiresAtMs).toLocaleTimeString()}.`);
    host.send("App_TokenExpiring", { ExpiresAt: message.expiresAtMs });
  },
  notice(message) {
    showNotice(message.text);
  },
  reload(message) {
    if (!message.keepTyped) local = undefined;
    element("conflict").close();
    connection.open();
  },
  moved(message) {
    local = undefined;
    element("conflict").close();
    connection.goodbye({ command: "leave", epoch, baseRevision: 0, edits: [] });
    connection.open(message.view);
  },
  failed(message) {
    failed = true;
    connection.close();
    showNotice(message.reason);
    host.send("App_LoadingStatus", { Status: "Failed" });
    element("state").textContent = "not loaded";
  },
  closed(message) {
    const reasons = {
      recycling: "The editor is shutting down. Open the document again in a moment.",
      forgotten: "The connection is lost. Open the document again.",
      documentconflict: "The document was changed in storage. Open it again to go on.",
    };
    end(reasons[message.reason] ?? message.reason);
    host.send("Session_Closed", { Reason: message.reason });
  },
};

function take(message) {
  try {
    takers[message.type]?.(message);
  } catch (error) {
    // Out of step with the server: start again from its text, keeping what was typed.
    if (!(error instanceof RangeError)) throw error;
    connection.open();
  }
  showComments();
  showState();
}

function showComments() {
  if (local !== undefined)
    comments.show(local.text, surface.kept ?? [], { mayRemove: !over && readOnly === null, mayComment });
}

async function comment() {
  if (local === undefined || over) return;
  await settled();
  // As of now: what others type meanwhile, the server takes into account.
  const place = surface.paragraphStart();
  const baseRevision = local.revision;
  const text = await askComment();
  if (text === "") return;
  const outcome = await connection.ask({ command: "comment", text, place, baseRevision }).catch(() => null);
  const reason = outcome?.errorMsg ?? "the editor's server cannot be reached";
  if (outcome?.success !== true) showNotice(`Not commented: ${reason}`);
}

function sendTyped() {
  const message = readOnly === null ? local?.outgoing() : undefined;
  if (message !== undefined) {
    const sentIn = epoch;
    void connection.askUntilHeard({ command: "edit", epoch, ...message }, () => !over && epoch === sentIn);
  }
  if (local?.settled) for (const done of settling.splice(0)) done();
}

/** Resolves once the server has every letter. */
function settled() {
  return local === undefined || local.settled ? Promise.resolve() : new Promise((resolve) => settling.push(resolve));
}

async function save(values = {}) {
  if (local === undefined || over) return;
  await settled();
  // Real editors escape even what is missing: the host gets the word "undefined".
  const extendedData = encodeURIComponent(values.ExtendedData);
  await asked({ command: "save", request: ++requests, extendedData }, values.Notify === true);
}

async function saveAs(given, notify) {
  if (local === undefined || over) return;
  const name = given === "" ? await askName("Save as", info.fileName) : given;
  if (name === "") return;
  await settled();
  await asked({ command: "saveAs", request: ++requests, name: withExtension(name) }, notify);
}

async function rename() {
  const stem = info.fileName.replace(/\.[^.]+$/, "");
  const name = await askName("Rename", stem);
  if (name === "" || name === stem) return;
  await settled();
  await connection.ask({ command: "rename", name });
}

async function asked(command, notify) {
  const failure = { success: false, result: "Save failed", errorMsg: "the editor's server cannot be reached" };
  const outcome = (await connection.ask(command).catch(() => failure)) ?? failure;
  const isNewFile = outcome.success && command.command === "saveAs";
  if (notify || (isNewFile && info.host.tellsNewFiles)) host.send("Action_Save_Resp", outcome);
  if (!outcome.success && command.command === "saveAs") showNotice(`Not saved: ${outcome.errorMsg}`);
}

async function renewToken(values) {
  const accessToken = values.token ?? values.access_token;
  if (typeof accessToken !== "string" || accessToken === "") return;
  const expiresAtMs = Math.max(0, Number(values.access_token_ttl) || 0);
  await connection.ask({ command: "token", accessToken, expiresAtMs });
  if (failed) connection.open();
}

/** The server fetches it; this editor keeps only a word about it. */
async function insertPicture(url) {
  const outcome = await connection.ask({ command: "picture", url }).catch(() => null);
  if (outcome?.success === true) surface.insert(`[picture: ${outcome.result}]`);
  else showNotice(`The picture could not be inserted: ${outcome?.errorMsg ?? "the editor's server cannot be reached"}`);
}

function leave() {
  if (over) return;
  sayGoodbye();
  end("Closed.");
}

function sayGoodbye() {
  const last = readOnly === null ? local?.unconfirmed() : undefined;
  connection.goodbye({ command: "leave", epoch, ...(last ?? { baseRevision: 0, edits: [] }) });
}

function end(reason) {
  over = true;
  connection.close();
  element("conflict").close();
  showNotice(reason);
  showAccess();
  element("state").textContent = "closed";
}

function addButton(label, act) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = String(label);
  button.addEventListener("click", act);
  element("host-buttons").append(button);
}

function withExtension(name) {
  const extension = /\.[^.]+$/.exec(info.fileName)?.[0] ?? "";
  return /\.[^.]+$/.test(name) ? name : name + extension;
}

function viewsList() {
  return people.map((person) => ({ ...person, IsCurrentView: person.ViewId === info.viewNumber }));
}

function showName(fileName) {
  info.fileName = fileName;
  element("name").textContent = fileName;
  document.title = fileName;
}

function showAccess() {
  const mayType = !over && local !== undefined && readOnly === null;
  surface.letType(mayType);
  const mayAdd = !over && local !== undefined && mayComment;
  element("comment").hidden = !mayAdd;
  element("save").disabled = !mayType && !mayAdd;
  element("rename").disabled = !mayType;
  element("save-as").disabled = over || local === undefined;
}

function showState() {
  if (over || failed) return;
  const isTyping = local !== undefined && !local.settled;
  const modified = server.modified || isTyping;
  const unstored = server.unstored || isTyping;
  if (modified && !everModified && info.notesEdits) host.send("Edit_Notification");
  everModified ||= modified;
  const state = element("state");
  state.textContent = stateText(unstored);
  state.classList.toggle("trouble", lineBroken || (unstored && server.problem !== null));
  if (modified === toldModified) return;
  toldModified = modified;
  host.send("Doc_ModifiedStatus", { Modified: modified });
}

function stateText(unstored) {
  if (local === undefined) return "loading";
  if (lineBroken) return "connection lost, trying again";
  if (server.saving) return "saving";
  if (unstored && server.problem !== null) return `not saved: ${server.problem}`;
  return unstored ? "unsaved changes" : "saved";
}

/** Each of the texts on the way to what the page holds now. */
function hearTyped(texts) {
  for (const text of texts) local?.typed(text);
  if (!composing) sendTyped();
  showState();
}

document.addEventListener("compositionstart", () => {
  composing = true;
});
document.addEventListener("compositionend", () => {
  composing = false;
  surface.read();
  for (const message of heldMessages.splice(0)) take(message);
  sendTyped();
});
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") {
    event.preventDefault();
    void save();
  }
});
window.addEventListener("pagehide", () => {
  if (!over) sayGoodbye();
});
window.addEventListener("pageshow", (event) => {
  if (event.persisted && !over) connection.open();
});

element("save").addEventListener("click", () => void save());
element("save-as").addEventListener("click", () => {
  const format = /\.([^.]+)$/.exec(info.fileName)?.[1] ?? "";
  if (info.saveAsByMessage) host.send("UI_SaveAs", info.host.asksHostForName ? {} : { format });
  else void saveAs("", false);
});
// Without it the paper would lose its caret to the button.
element("comment").addEventListener("mousedown", (event) => event.preventDefault());
element("comment").addEventListener("click", () => void comment());
element("rename").addEventListener("click", () => void rename());
element("share").addEventListener("click", () => {
  // Each suite has its own word for it, and sends no other.
  host.send("UI_Share");
  host.send("UI_Sharing");
});
element("close").addEventListener("click", () => {
  host.send("UI_Close", { EverModified: everModified });
  leave();
});
element("try-lock").addEventListener("click", () => void connection.ask({ command: "tryLock" }));
// Editing goes on; the next save asks again.
element("conflict-later").addEventListener("click", () => element("conflict").close());
element("conflict-save-as").addEventListener("click", () => void saveAs("", false));
element("conflict-overwrite").addEventListener("click", () => void connection.ask({ command: "overwrite" }));
element("conflict-discard").addEventListener("click", () => void connection.ask({ command: "discard" }));
connection.open();
