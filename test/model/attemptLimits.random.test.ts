import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AttemptLimits, delayMs } from "../../src/model/attemptLimits.ts";
import { failureOf } from "../../src/model/failure.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { setClock } from "../support/clock.ts";
import { randomRuns } from "../support/tier.ts";
import { storedText, watchedStore } from "../support/watchedStore.ts";

const minuteMs = 60_000;

/** Limits whose pauses take no time; `paused` tells how long each would have been. */
function freshLimits() {
  const clock = setClock(Date.parse("2026-11-21T08:15:00Z"));
  const store = watchedStore(openMemoryStore(clock.now));
  const paused: number[] = [];
  const made = () => new AttemptLimits(store, clock.now, async (ms) => void paused.push(ms));
  return { clock, store, paused, limits: made(), other: made() };
}

type Answer = "right" | "wrong" | "tooMany";
interface Try {
  readonly password: string;
  readonly source?: string;
  readonly target?: string;
  readonly what?: string;
  readonly signal?: AbortSignal;
  /** Hears that the password is being looked at. */
  readonly looked?: () => void;
}

async function tried(limits: AttemptLimits, { password, looked, ...more }: Try): Promise<Answer> {
  const attempt = { what: "password", source: "198.51.100.7", target: "link-1", signal: new AbortController().signal };
  try {
    const isRight = await limits.tried(
      { ...attempt, ...more },
      async () => {
        looked?.();
        await new Promise(setImmediate);
        return password === "right";
      },
      (right) => !right,
    );
    return isRight ? "right" : "wrong";
  } catch (error) {
    if (failureOf(error, "tooManyAttempts") === undefined) throw error;
    return "tooMany";
  }
}

describe("a right secret", () => {
  it("enters after any number of wrong ones, of the same source or others, one after the other or at once", async () => {
    const sources = fc.constantFrom("198.51.100.7", "203.0.113.9", "2001:db8:1:2::/64");
    const guess = fc.record({ source: sources, target: fc.constantFrom("link-1", "link-2"), atOnce: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(guess, { maxLength: 60 }), sources, async (guesses, source) => {
        const { limits, paused } = freshLimits();
        let running: Promise<unknown>[] = [];
        for (const { atOnce, ...where } of guesses) {
          running.push(tried(limits, { password: "wrong", ...where }));
          if (!atOnce) {
            await Promise.all(running);
            running = [];
          }
        }
        await Promise.all(running);
        paused.length = 0;
        expect(await tried(limits, { password: "right", source })).toBe("right");
        expect(paused.reduce((sum, ms) => sum + ms, 0)).toBeLessThanOrEqual(8_000);
      }),
      randomRuns(60),
    );
  });

  it("is never counted: a crowd of them at once, from one address, enters without a delay and leaves no row", async () => {
    const { limits, other, paused, store } = freshLimits();
    const crowd = Array.from({ length: 60 }, (_, at) => tried(at % 2 === 0 ? limits : other, { password: "right" }));
    expect(new Set(await Promise.all(crowd))).toEqual(new Set(["right"]));
    expect(paused).toEqual([]);
    expect(store.swaps).toEqual([]);
  });

  it("enters from elsewhere at once, or two seconds later where thousands have guessed", async () => {
    const { limits, paused } = freshLimits();
    for (let at = 0; at < 25; at++) await tried(limits, { password: "wrong" });
    paused.length = 0;
    expect(await tried(limits, { password: "right", source: "203.0.113.9" })).toBe("right");
    expect(paused).toEqual([]);
    for (let at = 0; at < 3_000; at++) await tried(limits, { password: "wrong", source: `source ${at}` });
    paused.length = 0;
    expect(await tried(limits, { password: "right", source: "203.0.113.10" })).toBe("right");
    expect(paused).toEqual([2_000]);
  });

  it("enters where guesses wait that somebody has sent from the same address one by one", async () => {
    const { limits } = freshLimits();
    for (let at = 0; at < 40; at++) await tried(limits, { password: "wrong" });
    const guess = tried(limits, { password: "wrong" });
    expect(await tried(limits, { password: "right" })).toBe("right");
    expect(await guess).toBe("wrong");
  });
});

describe("a class behind one address", () => {
  it("enters, though a third of it mistypes: a right one tells that the others were mistypings", async () => {
    const order = fc
      .array(fc.constantFrom("right", "right", "wrong"), { minLength: 40, maxLength: 60 })
      .filter((passwords) => !passwords.join(" ").includes("wrong wrong wrong wrong"));
    await fc.assert(
      fc.asyncProperty(order, async (passwords) => {
        const { limits } = freshLimits();
        const answers = await Promise.all(passwords.map((password) => tried(limits, { password })));
        expect(answers).toEqual(passwords);
      }),
      randomRuns(60),
    );
  });
});

describe("wrong secrets", () => {
  it("cost their source more and more, up to a bound, and never close anything", async () => {
    const { limits, paused } = freshLimits();
    for (let at = 0; at < 12; at++) expect(await tried(limits, { password: "wrong" })).toBe("wrong");
    expect(paused).toEqual([500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000, 8_000, 8_000]);
  });

  it("are each counted before the next is looked at, however many are sent at once", async () => {
    const { limits, paused } = freshLimits();
    let looked = 0;
    const count = () => {
      looked += 1;
    };
    const guesses = Array.from({ length: 500 }, () => tried(limits, { password: "wrong", looked: count }));
    const answers = await Promise.all(guesses);
    // Three mistypings, then 0.5 + 1 + 2 + 4 + 8 + 8 seconds of delay: whoever would wait longer is sent away.
    expect(looked).toBe(9);
    expect(answers.filter((answer) => answer === "wrong")).toHaveLength(9);
    expect(paused.reduce((sum, ms) => sum + ms, 0)).toBeLessThanOrEqual(30_000);
  });

  it("at many targets cost their source, too: who tries one password at many accounts, one by one or at once", async () => {
    for (const atOnce of [false, true]) {
      const { limits, paused } = freshLimits();
      const spray = Array.from({ length: 24 }, (_, at) => ({ password: "wrong", target: `account-${at}` }));
      if (atOnce) await Promise.all(spray.map((guess) => tried(limits, guess)));
      else for (const guess of spray) await tried(limits, guess);
      expect(paused).toEqual([500, 1_000, 2_000, 2_000]);
    }
  });

  it("at one account do not keep its neighbours behind the same address waiting", async () => {
    const { limits, paused } = freshLimits();
    for (let at = 0; at < 19; at++) await tried(limits, { password: "wrong", target: "ann" });
    paused.length = 0;
    const guesses = Array.from({ length: 40 }, () => tried(limits, { password: "wrong", target: "ann" }));
    expect(await tried(limits, { password: "right", target: "bob" })).toBe("right");
    expect(paused.filter((ms) => ms !== 8_000)).toEqual([]);
    await Promise.all(guesses);
  });

  it("are counted together by all bridges on one store, also at the same moment", async () => {
    const { limits, other, paused, store } = freshLimits();
    await tried(limits, { password: "wrong" });
    store.beforeNextSwap(() => tried(other, { password: "wrong" }));
    await tried(limits, { password: "wrong" });
    await tried(other, { password: "wrong" });
    expect(paused).toEqual([500]);
  });

  it("are forgotten half an hour after the last one, and not before", async () => {
    const { clock, limits, paused, store } = freshLimits();
    for (let at = 0; at < 4; at++) {
      await tried(limits, { password: "wrong" });
      clock.advance(20 * minuteMs);
    }
    expect(paused).toEqual([500]);
    clock.advance(10 * minuteMs);
    expect(await storedText(store)).toBe("");
    await tried(limits, { password: "wrong" });
    expect(paused).toEqual([500]);
  });

  it("are forgotten in time even on a store that is late in dropping what has expired", async () => {
    const clock = setClock();
    const startMs = clock.now();
    const paused: number[] = [];
    const store = openMemoryStore(() => startMs);
    const limits = new AttemptLimits(store, clock.now, async (ms) => void paused.push(ms));
    for (let at = 0; at < 3; at++) await tried(limits, { password: "wrong" });
    clock.advance(30 * minuteMs);
    await tried(limits, { password: "wrong" });
    expect(paused).toEqual([]);
  });

  it("of one kind of secret say nothing of another kind", async () => {
    const { limits, paused } = freshLimits();
    for (let at = 0; at < 10; at++) await tried(limits, { password: "wrong" });
    paused.length = 0;
    await tried(limits, { password: "wrong", what: "second factor" });
    expect(paused).toEqual([]);
  });

  it("leave no address of a person in the store", async () => {
    const { limits, store } = freshLimits();
    await tried(limits, { password: "wrong", target: "ann@example.com" });
    expect(await storedText(store)).not.toMatch(/198\.51|ann@/);
  });

  it("of somebody who has hung up are not looked at, and let the others go on at once", async () => {
    const clock = setClock();
    const hungUp = new AbortController();
    // A pause that never ends, but for whoever hangs up.
    const pause = async () => {
      hungUp.abort();
      await new Promise(() => undefined);
    };
    const limits = new AttemptLimits(openMemoryStore(clock.now), clock.now, pause);
    for (let at = 0; at < 3; at++) await tried(limits, { password: "wrong" });
    const looked: string[] = [];
    const gone = { password: "wrong", signal: hungUp.signal, looked: () => void looked.push("once") };
    expect(await Promise.all([tried(limits, gone), tried(limits, gone)])).toEqual(["tooMany", "tooMany"]);
    expect(looked).toEqual([]);
  });

  it("that failed for want of an answer are not counted", async () => {
    const { limits, store } = freshLimits();
    const attempt = { what: "password", source: "s", target: "t", signal: new AbortController().signal };
    const away = limits.tried(
      attempt,
      () => Promise.reject(new Error("away")),
      () => true,
    );
    await expect(away).rejects.toThrow("away");
    expect(store.swaps).toEqual([]);
    expect(await tried(limits, { password: "right" })).toBe("right");
  });
});

describe("a delay", () => {
  it("never shrinks with more wrong ones, and is bounded", () => {
    const brake = fc.record({
      free: fc.nat(50),
      firstMs: fc.integer({ min: 1, max: 5_000 }),
      longestMs: fc.nat(60_000),
    });
    fc.assert(
      fc.property(fc.nat(1_000_000), brake, (wrong, of) => {
        expect(delayMs(wrong, of)).toBeLessThanOrEqual(of.longestMs);
        expect(delayMs(wrong + 1, of)).toBeGreaterThanOrEqual(delayMs(wrong, of));
        if (wrong < of.free) expect(delayMs(wrong, of)).toBe(0);
      }),
      randomRuns(100),
    );
  });
});
