import { createHash } from "node:crypto";
import { BridgeError } from "./failure.ts";
import type { Clock, KeyValueStore } from "./keyValueStore.ts";

export interface AttemptLimit {
  readonly attempts: number;
  readonly withinMs: number;
}

interface Attempts {
  readonly count: number;
  readonly endsAtMs: number;
}

/** How often something may be tried by somebody; counted in the store, so that all instances count together. */
export class AttemptLimits {
  readonly #store: KeyValueStore;
  readonly #now: Clock;

  constructor(store: KeyValueStore, now: Clock) {
    this.#store = store;
    this.#now = now;
  }

  /**
   * Counts an attempt before it is made.
   * @param what and who are kept as a hash
   * @throws tooManyAttempts, until the time from the first of them has passed
   */
  async count(what: string, who: string, limit: AttemptLimit): Promise<void> {
    const key = attemptsKey(what, who);
    for (;;) {
      const raw = await this.#store.get(key);
      const standing = raw === undefined ? undefined : (JSON.parse(raw) as Attempts);
      const current =
        standing === undefined || standing.endsAtMs <= this.#now()
          ? { count: 0, endsAtMs: this.#now() + limit.withinMs }
          : standing;
      if (current.count >= limit.attempts) {
        const retryAfterSeconds = Math.ceil((current.endsAtMs - this.#now()) / 1000);
        throw new BridgeError({ kind: "tooManyAttempts", retryAfterSeconds });
      }
      const next: Attempts = { ...current, count: current.count + 1 };
      if (await this.#store.swap(key, raw, JSON.stringify(next), next.endsAtMs)) return;
    }
  }

  /** Takes one attempt back, since it was right. */
  async forgive(what: string, who: string): Promise<void> {
    const key = attemptsKey(what, who);
    for (;;) {
      const raw = await this.#store.get(key);
      if (raw === undefined) return;
      const { count, endsAtMs } = JSON.parse(raw) as Attempts;
      const next = count <= 1 ? undefined : JSON.stringify({ count: count - 1, endsAtMs } satisfies Attempts);
      if (await this.#store.swap(key, raw, next, endsAtMs)) return;
    }
  }
}

const attemptsKey = (what: string, who: string): string =>
  `attempts:${createHash("sha256").update(`${what}\n${who}`).digest("base64url").slice(0, 22)}`;
