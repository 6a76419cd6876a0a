import type { Config } from "../config.ts";
import { inTime } from "../model/inTime.ts";
import type { Clock } from "../model/keyValueStore.ts";
import { counted, type WaitingCount } from "../webhooks/delivery.ts";
import { type EndpointState, EndpointStates } from "../webhooks/endpointState.ts";
import { WaitingEvents } from "../webhooks/waitingEvents.ts";
import { type Finding, failed, finding, ok, type Verdict, warning } from "./finding.ts";
import { type Asked, answerWithinMs, ask, headerOf, isAnswer, isRedirect } from "./httpProbe.ts";
import { openedStore } from "./storeChecks.ts";

/** What the store knows of a portal's webhook. */
export interface WebhookRecord {
  readonly waiting: WaitingCount;
  readonly state: EndpointState | undefined;
}

/** Asks each portal's address, which changes nothing there, and reads what waits for it. */
export async function examineWebhooks(config: Config, now: Clock): Promise<Finding[]> {
  if (config.PORTAL_WEBHOOKS.length === 0) return [];
  const records = inTime(recordsIn(config, now), answerWithinMs, () => undefined);
  return Promise.all(
    config.PORTAL_WEBHOOKS.map(async ({ portal, address }) => {
      const [asked, known] = await Promise.all([ask(address), records]);
      return finding("bridge", `webhook of ${portal}`, judgeWebhook(asked, known?.get(portal)));
    }),
  );
}

/** Pure. @param record undefined when the store can't be read, which has its own check */
export function judgeWebhook(asked: Asked, record: WebhookRecord | undefined): Verdict {
  const waiting = record === undefined ? "" : ` ${waitingSentence(record.waiting)}`;
  if (!isAnswer(asked)) {
    const sentence = `The portal's server does not answer: ${asked.reason}.${waiting}`;
    return failed(sentence, "PORTAL_WEBHOOKS=<an address that the bridge reaches>");
  }
  if (isRedirect(asked)) {
    const to = headerOf(asked, "location") ?? "elsewhere";
    const sentence = `The portal's server redirects to ${originOf(to)}, and events do not follow.${waiting}`;
    return failed(sentence, "PORTAL_WEBHOOKS=<the address that it redirects to>");
  }
  const { refusingSinceMs, why } = record?.state ?? {};
  if (refusingSinceMs === undefined) return ok(`The portal's server answers.${waiting}`);
  const sentence = `The portal's server answers, but has taken no event since ${isoMinute(refusingSinceMs)} (${why}).${waiting}`;
  return warning(sentence, hintFor(why ?? ""));
}

function hintFor(why: string): string {
  return /^status 40[13]/.test(why)
    ? "PORTAL_WEBHOOKS=<the key that the portal verifies with>"
    : "look into the log of the portal: it must answer 2xx within 10 s";
}

function waitingSentence({ events, oldestAtMs }: WaitingCount): string {
  if (events === 0 || oldestAtMs === undefined) return "No events are waiting.";
  return `${events === 1 ? "1 event is" : `${events} events are`} waiting since ${isoMinute(oldestAtMs)}; they are kept for three days.`;
}

/** @returns undefined when the store can't be read from here */
async function recordsIn(config: Config, now: Clock): Promise<ReadonlyMap<string, WebhookRecord> | undefined> {
  if (config.STORE_URL === "memory:") return undefined;
  try {
    const store = await openedStore(config.STORE_URL, now);
    try {
      const records = new Map<string, WebhookRecord>();
      const states = new EndpointStates(store, now);
      const none: WaitingCount = { events: 0, oldestAtMs: undefined };
      for (const { portal } of config.PORTAL_WEBHOOKS) {
        records.set(portal, { waiting: none, state: await states.of(portal) });
      }
      for await (const [, lane] of new WaitingEvents(store, now).all()) {
        const standing = records.get(lane.portal);
        if (standing !== undefined) records.set(lane.portal, { ...standing, waiting: counted(standing.waiting, lane) });
      }
      return records;
    } finally {
      await store.close();
    }
  } catch {
    return undefined;
  }
}

function originOf(address: string): string {
  return URL.canParse(address) ? new URL(address).origin : "another path";
}

function isoMinute(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16)}Z`;
}
