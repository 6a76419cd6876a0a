import { createHash, randomBytes } from "node:crypto";
import type { DriveDocument } from "./drive.ts";
import { BridgeError } from "./failure.ts";
import { type Clock, type KeyValueStore, put } from "./keyValueStore.ts";

export interface Person {
  readonly id: string;
  readonly name: string;
  readonly email?: string;
  readonly avatarUrl?: string;
}

/** What a visitor may not do besides editing. True forbids. */
export interface Restrictions {
  readonly download?: boolean;
  readonly print?: boolean;
  readonly copy?: boolean;
  /** Text drawn over every page. */
  readonly watermark?: string;
}

/** What one access token stands for: one person, one file, and the rights of that moment. */
export interface AccessGrant {
  readonly id: string;
  readonly document: DriveDocument;
  /** As it was when the grant was made; the drive knows the name of today. */
  readonly fileName: string;
  readonly permission: "view" | "edit";
  readonly person: Person;
  readonly ownerId: string;
  readonly restrictions: Restrictions;
  /** The editor's address, complete but for the token that the host page posts there. */
  readonly actionUrl: string;
  readonly language: string;
  /** Who asked for it: the portal's name in the log and the audit. */
  readonly issuedTo: string;
  /** The grant this one was made through, as by Save As; it ends with that one. */
  readonly derivedFrom?: string;
  readonly expiresAtMs: number;
  readonly revokedAtMs?: number;
}

/** How long a ticket for the host page can be redeemed. */
export const ticketLifetimeMs = 5 * 60_000;

const endedGraceMs = 3_600_000;

/** The last segment of WOPISrc: the same for everybody, since editors take it for the document's identity. */
export function wopiFileId(document: DriveDocument): string {
  // An old version is another, immutable document: under the file's own id an editor would join it to the live one.
  return document.version === undefined ? document.fileId : `${document.fileId}-${document.version}`;
}

/** The origin of the editor a grant was made for; an editor keeps one copy of a document for all its users. */
export function editorOrigin(grant: AccessGrant): string {
  return new URL(grant.actionUrl).origin;
}

/** Grants in the store: rights, person and revocation are read from here at every call. */
export class AccessGrants {
  readonly #store: KeyValueStore;
  readonly #now: Clock;

  constructor(store: KeyValueStore, now: Clock) {
    this.#store = store;
    this.#now = now;
  }

  async issue(facts: Omit<AccessGrant, "id">): Promise<AccessGrant> {
    const grant: AccessGrant = { ...facts, id: randomBytes(12).toString("base64url") };
    await put(this.#store, grantKey(grant.id), JSON.stringify(grant), grant.expiresAtMs + endedGraceMs);
    return grant;
  }

  /** @returns undefined for a grant that never was or has expired; a revoked one still comes, with `revokedAtMs` */
  async find(id: string): Promise<AccessGrant | undefined> {
    const grant = await this.#read(id);
    return grant !== undefined && grant.expiresAtMs > this.#now() ? grant : undefined;
  }

  /**
   * A grant that gives no right any more, for an hour after its end: an editor may still hold work that was done
   * while it did.
   * @returns undefined when it never was, still lives, or ended longer ago
   */
  async findEnded(id: string): Promise<AccessGrant | undefined> {
    const grant = await this.#read(id);
    if (grant === undefined) return undefined;
    const endedAtMs = Math.min(grant.expiresAtMs, grant.revokedAtMs ?? Number.POSITIVE_INFINITY);
    return endedAtMs <= this.#now() && this.#now() < endedAtMs + endedGraceMs ? grant : undefined;
  }

  /**
   * Ends a grant; its record stays until its expiry, so that a late save can still be told apart from a forged one.
   * @returns undefined when there was nothing to revoke
   */
  async revoke(id: string): Promise<AccessGrant | undefined> {
    for (;;) {
      const raw = await this.#store.get(grantKey(id));
      if (raw === undefined) return undefined;
      const grant = JSON.parse(raw) as AccessGrant;
      if (grant.revokedAtMs !== undefined || grant.expiresAtMs <= this.#now()) return undefined;
      const revoked: AccessGrant = { ...grant, revokedAtMs: this.#now() };
      if (await this.#store.swap(grantKey(id), raw, JSON.stringify(revoked), grant.expiresAtMs + endedGraceMs))
        return revoked;
    }
  }

  /**
   * @param expiresAtMs five minutes from now when left out
   * @returns the ticket for the host page; only its hash is kept
   */
  async issueTicket(grantId: string, expiresAtMs = this.#now() + ticketLifetimeMs): Promise<string> {
    const ticket = randomBytes(24).toString("base64url");
    await put(this.#store, ticketKey(ticket), grantId, expiresAtMs);
    return ticket;
  }

  /** What a ticket would open, without taking it. @throws ticketInvalid as `redeemTicket` */
  async behindTicket(ticket: string): Promise<AccessGrant> {
    return this.#liveGrant(await this.#store.get(ticketKey(ticket)));
  }

  /** Takes a ticket, once. @throws ticketInvalid when it is unknown, used, too old, or its grant has ended */
  async redeemTicket(ticket: string): Promise<AccessGrant> {
    const grantId = await this.#store.get(ticketKey(ticket));
    const isTaken = grantId !== undefined && (await this.#store.swap(ticketKey(ticket), grantId, undefined));
    return this.#liveGrant(isTaken ? grantId : undefined);
  }

  async #liveGrant(id: string | undefined): Promise<AccessGrant> {
    const grant = id === undefined ? undefined : await this.find(id);
    if (grant === undefined || grant.revokedAtMs !== undefined) throw new BridgeError({ kind: "ticketInvalid" });
    return grant;
  }

  /** @returns the grant, revoked with the one it was made through */
  async #read(id: string): Promise<AccessGrant | undefined> {
    const raw = await this.#store.get(grantKey(id));
    if (raw === undefined) return undefined;
    const grant = JSON.parse(raw) as AccessGrant;
    if (grant.derivedFrom === undefined || grant.revokedAtMs !== undefined) return grant;
    const origin = await this.#read(grant.derivedFrom);
    return origin?.revokedAtMs === undefined ? grant : { ...grant, revokedAtMs: origin.revokedAtMs };
  }
}

const grantKey = (id: string): string => `grant:${id}`;
const ticketKey = (ticket: string): string => `ticket:${createHash("sha256").update(ticket).digest("base64url")}`;
