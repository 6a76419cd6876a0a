import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { failureOf } from "../../src/model/failure.ts";
import { type KeyValueStore, put } from "../../src/model/keyValueStore.ts";
import { record, rowObject, wordRecord } from "../../src/model/record.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { openSqliteStore } from "../../src/stores/sqliteStore.ts";
import { type SetClock, setClock } from "../support/clock.ts";
import { type WatchedStore, watchedStore } from "../support/watchedStore.ts";

const startMs = Date.parse("2026-11-21T08:15:00Z");
/** A row as this bridge knows it; the one before did not write `isShared`. */
const countSchema = rowObject({ count: z.number(), endsAtMs: z.number(), isShared: z.boolean().default(false) });
const first = { count: 1, endsAtMs: startMs + 60_000, isShared: false };

const dir = mkdtempSync(join(tmpdir(), "record-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
let files = 0;
const stores: readonly (readonly [name: string, open: (now: () => number) => KeyValueStore])[] = [
  ["the memory store", openMemoryStore],
  ["the SQLite store", (now) => openSqliteStore(join(dir, `store-${files++}.db`), now)],
];

describe.each(stores)("a record in %s", (_name, open) => {
  let clock: SetClock;
  let store: WatchedStore;
  beforeEach(() => {
    clock = setClock(startMs);
    store = watchedStore(open(clock.now));
  });
  afterEach(() => store.close());

  const counts = () => record(store, "attempts", countSchema, { endsAtMs: ({ endsAtMs }) => endsAtMs });
  const another = (standing = { ...first, count: 0 }) => ({ ...standing, count: standing.count + 1 });

  it("has nothing until something is put there, and nothing after it was removed", async () => {
    expect(await counts().get("x")).toBeUndefined();
    await counts().put("x", first);
    expect(await counts().get("x")).toEqual(first);
    expect(await store.get("attempts:x")).toBe(JSON.stringify(first));
    await counts().put("x", { ...first, count: 7 });
    expect((await counts().get("x"))?.count).toBe(7);
    await counts().remove("x");
    await counts().remove("x");
    expect(await counts().get("x")).toBeUndefined();
  });

  it("loses no change when many change it at once", async () => {
    await Promise.all(Array.from({ length: 50 }, () => counts().update("x", another)));
    expect((await counts().get("x"))?.count).toBe(50);
  });

  it("decides anew on what somebody else has left in between", async () => {
    await counts().put("x", first);
    store.beforeNextSwap(() => counts().put("x", { ...first, count: 10 }));
    const { before, after } = await counts().update("x", another);
    expect([before?.count, after.count]).toEqual([10, 11]);
    expect((await counts().get("x"))?.count).toBe(11);
  });

  it("decides anew when somebody else has removed it in between", async () => {
    await counts().put("x", first);
    store.beforeNextSwap(() => counts().remove("x"));
    expect((await counts().update("x", another)).before).toBeUndefined();
    expect((await counts().get("x"))?.count).toBe(1);
  });

  it("is changed after a question elsewhere, and not at all when that fails", async () => {
    await counts().put("x", first);
    await counts().update("x", async (standing) => standing && { ...standing, count: await Promise.resolve(3) });
    expect((await counts().get("x"))?.count).toBe(3);
    await expect(counts().update("x", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect((await counts().get("x"))?.count).toBe(3);
  });

  it("is left as it is, without a write, by whoever gives back what stands", async () => {
    await counts().put("x", first);
    const writes = store.swaps.length;
    const { before, after } = await counts().update("x", (standing) => standing);
    expect(after).toBe(before);
    await counts().update("y", (standing) => standing);
    expect(store.swaps).toHaveLength(writes);
  });

  it("is removed by whoever gives back nothing, unless it has changed meanwhile", async () => {
    await counts().put("x", first);
    expect((await counts().update("x", () => undefined)).before).toEqual(first);
    expect(await store.get("attempts:x")).toBeUndefined();
    await counts().put("x", first);
    store.beforeNextSwap(() => counts().put("x", { ...first, count: 10 }));
    await counts().update("x", (standing) => (standing?.count === 10 ? standing : undefined));
    expect((await counts().get("x"))?.count).toBe(10);
  });

  it("is handed out as it stands, also after another process has written, and nobody can change it by hand", async () => {
    await counts().put("x", first);
    const found = await counts().get("x");
    expect(() => Object.assign(found ?? {}, { count: 7 })).toThrow(TypeError);
    const reader = counts();
    expect(await reader.get("x")).toEqual(first);
    await counts().put("x", { ...first, count: 2 });
    expect(await reader.get("x")).toEqual({ ...first, count: 2 });
  });

  it("is created once", async () => {
    const made = await Promise.all([1, 2, 3].map((count) => counts().create("x", { ...first, count })));
    expect(made.filter((isMade) => isMade)).toHaveLength(1);
    expect((await counts().get("x"))?.count).toBe(made.indexOf(true) + 1);
  });

  it("ends when its new value says, or when whoever writes says otherwise", async () => {
    await counts().update("value", (standing) => another(standing));
    await counts().update("writer", another, startMs + 10_000);
    await counts().put("put", first, startMs + 10_000);
    clock.advance(10_000);
    expect(await counts().get("writer")).toBeUndefined();
    expect(await counts().get("put")).toBeUndefined();
    await counts().update("value", (standing) => standing && { ...standing, endsAtMs: startMs + 90_000 });
    clock.advance(60_000);
    expect((await counts().get("value"))?.count).toBe(1);
    clock.advance(20_000);
    expect(await counts().get("value")).toBeUndefined();
  });

  it("lives longer or shorter without another change, and does not begin by that", async () => {
    await counts().put("longer", first);
    await counts().put("shorter", first);
    await counts().moveEnd("longer", undefined);
    await counts().moveEnd("shorter", startMs + 1_000);
    await counts().moveEnd("none", startMs + 1_000_000);
    clock.advance(1_000);
    expect(await counts().get("shorter")).toBeUndefined();
    expect(await counts().get("none")).toBeUndefined();
    clock.advance(1_000_000);
    expect(await counts().get("longer")).toEqual(first);
  });

  it("keeps a change that somebody makes while its end is moved", async () => {
    await counts().put("x", first);
    store.beforeNextSwap(() => counts().put("x", { ...first, count: 10 }));
    await counts().moveEnd("x", undefined);
    expect((await counts().get("x"))?.count).toBe(10);
  });

  it("lists its own rows alone, under their ids", async () => {
    await counts().put("a:1", first);
    await counts().put("a:2", { ...first, count: 2 });
    await counts().put("b:1", first);
    await put(store, "attemptsOfOthers:a:1", "no");
    const listed: [string, number][] = [];
    for await (const [id, { count }] of counts().list("a:")) listed.push([id, count]);
    expect(listed.toSorted()).toEqual([
      ["a:1", 1],
      ["a:2", 2],
    ]);
    const ids: string[] = [];
    for await (const id of counts().ids()) ids.push(id);
    expect(ids.toSorted()).toEqual(["a:1", "a:2", "b:1"]);
  });

  describe("when it is of another version of the bridge", () => {
    it("reads what an earlier one did not know by its default", async () => {
      await put(store, "attempts:x", `{"count":4,"endsAtMs":${first.endsAtMs}}`);
      expect(await counts().get("x")).toEqual({ ...first, count: 4 });
    });

    it("keeps what a later one has added, through a change", async () => {
      await put(store, "attempts:x", JSON.stringify({ ...first, since: "later" }));
      await counts().update("x", another);
      expect(JSON.parse((await store.get("attempts:x")) ?? "")).toEqual({ ...first, count: 2, since: "later" });
    });
  });

  describe.each([
    ["cut off", '{"count":4,"ends'],
    ["empty", ""],
    ["of another shape", '{"count":"four","endsAtMs":1}'],
    ["without a field that was always there", '{"count":4}'],
    ["no object", "null"],
  ])("when it is damaged: %s", (_how, text) => {
    beforeEach(() => put(store, "attempts:x", text));
    const kindOf = (error: unknown) => failureOf(error, "rowUnreadable")?.kind;

    it("fails where it is read, and stays", async () => {
      const list = async () => {
        for await (const _row of counts().list());
      };
      const asked = [counts().get("x"), counts().update("x", another), counts().row("x").read(), list()];
      const outcomes = await Promise.allSettled(asked);
      expect(outcomes.map((outcome) => outcome.status === "rejected" && kindOf(outcome.reason))).toEqual(
        asked.map(() => "rowUnreadable"),
      );
      expect(await store.get("attempts:x")).toBe(text);
    });

    it("tells in the log which kind of row and which field, and no value", async () => {
      const error: unknown = await counts()
        .get("x")
        .catch((caught: unknown) => caught);
      const said = error instanceof Error && error.cause instanceof Error ? error.cause.message : "";
      expect(said).toContain('a row "attempts"');
      expect(said).not.toContain("four");
    });

    it("gives way to what is put in its place, and can be removed", async () => {
      await counts().put("x", first);
      expect(await counts().get("x")).toEqual(first);
      await put(store, "attempts:x", text);
      await counts().remove("x");
      expect(await counts().get("x")).toBeUndefined();
    });
  });

  describe("one row", () => {
    it("is swapped against what was last seen, and no more often", async () => {
      const mine = counts().row("x");
      expect(await mine.read()).toBeUndefined();
      expect(await mine.swap(first)).toBe(true);
      expect(await mine.swap({ ...first, count: 2 })).toBe(true);
      await counts().update("x", another);
      expect(await mine.swap(undefined)).toBe(false);
      expect((await mine.read())?.count).toBe(3);
      expect(await mine.swap(undefined)).toBe(true);
      expect(await counts().get("x")).toBeUndefined();
    });

    it("is changed without a look while nobody else was there", async () => {
      const mine = counts().row("x");
      let looks = 0;
      const look = store.get;
      store.get = (key) => {
        looks++;
        return look(key);
      };
      for (let i = 0; i < 3; i++) await mine.update(another);
      expect(looks).toBe(0);
      await counts().put("x", { ...first, count: 10 });
      looks = 0;
      expect((await mine.update(another)).after.count).toBe(11);
      expect(looks).toBe(1);
    });
  });

  it("lies in the store encrypted, and counts as absent under a key that does not decrypt it", async () => {
    const encryptionBy = (key: string) => ({
      encrypt: async (text: string) => `${key}${text.split("").reverse().join("")}`,
      decrypt: async (text: string) =>
        text.startsWith(key) ? text.slice(key.length).split("").reverse().join("") : undefined,
    });
    const encrypted = record(store, "attempts", countSchema, { encryption: encryptionBy("one:") });
    const under = record(store, "attempts", countSchema, { encryption: encryptionBy("two:") });
    await encrypted.put("x", first);
    expect(await store.get("attempts:x")).not.toContain("count");
    expect(await encrypted.get("x")).toEqual(first);
    expect((await encrypted.update("x", another)).after.count).toBe(2);
    expect(await under.get("x")).toBeUndefined();
    const ids: string[] = [];
    for await (const [id] of under.list()) ids.push(id);
    expect(ids).toEqual([]);
    expect((await under.update("x", another)).after.count).toBe(1);
    expect((await under.get("x"))?.count).toBe(1);
  });

  it("may be a word, which stands in the store as it is", async () => {
    const words = wordRecord(store, "jti");
    expect(await words.create("x", "used", startMs + 1_000)).toBe(true);
    expect(await words.create("x", "used", startMs + 1_000)).toBe(false);
    expect(await store.get("jti:x")).toBe("used");
    expect(await words.get("x")).toBe("used");
    clock.advance(1_000);
    expect(await words.create("x", "again")).toBe(true);
  });
});
