import { createHash } from "node:crypto";
import { logFailure } from "../http/requestLog.ts";
import type { NamedPerson } from "../model/person.ts";
import type { Services } from "../services.ts";
import type { ClosedAtPortal, OpenDocuments } from "./openDocuments.ts";
import type { EventData, EventType } from "./payload.ts";
import type { WaitingEvent, WaitingEvents } from "./waitingEvents.ts";

/** What is said of an event besides the document, the person, and the session or link. */
type Details<Type extends EventType> = Omit<EventData<Type>, "file" | "person" | "session" | "link">;

type News = { [Type in Exclude<EventType, "closed">]: { readonly type: Type; readonly data: Details<Type> } };

/** Something happened to a document that portals may want to know. */
export type PortalNews = News[keyof News] & {
  readonly fileId: string;
  /** As the session knew it; a portal that has the document open is told the newest. */
  readonly fileName: string;
  readonly ownerId: string | undefined;
  readonly person: NamedPerson;
  /** Through what it came. */
  readonly grantId: string;
  readonly linkId: string | undefined;
  /** `issuedTo` of the grant. */
  readonly issuedTo: string | undefined;
  /** What makes this happening one of its own among those of its type and document: told again, its id is the same. */
  readonly mark: string;
};

/** Never rejects, and waits for no portal. */
export type TellPortals = (news: PortalNews) => Promise<void>;

type Needs = Pick<Services, "config" | "links" | "editorIds" | "logger" | "metrics" | "now"> & {
  readonly documents: OpenDocuments;
  readonly waiting: WaitingEvents;
  /** Something waits there. */
  readonly wake: (portal: string, laneId: string) => void;
};

/** When the store can't be reached, events wait here for it. */
const unstoredAtMost = 1_000;
const maker = /^portal:(.+)$/s;

/** Decides which portals hear of what, and keeps it for them in the store. */
export class PortalTold {
  readonly #services: Needs;
  readonly #portals: ReadonlySet<string>;
  #unstored: (() => Promise<void>)[] = [];

  constructor(services: Needs) {
    this.#services = services;
    this.#portals = new Set(services.config.PORTAL_WEBHOOKS.map(({ portal }) => portal));
  }

  /** The portal with a webhook that opened a session itself, or by a link of its own. */
  async portalOf({
    linkId,
    issuedTo,
  }: {
    readonly linkId?: string | undefined;
    readonly issuedTo: string | undefined;
  }): Promise<string | undefined> {
    const link = linkId === undefined ? undefined : await this.#services.links.find(linkId);
    const portal = linkId === undefined ? issuedTo : maker.exec(link?.maker ?? "")?.[1];
    return portal !== undefined && this.#portals.has(portal) ? portal : undefined;
  }

  /** Stores an event for each portal that the session or the link is of, or that has the document open. */
  async tell(news: PortalNews): Promise<void> {
    if (this.#portals.size === 0) return;
    await this.#stored(async () => this.#tell(news, this.#services.now()));
  }

  /** Stores the last event of a document. @throws what the store throws */
  async tellClosed(
    fileId: string,
    { portal, sinceMs, document }: ClosedAtPortal,
    lastSave: { readonly atMs: number; readonly person: NamedPerson; readonly version: string } | undefined,
  ): Promise<void> {
    const { ownerId, fileName } = document;
    const data: EventData<"closed"> = {
      file: { id: fileId, name: fileName },
      opened_at: new Date(sinceMs).toISOString(),
      last_save:
        lastSave === undefined || lastSave.atMs < sinceMs
          ? null
          : {
              at: new Date(lastSave.atMs).toISOString(),
              person: this.#shown(lastSave.person, ownerId),
              version: lastSave.version,
            },
    };
    await this.#add(portal, fileId, "closed", String(sinceMs), this.#services.now(), data);
  }

  /** Tries again to store what the store did not take. Never rejects. */
  async storeAgain(): Promise<void> {
    const again = this.#unstored;
    this.#unstored = [];
    for (const work of again) await this.#stored(work);
  }

  async #tell(news: PortalNews, atMs: number): Promise<void> {
    const { fileId, type, grantId, linkId, mark } = news;
    const { documents } = this.#services;
    if (news.type === "renamed") await documents.renamed(fileId, news.fileName);
    const document = await documents.of(fileId);
    const own = await this.portalOf(news);
    const openAt = document?.portals.map(({ name }) => name).filter((name) => this.#portals.has(name)) ?? [];
    const ownerId = news.ownerId ?? document?.ownerId;
    const person = this.#shown(news.person, ownerId);
    const shared =
      news.type === "mention"
        ? {
            ...news.data,
            mentioned: news.data.mentioned.map(({ id, name }) => ({ ...this.#shown({ id, name: "" }, ownerId), name })),
          }
        : news.data;
    const file = { id: fileId, name: document?.fileName ?? news.fileName };
    const add = (portal: string) => {
      // Other portals' sessions and links are none of its business.
      const isOwn = portal === own;
      // A token for a file in a folder names the session that it comes from.
      const session = isOwn && linkId === undefined ? (grantId.split(".")[0] ?? null) : null;
      const data = { file, person, session, link: isOwn ? (linkId ?? null) : null, ...shared };
      return this.#add(portal, fileId, type, mark, atMs, data);
    };
    await Promise.all([...new Set([...(own === undefined ? [] : [own]), ...openAt])].map(add));
  }

  async #add(
    portal: string,
    fileId: string,
    type: EventType,
    mark: string,
    atMs: number,
    data: WaitingEvent["data"],
  ): Promise<void> {
    const { waiting, wake, metrics, logger } = this.#services;
    const id = eventId(portal, type, fileId, mark);
    const { laneId, dropped } = await waiting.add(portal, fileId, { id, type, atMs, data });
    if (dropped > 0) {
      metrics.webhooks(portal, "dropped", dropped);
      logger.warn({ portal, file: fileId, dropped }, "too many events of a document wait for a portal");
    }
    wake(portal, laneId);
  }

  #shown({ id, name }: NamedPerson, ownerId: string | undefined): NamedPerson {
    return {
      id: ownerId === undefined ? id : this.#services.editorIds({ person: { id, name }, ownerId }).userId,
      name,
    };
  }

  async #stored(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#services.logger.warn({ failure: logFailure(error)?.kind }, "an event for portals could not be stored yet");
      if (this.#unstored.length < unstoredAtMost) this.#unstored.push(work);
    }
  }
}

/** The same happening has the same id, even after a crash. */
function eventId(portal: string, type: EventType, fileId: string, mark: string): string {
  const hash = createHash("sha256").update(JSON.stringify([portal, type, fileId, mark]));
  return `evt_${hash.digest("base64url").slice(0, 27)}`;
}
