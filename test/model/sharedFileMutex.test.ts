import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BridgeError } from "../../src/model/failure.ts";
import { FileMutex } from "../../src/model/fileMutex.ts";
import type { KeyValueStore } from "../../src/model/keyValueStore.ts";
import type { LeaseTiming } from "../../src/model/sharedFileMutex.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { until } from "../support/until.ts";

/** As usual, only twenty times as fast. */
const timing: LeaseTiming = {
  leaseMs: 750,
  signEveryMs: 150,
  signAgainMs: 25,
  beginWithinMs: 150,
  waitAtMostMs: 1_000,
};
const patient: Partial<LeaseTiming> = { waitAtMostMs: 10_000 };

let store: KeyValueStore;
beforeEach(() => {
  // Nothing here leaves the process: time goes on to the next timer as soon as everything waits for one, so that the limits
  // hold to the millisecond however slow the machine is.
  vi.useFakeTimers({ toFake: ["Date", "performance", "setTimeout", "clearTimeout"] });
  vi.setTimerTickMode("nextTimerAsync");
  store = openMemoryStore(Date.now);
});
afterEach(() => void vi.useRealTimers());

/** A bridge on the store that the test can cut off from it, and whose clock may be wrong. */
function bridge({ clockIsAheadMs = 0, changed = {} as Partial<LeaseTiming> } = {}) {
  let isCutOff = false;
  const unlessCutOff = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (isCutOff) throw new BridgeError({ kind: "storeUnreachable" });
    return work();
  };
  const way: KeyValueStore = {
    ...store,
    get: (key) => unlessCutOff(() => store.get(key)),
    swap: (key, expected, next, expiresAtMs) => {
      // Redis takes ends of life for lifetimes: whose clock is wrong does not matter to it.
      const endsAtMs = expiresAtMs === undefined ? undefined : expiresAtMs - clockIsAheadMs;
      return unlessCutOff(() => store.swap(key, expected, next, endsAtMs));
    },
  };
  const now = () => Date.now() + clockIsAheadMs;
  return {
    mutex: new FileMutex({ store: way, now, timing: { ...timing, ...changed } }),
    cutOff: (is = true) => {
      isCutOff = is;
    },
  };
}

/** Work that begins, and ends when it is told to. */
function work() {
  let begin: () => void = () => {};
  let end: () => void = () => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return {
    run: async () => {
      begin();
      await ended;
    },
    begun,
    end,
  };
}

const rest = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const entries = async (): Promise<number> => {
  let count = 0;
  for await (const _entry of store.list("turn:")) count++;
  return count;
};

describe("the turns of a file among two bridges", () => {
  it("are never two at once: a hundred increments, each of which reads, waits and writes", async () => {
    const bridges = [bridge(), bridge({ clockIsAheadMs: 3_600_000 })] as const;
    let count = 0;
    await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        bridges[i % 2 === 0 ? 0 : 1].mutex.run("f", async () => {
          const read = count;
          await rest(1);
          count = read + 1;
        }),
      ),
    );
    expect(count).toBe(100);
    expect(await entries()).toBe(0);
  });

  it("do not make other files wait", async () => {
    const [a, b] = [bridge(), bridge()];
    const slow = work();
    const waiting = a.mutex.run("f", slow.run);
    await slow.begun;
    expect(await b.mutex.run("g", async () => "done")).toBe("done");
    slow.end();
    await waiting;
  });

  it("alternate: one with much to do does not keep the other off", async () => {
    const [a, b] = [bridge(), bridge()];
    const log: string[] = [];
    const first = work();
    const many = [a.mutex.run("f", first.run)];
    for (let i = 0; i < 20; i++) many.push(a.mutex.run("f", async () => void log.push("a")));
    await first.begun;
    const one = b.mutex.run("f", async () => void log.push("b"));
    await until("the other has queued up", async () => (await store.get("turn:f"))?.split(",").length === 3);
    first.end();
    await Promise.all([...many, one]);
    expect(log.indexOf("b")).toBeLessThanOrEqual(1);
  });

  it("are not waited for any longer by a caller who has gone, who leaves no trace", async () => {
    const [a, b] = [bridge(), bridge({ changed: patient })];
    const holding = work();
    const first = a.mutex.run("f", holding.run);
    await holding.begun;
    const gone = new AbortController();
    const waiting = b.mutex.run("f", async () => "never", gone.signal);
    await until("it has queued up", async () => (await store.get("turn:f"))?.split(",").length === 3);
    gone.abort();
    await expect(waiting).rejects.toMatchObject({ failure: { kind: "driveBusy" } });
    holding.end();
    await first;
    expect(await entries()).toBe(0);
  });

  it("come to each of three bridges that never stop asking", async () => {
    const bridges = [bridge(), bridge(), bridge()];
    const counts = [0, 0, 0];
    let isOver = false;
    const asking = bridges.map(async ({ mutex }, index) => {
      while (!isOver) {
        await mutex.run("f", async () => {
          counts[index] = (counts[index] ?? 0) + 1;
          await rest(1);
        });
      }
    });
    await until("everybody has had ten turns", () => Math.min(...counts) >= 10, 10_000);
    isOver = true;
    await Promise.all(asking);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThan(5);
  });

  it("go on after one whose work failed", async () => {
    const [a, b] = [bridge(), bridge()];
    const fails = async () => {
      throw new Error("drive away");
    };
    await expect(a.mutex.run("f", fails)).rejects.toThrow("drive away");
    expect(await b.mutex.run("f", async () => "next")).toBe("next");
  });

  it("last as long as the work does, be it many leases", async () => {
    const [a, b] = [bridge(), bridge({ changed: patient })];
    const log: string[] = [];
    const long = a.mutex.run("f", async (turn) => {
      await rest(2 * timing.leaseMs);
      turn.requireMine();
      log.push("long");
    });
    await rest(5);
    await Promise.all([long, b.mutex.run("f", async () => void log.push("next"))]);
    expect(log).toEqual(["long", "next"]);
  });

  it("are refused as busy to one who has waited long enough, and he leaves no trace", async () => {
    const [a, b] = [bridge(), bridge()];
    const slow = work();
    const holding = a.mutex.run("f", slow.run);
    await slow.begun;
    let hasBegun = false;
    const refused = b.mutex.run("f", async () => {
      hasBegun = true;
    });
    await expect(refused).rejects.toMatchObject({ failure: { kind: "driveBusy" } });
    expect(hasBegun).toBe(false);
    slow.end();
    await holding;
    expect(await entries()).toBe(0);
  });
});

describe("a bridge that dies in its turn", () => {
  it("is waited for as long as its lease, and no longer", async () => {
    const [a, b] = [bridge(), bridge({ clockIsAheadMs: 3_600_000 })];
    const dying = work();
    const dead = a.mutex.run("f", dying.run);
    await dying.begun;
    a.cutOff();
    const diedAtMs = performance.now();
    expect(await b.mutex.run("f", async () => "served")).toBe("served");
    const waitedMs = performance.now() - diedAtMs;
    expect(waitedMs).toBeGreaterThan(timing.leaseMs - timing.signEveryMs);
    expect(waitedMs).toBeLessThan(timing.leaseMs * 1.5);
    dying.end();
    await dead;
  });

  it("does not get the turn for longer because others queue up behind it", async () => {
    const a = bridge();
    const dying = work();
    const dead = a.mutex.run("f", dying.run);
    await dying.begun;
    a.cutOff();
    const diedAtMs = performance.now();
    const others: Promise<unknown>[] = [];
    // Each that comes sets the end of the entry anew.
    for (let i = 0; i < 4; i++) {
      others.push(bridge({ changed: patient }).mutex.run("f", async () => undefined));
      await rest(timing.leaseMs / 4);
    }
    await Promise.all(others);
    expect(performance.now() - diedAtMs).toBeLessThan(timing.leaseMs * 1.7);
    dying.end();
    await dead;
  });

  it("is passed over soon when it dies while it waits", async () => {
    const [a, b, c] = [bridge(), bridge({ changed: patient }), bridge()];
    const holding = work();
    const first = a.mutex.run("f", holding.run);
    await holding.begun;
    const dead = b.mutex.run("f", async () => "never").catch(() => "dead");
    await until("it has queued up", async () => (await store.get("turn:f"))?.split(",").length === 3);
    b.cutOff();
    expect(await dead).toBe("dead");
    const last = c.mutex.run("f", async () => "served");
    await until("the last has queued up", async () => (await store.get("turn:f"))?.split(",").length === 4);
    holding.end();
    const freedAtMs = performance.now();
    expect(await last).toBe("served");
    expect(performance.now() - freedAtMs).toBeLessThan(timing.leaseMs);
    await first;
  });

  it("may write no more when it wakes up again, and the other's turn stays the other's", async () => {
    const [a, b, c] = [bridge(), bridge(), bridge()];
    const [paused, next] = [work(), work()];
    const late = a.mutex.run("f", async (turn) => {
      await paused.run();
      turn.requireMine();
    });
    await paused.begun;
    a.cutOff();
    const others = b.mutex.run("f", next.run);
    await next.begun;
    a.cutOff(false);
    // Its signs get through again, and must not bring the turn back.
    await rest(timing.signEveryMs);
    paused.end();
    await expect(late).rejects.toMatchObject({ failure: { kind: "driveBusy" } });
    let isThirdsTurn = false;
    const third = c.mutex.run("f", async () => {
      isThirdsTurn = true;
    });
    await rest(100);
    expect(isThirdsTurn).toBe(false);
    next.end();
    await Promise.all([others, third]);
  });
});

describe("a store that goes away", () => {
  it("makes a turn fail that was asked for meanwhile, and the next one comes when it is back", async () => {
    const a = bridge();
    a.cutOff();
    let hasBegun = false;
    const refused = a.mutex.run("f", async () => {
      hasBegun = true;
    });
    await expect(refused).rejects.toMatchObject({ failure: { kind: "storeUnreachable" } });
    expect(hasBegun).toBe(false);
    a.cutOff(false);
    expect(await a.mutex.run("f", async () => "served")).toBe("served");
  });

  it("does not end a turn under way when it is back before the lease ends", async () => {
    const [a, b] = [bridge(), bridge({ changed: patient })];
    const log: string[] = [];
    const long = a.mutex.run("f", async (turn) => {
      a.cutOff();
      await rest(timing.leaseMs / 2);
      a.cutOff(false);
      await rest(timing.leaseMs);
      turn.requireMine();
      log.push("long");
    });
    await rest(5);
    await Promise.all([long, b.mutex.run("f", async () => void log.push("next"))]);
    expect(log).toEqual(["long", "next"]);
  });

  it("takes the right to write from a turn that outlives the lease", async () => {
    const a = bridge();
    const outcome = a.mutex.run("f", async (turn) => {
      turn.requireMine();
      a.cutOff();
      await rest(timing.leaseMs + 20);
      turn.requireMine();
    });
    await expect(outcome).rejects.toMatchObject({ failure: { kind: "driveBusy" } });
  });

  it("does not keep the bridge itself waiting for a turn that it could not give up", async () => {
    const a = bridge();
    await a.mutex.run("f", async () => a.cutOff());
    a.cutOff(false);
    const askedAtMs = performance.now();
    expect(await a.mutex.run("f", async () => "served")).toBe("served");
    expect(performance.now() - askedAtMs).toBeLessThan(timing.beginWithinMs);
    expect(await entries()).toBe(0);
  });

  it("does not keep the others waiting for it either, once the store is back", async () => {
    const [a, b] = [bridge(), bridge()];
    await a.mutex.run("f", async () => a.cutOff());
    const served = b.mutex.run("f", async () => performance.now());
    a.cutOff(false);
    const backAtMs = performance.now();
    expect((await served) - backAtMs).toBeLessThan(timing.leaseMs / 2);
    expect(await entries()).toBe(0);
  });

  it("ends no new turn of the bridge in place of one that could not be given up", async () => {
    const [a, b] = [bridge(), bridge()];
    const next = work();
    await a.mutex.run("f", async () => a.cutOff());
    a.cutOff(false);
    const holding = a.mutex.run("f", next.run);
    await next.begun;
    await rest(4 * timing.signAgainMs);
    let isOthersTurn = false;
    const other = b.mutex.run("f", async () => {
      isOthersTurn = true;
    });
    await rest(4 * timing.signAgainMs);
    expect(isOthersTurn).toBe(false);
    next.end();
    await Promise.all([holding, other]);
  });

  it("may forget the turn: it is noted anew with the next sign of life", async () => {
    const [a, b] = [bridge(), bridge({ changed: patient })];
    const log: string[] = [];
    const long = a.mutex.run("f", async (turn) => {
      await store.swap("turn:f", await store.get("turn:f"), undefined);
      await until("it is noted anew", async () => (await store.get("turn:f")) !== undefined);
      const second = b.mutex.run("f", async () => void log.push("next"));
      await rest(timing.leaseMs);
      turn.requireMine();
      log.push("long");
      return { second };
    });
    await (await long).second;
    expect(log).toEqual(["long", "next"]);
  });
});
