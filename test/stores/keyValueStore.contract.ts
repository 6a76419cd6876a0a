import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Clock, KeyValueStore } from "../../src/model/keyValueStore.ts";
import { type SetClock, setClock } from "../support/clock.ts";

const startMs = Date.parse("2026-11-21T08:15:00Z");

export interface OpenedStore {
  readonly store: KeyValueStore;
  /** Closes the store and removes what it left. */
  readonly remove: () => Promise<void>;
  /** For a store whose entries end by a clock of its own: lets time pass there, in step with the clock it was given. */
  readonly pass?: (ms: number) => Promise<void>;
  /** How late such a clock may be; 1 = to the millisecond. */
  readonly precisionMs?: number;
}

/** What every store must do, whatever it keeps its entries in. */
export function describeKeyValueStore(name: string, open: (now: Clock) => Promise<OpenedStore>): void {
  describe(`${name} as a key-value store`, () => {
    let clock: SetClock;
    let opened: OpenedStore;
    let store: KeyValueStore;

    beforeEach(async () => {
      clock = setClock(startMs);
      opened = await open(clock.now);
      store = opened.store;
    });
    afterEach(() => opened.remove());

    async function pass(ms: number): Promise<void> {
      clock.advance(ms);
      await opened.pass?.(ms);
    }

    async function listed(prefix: string): Promise<string[]> {
      const keys: string[] = [];
      for await (const [key] of store.list(prefix)) keys.push(key);
      return keys.sort();
    }

    describe("swap", () => {
      it("creates what is absent, once", async () => {
        expect(await store.get("key")).toBeUndefined();
        expect(await store.swap("key", undefined, "first")).toBe(true);
        expect(await store.swap("key", undefined, "second")).toBe(false);
        expect(await store.get("key")).toBe("first");
      });

      it("replaces what is as expected, and nothing else", async () => {
        await store.swap("key", undefined, "first");
        expect(await store.swap("key", "other", "second")).toBe(false);
        expect(await store.get("key")).toBe("first");
        expect(await store.swap("key", "first", "second")).toBe(true);
        expect(await store.get("key")).toBe("second");
      });

      it("does not create what was expected to be there", async () => {
        expect(await store.swap("key", "first", "second")).toBe(false);
        expect(await store.get("key")).toBeUndefined();
      });

      it("removes what is as expected, and nothing else", async () => {
        await store.swap("key", undefined, "value");
        expect(await store.swap("key", "other", undefined)).toBe(false);
        expect(await store.get("key")).toBe("value");
        expect(await store.swap("key", "value", undefined)).toBe(true);
        expect(await store.get("key")).toBeUndefined();
        expect(await store.swap("key", "value", undefined)).toBe(false);
      });

      it("of nothing for nothing says whether nothing stands there", async () => {
        expect(await store.swap("key", undefined, undefined)).toBe(true);
        await store.swap("key", undefined, "value");
        expect(await store.swap("key", undefined, undefined)).toBe(false);
        expect(await store.get("key")).toBe("value");
      });

      it("of a value for itself is a swap too", async () => {
        await store.swap("key", undefined, "value");
        expect(await store.swap("key", "value", "value")).toBe(true);
        expect(await store.get("key")).toBe("value");
      });

      it("tells an empty value from none", async () => {
        expect(await store.swap("key", undefined, "")).toBe(true);
        expect(await store.get("key")).toBe("");
        expect(await store.swap("key", undefined, "x")).toBe(false);
        expect(await store.swap("key", "", "x")).toBe(true);
        expect(await store.swap("key", "", undefined)).toBe(false);
      });

      it("has one winner when many create the same key at once", async () => {
        const swaps = await Promise.all(Array.from({ length: 50 }, (_, i) => store.swap("key", undefined, `${i}`)));
        expect(swaps.filter((made) => made)).toHaveLength(1);
        expect(await store.get("key")).toBe(`${swaps.indexOf(true)}`);
      });

      it("loses no update when many count up at once", async () => {
        await Promise.all(
          Array.from({ length: 100 }, async () => {
            for (;;) {
              const count = await store.get("count");
              if (await store.swap("count", count, String(Number(count ?? 0) + 1))) return;
            }
          }),
        );
        expect(await store.get("count")).toBe("100");
      });
    });

    describe("expiry", () => {
      it("counts an entry as absent from its moment on", async () => {
        const { precisionMs = 1 } = opened;
        await store.swap("key", undefined, "value", startMs + 60_000);
        await pass(60_000 - precisionMs);
        expect(await store.get("key")).toBe("value");
        expect(await listed("")).toEqual(["key"]);
        await pass(precisionMs);
        expect(await store.get("key")).toBeUndefined();
        expect(await listed("")).toEqual([]);
      });

      it("lets nobody swap what has expired, and anybody create it anew", async () => {
        await store.swap("key", undefined, "old", startMs + 10_000);
        await pass(10_000);
        expect(await store.swap("key", "old", "new")).toBe(false);
        expect(await store.swap("key", "old", undefined)).toBe(false);
        expect(await store.swap("key", undefined, undefined)).toBe(true);
        expect(await store.swap("key", undefined, "new")).toBe(true);
        expect(await store.swap("key", undefined, "newer")).toBe(false);
        await pass(1_000_000);
        expect(await store.get("key")).toBe("new");
      });

      it("is the last swap's: given anew, or taken away", async () => {
        await store.swap("renewed", undefined, "value", startMs + 10_000);
        await store.swap("renewed", "value", "value", startMs + 20_000);
        await store.swap("lasting", undefined, "value", startMs + 10_000);
        await store.swap("lasting", "value", "value");
        await store.swap("shortened", undefined, "value");
        await store.swap("shortened", "value", "value", startMs + 10_000);
        await pass(15_000);
        expect(await listed("")).toEqual(["lasting", "renewed"]);
        await pass(10_000);
        expect(await listed("")).toEqual(["lasting"]);
      });

      it("stays as it was when a swap is refused", async () => {
        await store.swap("key", undefined, "value", startMs + 10_000);
        expect(await store.swap("key", "other", "new", startMs + 90_000)).toBe(false);
        expect(await store.swap("key", undefined, "new")).toBe(false);
        await pass(10_000);
        expect(await store.get("key")).toBeUndefined();
      });

      it("in the past makes an entry that is not there", async () => {
        expect(await store.swap("key", undefined, "value", startMs - 1)).toBe(true);
        expect(await store.get("key")).toBeUndefined();
        expect(await store.swap("key", undefined, "value", startMs)).toBe(true);
        expect(await store.get("key")).toBeUndefined();
      });

      it("in the past removes what stood there, when that was as expected", async () => {
        await store.swap("key", undefined, "value");
        expect(await store.swap("key", "other", "value", startMs - 1)).toBe(false);
        expect(await store.get("key")).toBe("value");
        expect(await store.swap("key", "value", "value", startMs - 1)).toBe(true);
        expect(await store.get("key")).toBeUndefined();
      });

      it("may be a moment between two milliseconds, as hours with a fraction give", async () => {
        await store.swap("key", undefined, "value", startMs + 0.07 * 3_600_000);
        expect(await store.get("key")).toBe("value");
        await pass(252_001);
        expect(await store.get("key")).toBeUndefined();
      });

      it("comes to an end for entries nobody asks about, without harm to the others", async () => {
        for (let i = 0; i < 20; i++) await store.swap(`short-${i}`, undefined, "value", startMs + 10_000);
        await store.swap("lasting", undefined, "value");
        await pass(10 * 60_000);
        await store.swap("late", undefined, "value", startMs + 20 * 60_000);
        expect(await listed("")).toEqual(["lasting", "late"]);
      });
    });

    describe("list", () => {
      it("names the keys that begin with the prefix, with their values", async () => {
        await store.swap("lock:1", undefined, "one");
        await store.swap("lock:2", undefined, "two");
        await store.swap("locket", undefined, "no");
        await store.swap("grant:1", undefined, "no");
        await store.swap("loc", undefined, "no");
        const entries: (readonly [string, string])[] = [];
        for await (const entry of store.list("lock:")) entries.push(entry);
        expect(new Map(entries)).toEqual(
          new Map([
            ["lock:1", "one"],
            ["lock:2", "two"],
          ]),
        );
      });

      it("takes the prefix literally: % and _ and * stand for themselves, case matters", async () => {
        const keys = ["a%b", "a_b", "axb", "a*b", "A%b", "a%", "a[b", "a\\b", "a'b", 'a"b'];
        for (const key of keys) await store.swap(key, undefined, "value");
        expect(await listed("a%")).toEqual(["a%", "a%b"]);
        expect(await listed("a_")).toEqual(["a_b"]);
        expect(await listed("a*")).toEqual(["a*b"]);
        expect(await listed("A")).toEqual(["A%b"]);
        expect(await listed("a'")).toEqual(["a'b"]);
        expect(await listed("a\\")).toEqual(["a\\b"]);
        expect(await listed("")).toHaveLength(keys.length);
      });

      it("names hundreds of keys, each once", async () => {
        const keys = Array.from({ length: 450 }, (_, i) => `key:${String(i).padStart(3, "0")}`);
        for (const key of keys) await store.swap(key, undefined, "value");
        await store.swap("kez", undefined, "no");
        expect(await listed("key:")).toEqual(keys);
      });

      it.each([199, 200, 201, 400])("names all of %i keys", async (count) => {
        for (let i = 0; i < count; i++) await store.swap(`key:${i}`, undefined, "value");
        expect(await listed("key:")).toHaveLength(count);
      });

      it("leaves out what expires while the list is read, and nothing else", async () => {
        for (let i = 0; i < 300; i++) await store.swap(`key:${i}`, undefined, "value", startMs + 60_000);
        for (let i = 0; i < 300; i++) await store.swap(`key:lasting-${i}`, undefined, "value");
        const keys: string[] = [];
        for await (const [key] of store.list("key:")) {
          keys.push(key);
          if (keys.length === 1) await pass(60_000);
        }
        const [, ...afterTheFirst] = keys;
        expect(afterTheFirst.filter((key) => !key.includes("lasting"))).toEqual([]);
        expect(new Set(keys).size).toBe(keys.length);
        expect(keys.filter((key) => key.includes("lasting"))).toHaveLength(300);
      });

      it("can be changed while it is read: who removes each key as it comes has removed all", async () => {
        for (let i = 0; i < 450; i++) await store.swap(`key:${i}`, undefined, "value");
        for await (const [key, value] of store.list("key:")) await store.swap(key, value, undefined);
        expect(await listed("key:")).toEqual([]);
      });

      it("may be left in the middle", async () => {
        for (let i = 0; i < 10; i++) await store.swap(`key:${i}`, undefined, "value");
        for await (const _entry of store.list("key:")) break;
        expect(await store.swap("key:0", "value", "new")).toBe(true);
      });
    });

    it("keeps every text as it came", async () => {
      const texts = [
        "报告 🧾.docx",
        "e\u0301 is not é",
        "\u{1F469}\u200D\u{1F4BB}",
        "line\nbreak\ttab",
        '{"a":"\\""}',
        " ",
      ];
      for (const text of texts) {
        expect(await store.swap(`key:${text}`, undefined, text)).toBe(true);
        expect(await store.get(`key:${text}`)).toBe(text);
        expect(await store.swap(`key:${text}`, text, `${text}2`)).toBe(true);
      }
      expect(await listed("key:")).toEqual(texts.map((text) => `key:${text}`).sort());
      expect(await listed("key:报")).toEqual(["key:报告 🧾.docx"]);
    });

    it("refuses a text with a NUL in it, which it might give back cut off, and leaves what stood there", async () => {
      await store.swap("key", undefined, "value");
      await expect(store.swap("key", "value", "cut\0off")).rejects.toThrow("NUL");
      await expect(store.swap("key\0", undefined, "value")).rejects.toThrow("NUL");
      expect(await store.get("key")).toBe("value");
      expect(await store.get("key\0")).toBeUndefined();
      expect(await listed("")).toEqual(["key"]);
    });

    it("keeps a value of a megabyte", async () => {
      const value = "ä".repeat(512 * 1024);
      await store.swap("key", undefined, value);
      expect(await store.get("key")).toBe(value);
      expect(await store.swap("key", value, "small")).toBe(true);
    });
  });
}
