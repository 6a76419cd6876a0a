import { createHash } from "node:crypto";
import { z } from "zod";
import { BridgeError } from "./failure.ts";
import type { Clock, KeyValueStore, Pause } from "./keyValueStore.ts";
import { record, rowObject, type StoredRecord } from "./record.ts";

/** A secret that somebody offers. */
export interface Attempt {
  /** The kind of secret. */
  readonly what: string;
  /** Whose secret it is: the link, the account. */
  readonly target: string;
  /** Where it comes from. @see http/requestSource.ts */
  readonly source: string;
  /** The longest delay that wrong ones earn their source on this target; 8 s when left out. */
  readonly longestDelayMs?: number;
  /** Whoever hangs up leaves the queue. */
  readonly signal: AbortSignal;
}

/** Wrong ones so far, until there has been none for a while. */
const wrongSchema = rowObject({ count: z.number(), endsAtMs: z.number() });
type Wrong = z.infer<typeof wrongSchema>;

/** Attempts that go one after the other. */
interface Lane {
  last: Promise<unknown>;
  /** With the one at work. */
  waiting: number;
  /** Sum of the delays since the lane began. */
  delayedMs: number;
}

interface Brake {
  /** So many wrong ones cost nothing. */
  readonly free: number;
  readonly firstMs: number;
  readonly longestMs: number;
}

const brakes = {
  /** Of one source on one target. People mistype; whoever goes on is guessing. */
  pair: { free: 3, firstMs: 500, longestMs: 8_000 },
  /** Of one source on all targets: one password for many accounts. An office that signs in comes from one address, too. */
  source: { free: 20, firstMs: 500, longestMs: 2_000 },
  /** On one target, from everywhere. The right one may be among them: it is slowed by little. */
  target: { free: 30, firstMs: 2_000, longestMs: 2_000 },
} satisfies Record<string, Brake>;

/** From the last wrong one on: who goes on guessing does not get a new start. */
const rememberedMs = 30 * 60_000;
/** A class behind one address comes at the same moment. */
const waitingAtMost = 64;
/** Nobody is kept waiting for longer behind others of the same source: a connection is not held for minutes. */
const waitAtMostMs = 30_000;

/** How long an attempt waits after so many wrong ones. */
export function delayMs(wrong: number, { free, firstMs, longestMs }: Brake): number {
  return wrong < free ? 0 : Math.min(longestMs, firstMs * 2 ** Math.min(wrong - free, 30));
}

/**
 * Slows down who guesses, and closes nothing: a right secret enters whatever others have tried. Wrong ones alone are
 * counted, in the store, so that all bridges count together. Attempts of one source go one after the other: none is
 * looked at before the one before it is counted, however many are sent at once.
 */
export class AttemptLimits {
  readonly #wrong: StoredRecord<Wrong>;
  readonly #now: Clock;
  readonly #pause: Pause;
  readonly #lanes = new Map<string, Lane>();

  constructor(store: KeyValueStore, now: Clock, pause: Pause) {
    this.#wrong = record(store, "attempts", wrongSchema, { endsAtMs: ({ endsAtMs }) => endsAtMs });
    this.#now = now;
    this.#pause = pause;
  }

  /**
   * Has a secret looked at, when its turn has come.
   * @param isWrong whether what was found is a failure to be counted
   * @throws tooManyAttempts when others of this source fill the queue; it is then not looked at, and not counted
   */
  async tried<Found>(attempt: Attempt, look: () => Promise<Found>, isWrong: (found: Found) => boolean): Promise<Found> {
    const { signal, longestDelayMs = brakes.pair.longestMs } = attempt;
    const rows = rowsOf(attempt);
    const pairBrake = { ...brakes.pair, longestMs: longestDelayMs };
    const pairDelay = async () => {
      const [ofPair, ofTarget] = await Promise.all([this.#counted(rows.pair), this.#counted(rows.target)]);
      return Math.max(delayMs(ofPair, pairBrake), delayMs(ofTarget, brakes.target));
    };
    const sourceDelay = async () => delayMs(await this.#counted(rows.source), brakes.source);
    // Two lanes, so that one who guesses at one account waits by himself, and not in front of his neighbours.
    return this.#run(rows.pair, pairDelay, signal, () =>
      this.#run(rows.source, sourceDelay, signal, async () => {
        const found = await look();
        if (isWrong(found)) await Promise.all(Object.values(rows).map((key) => this.#count(key)));
        // This source knows the secret: what was wrong before was mistyped there, and a whole class may follow.
        else await this.#forget(rows.pair);
        return found;
      }),
    );
  }

  async #run<Found>(
    key: string,
    delay: () => Promise<number>,
    signal: AbortSignal,
    work: () => Promise<Found>,
  ): Promise<Found> {
    const lane = this.#lanes.get(key) ?? { last: Promise.resolve(), waiting: 0, delayedMs: 0 };
    if (lane.waiting >= waitingAtMost) throw tooMany(0);
    this.#lanes.set(key, lane);
    lane.waiting += 1;
    const arrivedAtMs = lane.delayedMs;
    const mine = lane.last
      // How the one before went is its caller's matter.
      .catch(() => undefined)
      .then(async () => {
        const ms = await delay();
        if (lane.delayedMs - arrivedAtMs + ms > waitAtMostMs) throw tooMany(ms);
        lane.delayedMs += ms;
        if (ms > 0) await untilAborted(this.#pause(ms), signal);
        // Nobody hears the answer any more.
        if (signal.aborted) throw tooMany(ms);
        return work();
      });
    lane.last = mine;
    try {
      return await mine;
    } finally {
      lane.waiting -= 1;
      if (lane.waiting === 0) this.#lanes.delete(key);
    }
  }

  async #counted(key: string): Promise<number> {
    return this.#standing(await this.#wrong.get(key));
  }

  async #count(key: string): Promise<void> {
    await this.#wrong.update(key, (wrong) => ({
      count: this.#standing(wrong) + 1,
      endsAtMs: this.#now() + rememberedMs,
    }));
  }

  async #forget(key: string): Promise<void> {
    const row = this.#wrong.row(key);
    // Whoever was wrong meanwhile is counted still.
    if ((await row.read()) !== undefined) await row.swap(undefined);
  }

  /** A store may be late in dropping what has expired. */
  #standing(wrong: Wrong | undefined): number {
    return wrong !== undefined && wrong.endsAtMs > this.#now() ? wrong.count : 0;
  }
}

/** Who and whose are kept as a hash. */
function rowsOf({ what, source, target }: Attempt): Record<"pair" | "source" | "target", string> {
  const row = (...facts: readonly string[]): string =>
    createHash("sha256").update(JSON.stringify(facts)).digest("base64url").slice(0, 22);
  return {
    pair: row(what, "from", source, "of", target),
    source: row(what, "from", source),
    target: row(what, "of", target),
  };
}

function tooMany(waitMs: number): BridgeError {
  return new BridgeError({ kind: "tooManyAttempts", retryAfterSeconds: Math.max(5, Math.ceil(waitMs / 1000)) });
}

/** @returns when the pause is over or whoever waits has hung up */
async function untilAborted(pause: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  let stop = (): void => undefined;
  const aborted = new Promise<void>((resolve) => {
    stop = resolve;
    signal.addEventListener("abort", stop);
  });
  await Promise.race([pause, aborted]);
  signal.removeEventListener("abort", stop);
}
