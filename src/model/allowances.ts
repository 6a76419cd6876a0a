import { createHash } from "node:crypto";
import { z } from "zod";
import { BridgeError } from "./failure.ts";
import type { Clock, KeyValueStore } from "./keyValueStore.ts";
import { record, rowObject, type StoredRecord } from "./record.ts";

export interface Allowance {
  readonly most: number;
  /** Counted from the first use. */
  readonly withinMs: number;
}

const takenSchema = rowObject({ count: z.number(), endsAtMs: z.number() });

/** Limits how often someone may do something. Counted in the store, so that all bridges count together. */
export class Allowances {
  readonly #taken: StoredRecord<z.infer<typeof takenSchema>>;
  readonly #now: Clock;

  constructor(store: KeyValueStore, now: Clock) {
    this.#taken = record(store, "allowance", takenSchema, { endsAtMs: ({ endsAtMs }) => endsAtMs });
    this.#now = now;
  }

  /**
   * Counts one use before it happens, or several: all of them or none.
   * @param what and who are stored as a hash
   * @throws tooManyAttempts until `withinMs` has passed since the first use
   */
  async take(what: string, who: string, { most, withinMs }: Allowance, uses = 1): Promise<void> {
    const id = createHash("sha256").update(`${what}\n${who}`).digest("base64url").slice(0, 22);
    await this.#taken.update(id, (standing) => {
      const isOver = standing === undefined || standing.endsAtMs <= this.#now();
      const current = isOver ? { count: 0, endsAtMs: this.#now() + withinMs } : standing;
      if (current.count + uses > most) {
        const retryAfterSeconds = Math.ceil((current.endsAtMs - this.#now()) / 1000);
        throw new BridgeError({ kind: "tooManyAttempts", retryAfterSeconds });
      }
      return { ...current, count: current.count + uses };
    });
  }
}
