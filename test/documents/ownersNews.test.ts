import { expect, it } from "vitest";
import { OwnersNews } from "../../src/documents/ownersNews.ts";
import { newsSince } from "../../src/editorPage/browser/news.ts";
import { put } from "../../src/model/keyValueStore.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { wordsIn } from "../../src/words/words.ts";
import { setClock } from "../support/clock.ts";

const minuteMs = 60_000;
const ben = { id: "ben", name: "Ben" };
const saved = { kind: "saved" as const, fileId: "f1", fileName: "Report.docx", person: ben };

function newsAndClock() {
  const clock = setClock();
  return { clock, news: new OwnersNews(openMemoryStore(clock.now), clock.now) };
}

it("an owner reads what others did, the newest first, and not what they did themselves", async () => {
  const { clock, news } = newsAndClock();
  await news.add("ann", saved);
  clock.advance(minuteMs);
  await news.add("ann", { ...saved, kind: "linkUsed" });
  await news.add("ann", { ...saved, person: { id: "ann", name: "Ann" } });
  await news.add("ann", { ...saved, kind: "copy", person: { id: "ann", name: "Ann" }, copyId: "c1" });
  await news.add(undefined, saved);
  expect((await news.of("ann")).map(({ kind }) => kind)).toEqual(["copy", "linkUsed", "saved"]);
  expect(await news.of("ben")).toEqual([]);
});

it("news that only a later version knows are passed over", async () => {
  const clock = setClock();
  const store = openMemoryStore(clock.now);
  const row = {
    items: [
      { ...saved, kind: "signed", atMs: clock.now() },
      { ...saved, atMs: clock.now() },
    ],
  };
  await put(store, "ownersNews:ann", JSON.stringify(row));
  clock.advance(1);
  expect((await new OwnersNews(store, clock.now).of("ann")).map(({ kind }) => kind)).toEqual(["saved"]);
});

it("somebody who saves all the time is one piece of news, which moves up", async () => {
  const { clock, news } = newsAndClock();
  for (let at = 0; at < 25; at++) {
    await news.add("ann", saved);
    clock.advance(minuteMs);
  }
  const items = await news.of("ann");
  expect(items).toHaveLength(1);
  expect(clock.now() - (items[0]?.atMs ?? 0)).toBeLessThan(10 * minuteMs);
});

it("news are at most thirty, end after two weeks, and are dismissed up to the newest that was read", async () => {
  const { clock, news } = newsAndClock();
  for (let file = 0; file < 40; file++) await news.add("ann", { ...saved, fileId: `f${file}` });
  expect(await news.of("ann")).toHaveLength(30);
  const readAtMs = clock.now();
  clock.advance(1);
  await news.add("ann", { ...saved, fileId: "new" });
  await news.dismiss("ann", readAtMs);
  expect((await news.of("ann")).map(({ fileId }) => fileId)).toEqual(["new"]);
  await news.dismiss("ann", Number.MAX_SAFE_INTEGER);
  await news.add("ann", { ...saved, fileId: "later" });
  clock.advance(1);
  await news.add("ann", { ...saved, fileId: "last" });
  expect((await news.of("ann")).map(({ fileId }) => fileId)).toEqual(["last"]);
  clock.advance(15 * 24 * 60 * minuteMs);
  expect(await news.of("ann")).toEqual([]);
});

it("an open page tells of others' saves and copies, and the owner of visitors, once", () => {
  const before = { now: 0, last_save: null, not_saved: null, people: [] };
  const bens = { at: 5, by: "Ben", is_mine: false };
  const visitor = { id: "ben", name: "Ben", is_me: false, permission: "edit", since: 4, by_link: true } as const;
  const failed = { ...bens, why: "lockMismatch", kept_in: "copy", copy_name: "X" } as const;
  const after = { now: 5, last_save: bens, not_saved: failed, people: [visitor] };
  const told = (one: typeof after) => newsSince(before, one, wordsIn.en.editorPage);
  expect(told(after)).toEqual([
    "Ben saved the document.",
    "Changes by Ben are in a copy: “X”.",
    "Ben opened the document with your link.",
  ]);
  expect(newsSince(after, after, wordsIn.en.editorPage)).toEqual([]);
  const { by_link: _byLink, ...colleague } = visitor;
  const mine = { ...after, last_save: { ...bens, is_mine: true }, not_saved: null, people: [colleague] };
  expect(newsSince(before, mine, wordsIn.en.editorPage)).toEqual([]);
});
