import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lockLifetimeMs, type WopiLock } from "../../src/documents/lockRows.ts";
import type { Clock, KeyValueStore } from "../../src/model/keyValueStore.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { openSqliteStore } from "../../src/stores/sqliteStore.ts";
import { setClock } from "../support/clock.ts";
import { randomRuns } from "../support/tier.ts";
import { type LockCalls, lockCalls } from "./lockCalls.ts";
import { type Outcome, outcomeOf } from "./lockOutcome.ts";

const startMs = Date.parse("2026-11-21T08:15:00Z");

/** One step of a random history; ids are few, so that they meet. */
type Step =
  | { readonly do: "lock" | "refresh" | "unlock"; readonly id: string }
  | { readonly do: "relock"; readonly old: string; readonly id: string }
  | { readonly do: "wait"; readonly ms: number };

const lockId = fc.constantFrom("A", "B", '{"C":"c"}');
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom("lock" as const, "refresh" as const, "unlock" as const), id: lockId }),
  fc.record({ do: fc.constant("relock" as const), old: lockId, id: lockId }),
  fc.record({
    do: fc.constant("wait" as const),
    ms: fc.constantFrom(1, lockLifetimeMs / 2, lockLifetimeMs - 1, lockLifetimeMs),
  }),
);

type Action = Exclude<Step, { do: "wait" }>;

function take(locks: LockCalls, fileId: string, action: Action, client: string) {
  switch (action.do) {
    case "lock":
      return locks.lock(fileId, action.id, client);
    case "refresh":
      return locks.refresh(fileId, action.id, client);
    case "unlock":
      return locks.unlock(fileId, action.id);
    case "relock":
      return locks.unlockAndRelock(fileId, action.old, action.id, client);
  }
}

/** What WOPI says about one file, as plainly as it can be written. */
class OneLock {
  id: string | undefined;
  #endsAtMs = 0;

  at(nowMs: number): this {
    if (nowMs >= this.#endsAtMs) this.id = undefined;
    return this;
  }

  /** @param endsAtMs counted from the request's decision, which may be a moment before its change */
  take(action: Action, nowMs: number, endsAtMs = nowMs + lockLifetimeMs): Outcome {
    this.at(nowMs);
    const needed = action.do === "relock" ? action.old : action.id;
    const fits = this.id === needed || (action.do === "lock" && this.id === undefined);
    if (!fits) return { refusedNaming: this.id ?? "" };
    this.id = action.do === "unlock" ? undefined : action.id;
    this.#endsAtMs = endsAtMs;
    return "done";
  }
}

const clientCount = 8;

describe.each(["memory", "sqlite"] as const)("random histories on the %s store", (kind) => {
  const clock = setClock(startMs);
  let dir: string;
  let store: KeyValueStore;
  let files = 0;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "file-locks-"));
    store = kind === "memory" ? openMemoryStore(clock.now) : openSqliteStore(join(dir, "locks.db"), clock.now);
  });
  afterAll(async () => {
    await store.close();
    await rm(dir, { recursive: true });
  });

  it("answers 200 random sequences as the specification does", async () => {
    const locks = lockCalls(store, clock.now);
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const fileId = `sequence-${files++}`;
        const model = new OneLock();
        for (const action of steps) {
          if (action.do === "wait") {
            clock.advance(action.ms);
          } else {
            const expected = model.take(action, clock.now());
            expect(await outcomeOf(take(locks, fileId, action, "g"))).toEqual(expected);
          }
          expect((await locks.current(fileId))?.lockId).toBe(model.at(clock.now()).id);
        }
      }),
      randomRuns(200),
    );
  });

  it("never lets two of eight clients hold a file, whatever comes in between", async () => {
    const history = fc.array(fc.array(step, { minLength: 1, maxLength: 6 }), {
      minLength: clientCount,
      maxLength: clientCount,
    });
    await fc.assert(
      fc.asyncProperty(history, fc.scheduler(), async (histories, scheduler) => {
        const fileId = `clients-${files++}`;
        const changes: Change[] = [];
        const acknowledged: Action[] = [];
        const clients = histories.map(async (steps, index) => {
          let doing: Action | undefined;
          const note = (left: WopiLock | undefined, atMs: number) => {
            if (doing !== undefined) changes.push({ action: doing, left, atMs });
          };
          const locks = lockCalls(delayedStore(store, scheduler, clock.now, note), clock.now);
          for (const action of steps) {
            if (action.do === "wait") {
              await scheduler.schedule(Promise.resolve());
              clock.advance(action.ms);
            } else {
              doing = action;
              if ((await outcomeOf(take(locks, fileId, action, `client-${index}`))) === "done")
                acknowledged.push(action);
            }
          }
        });
        await scheduler.waitFor(Promise.all(clients));
        // One change for each acknowledgement, and one after the other they are what a single lock would have allowed.
        expect(new Set(changes.map(({ action }) => action))).toEqual(new Set(acknowledged));
        expect(changes).toHaveLength(acknowledged.length);
        const model = new OneLock();
        for (const { action, left, atMs } of changes) {
          expect(model.take(action, atMs, left?.expiresAtMs)).toBe("done");
          expect(model.id).toBe(left?.lockId);
        }
      }),
      randomRuns(60),
    );
  });

  it("lets one client at a time into what the lock protects", async () => {
    const fileId = `section-${files++}`;
    let inside: string | undefined;
    let entries = 0;
    await Promise.all(
      Array.from({ length: clientCount }, async (_, index) => {
        const id = `client-${index}`;
        const locks = lockCalls(store, clock.now);
        for (let round = 0; round < 10; ) {
          if ((await outcomeOf(locks.lock(fileId, id, id))) !== "done") {
            await new Promise(setImmediate);
            continue;
          }
          expect(inside).toBeUndefined();
          inside = id;
          await new Promise(setImmediate);
          await locks.refresh(fileId, id, id);
          expect(inside).toBe(id);
          inside = undefined;
          await locks.unlock(fileId, id);
          entries++;
          round++;
        }
      }),
    );
    expect(entries).toBe(clientCount * 10);
  });

  it("gives a lock that has just run out to exactly one of eight who race for it, and not to its old holder", async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const fileId = `race-${files++}`;
        await lockCalls(store, clock.now).lock(fileId, "crashed", "g");
        clock.advance(lockLifetimeMs);
        const racer = () =>
          lockCalls(
            delayedStore(store, scheduler, clock.now, () => {}),
            clock.now,
          );
        const locked = Array.from({ length: clientCount }, (_, index) =>
          outcomeOf(racer().lock(fileId, `client-${index}`, "g")),
        );
        const tooLate = [
          outcomeOf(racer().refresh(fileId, "crashed", "g")),
          outcomeOf(racer().unlock(fileId, "crashed")),
          outcomeOf(racer().unlockAndRelock(fileId, "crashed", "crashed-2", "g")),
        ];
        const outcomes = await scheduler.waitFor(Promise.all(locked));
        const late = await scheduler.waitFor(Promise.all(tooLate));
        const winners = outcomes.flatMap((outcome, index) => (outcome === "done" ? [`client-${index}`] : []));
        expect(winners).toHaveLength(1);
        expect((await lockCalls(store, clock.now).current(fileId))?.lockId).toBe(winners[0]);
        for (const outcome of late) expect(outcome).not.toBe("done");
        // Who lost hears the new holder, so that the editor can tell the user who it is.
        for (const outcome of outcomes) if (outcome !== "done") expect(outcome.refusedNaming).toBe(winners[0]);
      }),
      randomRuns(40),
    );
  });
});

interface Change {
  readonly action: Action;
  readonly left: WopiLock | undefined;
  readonly atMs: number;
}

/** The store as one client sees it: each call waits for the scheduler, and each change that was made is noted. */
function delayedStore(
  store: KeyValueStore,
  scheduler: fc.Scheduler,
  now: Clock,
  note: (left: WopiLock | undefined, atMs: number) => void,
): KeyValueStore {
  return {
    get: async (key) => {
      await scheduler.schedule(Promise.resolve());
      return store.get(key);
    },
    swap: async (key, expected, next, expiresAtMs) => {
      await scheduler.schedule(Promise.resolve());
      // A store compares as of the call; the clock may move on before the write is on disk.
      const atMs = now();
      const swapped = await store.swap(key, expected, next, expiresAtMs);
      if (swapped) note(next === undefined ? undefined : (JSON.parse(next) as WopiLock), atMs);
      return swapped;
    },
    list: (prefix) => store.list(prefix),
    close: () => store.close(),
  };
}
