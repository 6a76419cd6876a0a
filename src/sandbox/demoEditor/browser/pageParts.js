/** The page's small parts: the question for a name, the line of notices, the list of people. */

export const element = (id) => document.getElementById(id);

/** The name somebody typed; empty when they thought better of it. */
export function askName(title, value) {
  const dialog = element("ask-name");
  element("ask-name-title").textContent = title;
  element("new-name").value = value;
  dialog.returnValue = "";
  dialog.showModal();
  element("new-name").select();
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => resolve(dialog.returnValue === "ok" ? element("new-name").value.trim() : ""),
      { once: true },
    );
  });
}

export function showNotice(text) {
  element("notice-text").textContent = text;
  element("notice").hidden = false;
}

export function showPeople(views) {
  const list = element("people");
  list.replaceChildren();
  for (const person of views) {
    const item = document.createElement("li");
    item.dataset.color = String(person.Color);
    item.textContent = person.UserName;
    if (person.IsCurrentView) item.classList.add("self");
    if (person.ReadOnly) item.classList.add("reader");
    list.append(item);
  }
}

element("ask-name-form").addEventListener("submit", () => {
  element("ask-name").returnValue = "ok";
});
element("ask-name-ok").value = "ok";
element("ask-name-cancel").addEventListener("click", () => element("ask-name").close(""));
element("notice-close").addEventListener("click", () => {
  element("notice").hidden = true;
});
