// News of others while the document is open: a short notice that takes no focus and goes away by itself.
import type { HostPageWords } from "../../words/words.ts";
import type { HostPageStatus } from "../pageMessages.ts";
import { fill } from "./statusLine.ts";

const shownForMs = 8_000;
const shownAtMost = 3;
/** Somebody who types saves every half minute: that is told once in a while. */
const sameNewsMs = 5 * 60_000;

type Seen = Pick<HostPageStatus, "now" | "last_save" | "not_saved" | "people">;

/** What is new since the last answer: saves and copies by others, and for the owner who came through a link. */
export function newsSince(before: Seen, after: Seen, words: HostPageWords): readonly string[] {
  const { last_save: saved, not_saved: failed, people = [] } = after;
  const isNew = (atMs: number | undefined, known: number | undefined) => atMs !== undefined && atMs > (known ?? 0);
  const told: string[] = [];
  if (saved !== null && !saved.is_mine && isNew(saved.at, before.last_save?.at))
    told.push(fill(words.newsSaved, { person: saved.by }));
  if (failed?.kept_in === "copy" && !failed.is_mine && isNew(failed.at, before.not_saved?.at))
    told.push(fill(words.newsCopy, { person: failed.by, copy: failed.copy_name ?? "" }));
  const known = new Set((before.people ?? []).map(({ id }) => id));
  for (const { id, name, by_link } of people) {
    if (by_link === true && !known.has(id)) told.push(fill(words.newsLinkUsed, { person: name ?? words.somebody }));
  }
  return told;
}

export function newsNotices(box: HTMLElement, words: HostPageWords) {
  let before: Seen | undefined;
  const toldAtMs = new Map<string, number>();

  const show = (text: string): void => {
    const notice = document.createElement("p");
    notice.textContent = text;
    box.append(notice);
    while (box.children.length > shownAtMost) box.firstElementChild?.remove();
    setTimeout(() => notice.remove(), shownForMs);
  };

  return {
    took: (status: Seen): void => {
      for (const text of before === undefined ? [] : newsSince(before, status, words)) {
        if (status.now - (toldAtMs.get(text) ?? Number.NEGATIVE_INFINITY) < sameNewsMs) continue;
        toldAtMs.set(text, status.now);
        show(text);
      }
      before = status;
    },
  };
}
