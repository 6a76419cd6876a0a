import { z } from "zod";
import type { Clock, KeyValueStore } from "../model/keyValueStore.ts";
import { record, rowObject, type StoredRecord } from "../model/record.ts";

/** What works is written down this often. */
const notedEveryMs = 60_000;
const keptForMs = 30 * 24 * 3_600_000;

const endpointStateSchema = rowObject({
  takenAtMs: z.number().exactOptional(),
  /** Since when nothing was taken any more; undefined while the newest event was taken. */
  refusingSinceMs: z.number().exactOptional(),
  refusedAtMs: z.number().exactOptional(),
  /** Why the newest one was not taken. */
  why: z.string().exactOptional(),
});
/** How a portal has lately answered, for the doctor. */
export type EndpointState = z.infer<typeof endpointStateSchema>;

/** In the store, per portal. */
export class EndpointStates {
  readonly #states: StoredRecord<EndpointState>;
  readonly #now: Clock;
  /** When this bridge has last noted that an event was taken. */
  readonly #notedAtMs = new Map<string, number>();

  constructor(store: KeyValueStore, now: Clock) {
    this.#states = record(store, "webhookState", endpointStateSchema, { endsAtMs: () => now() + keptForMs });
    this.#now = now;
  }

  async of(portal: string): Promise<EndpointState | undefined> {
    return this.#states.get(portal);
  }

  async taken(portal: string): Promise<void> {
    const notedAtMs = this.#notedAtMs.get(portal);
    if (notedAtMs !== undefined && Math.abs(this.#now() - notedAtMs) < notedEveryMs) return;
    this.#notedAtMs.set(portal, this.#now());
    await this.#states.put(portal, { takenAtMs: this.#now() });
  }

  async refused(portal: string, why: string): Promise<void> {
    this.#notedAtMs.delete(portal);
    await this.#states.update(portal, (state) => ({
      ...state,
      refusingSinceMs: state?.refusingSinceMs ?? this.#now(),
      refusedAtMs: this.#now(),
      why,
    }));
  }
}
