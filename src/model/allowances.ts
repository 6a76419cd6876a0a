import { createHash } from "node:crypto";
import { BridgeError } from "./failure.ts";
import type { Clock, KeyValueStore } from "./keyValueStore.ts";

export interface Allowance {
  readonly most: number;
  /** From the first of them on. */
  readonly withinMs: number;
}

interface Taken {
  readonly count: number;
  readonly endsAtMs: number;
}

/** How often something may be done by somebody; counted in the store, so that all bridges count together. */
export class Allowances {
  readonly #store: KeyValueStore;
  readonly #now: Clock;

  constructor(store: KeyValueStore, now: Clock) {
    this.#store = store;
    this.#now = now;
  }

  /**
   * Counts one before it is done.
   * @param what and who are kept as a hash
   * @throws tooManyAttempts until the time from the first of them has passed
   */
  async take(what: string, who: string, { most, withinMs }: Allowance): Promise<void> {
    const key = `allowance:${createHash("sha256").update(`${what}\n${who}`).digest("base64url").slice(0, 22)}`;
    for (;;) {
      const raw = await this.#store.get(key);
      const standing = raw === undefined ? undefined : (JSON.parse(raw) as Taken);
      const isOver = standing === undefined || standing.endsAtMs <= this.#now();
      const current = isOver ? { count: 0, endsAtMs: this.#now() + withinMs } : standing;
      if (current.count >= most) {
        const retryAfterSeconds = Math.ceil((current.endsAtMs - this.#now()) / 1000);
        throw new BridgeError({ kind: "tooManyAttempts", retryAfterSeconds });
      }
      const next: Taken = { ...current, count: current.count + 1 };
      if (await this.#store.swap(key, raw, JSON.stringify(next), next.endsAtMs)) return;
    }
  }
}
