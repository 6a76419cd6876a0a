import { openDocument } from "BRIDGE_URL/embed.js";

const byId = (id) => document.getElementById(id);
const names = ["Anna", "Ben", "Chloé", "Davud", "李雷"];
const kinds = [
  { kind: "word", extensions: /\.(docx?|odt)$/i },
  { kind: "cell", extensions: /\.(xlsx?|ods|csv)$/i },
];
let opened;
byId("bridge").href = "BRIDGE_URL/";
byId("name").value = names[Math.floor(Math.random() * names.length)];

async function showList() {
  byId("document").hidden = true;
  byId("documents").hidden = false;
  const answered = await fetch("/documents");
  if (!answered.ok) {
    byId("message").textContent = (await answered.json()).message;
    return;
  }
  byId("rows").replaceChildren(...(await answered.json()).map(row));
}

function row({ id, name, size, updatedAt }) {
  const tr = document.createElement("tr");
  const title = button(name, () => open(id, name, "edit"));
  title.className = "name";
  title.dataset.kind = kinds.find(({ extensions }) => extensions.test(name))?.kind ?? "text";
  tr.insertCell().append(title);
  tr.insertCell().textContent = changedText(new Date(updatedAt));
  tr.insertCell().textContent = sizeText(size);
  const cell = tr.insertCell();
  for (const [action, label] of [
    ["edit", "Edit"],
    ["view", "View"],
  ]) {
    const opener = button(label, () => open(id, name, action));
    opener.setAttribute("aria-label", `${label} ${name}`);
    cell.append(opener, " ");
  }
  return tr;
}

function button(label, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = label;
  made.addEventListener("click", act);
  return made;
}

/** The time alone for what was changed today. */
function changedText(moment) {
  const isToday = moment.toDateString() === new Date().toDateString();
  return isToday
    ? `Today, ${moment.toLocaleTimeString([], { timeStyle: "short" })}`
    : moment.toLocaleDateString([], { dateStyle: "medium" });
}

function sizeText(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1024 ** 2 ? `${(bytes / 1024).toFixed(1)} KB` : `${(bytes / 1024 ** 2).toFixed(1)} MB`;
}

async function open(id, name, action) {
  byId("message").textContent = "";
  const answered = await fetch("/open", {
    method: "POST",
    body: JSON.stringify({ file_id: id, action, name: byId("name").value }),
  });
  const { session, message } = await answered.json();
  if (session === undefined) {
    byId("message").textContent = message;
    return;
  }
  byId("title").textContent = name;
  byId("events").textContent = "";
  byId("documents").hidden = true;
  byId("document").hidden = false;
  opened = openDocument(byId("frame-holder"), {
    session,
    on: {
      loaded: () => log("loaded"),
      modified: ({ modified }) => log(modified ? "modified" : "not modified"),
      saved: ({ at, by }) => log(`saved ${new Date(at).toLocaleTimeString()} by ${by}`),
      saveFailed: ({ reason, keptIn }) => log(`not saved: ${reason}; kept in: ${keptIn ?? "the editor"}`),
      renamed: (renamed) => {
        byId("title").textContent = renamed.name;
        log(`renamed: ${renamed.name}`);
      },
      closed: () => {
        log("closed");
        void showList();
      },
      expired: ({ reason }) => log(`ended: ${reason}`),
    },
  });
  opened.frame.name = "document";
}

/** The last few events, newest first. */
function log(text) {
  const lines = [text, ...byId("events").textContent.split(" · ")].filter((line) => line !== "");
  byId("events").textContent = lines.slice(0, 5).join(" · ");
}

byId("back").addEventListener("click", async () => {
  if (!(await opened.close())) log("not closed: the document could not be saved");
});
await showList();
