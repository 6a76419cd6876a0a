import { localTimes } from "./localTimes.ts";

/** “More” adds the next page of a list below, where there would be a new page without the script. */
export function startLongList(): void {
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>("#list a[rel=next]") : null;
    // Into another tab, for example.
    const isPlain = event instanceof MouseEvent && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
    if (link === null || !isPlain) return;
    event.preventDefault();
    if (!link.hasAttribute("aria-busy")) void addPage(link);
  });
}

async function addPage(link: HTMLAnchorElement): Promise<void> {
  link.setAttribute("aria-busy", "true");
  const answered = await fetch(link.href).catch(() => undefined);
  const text = answered?.ok === true ? await answered.text().catch(() => "") : "";
  const list = new DOMParser().parseFromString(text, "text/html").querySelector("#list");
  // The address itself then says what is wrong, such as that one has to sign in again.
  if (list === null) {
    location.assign(link.href);
    return;
  }
  list.querySelector(".sort")?.remove();
  localTimes(list);
  const first = list.querySelector<HTMLElement>(".files .name > a");
  link.parentElement?.replaceWith(...list.children);
  first?.focus();
}
