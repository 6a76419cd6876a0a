// The owner chooses a picture from the drive for the document.
import type { HostPageWords } from "../../words/words.ts";
import type { PicturesShown } from "../pageMessages.ts";
import { part } from "./part.ts";
import { fill } from "./statusLine.ts";

interface DialogParts {
  readonly words: HostPageWords;
  /** Of this page's requests, `…/pictures`. */
  readonly address: string;
  readonly chosen: (url: string) => void;
  /** Called after each end: the editor gets the focus back. */
  readonly closed: () => void;
}

export function pictureDialog({ words, address, chosen, closed }: DialogParts) {
  const dialog = part("#pictures", HTMLDialogElement);
  const path = part("#pictures-path", HTMLElement);
  const list = part("#pictures-list", HTMLUListElement);
  const more = part("#pictures-more", HTMLButtonElement);
  const said = part("#pictures-said", HTMLParagraphElement);
  const look = part("#pictures-look", HTMLImageElement);
  const insert = part("#pictures-insert", HTMLButtonElement);
  let picked: string | undefined;
  let asked = 0;

  const ask = (place: string, method: "GET" | "POST"): Promise<Response> =>
    fetch(address + place, { method, credentials: "omit", cache: "no-store", signal: AbortSignal.timeout(20_000) });

  const say = (text: string): void => {
    said.textContent = text;
  };

  const pick = (id: string | undefined, name = ""): void => {
    picked = id;
    insert.disabled = id === undefined;
    look.hidden = id === undefined;
    look.alt = name;
    if (id === undefined) look.removeAttribute("src");
    else look.src = `${address}/${id}`;
    for (const button of list.querySelectorAll("button")) {
      if (button.dataset["id"] !== undefined) button.ariaPressed = String(button.dataset["id"] === id);
    }
  };

  const button = (label: string, act: () => void): HTMLButtonElement => {
    const element = document.createElement("button");
    element.type = "button";
    element.textContent = label;
    element.addEventListener("click", act);
    return element;
  };

  const showFolder = ({ path: steps, folders, pictures, next }: PicturesShown, isMore: boolean): void => {
    path.replaceChildren(
      ...steps.map(({ name, uri }, at) => {
        const step = button(name === "" ? words.toDocuments : name, () => void open(uri));
        step.disabled = at === steps.length - 1;
        return step;
      }),
    );
    const entries = [
      ...folders.map(({ name, uri }) => {
        const entry = button(name, () => void open(uri));
        entry.className = "folder";
        return entry;
      }),
      ...pictures.map(({ id, name }) => {
        const entry = button(name, () => pick(id, name));
        entry.dataset["id"] = id;
        entry.ariaPressed = "false";
        entry.addEventListener("dblclick", () => void take());
        return entry;
      }),
    ].map((entry) => {
      const item = document.createElement("li");
      item.append(entry);
      return item;
    });
    if (isMore) list.append(...entries);
    else list.replaceChildren(...entries);
    const folder = steps.at(-1)?.uri;
    more.hidden = next === null;
    more.onclick = () => void open(folder, next ?? undefined);
    say(list.children.length === 0 && next === null ? words.picturesNone : "");
  };

  async function open(folder?: string, next?: string): Promise<void> {
    asked += 1;
    const mine = asked;
    if (next === undefined) pick(undefined);
    say(words.picturesLoading);
    const query = new URLSearchParams({
      ...(folder === undefined ? {} : { folder }),
      ...(next === undefined ? {} : { next }),
    });
    try {
      const answered = await ask(`?${query.toString()}`, "GET");
      if (!answered.ok) throw new Error(String(answered.status));
      const shown: PicturesShown = await answered.json();
      if (mine === asked) showFolder(shown, next !== undefined);
    } catch {
      if (mine === asked) say(words.picturesFailed);
    }
  }

  async function take(): Promise<void> {
    const id = picked;
    if (id === undefined) return;
    insert.disabled = true;
    try {
      const answered = await ask(`/${id}`, "POST");
      if (!answered.ok) throw new Error(String(answered.status));
      const { url }: { readonly url: string } = await answered.json();
      dialog.close();
      chosen(url);
    } catch {
      say(fill(words.pictureNotInserted, { name: look.alt }));
      insert.disabled = picked === undefined;
    }
  }

  look.addEventListener("error", () => {
    look.hidden = true;
  });
  insert.addEventListener("click", () => void take());
  part("#pictures-cancel", HTMLButtonElement).addEventListener("click", () => dialog.close());
  // Also after Esc.
  dialog.addEventListener("close", () => {
    asked += 1;
    closed();
  });

  return {
    ask: (): void => {
      if (dialog.open) return;
      list.replaceChildren();
      path.replaceChildren();
      more.hidden = true;
      pick(undefined);
      dialog.showModal();
      void open();
    },
    cancel: (): void => dialog.close(),
  };
}
