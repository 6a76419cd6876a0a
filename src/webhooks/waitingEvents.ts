import { z } from "zod";
import type { Clock, KeyValueStore } from "../model/keyValueStore.ts";
import { record, rowObject, type StoredRecord } from "../model/record.ts";

/** How long an event is tried. */
export const eventLifetimeMs = 3 * 24 * 3_600_000;
/** An event is counted as dropped by a look through all rows, before its row ends by itself. */
const rowGraceMs = 3_600_000;
/** While a portal does not take any, one document may have no more waiting. */
export const keptEvents = 100;

const waitingEventSchema = rowObject({
  /** The same for the same happening, however often it is told. */
  id: z.string(),
  /** A newer bridge may know more. */
  type: z.string(),
  atMs: z.number(),
  data: z.record(z.string(), z.unknown()),
});
export type WaitingEvent = z.infer<typeof waitingEventSchema>;

const laneSchema = rowObject({ portal: z.string(), fileId: z.string(), events: z.array(waitingEventSchema) });
/** What waits for one portal about one document, the oldest first: it is sent in this order. */
export type Lane = z.infer<typeof laneSchema>;

/** Events in the store until their portals have taken them. */
export class WaitingEvents {
  readonly #lanes: StoredRecord<Lane>;

  constructor(store: KeyValueStore, now: Clock) {
    const endsAtMs = ({ events }: Lane) => (events.at(-1)?.atMs ?? now()) + eventLifetimeMs + rowGraceMs;
    this.#lanes = record(store, "webhook", laneSchema, { endsAtMs });
  }

  /** @returns the id of the lane, and how many older events had to go */
  async add(portal: string, fileId: string, event: WaitingEvent): Promise<{ laneId: string; dropped: number }> {
    const laneId = `${fileId} ${portal}`;
    let dropped = 0;
    await this.#lanes.update(laneId, (lane) => {
      const standing = lane?.events ?? [];
      const events = withEvent(standing, event);
      dropped = events === standing ? 0 : standing.length + 1 - events.length;
      return events === standing && lane !== undefined ? lane : { ...lane, portal, fileId, events };
    });
    return { laneId, dropped };
  }

  /** @returns undefined when nothing waits there */
  async of(laneId: string): Promise<Lane | undefined> {
    return this.#lanes.get(laneId);
  }

  /** Removes events that were taken, or are given up. @returns how many of them were still there */
  async remove(laneId: string, ids: ReadonlySet<string>): Promise<number> {
    const { before, after } = await this.#lanes.update(laneId, (lane) => {
      const events = lane?.events.filter(({ id }) => !ids.has(id)) ?? [];
      if (lane === undefined || events.length === lane.events.length) return lane;
      return events.length === 0 ? undefined : { ...lane, events };
    });
    return (before?.events.length ?? 0) - (after?.events.length ?? 0);
  }

  /** All lanes; rows of portals that are no longer configured too. */
  all(): AsyncIterable<readonly [laneId: string, lane: Lane]> {
    return this.#lanes.list();
  }
}

/**
 * Pure: the events of a lane with one more. Of too many, first goes the oldest save that a later one follows: a portal
 * that missed it misses nothing. @returns the same array when it waits there already
 */
export function withEvent(standing: readonly WaitingEvent[], event: WaitingEvent): readonly WaitingEvent[] {
  if (standing.some(({ id }) => id === event.id)) return standing;
  const events = [...standing, event];
  while (events.length > keptEvents) {
    const lastSave = events.findLastIndex(({ type }) => type === "saved");
    const superseded = events.findIndex(({ type }, at) => type === "saved" && at < lastSave);
    events.splice(Math.max(superseded, 0), 1);
  }
  return events;
}
