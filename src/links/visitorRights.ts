import { z } from "zod";
import type { Allowance } from "../model/allowances.ts";
import { isMoreThan } from "../model/documentRight.ts";
import { BridgeError } from "../model/failure.ts";
import type { Clock, KeyValueStore } from "../model/keyValueStore.ts";
import { type NamedPerson, namedPersonSchema } from "../model/person.ts";
import { lastSignOut } from "../model/personSessions.ts";
import { record, rowObject, type StoredRecord, wordRecord } from "../model/record.ts";
import { type EditLink, type EditLinks, forgottenAtMs, linkEnd } from "./links.ts";

const visitorRightSchema = rowObject({
  person: namedPersonSchema,
  state: z.enum(["asked", "granted", "refused", "takenBack"]).catch("refused"),
  askedAtMs: z.number(),
  answeredAtMs: z.number().exactOptional(),
  /** When it was granted: the link's `rightsEpoch`, and the owner's last sign-out everywhere. Another one ends it. */
  epoch: z.string().exactOptional(),
  generation: z.string().exactOptional(),
});
/** That one visitor has asked to edit, and what came of it. */
export type VisitorRight = z.infer<typeof visitorRightSchema>;

export type AnswerToVisitor = "grant" | "refuse" | "takeBack";

/** For one link and one network, which may be a whole school's. */
export const askingFromOnePlace: Allowance = { most: 20, withinMs: 3_600_000 };
const openAtMost = 20;
const answeredAtMost = 100;
/** Somebody who was refused asks again no sooner than this. */
const refusedForMs = 3_600_000;
/** The number in the pages' header counts no further. */
const countsTo = 99;

/**
 * Requests of a link's visitors to edit, and the rights granted to single ones: to the visitor as the signed cookie of
 * one browser knows them, on this link only. One row for each link, so that nobody fills the store.
 */
export class VisitorRights {
  readonly #store: KeyValueStore;
  readonly #rights: StoredRecord<VisitorRight[]>;
  /** Ids of links with open requests, by owner. */
  readonly #asked: StoredRecord<string>;
  readonly #links: EditLinks;
  readonly #now: Clock;

  constructor(store: KeyValueStore, links: EditLinks, now: Clock) {
    this.#store = store;
    this.#rights = record(store, "linkRights", z.array(visitorRightSchema));
    this.#asked = wordRecord(store, "linkAsked");
    this.#links = links;
    this.#now = now;
  }

  /**
   * @returns open requests first, then the newest; of a granted one that has ended since, that it was taken back; none
   *   while the link lets everybody edit
   */
  async of(link: EditLink): Promise<readonly VisitorRight[]> {
    if (!mayAskFor(link)) return [];
    const entries = (await this.#rights.get(link.id)) ?? [];
    const asOfNow = await Promise.all(
      entries.map(async (entry) => ((await this.#endOf(link, entry)) === undefined ? entry : endedOf(entry))),
    );
    return asOfNow.sort((a, b) => Number(b.state === "asked") - Number(a.state === "asked") || timeOf(b) - timeOf(a));
  }

  /** What one visitor may do, and when a right that was granted to them has ended. */
  async forVisitor(
    link: EditLink,
    personId: string,
  ): Promise<{ readonly entry?: VisitorRight; readonly mayEdit: boolean; readonly endedAtMs?: number }> {
    // Asked at every call of an editor: most links let everybody edit, and need no further row.
    if (link.permission === "edit") return { mayEdit: true };
    const entry = (await this.#rights.get(link.id))?.find(({ person }) => person.id === personId);
    if (entry === undefined) return { mayEdit: false };
    const endedAtMs = await this.#endOf(link, entry);
    if (endedAtMs !== undefined) return { entry: endedOf(entry), mayEdit: false, endedAtMs };
    return { entry, mayEdit: entry.state === "granted" };
  }

  /**
   * A visitor asks to edit. One request of each stands; asking again changes nothing.
   * @returns the request, and whether it is new
   * @throws linkEnded; tooManyAttempts when too many others wait for an answer
   */
  async ask(linkId: string, person: NamedPerson): Promise<{ readonly right: VisitorRight; readonly isNew: boolean }> {
    const link = await this.#working(linkId);
    const { entry: known, mayEdit } = await this.forVisitor(link, person.id);
    const nowMs = this.#now();
    if (known !== undefined && (mayEdit || standingOf(known, nowMs) !== "none")) return { right: known, isNew: false };
    const right: VisitorRight = { person, state: "asked", askedAtMs: nowMs };
    const { before, after } = await this.#rights.update(
      linkId,
      (entries = []) => {
        const mine = entries.find((entry) => entry.person.id === person.id);
        if (mine?.state === "asked") return entries;
        const others = entries.filter((entry) => entry !== mine);
        if (others.filter(({ state }) => state === "asked").length >= openAtMost) {
          throw new BridgeError({ kind: "tooManyAttempts", retryAfterSeconds: refusedForMs / 1000 });
        }
        return keptOf([right, ...others]);
      },
      forgottenAtMs(link),
    );
    await this.#asked.put(listedId(link), link.id, forgottenAtMs(link));
    return { right: after.find((entry) => entry.person.id === person.id) ?? right, isNew: after !== before };
  }

  /**
   * The owner's answer.
   * @param seenAtMs `timeOf` the entry that it is about: what has changed since is left as it is
   * @returns the entry afterwards; undefined when it had changed, or there was none
   * @throws linkEnded
   */
  async answer(
    linkId: string,
    personId: string,
    answer: AnswerToVisitor,
    seenAtMs: number,
  ): Promise<VisitorRight | undefined> {
    const link = await this.#working(linkId);
    const signOut = await lastSignOut(this.#store, link.owner.id);
    let answered: VisitorRight | undefined;
    const { after } = await this.#rights.update(
      linkId,
      (entries = []) => {
        const entry = entries.find(({ person }) => person.id === personId);
        answered = undefined;
        if (entry === undefined || timeOf(entry) !== seenAtMs || !fits(answer, entry)) return entries;
        // Never the same moment as before: a form that was sent twice must not answer twice.
        const answeredAtMs = Math.max(this.#now(), timeOf(entry) + 1);
        const { person, askedAtMs } = entry;
        answered = {
          person,
          askedAtMs,
          answeredAtMs,
          state: ({ grant: "granted", refuse: "refused", takeBack: "takenBack" } as const)[answer],
          ...(answer === "grant" && link.rightsEpoch !== undefined ? { epoch: link.rightsEpoch.id } : {}),
          ...(answer === "grant" && signOut !== undefined ? { generation: signOut.generation } : {}),
        };
        return keptOf([answered, ...entries.filter((other) => other !== entry)]);
      },
      forgottenAtMs(link),
    );
    await this.#noteOpen(link, after);
    return answered;
  }

  /** How many open requests an owner has, on links that still work; counts to 99. */
  async waitingFor(ownerId: string): Promise<number> {
    let count = 0;
    for await (const [listed, id] of this.#asked.list(`${ownerId}:`)) {
      const link = await this.#links.find(id);
      const entries = link === undefined ? undefined : await this.#rights.get(id);
      const isOver = link === undefined || linkEnd(link, this.#now()) !== undefined || link.permission === "edit";
      if (entries === undefined || isOver) continue;
      if (listed === listedId(link)) count += entries.filter(({ state }) => state === "asked").length;
      if (count >= countsTo) return countsTo;
    }
    return count;
  }

  /** Takes back everything that was granted on links to this person's documents, as when they sign out everywhere. */
  async takeAllBack(ownerId: string): Promise<void> {
    for (const link of await this.#links.ownedBy(ownerId)) {
      const entries = await this.#rights.get(link.id);
      if (entries?.some(({ state }) => state === "granted") !== true) continue;
      const takenBack = (entry: VisitorRight): VisitorRight =>
        entry.state === "granted" ? { ...entry, state: "takenBack", answeredAtMs: this.#now() } : entry;
      await this.#rights.update(link.id, (now = []) => now.map(takenBack), forgottenAtMs(link));
    }
  }

  /** @throws linkEnded */
  async #working(linkId: string): Promise<EditLink> {
    const link = await this.#links.find(linkId);
    const end = link === undefined ? { because: "revoked" as const } : linkEnd(link, this.#now());
    if (link === undefined || end !== undefined) {
      throw new BridgeError({ kind: "linkEnded", because: end?.because ?? "revoked" });
    }
    return link;
  }

  async #noteOpen(link: EditLink, entries: readonly VisitorRight[]): Promise<void> {
    const isOpen = (rights: readonly VisitorRight[] = []) => rights.some(({ state }) => state === "asked");
    if (isOpen(entries)) return;
    await this.#asked.remove(listedId(link));
    // Somebody may have asked in between.
    if (isOpen(await this.#rights.get(link.id))) await this.#asked.put(listedId(link), link.id, forgottenAtMs(link));
  }

  /** @returns when a granted right has ended; undefined while it stands, and for what was never granted */
  async #endOf(link: EditLink, entry: VisitorRight): Promise<number | undefined> {
    if (entry.state === "takenBack") return entry.answeredAtMs ?? entry.askedAtMs;
    if (entry.state !== "granted") return undefined;
    if (entry.epoch !== link.rightsEpoch?.id) return link.rightsEpoch?.atMs ?? timeOf(entry);
    const signOut = await lastSignOut(this.#store, link.owner.id);
    return signOut === undefined || signOut.generation === entry.generation ? undefined : signOut.atMs;
  }
}

/** When an entry last changed. */
export function timeOf({ askedAtMs, answeredAtMs }: VisitorRight): number {
  return answeredAtMs ?? askedAtMs;
}

/** Where a request stands for the visitor: after a refusal, or when a right was taken back, they may ask again. */
export function standingOf(entry: VisitorRight | undefined, nowMs: number): "none" | "asked" | "granted" | "refused" {
  if (entry === undefined || entry.state === "takenBack") return "none";
  return entry.state === "refused" && nowMs - timeOf(entry) >= refusedForMs ? "none" : entry.state;
}

/** Whether a link's visitors can ask for more than they may do. */
export function mayAskFor({ permission }: Pick<EditLink, "permission">): boolean {
  return isMoreThan("edit", permission);
}

function fits(answer: AnswerToVisitor, { state }: VisitorRight): boolean {
  if (answer === "takeBack") return state === "granted";
  return state === "asked" || (answer === "grant" && state === "refused");
}

const endedOf = (entry: VisitorRight): VisitorRight => ({ ...entry, state: "takenBack" });

/** Open requests and granted rights stay; of the others, the newest. */
function keptOf(entries: readonly VisitorRight[]): VisitorRight[] {
  const isAsked = ({ state }: VisitorRight) => state === "asked";
  const isGranted = ({ state }: VisitorRight) => state === "granted";
  const answered = entries
    .filter((entry) => !isAsked(entry))
    .sort((a, b) => Number(isGranted(b)) - Number(isGranted(a)));
  return [...entries.filter(isAsked), ...answered.slice(0, answeredAtMost)];
}

const listedId = ({ owner, id }: EditLink): string => `${owner.id}:${id}`;
