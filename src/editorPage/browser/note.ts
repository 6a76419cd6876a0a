// What is shown in the editor's place.
import type { Way } from "./wayBack.ts";

/** Without a title it is a single sentence. */
export interface Note {
  readonly title?: string;
  readonly text: string;
  readonly links?: readonly Way[];
  readonly button?: { readonly label: string; readonly act: () => void } | undefined;
}

/** @param holder of the editor's frame, which the note replaces */
export function noteIn(holder: HTMLElement) {
  return ({ title, text, links = [], button }: Note): void => {
    const note = document.createElement("div");
    note.className = "end";
    const add = <Element extends HTMLElement>(element: Element, content: string): Element => {
      element.textContent = content;
      note.append(element);
      return element;
    };
    if (title !== undefined) add(document.createElement("h1"), title);
    if (text !== "") add(document.createElement("p"), text);
    if (button !== undefined) {
      const element = add(document.createElement("button"), button.label);
      element.type = "button";
      element.addEventListener("click", button.act);
    }
    for (const { label, href, isBeside } of links) {
      const link = add(document.createElement("a"), label);
      link.href = href;
      if (isBeside === true) Object.assign(link, { target: "_blank", rel: "noopener" });
    }
    holder.replaceChildren(note);
  };
}
