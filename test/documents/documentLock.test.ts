import { describe, expect, it } from "vitest";
import { lockLifetimeMs } from "../../src/documents/lockRows.ts";
import { BridgeError } from "../../src/model/failure.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { setClock } from "../support/clock.ts";
import { watchedStore } from "../support/watchedStore.ts";
import { type LockCalls, lockCalls } from "./lockCalls.ts";
import { type Outcome, outcomeOf } from "./lockOutcome.ts";

const startMs = Date.parse("2026-11-21T08:15:00Z");

function freshLocks() {
  const clock = setClock(startMs);
  const store = openMemoryStore(clock.now);
  return { clock, store, locks: lockCalls(store, clock.now) };
}

interface Row {
  readonly sentence: string;
  readonly held: string | undefined;
  readonly ask: (locks: LockCalls) => Promise<unknown>;
  readonly outcome: Outcome;
  readonly heldAfter: string | undefined;
}

/** Every cell of the specification's table: request by state of the file. */
const rows: readonly Row[] = [
  {
    sentence: "LOCK takes a file that is not locked",
    held: undefined,
    ask: (locks) => locks.lock("f", "A", "g"),
    outcome: "done",
    heldAfter: "A",
  },
  {
    sentence: "LOCK with the id already held is a refresh",
    held: "A",
    ask: (locks) => locks.lock("f", "A", "g"),
    outcome: "done",
    heldAfter: "A",
  },
  {
    sentence: "LOCK with another id is refused and hears the id that is held",
    held: "A",
    ask: (locks) => locks.lock("f", "B", "g"),
    outcome: { refusedNaming: "A" },
    heldAfter: "A",
  },
  {
    sentence: "REFRESH_LOCK of a file that is not locked is refused with an empty id",
    held: undefined,
    ask: (locks) => locks.refresh("f", "A", "g"),
    outcome: { refusedNaming: "" },
    heldAfter: undefined,
  },
  {
    sentence: "REFRESH_LOCK with the held id is done",
    held: "A",
    ask: (locks) => locks.refresh("f", "A", "g"),
    outcome: "done",
    heldAfter: "A",
  },
  {
    sentence: "REFRESH_LOCK with another id is refused and hears the id that is held",
    held: "A",
    ask: (locks) => locks.refresh("f", "B", "g"),
    outcome: { refusedNaming: "A" },
    heldAfter: "A",
  },
  {
    sentence: "UNLOCK of a file that is not locked is refused with an empty id",
    held: undefined,
    ask: (locks) => locks.unlock("f", "A"),
    outcome: { refusedNaming: "" },
    heldAfter: undefined,
  },
  {
    sentence: "UNLOCK with the held id frees the file",
    held: "A",
    ask: (locks) => locks.unlock("f", "A"),
    outcome: "done",
    heldAfter: undefined,
  },
  {
    sentence: "UNLOCK with another id is refused and hears the id that is held",
    held: "A",
    ask: (locks) => locks.unlock("f", "B"),
    outcome: { refusedNaming: "A" },
    heldAfter: "A",
  },
  {
    sentence: "UnlockAndRelock of a file that is not locked is refused with an empty id",
    held: undefined,
    ask: (locks) => locks.unlockAndRelock("f", "A", "B", "g"),
    outcome: { refusedNaming: "" },
    heldAfter: undefined,
  },
  {
    sentence: "UnlockAndRelock with the right old id replaces it",
    held: "A",
    ask: (locks) => locks.unlockAndRelock("f", "A", "B", "g"),
    outcome: "done",
    heldAfter: "B",
  },
  {
    sentence: "UnlockAndRelock with a wrong old id is refused and leaves the lock untouched",
    held: "A",
    ask: (locks) => locks.unlockAndRelock("f", "B", "C", "g"),
    outcome: { refusedNaming: "A" },
    heldAfter: "A",
  },
  {
    sentence: "UnlockAndRelock compares the old id, not the new one",
    held: "A",
    ask: (locks) => locks.unlockAndRelock("f", "B", "A", "g"),
    outcome: { refusedNaming: "A" },
    heldAfter: "A",
  },
  {
    sentence: "GET_LOCK of a file that is not locked finds none",
    held: undefined,
    ask: async (locks) => expect(await locks.current("f")).toBeUndefined(),
    outcome: "done",
    heldAfter: undefined,
  },
  {
    sentence: "GET_LOCK of a locked file finds its id",
    held: "A",
    ask: async (locks) => expect((await locks.current("f"))?.lockId).toBe("A"),
    outcome: "done",
    heldAfter: "A",
  },
];

describe("the lock table of WOPI", () => {
  it.each(rows)("$sentence", async ({ held, ask, outcome, heldAfter }) => {
    const { locks } = freshLocks();
    if (held !== undefined) await locks.lock("f", held, "holder");
    expect(await outcomeOf(ask(locks))).toEqual(outcome);
    expect((await locks.current("f"))?.lockId).toBe(heldAfter);
  });

  it("tells a lock that was taken from one that was refreshed", async () => {
    const { locks } = freshLocks();
    expect(await locks.lock("f", "A", "g")).toBe("taken");
    expect(await locks.lock("f", "A", "g")).toBe("refreshed");
  });

  it("keeps the locks of different files apart", async () => {
    const { locks } = freshLocks();
    await locks.lock("f", "A", "g");
    await locks.lock("f2", "B", "g");
    await locks.unlock("f2", "B");
    expect((await locks.current("f"))?.lockId).toBe("A");
  });

  it("lets any grant that presents the id hold the lock, and notes which one did last", async () => {
    const { locks } = freshLocks();
    await locks.lock("f", "A", "ann");
    await locks.refresh("f", "A", "bob");
    expect((await locks.current("f"))?.grantId).toBe("bob");
  });

  it("refuses with a BridgeError and nothing else", async () => {
    const { locks } = freshLocks();
    await expect(locks.unlock("f", "A")).rejects.toBeInstanceOf(BridgeError);
  });
});

describe("the thirty minutes of a lock", () => {
  it("holds it until the last millisecond and not one longer", async () => {
    const { clock, locks } = freshLocks();
    await locks.lock("f", "A", "g");
    clock.advance(lockLifetimeMs - 1);
    expect((await locks.current("f"))?.lockId).toBe("A");
    clock.advance(1);
    expect(await locks.current("f")).toBeUndefined();
  });

  it("lasts half an hour, as the specification says", () => {
    expect(lockLifetimeMs).toBe(1_800_000);
  });

  const refreshments: readonly { name: string; id: string; refresh: (locks: LockCalls) => Promise<unknown> }[] = [
    { name: "LOCK again", id: "A", refresh: (locks) => locks.lock("f", "A", "g") },
    { name: "REFRESH_LOCK", id: "A", refresh: (locks) => locks.refresh("f", "A", "g") },
    { name: "UnlockAndRelock", id: "B", refresh: (locks) => locks.unlockAndRelock("f", "A", "B", "g") },
  ];
  it.each(refreshments)("starts anew with $name", async ({ id, refresh }) => {
    const { clock, locks } = freshLocks();
    await locks.lock("f", "A", "g");
    clock.advance(lockLifetimeMs - 1);
    await refresh(locks);
    clock.advance(lockLifetimeMs - 1);
    expect((await locks.current("f"))?.lockId).toBe(id);
    clock.advance(1);
    expect(await locks.current("f")).toBeUndefined();
  });

  it("does not start anew with a refused request or a look at it", async () => {
    const { clock, locks } = freshLocks();
    await locks.lock("f", "A", "g");
    clock.advance(lockLifetimeMs - 1);
    await outcomeOf(locks.lock("f", "B", "g"));
    await locks.current("f");
    clock.advance(1);
    expect(await locks.current("f")).toBeUndefined();
  });

  it("counts a lock that ran out as none, for each request", async () => {
    const { clock, locks } = freshLocks();
    await locks.lock("f", "A", "g");
    clock.advance(lockLifetimeMs);
    expect(await outcomeOf(locks.refresh("f", "A", "g"))).toEqual({ refusedNaming: "" });
    expect(await outcomeOf(locks.unlock("f", "A"))).toEqual({ refusedNaming: "" });
    expect(await outcomeOf(locks.unlockAndRelock("f", "A", "B", "g"))).toEqual({ refusedNaming: "" });
    expect(await locks.lock("f", "B", "g")).toBe("taken");
  });

  it("counts it as none even on a store that is late in dropping what has expired", async () => {
    const clock = setClock(startMs);
    const lateStore = openMemoryStore(() => startMs);
    const locks = lockCalls(lateStore, clock.now);
    await locks.lock("f", "A", "g");
    clock.advance(lockLifetimeMs);
    expect(await locks.current("f")).toBeUndefined();
    expect(await locks.lock("f", "B", "g")).toBe("taken");
    expect((await locks.current("f"))?.lockId).toBe("B");
  });
});

describe("taking a file over", () => {
  it("ends whatever lock stands and tells whose it was", async () => {
    const { clock, locks } = freshLocks();
    expect(await locks.takeOver("f")).toBeUndefined();
    await locks.lock("f", "A", "ann");
    expect(await locks.takeOver("f")).toEqual({
      lockId: "A",
      grantId: "ann",
      expiresAtMs: clock.now() + lockLifetimeMs,
    });
    expect(await locks.current("f")).toBeUndefined();
    expect(await locks.takeOver("f")).toBeUndefined();
    expect(await locks.lock("f", "B", "bob")).toBe("taken");
  });

  it("keeps the loser from coming back with his lock, whichever way he tries", async () => {
    const { locks } = freshLocks();
    await locks.lock("f", "A", "ann");
    await locks.takeOver("f");
    expect(await outcomeOf(locks.lock("f", "A", "ann"))).toEqual({ refusedNaming: "" });
    expect(await outcomeOf(locks.refresh("f", "A", "ann"))).toEqual({ refusedNaming: "" });
    await locks.lock("f", "B", "bob");
    expect(await outcomeOf(locks.lock("f", "A", "ann"))).toEqual({ refusedNaming: "B" });
    expect(await outcomeOf(locks.unlock("f", "A"))).toEqual({ refusedNaming: "B" });
    // The refusal has told the lock that stands.
    expect(await outcomeOf(locks.unlockAndRelock("f", "B", "A", "ann"))).toEqual({ refusedNaming: "B" });
    expect((await locks.current("f"))?.lockId).toBe("B");
  });

  it("is remembered of that lock and that file alone, on every instance", async () => {
    const { clock, store, locks } = freshLocks();
    await locks.lock("f", "A", "ann");
    await locks.takeOver("f");
    expect(await lockCalls(store, clock.now).wasTakenOver("f", "A")).toBe(true);
    expect(await locks.wasTakenOver("f", "a")).toBe(false);
    expect(await locks.wasTakenOver("f", "")).toBe(false);
    expect(await locks.wasTakenOver("f2", "A")).toBe(false);
    expect(await locks.lock("f2", "A", "ann")).toBe("taken");
  });

  it("is remembered for longer than any session lives, and then no longer", async () => {
    const { clock, locks } = freshLocks();
    await locks.lock("f", "A", "ann");
    await locks.takeOver("f");
    clock.advance(7 * 24 * 3_600_000 + 3_600_000);
    expect(await locks.wasTakenOver("f", "A")).toBe(true);
    clock.advance(24 * 3_600_000);
    expect(await locks.wasTakenOver("f", "A")).toBe(false);
  });

  it("is remembered before the lock ends: in between, a save under it would pass for a late one", async () => {
    const { clock, store, locks } = freshLocks();
    await locks.lock("f", "A", "ann");
    const watched = watchedStore(store);
    const seen: unknown[] = [];
    const look = async () => {
      seen.push([(await locks.current("f"))?.lockId, await locks.wasTakenOver("f", "A")]);
      watched.beforeNextSwap(look);
    };
    watched.beforeNextSwap(look);
    await lockCalls(watched, clock.now).takeOver("f");
    expect(seen).toEqual([
      ["A", false],
      ["A", true],
    ]);
  });

  it("ends only the lock that was seen: another that came in between stays", async () => {
    const { clock, store, locks } = freshLocks();
    await locks.lock("f", "A", "ann");
    const watched = watchedStore(store);
    watched.beforeNextSwap(() => locks.unlockAndRelock("f", "A", "B", "bob"));
    expect(await lockCalls(watched, clock.now).takeOver("f")).toBeUndefined();
    expect((await locks.current("f"))?.lockId).toBe("B");
    expect(await locks.wasTakenOver("f", "B")).toBe(false);
  });

  it("has nothing to end when the lock has run out, and nobody is shut out by that", async () => {
    const { clock, locks } = freshLocks();
    await locks.lock("f", "A", "ann");
    clock.advance(lockLifetimeMs);
    expect(await locks.takeOver("f")).toBeUndefined();
    expect(await locks.lock("f", "A", "ann")).toBe("taken");
  });
});

describe("lock ids are opaque", () => {
  const id1024 = "x".repeat(1024);
  it.each([
    ["JSON", '{"S":"6b7c","F":4,"E":2}'],
    ["quotes and backslashes", `"it's" \\"quoted\\"`],
    ["trailing and leading spaces", "  lock  "],
    ["1024 characters", id1024],
    ["what looks like a word of ours", "undefined"],
  ])("keeps %s as it came", async (_name, lockId) => {
    const { locks } = freshLocks();
    await locks.lock("f", lockId, "g");
    expect((await locks.current("f"))?.lockId).toBe(lockId);
    await locks.refresh("f", lockId, "g");
    await locks.unlock("f", lockId);
    expect(await locks.current("f")).toBeUndefined();
  });

  it.each([
    ["case", "Lock", "lock"],
    ["a space at the end", "lock ", "lock"],
    ["the order of JSON members", '{"a":1,"b":2}', '{"b":2,"a":1}'],
    ["the last of 1024 characters", id1024, `${id1024.slice(1)}y`],
  ])("takes ids that differ in %s for different ones", async (_name, held, other) => {
    const { locks } = freshLocks();
    await locks.lock("f", held, "g");
    expect(await outcomeOf(locks.lock("f", other, "g"))).toEqual({ refusedNaming: held });
  });
});
