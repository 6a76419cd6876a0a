/** In a list of documents: arrows go from name to name, `/` to the search. Tab and Enter stay the browser's own. */
export function startListKeys(): void {
  if (document.querySelector("#list") === null) return;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (event.key === "/") {
      event.preventDefault();
      const search = document.querySelector<HTMLInputElement>("#search");
      search?.focus();
      search?.select();
    }
    if (event.key === "ArrowDown" || event.key === "ArrowUp") move(event, event.key === "ArrowDown" ? 1 : -1);
  });
}

function move(event: KeyboardEvent, step: 1 | -1): void {
  // A menu has arrows of its own, or none.
  if (document.querySelector("details.menu[open]") !== null) return;
  const names = [...document.querySelectorAll<HTMLAnchorElement>(".files .name > a")];
  const row = document.activeElement?.closest(".files li");
  const at = names.findIndex((name) => name.closest("li") === row);
  const next =
    names[row === null || row === undefined ? 0 : Math.max(0, at + step)] ??
    document.querySelector<HTMLAnchorElement>("#list a[rel=next]");
  if (next === null) return;
  event.preventDefault();
  next.focus();
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input, textarea, select") !== null;
}
