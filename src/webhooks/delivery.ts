import { outsideRequests } from "../http/requestLog.ts";
import { inTime } from "../model/inTime.ts";
import type { Clock } from "../model/keyValueStore.ts";
import type { Services } from "../services.ts";
import type { EndpointStates } from "./endpointState.ts";
import { Endpoint, type PostOutcome } from "./post.ts";
import { signatureHeaders } from "./signature.ts";
import type { Lane, WaitingEvent, WaitingEvents } from "./waitingEvents.ts";

/** Pauses after the first, the second, … refusal; the last one is repeated until the event is three days old. */
const pausesMs = [5_000, 30_000, 120_000, 600_000, 1_800_000, 3_600_000];
/** An address that does not work at all is tried more often than one event: all events wait for it. */
const longestEndpointPauseMs = 900_000;
/** Events of different documents are sent at the same time; those of one document never. */
const sentAtOnce = 4;
const stopWithinMs = 2_000;
const longestTimerMs = 60_000;
const shortestTimerMs = 50;
/** The store could not be reached, or another bridge is at it. */
const storePauseMs = 5_000;

/** Pure: how long to wait after so many refusals in a row. */
function pauseAfter(refusals: number): number {
  return pausesMs[Math.min(refusals, pausesMs.length) - 1] ?? 0;
}

type Needs = Pick<Services, "mutex" | "now" | "metrics" | "logger"> & {
  readonly waiting: WaitingEvents;
  readonly states: EndpointStates;
};

interface Webhook {
  readonly portal: string;
  readonly address: string;
  readonly keys: readonly string[];
}

/**
 * Sends one portal what waits for it: the events of a document one after the other, in their order. Whoever refuses is
 * asked again after growing pauses; a document whose event is refused holds up no other.
 */
export class PortalDelivery {
  readonly #services: Needs;
  readonly #webhook: Webhook;
  readonly #endpoint: Endpoint;
  readonly #now: Clock;
  /** Lanes to send, in this order. */
  readonly #due = new Set<string>();
  /** Refused lanes, and when they are tried again. */
  readonly #later = new Map<string, number>();
  readonly #refusals = new Map<string, number>();
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #stopped = new AbortController();
  #pausedUntilMs = 0;
  /** How many different lanes in a row found the address out of order. */
  #endpointRefusals = 0;
  #lastRefused: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(services: Needs, webhook: Webhook) {
    this.#services = services;
    this.#webhook = webhook;
    this.#endpoint = new Endpoint(webhook.address, sentAtOnce);
    this.#now = services.now;
  }

  /** Something waits in this lane. One that was refused keeps its pause. */
  wake(laneId: string): void {
    if (this.#stopped.signal.aborted || this.#later.has(laneId)) return;
    this.#due.add(laneId);
    outsideRequests(() => this.#go());
  }

  /** Starts what is due. @returns once nothing more can be sent now */
  async sent(): Promise<void> {
    this.#go();
    while (this.#underWay.size > 0) await Promise.race(this.#underWay.values());
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#due.clear();
    this.#later.clear();
    await inTime(Promise.all(this.#underWay.values()), stopWithinMs, () => undefined);
    this.#stopped.abort();
    await Promise.all(this.#underWay.values());
    this.#endpoint.close();
  }

  #go(): void {
    const nowMs = this.#now();
    for (const [laneId, atMs] of this.#later) {
      if (atMs > nowMs) continue;
      this.#later.delete(laneId);
      this.#due.add(laneId);
    }
    // While it is not known whether the address works again, one event asks.
    const atOnce = this.#endpointRefusals > 0 ? 1 : sentAtOnce;
    for (const laneId of this.#due) {
      if (nowMs < this.#pausedUntilMs || this.#underWay.size >= atOnce) break;
      if (this.#underWay.has(laneId)) continue;
      this.#due.delete(laneId);
      const sending = this.#send(laneId).finally(() => {
        this.#underWay.delete(laneId);
        if (!this.#stopped.signal.aborted) this.#go();
      });
      this.#underWay.set(laneId, sending);
    }
    this.#setTimer(nowMs);
  }

  #setTimer(nowMs: number): void {
    clearTimeout(this.#timer);
    const pausedUntilMs = this.#due.size > 0 ? this.#pausedUntilMs : Number.POSITIVE_INFINITY;
    const nextMs = Math.min(pausedUntilMs, ...this.#later.values());
    if (nextMs === Number.POSITIVE_INFINITY || this.#stopped.signal.aborted) return;
    const waitMs = Math.min(Math.max(nextMs - nowMs, shortestTimerMs), longestTimerMs);
    this.#timer = setTimeout(() => this.#go(), waitMs).unref();
  }

  /** Never rejects. */
  async #send(laneId: string): Promise<void> {
    try {
      // No other bridge is at the same lane; after a crash, its turn ends with its lease.
      const refused = await this.#services.mutex.run(`webhook ${laneId}`, async (lease) => {
        for (;;) {
          const lane = await this.#services.waiting.of(laneId);
          const event = lane?.events[0];
          if (lane === undefined || event === undefined) return undefined;
          lease.requireMine();
          const outcome = await this.#post(event);
          if (outcome.is === "refused") return outcome;
          await this.#services.waiting.remove(laneId, new Set([event.id]));
          await this.#taken(laneId);
        }
      });
      if (refused !== undefined) await this.#refused(laneId, refused);
    } catch {
      this.#later.set(laneId, this.#now() + storePauseMs);
    }
  }

  #post({ id, type, atMs, data }: WaitingEvent): Promise<PostOutcome> {
    const body = JSON.stringify({ type, timestamp: new Date(atMs).toISOString(), data });
    const headers = signatureHeaders(id, this.#now(), body, this.#webhook.keys);
    return this.#endpoint.post(body, headers, this.#stopped.signal);
  }

  async #taken(laneId: string): Promise<void> {
    const { metrics, states } = this.#services;
    const { portal } = this.#webhook;
    metrics.webhooks(portal, "delivered", 1);
    this.#refusals.delete(laneId);
    this.#endpointRefusals = 0;
    this.#pausedUntilMs = 0;
    this.#lastRefused = undefined;
    await states.taken(portal);
  }

  async #refused(laneId: string, { of, why, retryAfterMs }: PostOutcome & { is: "refused" }): Promise<void> {
    if (this.#stopped.signal.aborted) return;
    const { metrics, states, logger } = this.#services;
    const { portal } = this.#webhook;
    const refusals = (this.#refusals.get(laneId) ?? 0) + 1;
    this.#refusals.set(laneId, refusals);
    this.#later.set(laneId, this.#now() + Math.max(pauseAfter(refusals), retryAfterMs ?? 0));
    if (of === "endpoint") {
      // One and the same lane may be what the portal can't bear: that keeps no other waiting for long.
      if (this.#lastRefused !== laneId) this.#endpointRefusals += 1;
      this.#lastRefused = laneId;
      const pauseMs = Math.min(pauseAfter(this.#endpointRefusals), longestEndpointPauseMs);
      this.#pausedUntilMs = Math.max(this.#pausedUntilMs, this.#now() + Math.max(pauseMs, retryAfterMs ?? 0));
    }
    metrics.webhooks(portal, "refused", 1);
    logger.warn({ portal, file: laneId.split(" ")[0], why, refusals }, "a portal did not take an event");
    await states.refused(portal, why);
  }
}

/** How many events wait for a portal, and since when the oldest. */
export interface WaitingCount {
  readonly events: number;
  readonly oldestAtMs: number | undefined;
}

/** Pure: the same count with one lane more. */
export function counted(count: WaitingCount, { events }: Lane): WaitingCount {
  const oldestAtMs = Math.min(
    count.oldestAtMs ?? Number.POSITIVE_INFINITY,
    events[0]?.atMs ?? Number.POSITIVE_INFINITY,
  );
  return {
    events: count.events + events.length,
    oldestAtMs: oldestAtMs === Number.POSITIVE_INFINITY ? undefined : oldestAtMs,
  };
}
