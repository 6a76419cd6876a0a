// The script of all pages, which work without it: local times, copy and share buttons, and no form is sent twice.

import { startListKeys } from "./listKeys.ts";
import { localTimes } from "./localTimes.ts";
import { startLongList } from "./longList.ts";
import { startNewDocument } from "./newDocument.ts";
import { startOpenNow } from "./openNow.ts";
import { startUploads } from "./uploads.ts";

// Inside a portal's frame, the portal has its own navigation.
if (window.top !== window) document.querySelector("body > header")?.remove();

localTimes(document);
startUploads();
startListKeys();
startLongList();
startNewDocument();
startOpenNow();

for (const button of document.querySelectorAll<HTMLButtonElement>("button[data-copies]")) {
  const { copies: what = "", copied = "", failed = "" } = button.dataset;
  const field = document.getElementById(what);
  const state = document.getElementById("copy-state");
  if (state === null) continue;
  button.hidden = false;
  if (field instanceof HTMLInputElement) {
    field.addEventListener("focus", () => field.select());
    button.addEventListener("click", async () => {
      field.select();
      state.textContent = (await copies(field)) ? copied : failed;
    });
  } else {
    // In a list there is no field to look at: the button itself says what happened.
    const label = button.textContent;
    button.addEventListener("click", async () => {
      const passing = document.createElement("input");
      passing.value = what;
      button.after(passing);
      passing.select();
      const said = (await copies(passing)) ? copied : failed;
      passing.remove();
      button.focus();
      state.textContent = said;
      button.textContent = said;
      setTimeout(() => {
        button.textContent = label;
      }, 2_000);
    });
  }
}

// The share sheet of a phone or desktop; browsers have it only on https.
for (const button of document.querySelectorAll<HTMLButtonElement>("button[data-shares]")) {
  const { shares: url = "", title = "" } = button.dataset;
  if (typeof navigator.share !== "function") continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.share({ title, url });
    } catch (error) {
      // Closing the sheet is no failure; otherwise the address can still be copied.
      if (!(error instanceof DOMException && error.name === "AbortError")) button.hidden = true;
    }
  });
}

/** Browsers offer the clipboard only on https and localhost; the old command also works on an intranet's http. */
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
// The browser's back button shows the page as it was left.
addEventListener("pageshow", () => {
  isSending = false;
  for (const button of document.querySelectorAll("button[aria-busy]")) button.removeAttribute("aria-busy");
});

const openMenus = () => document.querySelectorAll<HTMLDetailsElement>("details.menu[open]");
document.addEventListener("click", (event) => {
  for (const menu of openMenus()) if (!event.composedPath().includes(menu)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of openMenus()) {
    menu.open = false;
    menu.querySelector("summary")?.focus();
  }
});
