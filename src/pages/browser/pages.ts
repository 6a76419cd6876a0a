// For the pages for people. Every page works without it: it adds the reader's own time, copying, and no double sending.

// The portal around a frame has its own way to go somewhere.
if (window.top !== window) document.querySelector("body > header")?.remove();

// English of one's own country, when that is the page's language.
const pageLanguage = document.documentElement.lang;
const [primary] = pageLanguage.split("-");
const locale = navigator.languages.find((tag) => tag.split("-")[0] === primary) ?? pageLanguage;
const timeFormat = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
for (const time of document.querySelectorAll<HTMLTimeElement>("time[datetime]")) {
  time.title = time.textContent;
  time.textContent = timeFormat.format(new Date(time.dateTime));
}

for (const button of document.querySelectorAll<HTMLButtonElement>("button[data-copies]")) {
  const { copies: fieldId = "", copied = "", failed = "" } = button.dataset;
  const field = document.getElementById(fieldId);
  const state = document.getElementById("copy-state");
  if (!(field instanceof HTMLInputElement) || state === null) continue;
  button.hidden = false;
  field.addEventListener("focus", () => field.select());
  button.addEventListener("click", async () => {
    field.select();
    state.textContent = (await copies(field)) ? copied : failed;
  });
}

/** Browsers have a clipboard on https and localhost alone; the old command works on a plain address of an intranet. */
async function copies(field: HTMLInputElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    return document.execCommand("copy");
  }
}

let isSending = false;
document.addEventListener("submit", (event) => {
  if (isSending) event.preventDefault();
  isSending = true;
  event.submitter?.setAttribute("aria-busy", "true");
});
// Going back shows the page as it was left.
addEventListener("pageshow", () => {
  isSending = false;
  for (const button of document.querySelectorAll("button[aria-busy]")) button.removeAttribute("aria-busy");
});

const menu = document.querySelector<HTMLDetailsElement>("details.menu");
document.addEventListener("click", (event) => {
  if (menu?.open && !event.composedPath().includes(menu)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !menu?.open) return;
  menu.open = false;
  menu.querySelector("summary")?.focus();
});
