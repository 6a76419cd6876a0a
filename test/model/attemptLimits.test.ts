import { describe, expect, it } from "vitest";
import { AttemptLimits } from "../../src/model/attemptLimits.ts";
import { failureOf } from "../../src/model/failure.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { setClock } from "../support/clock.ts";
import { storedText, watchedStore } from "../support/watchedStore.ts";

const limit = { attempts: 3, withinMs: 600_000 };

function freshLimits() {
  const clock = setClock(Date.parse("2026-11-21T08:15:00Z"));
  const store = watchedStore(openMemoryStore(clock.now));
  return { clock, store, limits: new AttemptLimits(store, clock.now), other: new AttemptLimits(store, clock.now) };
}

/** @returns seconds to wait; undefined when it was let through */
async function tried(limits: AttemptLimits, what = "password", who = "ann"): Promise<number | undefined> {
  try {
    await limits.count(what, who, limit);
    return undefined;
  } catch (error) {
    const refused = failureOf(error, "tooManyAttempts");
    if (refused === undefined) throw error;
    return refused.retryAfterSeconds;
  }
}

describe("attempts", () => {
  it("are let through up to their number, and then refused with the time to wait", async () => {
    const { clock, limits } = freshLimits();
    for (let at = 0; at < 3; at++) {
      expect(await tried(limits)).toBeUndefined();
      clock.advance(1000);
    }
    expect(await tried(limits)).toBe(597);
    clock.advance(500);
    expect(await tried(limits)).toBe(597);
  });

  it("are let through again when the time from the first has passed, to the millisecond", async () => {
    const { clock, limits } = freshLimits();
    for (let at = 0; at < 3; at++) await tried(limits);
    clock.advance(599_999);
    expect(await tried(limits)).toBe(1);
    clock.advance(1);
    expect(await tried(limits)).toBeUndefined();
  });

  it("are not put off by those that were refused", async () => {
    const { clock, limits } = freshLimits();
    for (let at = 0; at < 50; at++) await tried(limits);
    clock.advance(600_000);
    for (let at = 0; at < 3; at++) expect(await tried(limits)).toBeUndefined();
    expect(await tried(limits)).toBeDefined();
  });

  it("are let through again in time even on a store that is late in dropping what has expired", async () => {
    const clock = setClock();
    const startMs = clock.now();
    const limits = new AttemptLimits(
      openMemoryStore(() => startMs),
      clock.now,
    );
    for (let at = 0; at < 4; at++) await tried(limits);
    clock.advance(600_000);
    expect(await tried(limits)).toBeUndefined();
  });

  it("are counted together by all instances on one store", async () => {
    const { limits, other } = freshLimits();
    expect(await tried(limits)).toBeUndefined();
    expect(await tried(other)).toBeUndefined();
    expect(await tried(limits)).toBeUndefined();
    expect(await tried(other)).toBeDefined();
  });

  it("are all counted when they come at the same time", async () => {
    const { store, limits, other } = freshLimits();
    const tries = await Promise.all(Array.from({ length: 12 }, (_, at) => tried(at % 2 === 0 ? limits : other)));
    expect(tries.filter((wait) => wait === undefined)).toHaveLength(3);
    await limits.forgive("password", "ann");
    store.beforeNextSwap(() => tried(other));
    expect(await tried(limits)).toBeDefined();
  });

  it("are counted apart for each thing and each person", async () => {
    const { limits } = freshLimits();
    for (let at = 0; at < 4; at++) await tried(limits);
    expect(await tried(limits, "password", "bob")).toBeUndefined();
    expect(await tried(limits, "link", "ann")).toBeUndefined();
    expect(await tried(limits, "passwordann", "")).toBeUndefined();
  });

  it("leave no address of a person in the store, and nothing at all afterwards", async () => {
    const { clock, store, limits } = freshLimits();
    await tried(limits, "link from", "203.0.113.7");
    expect(await storedText(store)).not.toContain("203.0.113");
    clock.advance(600_000);
    expect(await storedText(store)).toBe("");
  });
});

describe("an attempt that was right", () => {
  it("is taken back once, and the wrong ones stay", async () => {
    const { limits } = freshLimits();
    for (let at = 0; at < 3; at++) await tried(limits);
    await limits.forgive("password", "ann");
    expect(await tried(limits)).toBeUndefined();
    expect(await tried(limits)).toBeDefined();
  });

  it("does not start the time anew", async () => {
    const { clock, limits } = freshLimits();
    await tried(limits);
    await tried(limits);
    clock.advance(300_000);
    await limits.forgive("password", "ann");
    await tried(limits);
    await tried(limits);
    expect(await tried(limits)).toBe(300);
  });

  it("never gives more than there were: nobody saves up attempts", async () => {
    const { limits, store } = freshLimits();
    for (let at = 0; at < 5; at++) await limits.forgive("password", "ann");
    expect(await storedText(store)).toBe("");
    await tried(limits);
    await limits.forgive("password", "ann");
    await limits.forgive("password", "ann");
    for (let at = 0; at < 3; at++) expect(await tried(limits)).toBeUndefined();
    expect(await tried(limits)).toBeDefined();
  });

  it("is taken back though another attempt is counted at the same time", async () => {
    const { limits, other, store } = freshLimits();
    await tried(limits);
    store.beforeNextSwap(() => tried(other));
    await limits.forgive("password", "ann");
    expect(await tried(limits)).toBeUndefined();
    expect(await tried(limits)).toBeUndefined();
    expect(await tried(limits)).toBeDefined();
  });
});
