import { readLine } from "./documentMarkup.js";
import { element } from "./pageParts.js";

/**
 * The comments beside a document, in the order of their places, and the question for a new one.
 * `onRemove` hears the number of the one to take away, `onShow` of the one whose place is looked for.
 */
export class Comments {
  #onRemove;
  #onShow;
  /** Made on this page. */
  #own = new Set();

  constructor({ onRemove, onShow }) {
    this.#onRemove = onRemove;
    this.#onShow = onShow;
  }

  made(kept) {
    this.#own.add(kept);
  }

  /** @param kept what of a document is only shown, by number */
  show(text, kept, { mayRemove, mayComment }) {
    const numbers = text
      .split("\n")
      .flatMap((line) => readLine(line).pieces)
      .flatMap((piece) => (kept[piece.kept]?.what === "comment" ? [piece.kept] : []));
    const items = numbers.map((number) =>
      this.#item(number, kept[number].comment, mayRemove || (mayComment && this.#own.has(number))),
    );
    element("comments").hidden = items.length === 0;
    element("comment-list").replaceChildren(...items);
  }

  #item(number, { author, at, text }, mayRemove) {
    const item = document.createElement("li");
    const place = document.createElement("button");
    place.type = "button";
    place.className = "comment-place";
    place.textContent = author === "" ? "Somebody" : author;
    place.title = "Show its place";
    place.addEventListener("click", () => this.#onShow(number));
    const time = document.createElement("time");
    time.dateTime = at;
    time.textContent = at === "" ? "" : new Date(at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
    const words = document.createElement("p");
    words.textContent = text;
    words.dir = "auto";
    item.append(place, time, words);
    if (mayRemove) {
      const remove = document.createElement("button");
      remove.type = "button";
      remove.textContent = "Remove";
      remove.setAttribute("aria-label", `Remove the comment of ${author}`);
      remove.addEventListener("click", () => this.#onRemove(number));
      item.append(remove);
    }
    return item;
  }
}

/** What somebody wants to say; empty when they thought better of it. */
export function askComment() {
  const dialog = element("ask-comment");
  element("new-comment").value = "";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => resolve(dialog.returnValue === "ok" ? element("new-comment").value.trim() : ""),
      { once: true },
    );
  });
}

element("ask-comment-form").addEventListener("submit", () => {
  element("ask-comment").returnValue = "ok";
});
element("ask-comment-cancel").addEventListener("click", () => element("ask-comment").close(""));
