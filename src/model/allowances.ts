import { createHash } from "node:crypto";
import { z } from "zod";
import { BridgeError } from "./failure.ts";
import type { Clock, KeyValueStore } from "./keyValueStore.ts";
import { record, rowObject, type StoredRecord } from "./record.ts";

export interface Allowance {
  readonly most: number;
  /** From the first of them on. */
  readonly withinMs: number;
}

const takenSchema = rowObject({ count: z.number(), endsAtMs: z.number() });

/** How often something may be done by somebody; counted in the store, so that all bridges count together. */
export class Allowances {
  readonly #taken: StoredRecord<z.infer<typeof takenSchema>>;
  readonly #now: Clock;

  constructor(store: KeyValueStore, now: Clock) {
    this.#taken = record(store, "allowance", takenSchema, { endsAtMs: ({ endsAtMs }) => endsAtMs });
    this.#now = now;
  }

  /**
   * Counts one before it is done.
   * @param what and who are kept as a hash
   * @throws tooManyAttempts until the time from the first of them has passed
   */
  async take(what: string, who: string, { most, withinMs }: Allowance): Promise<void> {
    const id = createHash("sha256").update(`${what}\n${who}`).digest("base64url").slice(0, 22);
    await this.#taken.update(id, (standing) => {
      const isOver = standing === undefined || standing.endsAtMs <= this.#now();
      const current = isOver ? { count: 0, endsAtMs: this.#now() + withinMs } : standing;
      if (current.count >= most) {
        const retryAfterSeconds = Math.ceil((current.endsAtMs - this.#now()) / 1000);
        throw new BridgeError({ kind: "tooManyAttempts", retryAfterSeconds });
      }
      return { ...current, count: current.count + 1 };
    });
  }
}
