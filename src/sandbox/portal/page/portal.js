const byId = (id) => document.getElementById(id);
const names = ["Anna", "Ben", "Chloé", "Davud", "李雷"];
byId("name").value = names[Math.floor(Math.random() * names.length)];

async function showList() {
  byId("document").hidden = true;
  byId("documents").hidden = false;
  byId("frame-holder").replaceChildren();
  const answered = await fetch("/documents");
  if (!answered.ok) {
    byId("message").textContent = (await answered.json()).message;
    return;
  }
  byId("rows").replaceChildren(...(await answered.json()).map(row));
}

function row({ id, name, size, updatedAt }) {
  const tr = document.createElement("tr");
  for (const text of [name, `${size} B`, new Date(updatedAt).toLocaleString()]) {
    tr.insertCell().textContent = text;
  }
  const cell = tr.insertCell();
  for (const [action, label] of [
    ["edit", "Edit"],
    ["view", "View"],
  ]) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.setAttribute("aria-label", `${label} ${name}`);
    button.addEventListener("click", () => open(id, name, action));
    cell.append(button, " ");
  }
  return tr;
}

async function open(id, name, action) {
  byId("message").textContent = "";
  const answered = await fetch("/open", {
    method: "POST",
    body: JSON.stringify({ file_id: id, action, name: byId("name").value }),
  });
  const { hostPageUrl, message } = await answered.json();
  if (hostPageUrl === undefined) {
    byId("message").textContent = message;
    return;
  }
  const frame = document.createElement("iframe");
  frame.name = "document";
  frame.title = name;
  frame.allow = "clipboard-read *; clipboard-write *; fullscreen";
  frame.src = hostPageUrl;
  byId("title").textContent = name;
  byId("frame-holder").replaceChildren(frame);
  byId("documents").hidden = true;
  byId("document").hidden = false;
}

byId("back").addEventListener("click", showList);
await showList();
