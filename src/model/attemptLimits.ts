import { createHash } from "node:crypto";
import { z } from "zod";
import { BridgeError } from "./failure.ts";
import type { Clock, KeyValueStore, Pause } from "./keyValueStore.ts";
import { record, rowObject, type StoredRecord } from "./record.ts";

/** Someone tries a secret. */
export interface Attempt {
  /** The kind of secret. */
  readonly what: string;
  /** Whose secret it is: the link, the account. */
  readonly target: string;
  /** Where the attempt comes from. @see http/requestSource.ts */
  readonly source: string;
  /** The longest delay after wrong attempts from this source on this target; 8 s when left out. */
  readonly longestDelayMs?: number;
  /** Aborted when the caller hangs up; the attempt then leaves the queue. */
  readonly signal: AbortSignal;
}

/** Wrong attempts, until there have been none for a while. */
const wrongSchema = rowObject({ count: z.number(), endsAtMs: z.number() });
type Wrong = z.infer<typeof wrongSchema>;

/** A queue of attempts that run one at a time. */
interface Lane {
  last: Promise<unknown>;
  /** Including the one that runs. */
  waiting: number;
  /** Sum of the delays since the lane began. */
  delayedMs: number;
}

interface Brake {
  /** This many wrong attempts are free. */
  readonly free: number;
  readonly firstMs: number;
  readonly longestMs: number;
}

const brakes = {
  /** One source on one target. People mistype a few times; more is guessing. */
  pair: { free: 3, firstMs: 500, longestMs: 8_000 },
  /** One source on all targets, such as one password for many accounts. A whole office may share one address, too. */
  source: { free: 20, firstMs: 500, longestMs: 2_000 },
  /** One target, from everywhere. The owner may be among them, so the delay is short. */
  target: { free: 30, firstMs: 2_000, longestMs: 2_000 },
} satisfies Record<string, Brake>;

/** Counted from the last wrong attempt: guessing on does not reset the count. */
const rememberedMs = 30 * 60_000;
/** A school class behind one address may come all at once. */
const waitingAtMost = 64;
/** Longest wait behind others from the same source: connections are not held for minutes. */
const waitAtMostMs = 30_000;

/** How long an attempt waits after this many wrong ones. */
export function delayMs(wrong: number, { free, firstMs, longestMs }: Brake): number {
  return wrong < free ? 0 : Math.min(longestMs, firstMs * 2 ** Math.min(wrong - free, 30));
}

/**
 * Slows down guessing but locks no one out: the right secret works whatever others have tried. Only wrong attempts are
 * counted, in the store, so that all bridges count together. Attempts from one source run one at a time: none is
 * checked before the previous one is counted, however many are sent at once.
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
   * Checks a secret when its turn has come.
   * @param isWrong true when the result counts as a wrong attempt
   * @throws tooManyAttempts when the queue of this source is full; the secret is then neither checked nor counted
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
    // Two lanes, so that guessing at one account does not hold up other people at the same address.
    return this.#run(rows.pair, pairDelay, signal, () =>
      this.#run(rows.source, sourceDelay, signal, async () => {
        const found = await look();
        if (isWrong(found)) await Promise.all(Object.values(rows).map((key) => this.#count(key)));
        // This source knows the secret: earlier wrong attempts were typos, and a whole class may follow.
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
      // The result of the previous attempt belongs to its own caller.
      .catch(() => undefined)
      .then(async () => {
        const ms = await delay();
        if (lane.delayedMs - arrivedAtMs + ms > waitAtMostMs) throw tooMany(ms);
        lane.delayedMs += ms;
        if (ms > 0) await untilAborted(this.#pause(ms), signal);
        // No one is waiting for the answer.
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
    // Anyone who was wrong in the meantime is still counted.
    if ((await row.read()) !== undefined) await row.swap(undefined);
  }

  /** A store may keep expired rows for a while. */
  #standing(wrong: Wrong | undefined): number {
    return wrong !== undefined && wrong.endsAtMs > this.#now() ? wrong.count : 0;
  }
}

/** Source and target are stored as hashes. */
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

/** @returns when the time is over or the caller has hung up */
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
