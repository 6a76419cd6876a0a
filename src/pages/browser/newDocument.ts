/** The form “New”: its name can be typed at once, and the person's own templates are asked for when they are wanted. */
export function startNewDocument(): void {
  const menu = document.querySelector<HTMLDetailsElement>("#new");
  const name = menu?.querySelector<HTMLInputElement>("#new-name");
  if (!menu || !name) return;
  menu.addEventListener("toggle", () => {
    if (!menu.open) return;
    name.focus();
    name.select();
  });
  // Before the click, so that they are there when the form opens.
  for (const sign of ["pointerenter", "focusin", "toggle"]) menu.addEventListener(sign, () => void offerTemplates());
}

let isAsked = false;

async function offerTemplates(): Promise<void> {
  const place = document.querySelector<HTMLElement>("#templates");
  if (isAsked || place === null || place.querySelector("a") === null) return;
  isAsked = true;
  const answered = await fetch(place.dataset["address"] ?? "").catch(() => undefined);
  // Its link leads to a page with them, or to what is wrong.
  if (answered?.ok === true) place.innerHTML = await answered.text();
}
