import { logFailure, outsideRequests } from "../http/requestLog.ts";
import { Breath } from "../model/breath.ts";
import { type StoredRecord, wordRecord } from "../model/record.ts";
import type { Services } from "../services.ts";
import { counted, PortalDelivery, type WaitingCount } from "./delivery.ts";
import { EndpointStates } from "./endpointState.ts";
import { closedAfterMs, OpenDocuments } from "./openDocuments.ts";
import { PortalTold, type TellPortals } from "./portalNews.ts";
import { eventLifetimeMs, type Lane, WaitingEvents } from "./waitingEvents.ts";

const lookEveryMs = 60_000;
/** After another bridge has begun to look: less than a minute, so that a bridge alone always looks. */
const turnMs = 50_000;
const countKeptForMs = 10 * 60_000;
/** Of so many documents may events wait for one portal; of more, those that wait longest are dropped. */
const lanesAtMost = 20_000;

type Needs = Pick<
  Services,
  "store" | "config" | "mutex" | "links" | "grants" | "activity" | "locks" | "editorIds" | "metrics" | "logger" | "now"
>;

/**
 * Tells portals what happens to their documents. Whatever is told lies in the store until the portal has taken it; nobody
 * waits for a portal. Without a webhook in the settings it does nothing.
 */
export class Webhooks {
  readonly tell: TellPortals;
  readonly #services: Needs;
  readonly #documents: OpenDocuments;
  readonly #waiting: WaitingEvents;
  readonly #told: PortalTold;
  readonly #deliveries: ReadonlyMap<string, PortalDelivery>;
  /** When a bridge has last begun to look, and what it counted. */
  readonly #looks: StoredRecord<string>;
  readonly #soon = new Map<string, NodeJS.Timeout>();
  #timer: NodeJS.Timeout | undefined;
  #underWay: Promise<void> | undefined;

  constructor(services: Needs) {
    const { store, now, config } = services;
    this.#services = services;
    this.#documents = new OpenDocuments(store, now);
    this.#waiting = new WaitingEvents(store, now);
    this.#looks = wordRecord(store, "sweep");
    const needs = { ...services, waiting: this.#waiting, states: new EndpointStates(store, now) };
    this.#deliveries = new Map(
      config.PORTAL_WEBHOOKS.map((webhook) => [webhook.portal, new PortalDelivery(needs, webhook)]),
    );
    this.#told = new PortalTold({
      ...services,
      waiting: this.#waiting,
      documents: this.#documents,
      wake: (portal, laneId) => this.#deliveries.get(portal)?.wake(laneId),
    });
    this.tell = (news) => this.#told.tell(news);
  }

  /** A session was seen for the first time. Never rejects. */
  async opened(grant: Parameters<OpenDocuments["opened"]>[1]): Promise<void> {
    if (this.#deliveries.size === 0) return;
    await this.#safely(async () => {
      const portal = await this.#told.portalOf(grant);
      if (portal !== undefined) await this.#documents.opened(portal, grant);
    });
  }

  /** Sessions of a document may have ended: looks at once, and again when their editor had time for its last save. */
  async maybeClosed(fileId: string): Promise<void> {
    if (this.#deliveries.size === 0) return;
    await this.#safely(() => this.#lookAt(fileId));
  }

  /** Sends what an earlier process has left, then looks every minute. */
  start(): void {
    if (this.#deliveries.size === 0) return;
    this.#timer = setInterval(() => void this.#minute(), lookEveryMs).unref();
    void this.#safely(() => this.#lookThrough());
  }

  /** Waits a moment for what is on its way. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    for (const timer of this.#soon.values()) clearTimeout(timer);
    await Promise.all([...this.#deliveries.values()].map((delivery) => delivery.stop()));
  }

  /** Looks at all open documents, and sends all that is due. @returns how many events still wait; also runs by itself */
  async look(): Promise<number> {
    if (this.#deliveries.size === 0) return 0;
    await this.#lookThrough();
    await Promise.all([...this.#deliveries.values()].map((delivery) => delivery.sent()));
    let events = 0;
    for await (const [, lane] of this.#waiting.all()) events += lane.events.length;
    return events;
  }

  /** What waits, as of the last look of any bridge. */
  async standing(): Promise<WaitingCount> {
    const [events = 0, oldestAtMs] = ((await this.#looks.get("webhooksCounted")) ?? "").split(" ").map(Number);
    return { events, oldestAtMs };
  }

  async #minute(): Promise<void> {
    await this.#safely(async () => {
      if (await this.#isMyTurn()) await this.#lookThrough();
      await this.#told.storeAgain();
    });
  }

  /** Bridges on one store take turns, as each look reads the rows of all of them. */
  async #isMyTurn(): Promise<boolean> {
    const nowMs = this.#services.now();
    const { before, after } = await this.#looks.update(
      "webhooks",
      // A time in the future was written before the clock was set back.
      (begun) => (Math.abs(nowMs - Number(begun ?? Number.NaN)) < turnMs ? begun : String(nowMs)),
      nowMs + countKeptForMs,
    );
    return after !== before;
  }

  #lookThrough(): Promise<void> {
    this.#underWay ??= this.#lookOnce().finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  async #lookOnce(): Promise<void> {
    await this.#told.storeAgain();
    const breath = new Breath();
    for await (const fileId of this.#documents.all()) {
      await breath.draw();
      await this.#lookAt(fileId);
    }
    let count: WaitingCount = { events: 0, oldestAtMs: undefined };
    const lanes = new Map<string, { readonly laneId: string; readonly newestAtMs: number }[]>();
    for await (const [laneId, lane] of this.#waiting.all()) {
      await breath.draw();
      const left = await this.#withoutOld(laneId, lane);
      if (left.events.length === 0) continue;
      const others = lanes.get(left.portal) ?? [];
      others.push({ laneId, newestAtMs: left.events.at(-1)?.atMs ?? 0 });
      lanes.set(left.portal, others);
      count = counted(count, left);
    }
    for (const [portal, ofPortal] of lanes) await this.#wakeAll(portal, ofPortal);
    const { events, oldestAtMs } = count;
    const counts = oldestAtMs === undefined ? String(events) : `${events} ${oldestAtMs}`;
    await this.#looks.put("webhooksCounted", counts, this.#services.now() + countKeptForMs);
  }

  async #wakeAll(portal: string, lanes: readonly { laneId: string; newestAtMs: number }[]): Promise<void> {
    const newestFirst = [...lanes].sort((a, b) => b.newestAtMs - a.newestAtMs);
    for (const { laneId } of newestFirst.slice(lanesAtMost)) {
      const lane = await this.#waiting.of(laneId);
      if (lane !== undefined) await this.#drop(laneId, lane, "too many");
    }
    // What waits longest goes first.
    for (const { laneId } of newestFirst.slice(0, lanesAtMost).reverse()) this.#deliveries.get(portal)?.wake(laneId);
  }

  /** @returns the lane without the events that have been tried for long enough */
  async #withoutOld(laneId: string, lane: Lane): Promise<Lane> {
    const isOld = ({ atMs }: { atMs: number }) => atMs + eventLifetimeMs <= this.#services.now();
    const old = lane.events.filter(isOld);
    if (old.length === 0) return lane;
    await this.#drop(laneId, { ...lane, events: old }, "too old");
    return { ...lane, events: lane.events.filter((event) => !isOld(event)) };
  }

  async #drop(laneId: string, { portal, fileId, events }: Lane, why: "too old" | "too many"): Promise<void> {
    const dropped = await this.#waiting.remove(laneId, new Set(events.map(({ id }) => id)));
    if (dropped === 0) return;
    this.#services.metrics.webhooks(portal, "dropped", dropped);
    this.#services.logger.warn({ portal, file: fileId, dropped, why }, "events for a portal were given up");
  }

  async #lookAt(fileId: string): Promise<void> {
    const { closed, lookAgain } = await this.#documents.closed(this.#services, fileId);
    for (const portal of closed) {
      // One that is no longer in the settings is forgotten.
      if (!this.#deliveries.has(portal.portal)) {
        await this.#documents.forget(fileId, portal);
        continue;
      }
      const { lastSave } = await this.#services.activity.of(fileId);
      await this.#told.tellClosed(fileId, portal, lastSave);
      // If the process dies before this, the event is stored again, with the same id.
      await this.#documents.forget(fileId, portal);
    }
    if (lookAgain) this.#lookSoon(fileId);
  }

  #lookSoon(fileId: string): void {
    if (this.#soon.has(fileId)) return;
    const look = (): void => {
      this.#soon.delete(fileId);
      void this.maybeClosed(fileId);
    };
    this.#soon.set(
      fileId,
      outsideRequests(() => setTimeout(look, closedAfterMs).unref()),
    );
  }

  async #safely(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#services.logger.warn({ failure: logFailure(error)?.kind }, "portals could not be told now");
    }
  }
}
