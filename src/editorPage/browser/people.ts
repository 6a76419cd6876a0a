// Who has the document open: a small button in the line, and a list behind it.
import type { HostPageWords } from "../../words/words.ts";
import type { HostPageStatus, PresentPerson } from "../pageMessages.ts";
import { part } from "./part.ts";
import { personInWords, presence, type Told } from "./peopleInWords.ts";
import { fill } from "./statusLine.ts";

/** The page's list. Alone in a document, nobody needs it; and what the portal shows is not shown twice. */
export function peopleHere(words: HostPageWords, time: (ms: number) => string) {
  const box = part("#people", HTMLDetailsElement);
  const count = part("#people summary", HTMLElement);
  const list = part("#people ul", HTMLUListElement);
  let known = "";
  let present: readonly PresentPerson[] = [];
  let isPortals = false;
  let isOver = false;

  const show = (): void => {
    box.hidden = isPortals || isOver || present.length < 2;
    if (box.hidden) box.open = false;
    count.textContent = fill(words.peopleHere, { count: String(present.length) });
    list.replaceChildren(
      ...present.map((person) => {
        const item = document.createElement("li");
        item.textContent = personInWords(person, words, time);
        return item;
      }),
    );
  };

  const close = (): void => {
    box.open = false;
  };
  document.addEventListener("click", ({ target }) => {
    if (target instanceof Node && !box.contains(target)) close();
  });
  // A click into the editor's frame is none in this page.
  addEventListener("blur", close);
  box.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape" || !box.open) return;
    close();
    count.focus();
  });

  return {
    isShownBy: (who: "page" | "portal"): void => {
      isPortals = who === "portal";
      show();
    },
    /** The person has left, or was sent away. */
    over: (): void => {
      isOver = true;
      show();
    },
    /** @returns who is there, if that has changed */
    took: ({ people = [] }: Pick<HostPageStatus, "people">): Told | undefined => {
      const told = presence(people);
      const now = JSON.stringify(told);
      if (now === known) return undefined;
      known = now;
      present = people;
      show();
      return told;
    },
  };
}
