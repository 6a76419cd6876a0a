/** How often a list in sight asks who has its documents open. */
const everyMs = 20_000;

interface Use {
  readonly text: string;
  readonly isOpen: boolean;
}

/** Keeps the lists of documents true about who has them open, while the page is looked at. */
export function startOpenNow(): void {
  if (document.querySelector("#list") === null) return;
  setInterval(lookAgain, everyMs);
  document.addEventListener("visibilitychange", lookAgain);
}

function lookAgain(): void {
  if (document.hidden) return;
  for (const list of document.querySelectorAll<HTMLElement>(".files[data-watch]")) {
    const { top, bottom } = list.getBoundingClientRect();
    if (bottom > 0 && top < innerHeight) void renew(list);
  }
}

async function renew(list: HTMLElement): Promise<void> {
  const { inUse = "" } = document.querySelector<HTMLElement>("#list")?.dataset ?? {};
  const query = new URLSearchParams({ list: list.dataset["watch"] ?? "" });
  const answered = await fetch(`${inUse}?${query}`).catch(() => undefined);
  // Signed out, or made too long ago: only a reload helps.
  if (answered?.status === 401 || answered?.status === 404) delete list.dataset["watch"];
  if (answered?.ok !== true) return;
  const uses = (await answered.json()) as Readonly<Record<string, Use>>;
  for (const row of list.querySelectorAll<HTMLElement>("[data-file]")) show(row, uses[row.dataset["file"] ?? ""]);
}

function show(row: HTMLElement, use: Use | undefined): void {
  const badge = row.querySelector<HTMLElement>(".use") ?? (use === undefined ? undefined : newBadge(row));
  if (use === undefined) badge?.remove();
  else if (badge !== undefined && badge.textContent !== use.text) {
    badge.textContent = use.text;
    badge.classList.toggle("good", use.isOpen);
  }
}

function newBadge(row: HTMLElement): HTMLElement {
  const badge = document.createElement("small");
  badge.className = "use badge";
  let notes = row.querySelector<HTMLElement>(".notes");
  if (notes === null) {
    notes = document.createElement("div");
    notes.className = "notes";
    row.querySelector(".name")?.append(notes);
  }
  notes.append(badge);
  return badge;
}
