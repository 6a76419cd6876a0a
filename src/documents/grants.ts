import { createHash, createHmac, randomBytes } from "node:crypto";
import { z } from "zod";
import { optionsForGrant, restrictionShape } from "../links/linkOptions.ts";
import { type EditLink, type EditLinks, linkEnd } from "../links/links.ts";
import { VisitorRights } from "../links/visitorRights.ts";
import { type DocumentRight, isMoreThan } from "../model/documentRight.ts";
import { type DriveDocument, driveDocumentSchema } from "../model/drive.ts";
import { BridgeError } from "../model/failure.ts";
import type { Clock, KeyValueStore } from "../model/keyValueStore.ts";
import { OldestOutMap } from "../model/oldestOutMap.ts";
import { personSchema } from "../model/person.ts";
import { lastSignOut } from "../model/personSessions.ts";
import { record, rowObject, type StoredRecord, wordRecord } from "../model/record.ts";

const restrictionsSchema = rowObject({
  ...restrictionShape,
  /** Text drawn over every page. */
  watermark: z.string().exactOptional(),
});
/** What a visitor may not do, apart from editing. True forbids. @see linkOptions */
export type Restrictions = z.infer<typeof restrictionsSchema>;

const accessGrantSchema = rowObject({
  id: z.string(),
  document: driveDocumentSchema,
  /** The file's name when the grant was made; the drive knows the current one. */
  fileName: z.string(),
  permission: z.enum(["view", "edit"]),
  /** With permission to edit: all that the editor is to allow. It writes comments and suggestions like any change. */
  limitedTo: z.enum(["comment", "review"]).exactOptional(),
  person: personSchema,
  ownerId: z.string(),
  /** When the account's credential ends, and links with it; left out when links can be made that last. */
  accountEndsAtMs: z.number().exactOptional(),
  restrictions: restrictionsSchema,
  /**
   * What Save As may create beside the document: nothing, only new files, or everything the protocol allows. Granted
   * only with permission to edit, like `mayRename`. Grants from older versions lack both.
   */
  saveAs: z.enum(["none", "new", "overwrite"]).default("new"),
  mayRename: z.boolean().default(true),
  /** The editor's address, complete except for the token, which the host page posts there. */
  actionUrl: z.string(),
  /** What that address was chosen by, to choose again; grants from older versions lack it and keep their address. */
  opening: rowObject({
    language: z.string().exactOptional(),
    theme: z.enum(["light", "dark"]).exactOptional(),
    isEmbedded: z.boolean(),
  }).exactOptional(),
  language: z.string(),
  /** Who asked for the grant: a portal by its name, as in the log and the audit. */
  issuedTo: z.string(),
  /** The grant that this one was made through, as by Save As; both end together. */
  derivedFrom: z.string().exactOptional(),
  /** The link it was made through; the grant never allows more than the link does today. */
  linkId: z.string().exactOptional(),
  /** It also reaches the folders and the other files of its account. Never given to a link's visitor. */
  scope: z.literal("folder").exactOptional(),
  /** Identifies the owner's own sign-in that the grant was made by; the next sign-out everywhere ends it. */
  generation: z.string().exactOptional(),
  issuedAtMs: z.number(),
  expiresAtMs: z.number(),
  /** It can't be renewed beyond this time. */
  renewableUntilMs: z.number(),
  revokedAtMs: z.number().exactOptional(),
  /** Why it has ended; undefined = the grant itself was revoked. */
  revokedWith: z.enum(["linkRevoked", "linkExpired", "signedOut"]).exactOptional(),
  /** When its link stopped allowing edits that this grant was made with: the last unsaved work may still arrive. */
  lostEditingAtMs: z.number().exactOptional(),
});
/** What one access token represents: one person, one file, and the permissions at that time. */
export type AccessGrant = z.infer<typeof accessGrantSchema>;
export type SaveAsRight = AccessGrant["saveAs"];

/** Did the file's owner ask for it, signed in on our own pages? A portal's word is not enough. */
export function isOwners({ issuedTo, ownerId }: Pick<AccessGrant, "issuedTo" | "ownerId">): boolean {
  return issuedTo === `person:${ownerId}`;
}

/** Whether tokens for folders, and for other files of the account, can be made from a grant. */
export function reachesFolders({ scope, linkId, document }: Pick<AccessGrant, "scope" | "linkId" | "document">) {
  return scope === "folder" && linkId === undefined && document.version === undefined;
}

/** How the person got access, for the audit: `person:ID`, `link:ID` or `portal:NAME`. */
export function cameThrough(grant: Pick<AccessGrant, "issuedTo">): string {
  return isPortals(grant) ? `portal:${grant.issuedTo}` : grant.issuedTo;
}

function isPortals({ issuedTo }: Pick<AccessGrant, "issuedTo">): boolean {
  return !/^(person|link):/.test(issuedTo);
}

/** Who does something to which document: a grant, or its owner on the bridge's own pages. */
export type Acting = Pick<AccessGrant, "document" | "issuedTo" | "ownerId"> &
  Partial<Pick<AccessGrant, "id" | "linkId">> & { readonly person: Pick<AccessGrant["person"], "id" | "name"> };

/** What portals are told of everything that somebody does. */
export function newsThrough({ id = "", document, ownerId, person, linkId, issuedTo }: Acting, fileName: string) {
  const who = { id: person.id, name: person.name };
  return { fileId: document.fileId, fileName, ownerId, person: who, grantId: id, linkId, issuedTo };
}

/** Why a grant is no longer valid. */
export type GrantEnd = "revoked" | "expired" | "linkRevoked" | "linkExpired" | "signedOut";

const rememberedOwners = 1_000;

/** How long a ticket for the host page can be redeemed. */
export const ticketLifetimeMs = 5 * 60_000;

/** How long after its end an open page can still ask why it has ended. */
const endedGraceMs = 3_600_000;

/** An editor that lost its permission must hand over unsaved work within this time; later saves are not accepted. */
export const lastSaveWithinMs = 5 * 60_000;

/** The last segment of WOPISrc: the same for everybody, since editors use it as the document's identity. */
export function wopiFileId(document: DriveDocument): string {
  // An old version is a separate, immutable document: under the file's own id, an editor would join it to the live one.
  return document.version === undefined ? document.fileId : `${document.fileId}-${document.version}`;
}

/** The ids that an editor gets for the person and for the file's owner; equal when the owner is the person. */
export type EditorIds = (grant: Pick<AccessGrant, "person" | "ownerId">) => { userId: string; ownerId: string };

/**
 * Editors show these ids to everybody in the document. With the drive's own id of the owner, a visitor could find the
 * owner's profile and public shares in Cloudreve; it is also short enough to be guessed from a plain hash.
 * @param key used only for this; a different key gives owners different ids
 */
export function editorIdsBy(key: Uint8Array): EditorIds {
  const known = new OldestOutMap<string, string>(rememberedOwners);
  const hiddenId = (ownerId: string): string => {
    const hidden = known.get(ownerId) ?? `o${createHmac("sha256", key).update(ownerId).digest("hex").slice(0, 20)}`;
    known.set(ownerId, hidden);
    return hidden;
  };
  return ({ person, ownerId }) => {
    const hidden = hiddenId(ownerId);
    return { userId: person.id === ownerId ? hidden : person.id, ownerId: hidden };
  };
}

/** The origin of the editor a grant was made for; an editor keeps one copy of a document for all its users. */
export function editorOrigin(grant: AccessGrant): string {
  return new URL(grant.actionUrl).origin;
}

/**
 * Whether an editor may make a file of a newer format beside the document, and edit that instead. Not for a link's
 * visitors: the link is to this file, and every visit would make another one.
 */
export function mayConvert({ permission, saveAs, linkId }: Pick<AccessGrant, "permission" | "saveAs" | "linkId">) {
  return permission === "edit" && saveAs !== "none" && linkId === undefined;
}

/** What a grant lets its person do. */
export function rightOf({ permission, limitedTo }: Pick<AccessGrant, "permission" | "limitedTo">): DocumentRight {
  return permission === "view" ? "view" : (limitedTo ?? "edit");
}

/** Whether saves under this grant may go into the document. */
export function mayEdit(grant: AccessGrant, nowMs: number): boolean {
  return grant.permission === "edit" && grant.revokedAtMs === undefined && grant.expiresAtMs > nowMs;
}

export type EditingLife = Pick<AccessGrant, "permission" | "expiresAtMs" | "revokedAtMs" | "lostEditingAtMs">;

/** @returns when the right to edit ends, or has ended; undefined for a grant that never allowed editing */
export function editingEndsAtMs(grant: EditingLife): number | undefined {
  const { permission, expiresAtMs, revokedAtMs, lostEditingAtMs } = grant;
  if (permission !== "edit" && lostEditingAtMs === undefined) return undefined;
  const never = Number.POSITIVE_INFINITY;
  return Math.min(expiresAtMs, revokedAtMs ?? never, lostEditingAtMs ?? never);
}

/**
 * Until when a save that arrives is kept beside the document, although the right to edit has ended.
 * @returns undefined for a grant that never allowed editing: it has no unsaved work
 */
export function lastSaveUntilMs(grant: AccessGrant): number | undefined {
  const endsAtMs = editingEndsAtMs(grant);
  return endsAtMs === undefined ? undefined : endsAtMs + lastSaveWithinMs;
}

/** @returns why the grant has ended; undefined while it is valid */
function endOf({ expiresAtMs, revokedAtMs, revokedWith }: AccessGrant, nowMs: number): GrantEnd | undefined {
  if (revokedAtMs !== undefined && revokedAtMs <= expiresAtMs) return revokedWith ?? "revoked";
  return expiresAtMs > nowMs ? undefined : "expired";
}

/** Grants in the store: permissions, person and revocation are read from here on every call. */
export class AccessGrants {
  readonly #store: KeyValueStore;
  readonly #grants: StoredRecord<AccessGrant>;
  /** Ids of grants, by the hash of the ticket. */
  readonly #tickets: StoredRecord<string>;
  readonly #pageKeys: StoredRecord<string>;
  /** File ids of what portals opened, by portal and grant. */
  readonly #ofPortals: StoredRecord<string>;
  readonly #links: EditLinks;
  readonly #visitorRights: VisitorRights;
  readonly #now: Clock;

  constructor(store: KeyValueStore, links: EditLinks, now: Clock) {
    this.#store = store;
    const endsAtMs = ({ expiresAtMs }: AccessGrant) => expiresAtMs + endedGraceMs;
    this.#grants = record(store, "grant", accessGrantSchema, { endsAtMs });
    this.#tickets = wordRecord(store, "ticket");
    this.#pageKeys = wordRecord(store, "page");
    this.#ofPortals = wordRecord(store, "portalSession");
    this.#links = links;
    this.#visitorRights = new VisitorRights(store, links, now);
    this.#now = now;
  }

  async issue(facts: Omit<AccessGrant, "id" | "issuedAtMs">): Promise<AccessGrant> {
    const grant = this.#newGrant(facts);
    await this.#keep(grant);
    return grant;
  }

  /** As `issue`, with a ticket for the host page. Both are written at once, which takes one commit. */
  async issueWithTicket(
    facts: Omit<AccessGrant, "id" | "issuedAtMs">,
  ): Promise<{ readonly grant: AccessGrant; readonly ticket: string }> {
    const grant = this.#newGrant(facts);
    const [ticket] = await Promise.all([this.issueTicket(grant.id), this.#keep(grant)]);
    return { grant, ticket };
  }

  /** All rows at once, which takes one commit. */
  async #keep(grant: AccessGrant): Promise<void> {
    const { id, issuedTo, document, renewableUntilMs } = grant;
    const [isNew] = await Promise.all([
      this.#grants.create(id, grant),
      ...(isPortals(grant) ? [this.#ofPortals.create(portalRow(issuedTo, id), document.fileId, renewableUntilMs)] : []),
    ]);
    requireNew(isNew);
  }

  /**
   * The valid grants that a portal asked for, and those made through them by Save As.
   * @param fileId of this file only
   */
  async *ofPortal(portal: string, fileId?: string): AsyncIterable<AccessGrant> {
    for await (const [row, itsFileId] of this.#ofPortals.list(portalRow(portal, ""))) {
      if (fileId !== undefined && fileId !== itsFileId) continue;
      const grant = await this.find(row.slice(portalRow(portal, "").length));
      if (grant !== undefined && grant.revokedAtMs === undefined) yield grant;
      // An ended grant never becomes valid again.
      else await this.#ofPortals.remove(row);
    }
  }

  #newGrant(facts: Omit<AccessGrant, "id" | "issuedAtMs">): AccessGrant {
    return { ...facts, id: randomBytes(12).toString("base64url"), issuedAtMs: this.#now() };
  }

  /**
   * As `issue`, under a given id. One that has expired is replaced: what it is made through may have been renewed since.
   * @returns the grant that was already issued under this id, if it still stands; undefined if it was revoked and has expired
   */
  async issueAs(id: string, facts: Omit<AccessGrant, "id" | "issuedAtMs">): Promise<AccessGrant | undefined> {
    const grant: AccessGrant = { ...facts, id, issuedAtMs: this.#now() };
    const { after } = await this.#grants.update(id, (standing) => {
      const isOver = standing?.revokedAtMs === undefined && (standing?.expiresAtMs ?? 0) <= this.#now();
      return isOver ? grant : standing;
    });
    return after === grant ? grant : this.find(id);
  }

  /** @returns the files that were opened through a grant that reaches folders @see folderReach.ts */
  async openedThrough(id: string): Promise<readonly string[]> {
    const fileIds: string[] = [];
    for await (const child of this.#grants.ids(`${id}.`)) fileIds.push(child.slice(id.length + 1));
    return fileIds;
  }

  /** @returns undefined for a grant that never existed or has expired; a revoked one is returned, with `revokedAtMs` */
  async find(id: string): Promise<AccessGrant | undefined> {
    const grant = await this.#read(id);
    return grant !== undefined && grant.expiresAtMs > this.#now() ? grant : undefined;
  }

  /**
   * A grant that is no longer valid, for an hour after its end: callers still ask who it belonged to.
   * @returns undefined when it never existed, is still valid, or ended longer ago
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
    const { before, after } = await this.#grants.update(id, (grant) => {
      const isOver = grant?.revokedAtMs !== undefined || (grant?.expiresAtMs ?? 0) <= this.#now();
      return grant === undefined || isOver ? grant : { ...grant, revokedAtMs: this.#now() };
    });
    return after === before ? undefined : after;
  }

  /**
   * Extends a grant: it lasts from now as long as a new one would.
   * @returns undefined when it has ended; the same grant when it can't be renewed further
   */
  async renew(id: string, lifetimeMs: number): Promise<AccessGrant | undefined> {
    let renewed: AccessGrant | undefined;
    await this.#grants.update(id, async (grant) => {
      renewed = undefined;
      if (grant === undefined) return undefined;
      const live = await this.#asOfNow(grant);
      if (live.expiresAtMs <= this.#now() || live.revokedAtMs !== undefined) return grant;
      const expiresAtMs = Math.min(this.#now() + lifetimeMs, live.renewableUntilMs);
      const isLonger = expiresAtMs > live.expiresAtMs;
      // The records that can end this grant must live as long as it does: otherwise their end would be forgotten first.
      const origin = isLonger ? live.derivedFrom : undefined;
      if (origin !== undefined && (await this.renew(origin, lifetimeMs)) === undefined) return grant;
      renewed = isLonger ? { ...live, expiresAtMs } : live;
      return isLonger ? { ...grant, expiresAtMs } : grant;
    });
    return renewed;
  }

  /** The editor has another address for the document now. */
  async moved(id: string, actionUrl: string): Promise<void> {
    await this.#grants.update(id, (grant) => (grant === undefined ? grant : { ...grant, actionUrl }));
  }

  /**
   * The key of a host page, for its later requests to the bridge: its ticket is used up. Stored as a hash, like
   * tickets.
   */
  async issuePageKey(grant: AccessGrant): Promise<string> {
    const key = randomBytes(24).toString("base64url");
    requireNew(await this.#pageKeys.create(hashOf(key), grant.id, grant.renewableUntilMs + endedGraceMs));
    return key;
  }

  /** @returns the grant of a host page, up to an hour after its end; `ended` says why @throws ticketInvalid */
  async behindPageKey(key: string): Promise<{ readonly grant: AccessGrant; readonly ended: GrantEnd | undefined }> {
    const id = await this.#pageKeys.get(hashOf(key));
    const grant = id === undefined ? undefined : await this.#read(id);
    if (grant === undefined) throw new BridgeError({ kind: "ticketInvalid" });
    return { grant, ended: endOf(grant, this.#now()) };
  }

  /**
   * @param expiresAtMs five minutes from now when left out
   * @returns the ticket for the host page; only its hash is stored
   */
  async issueTicket(grantId: string, expiresAtMs = this.#now() + ticketLifetimeMs): Promise<string> {
    const ticket = randomBytes(24).toString("base64url");
    requireNew(await this.#tickets.create(hashOf(ticket), grantId, expiresAtMs));
    return ticket;
  }

  /** The grant that a ticket would open, without using the ticket up. @throws ticketInvalid as `redeemTicket` */
  async behindTicket(ticket: string): Promise<AccessGrant> {
    return this.#liveGrant(await this.#tickets.get(hashOf(ticket)));
  }

  /** Uses a ticket up. @throws ticketInvalid when it is unknown, used, too old, or its grant has ended */
  async redeemTicket(ticket: string): Promise<AccessGrant> {
    const row = this.#tickets.row(hashOf(ticket));
    const grantId = await row.read();
    const isTaken = grantId !== undefined && (await row.swap(undefined));
    return this.#liveGrant(isTaken ? grantId : undefined);
  }

  async #liveGrant(id: string | undefined): Promise<AccessGrant> {
    const grant = id === undefined ? undefined : await this.find(id);
    if (grant === undefined || grant.revokedAtMs !== undefined) throw new BridgeError({ kind: "ticketInvalid" });
    return grant;
  }

  /** @returns the grant, ended if what it was made through has ended, and limited to what its link allows today */
  async #read(id: string): Promise<AccessGrant | undefined> {
    const grant = await this.#grants.get(id);
    return grant === undefined ? undefined : this.#asOfNow(grant);
  }

  async #asOfNow(grant: AccessGrant): Promise<AccessGrant> {
    const origin = grant.derivedFrom === undefined ? undefined : await this.#read(grant.derivedFrom);
    const link = grant.linkId === undefined ? undefined : await this.#links.find(grant.linkId);
    const ends = [
      ending(grant),
      ending(origin),
      await this.#signOutOf(grant),
      ...(grant.linkId === undefined ? [] : [this.#linkEndOf(grant, link)]),
    ];
    const narrowed =
      link === undefined
        ? grant
        : asLinkAllows(grant, link, await this.#visitorRights.forVisitor(link, grant.person.id));
    const first = ends.flatMap((end) => end ?? []).sort((a, b) => a.revokedAtMs - b.revokedAtMs)[0];
    return { ...narrowed, ...first };
  }

  async #signOutOf({ issuedTo, generation }: AccessGrant): Promise<Ending | undefined> {
    const personId = /^person:(.+)$/.exec(issuedTo)?.[1];
    const signOut = personId === undefined ? undefined : await lastSignOut(this.#store, personId);
    if (signOut === undefined || signOut.generation === generation) return undefined;
    return { revokedAtMs: signOut.atMs, revokedWith: "signedOut" };
  }

  #linkEndOf(grant: AccessGrant, link: EditLink | undefined): Ending | undefined {
    // It is unknown when the link ended; a save that arrives now is late in any case.
    if (link === undefined) {
      return { revokedAtMs: Math.min(grant.expiresAtMs, this.#now()), revokedWith: "linkRevoked" };
    }
    const end = linkEnd(link, this.#now());
    if (end === undefined) return undefined;
    return { revokedAtMs: end.atMs, revokedWith: end.because === "expired" ? "linkExpired" : "linkRevoked" };
  }
}

/** Random ids are written without a look at what is there. No two are the same, unless the randomness is none. */
function requireNew(isNew: boolean): void {
  if (!isNew) throw new Error("a random id was drawn twice");
}

interface Ending {
  readonly revokedAtMs: number;
  readonly revokedWith?: NonNullable<AccessGrant["revokedWith"]>;
}

function ending(grant: AccessGrant | undefined): Ending | undefined {
  if (grant?.revokedAtMs === undefined) return undefined;
  const { revokedAtMs, revokedWith } = grant;
  return { revokedAtMs, ...(revokedWith === undefined ? {} : { revokedWith }) };
}

/** @param visitor what was granted to this visitor beyond the link */
function asLinkAllows(
  grant: AccessGrant,
  link: EditLink,
  visitor: { readonly mayEdit: boolean; readonly endedAtMs?: number },
): AccessGrant {
  const hasLost = isMoreThan(rightOf(grant), visitor.mayEdit ? "edit" : link.permission);
  const options = optionsForGrant(link, grant.person.name);
  const isLimited = grant.limitedTo !== undefined;
  return {
    ...grant,
    // Also when less is still allowed: the open editor goes by what it was told as it opened the document.
    permission: hasLost ? "view" : grant.permission,
    // A link gives access to one file: the other files in its folder are the owner's.
    saveAs: grant.saveAs === "none" || isLimited ? "none" : "new",
    ...options,
    mayRename: options.mayRename && !isLimited,
    ...(hasLost ? { lostEditingAtMs: lostAtMs(grant, link, visitor.endedAtMs) } : {}),
  };
}

/** When a grant lost its right: the first moment since it was issued at which its link, or the owner, took it. */
function lostAtMs({ issuedAtMs }: AccessGrant, link: EditLink, endedAtMs: number | undefined): number {
  const since = [link.lostEditingAtMs, endedAtMs].flatMap((atMs) => ((atMs ?? 0) >= issuedAtMs ? [atMs ?? 0] : []));
  // A version that didn't record the time changed this link to viewing: it counts as long ago.
  return since.length > 0 ? Math.min(...since) : (link.lostEditingAtMs ?? link.createdAtMs);
}

/** A portal's name may contain anything, and be the beginning of another's. */
function portalRow(portal: string, grantId: string): string {
  return `${createHash("sha256").update(portal).digest("base64url").slice(0, 22)}.${grantId}`;
}

const hashOf = (secret: string): string => createHash("sha256").update(secret).digest("base64url");
