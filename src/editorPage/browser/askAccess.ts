// Lets a link's visitor ask its owner for the right to edit, and tells of the answer.
import type { HostPageWords } from "../../words/words.ts";
import type { AccessStanding, AskedAccess, HostPageStatus } from "../pageMessages.ts";
import { part } from "./part.ts";

interface AskParts {
  readonly words: HostPageWords;
  /** The document can be edited, and this visitor came by a link that does not let them. */
  readonly mayAsk: boolean;
  readonly hasName: boolean;
  readonly isReopenable: () => boolean;
  readonly ask: (name: string | undefined) => Promise<Response>;
  /** Asks for the status at once. */
  readonly look: () => void;
}

/** An area of its own above the editor: other news there must not push the answer away. */
export function accessAsking({ words, mayAsk, hasName, isReopenable, ask, look }: AskParts) {
  const button = part("#ask-access", HTMLButtonElement);
  const area = part("#access", HTMLDivElement);
  const form = mayAsk ? part("#access-form", HTMLFormElement) : undefined;
  const field = mayAsk ? part("#access-name", HTMLInputElement) : undefined;
  let shown: AccessStanding | undefined;
  let isAsking = false;

  const say = (text: string, more?: { readonly label: string; readonly act: () => void }): void => {
    const line = document.createElement("span");
    line.textContent = text;
    area.replaceChildren(line);
    for (const { label, act } of [...(more === undefined ? [] : [more]), { label: "×", act: () => undefined }]) {
      const element = document.createElement("button");
      element.type = "button";
      element.textContent = label;
      if (label === "×") {
        element.className = "dismiss";
        element.ariaLabel = words.dismiss;
      }
      element.addEventListener("click", () => {
        area.replaceChildren();
        act();
      });
      area.append(element);
    }
  };

  const hideForm = (): void => {
    if (form !== undefined) form.hidden = true;
  };

  const show = (access: AccessStanding): void => {
    button.hidden = access !== "none";
    if (access !== "none") hideForm();
    if (access === shown) return;
    const before = shown;
    shown = access;
    if (access === "asked") say(words.askedToEdit);
    else if (access === "granted" && isReopenable()) {
      say(words.grantedToEdit, { label: words.openForEditing, act: () => location.reload() });
    } else if (access === "granted") say(`${words.grantedToEdit} ${words.reopenToEdit}`);
    // Somebody who comes back later knows that already.
    else if (access === "refused" && before !== undefined) say(words.refusedToEdit);
    else area.replaceChildren();
  };

  const send = async (name: string | undefined): Promise<void> => {
    if (isAsking) return;
    isAsking = true;
    try {
      const answered = await ask(name);
      if (answered.status === 429) say(words.askedTooOften);
      else if (!answered.ok) say(words.askFailed);
      else {
        const { access }: AskedAccess = await answered.json();
        shown ??= "none";
        show(access);
      }
    } catch {
      say(words.askFailed);
    }
    isAsking = false;
    look();
  };

  button.addEventListener("click", () => {
    if (hasName) void send(undefined);
    else if (form !== undefined) {
      form.hidden = false;
      field?.focus();
    }
  });
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    if (field === undefined) return;
    if (field.value.trim() === "") field.focus();
    else void send(field.value);
  });

  return {
    /** An answer may come any moment: the page asks more often. */
    isWaiting: () => shown === "asked",
    took: ({ access, ended }: Pick<HostPageStatus, "access" | "ended">): void => {
      if (mayAsk && access !== undefined && ended === null) show(access);
      else {
        button.hidden = true;
        hideForm();
      }
    },
  };
}
