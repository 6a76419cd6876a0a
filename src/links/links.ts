import { createHash, randomBytes } from "node:crypto";
import { z } from "zod";
import { Breath } from "../model/breath.ts";
import { type DocumentRight, documentRights, isMoreThan } from "../model/documentRight.ts";
import { BridgeError } from "../model/failure.ts";
import type { Clock, KeyValueStore } from "../model/keyValueStore.ts";
import { namedPersonSchema } from "../model/person.ts";
import { record, rowObject, type StoredRecord, wordRecord } from "../model/record.ts";
import { restrictionShape } from "./linkOptions.ts";

const linkRestrictionsSchema = rowObject(restrictionShape);
/** What a visitor of a link may not do besides editing. True forbids. @see linkOptions */
export type LinkRestrictions = z.infer<typeof linkRestrictionsSchema>;

const editLinkSchema = rowObject({
  id: z.string(),
  /** Drive account that acts for the link's visitors. */
  account: z.string(),
  owner: namedPersonSchema,
  fileId: z.string(),
  /** `fileId` is a folder's, and the link leads to the documents in it and below. Links from older versions lack it. */
  folder: z.literal(true).exactOptional(),
  /** The name when it was last looked at; the drive knows the current one. */
  fileName: z.string(),
  /** What every visitor may do; single ones may have been granted more. @see visitorRights.ts */
  // A right that only a later version knows counts as the least.
  permission: z.enum(documentRights).catch("view"),
  expiresAtMs: z.number().exactOptional(),
  /** Made by `links/linkPassword.ts`. */
  passwordHash: z.string().exactOptional(),
  /** What the link is for, as its owner and its visitors see it. */
  note: z.string().exactOptional(),
  asksName: z.boolean(),
  /** Whether a visitor who may edit can rename the file. Links from older versions lack it. */
  mayRename: z.boolean().default(false),
  restrictions: linkRestrictionsSchema,
  /** Who made it, and can list, change and revoke it besides its owner: `person:ID` or `portal:NAME`. */
  maker: z.string(),
  /** Made by an editor's own Share button, which finds it again: what it was to allow. Other links lack it. */
  sharedFor: z.enum(["view", "edit"]).exactOptional(),
  createdAtMs: z.number(),
  revokedAtMs: z.number().exactOptional(),
  /** When the permission was last reduced; removed when the link allows editing again. */
  lostEditingAtMs: z.number().exactOptional(),
  /** The last change that ended what was granted to single visitors; links without such a change lack it. */
  rightsEpoch: rowObject({ id: z.string(), atMs: z.number() }).exactOptional(),
});
/** A lasting invitation to one file or folder, on behalf of the account that made it. */
export type EditLink = z.infer<typeof editLinkSchema>;

/** What can be changed while the link keeps its address. `null` removes. */
export interface LinkChanges {
  readonly permission?: DocumentRight;
  readonly expiresAtMs?: number | null;
  readonly passwordHash?: string | null;
  readonly note?: string | null;
  readonly asksName?: boolean;
  readonly mayRename?: boolean;
  readonly restrictions?: LinkRestrictions;
}

const linkVisitSchema = rowObject({
  person: namedPersonSchema,
  openedAtMs: z.number(),
  savedAtMs: z.number().exactOptional(),
});
/** What one visitor did. A link's list has the latest visit first. */
export type LinkVisit = z.infer<typeof linkVisitSchema>;

const linkGuessesSchema = rowObject({ count: z.number(), lastAtMs: z.number() });
/** Wrong passwords tried on a link since its password was set. */
export type LinkGuesses = z.infer<typeof linkGuessesSchema>;

const secretBytes = 24;
/** For this long after a link's end, its address says that it has ended. Later it is unknown, like any other. */
const rememberedAfterEndMs = 30 * 24 * 3_600_000;
const keptVisits = 100;

/** Links in the store, found by a hash of the address's secret. */
export class EditLinks {
  readonly #links: StoredRecord<EditLink>;
  readonly #visits: StoredRecord<LinkVisit[]>;
  readonly #guesses: StoredRecord<LinkGuesses>;
  /** Ids of links, by maker, by owner and by account. */
  readonly #byMaker: StoredRecord<string>;
  readonly #byOwner: StoredRecord<string>;
  readonly #byAccount: StoredRecord<string>;
  /** The key of the row below, so that its end can follow the link's. */
  readonly #secretHashes: StoredRecord<string>;
  readonly #bySecretHash: StoredRecord<string>;
  /** Written and read by `linkAddresses.ts`; here it only ends with its link. */
  readonly #addresses: StoredRecord<string>;
  /** Written and read by `visitorRights.ts`, like the row above. */
  readonly #rights: StoredRecord<string>;
  readonly #asked: StoredRecord<string>;
  readonly #now: Clock;

  constructor(store: KeyValueStore, now: Clock) {
    this.#links = record(store, "link", editLinkSchema, { endsAtMs: forgottenAtMs });
    this.#visits = record(store, "linkVisits", z.array(linkVisitSchema));
    this.#guesses = record(store, "linkGuesses", linkGuessesSchema);
    this.#byMaker = wordRecord(store, "linkMaker");
    this.#byOwner = wordRecord(store, "linkOwner");
    this.#byAccount = wordRecord(store, "linkAccount");
    this.#secretHashes = wordRecord(store, "linkSecretOf");
    this.#bySecretHash = wordRecord(store, "linkSecret");
    this.#addresses = wordRecord(store, "linkAddress");
    this.#rights = wordRecord(store, "linkRights");
    this.#asked = wordRecord(store, "linkAsked");
    this.#now = now;
  }

  /** @returns the link, and the secret of its address, which these rows don't contain */
  async make(
    facts: Omit<EditLink, "id" | "createdAtMs" | "revokedAtMs" | "lostEditingAtMs" | "rightsEpoch">,
  ): Promise<{ link: EditLink; secret: string }> {
    const link: EditLink = { ...facts, id: randomBytes(9).toString("base64url"), createdAtMs: this.#now() };
    const secret = randomBytes(secretBytes).toString("base64url");
    // First the link, because the lists drop entries without one. The secret comes last: a link that works but is in no
    // list could not be revoked.
    const endsAtMs = forgottenAtMs(link);
    await this.#links.put(link.id, link);
    await this.#byMaker.put(listedId(link.maker, link.id), link.id, endsAtMs);
    await this.#byOwner.put(listedId(link.owner.id, link.id), link.id, endsAtMs);
    await this.#byAccount.put(listedId(link.account, link.id), link.id, endsAtMs);
    await this.#secretHashes.put(link.id, hashOf(secret), endsAtMs);
    await this.#bySecretHash.put(hashOf(secret), link.id, endsAtMs);
    return { link, secret };
  }

  /** @returns undefined when there is none, or it ended long ago; a revoked or expired link is still returned */
  async find(id: string): Promise<EditLink | undefined> {
    return this.#links.get(id);
  }

  /** The link behind an address. @throws linkUnknown, linkEnded */
  async behindSecret(secret: string): Promise<EditLink> {
    const id = await this.#bySecretHash.get(hashOf(secret));
    const link = id === undefined ? undefined : await this.find(id);
    // Rows from older versions have no end of their own.
    if (id !== undefined && link === undefined) await this.#bySecretHash.remove(hashOf(secret));
    if (link === undefined) throw new BridgeError({ kind: "linkUnknown" });
    const end = linkEnd(link, this.#now());
    if (end !== undefined) throw new BridgeError({ kind: "linkEnded", because: end.because });
    return link;
  }

  /** @returns all links of this maker, newest first, including ended ones that are still stored */
  async madeBy(maker: string): Promise<EditLink[]> {
    // One maker's name may be the start of another's.
    return newestFirst((await this.#listed(this.#byMaker, maker)).filter((link) => link.maker === maker));
  }

  /** @returns all links to documents of this person, by whomever they were made; else as `madeBy` */
  async ownedBy(personId: string): Promise<EditLink[]> {
    // Links from older versions are in no owner's list before `liveAccounts` has seen them, but in their maker's.
    const links = [
      ...(await this.#listed(this.#byOwner, personId)),
      ...(await this.#listed(this.#byMaker, `person:${personId}`)),
    ].filter(({ owner }) => owner.id === personId);
    return newestFirst([...new Map(links.map((link) => [link.id, link])).values()]);
  }

  async #listed(list: StoredRecord<string>, of: string): Promise<EditLink[]> {
    const links: EditLink[] = [];
    const breath = new Breath();
    for await (const [listed, id] of list.list(`${of}:`)) {
      await breath.draw();
      const link = await this.find(id);
      if (link === undefined) await list.remove(listed);
      else links.push(link);
    }
    return links;
  }

  /** Remembers the name that the drive has for the document now. */
  async renamed(id: string, fileName: string): Promise<void> {
    await this.#links.update(id, (link) =>
      link === undefined || link.fileName === fileName ? link : { ...link, fileName },
    );
  }

  /** @returns the changed link; undefined when there is none or it has been revoked */
  async change(id: string, changes: LinkChanges): Promise<EditLink | undefined> {
    return this.#replace(id, (link) => {
      const next: Record<string, unknown> = { ...link };
      for (const [name, value] of Object.entries(changes)) {
        if (value === null) delete next[name];
        else if (value !== undefined) next[name] = value;
      }
      if (changes.permission === "edit") delete next["lostEditingAtMs"];
      if (changes.permission !== undefined && isMoreThan(link.permission, changes.permission)) {
        next["lostEditingAtMs"] = this.#now();
      }
      if (endsRights(link, changes, this.#now())) {
        next["rightsEpoch"] = { id: randomBytes(6).toString("base64url"), atMs: this.#now() };
      }
      return next as unknown as EditLink;
    });
  }

  /** Ends the link for good, and the sessions opened through it. @returns undefined when there was nothing to end */
  async revoke(id: string): Promise<EditLink | undefined> {
    return this.#replace(id, (link) => ({ ...link, revokedAtMs: this.#now() }));
  }

  /** @returns drive accounts with a link that still works: their credentials must not expire */
  async liveAccounts(): Promise<string[]> {
    const accounts = new Set<string>();
    for await (const [listed, id] of this.#byAccount.list()) {
      const link = await this.find(id);
      if (link === undefined) await this.#byAccount.remove(listed);
      else if (linkEnd(link, this.#now()) === undefined) {
        accounts.add(link.account);
        // Only its maker finds a link from an older version, which may be a portal.
        await this.#byOwner.create(listedId(link.owner.id, id), id, forgottenAtMs(link));
      }
    }
    return [...accounts];
  }

  /** Records that a visitor opened the document. */
  async opened(id: string, person: LinkVisit["person"]): Promise<void> {
    await this.#visit(id, person, {});
  }

  /** Records that a visitor's save is in the drive. */
  async saved(id: string, person: LinkVisit["person"]): Promise<void> {
    await this.#visit(id, person, { savedAtMs: this.#now() });
  }

  /** @returns one entry per visitor, the latest first */
  async visits(id: string): Promise<readonly LinkVisit[]> {
    return (await this.#visits.get(id)) ?? [];
  }

  /** Records a wrong password. */
  async guessed(id: string): Promise<void> {
    const link = await this.find(id);
    if (link === undefined) return;
    const another = (guesses?: LinkGuesses) => ({ count: (guesses?.count ?? 0) + 1, lastAtMs: this.#now() });
    await this.#guesses.update(id, another, forgottenAtMs(link));
  }

  /** @returns undefined when no wrong password was tried */
  async guesses(id: string): Promise<LinkGuesses | undefined> {
    return this.#guesses.get(id);
  }

  async #visit(id: string, person: LinkVisit["person"], more: Pick<LinkVisit, "savedAtMs">): Promise<void> {
    const link = await this.find(id);
    if (link === undefined) return;
    const change = (visits: LinkVisit[] = []): LinkVisit[] => {
      const before = visits.find((visit) => visit.person.id === person.id);
      const isSave = more.savedAtMs !== undefined;
      const visit: LinkVisit = {
        ...before,
        person: { id: person.id, name: person.name },
        openedAtMs: isSave && before !== undefined ? before.openedAtMs : this.#now(),
        ...more,
      };
      return [visit, ...visits.filter((other) => other !== before)].slice(0, keptVisits);
    };
    await this.#visits.update(id, change, forgottenAtMs(link));
  }

  async #replace(id: string, next: (link: EditLink) => EditLink): Promise<EditLink | undefined> {
    const { before, after } = await this.#links.update(id, async (link) => {
      if (link === undefined || link.revokedAtMs !== undefined) return link;
      const changed = next(link);
      // Before the link's life is extended: if its other rows ended first, its address would stop working.
      await this.#keepCompanions(changed, laterOf(forgottenAtMs(link), forgottenAtMs(changed)));
      return changed;
    });
    if (before === undefined || after === undefined || after === before) return undefined;
    await this.#keepCompanions(after, forgottenAtMs(after));
    if (after.passwordHash !== before.passwordHash) await this.#guesses.remove(id);
    return after;
  }

  /** Rows that belong to a link live exactly as long as the link. */
  async #keepCompanions({ account, id, maker, owner }: EditLink, untilMs: number | undefined): Promise<void> {
    // Links from older versions don't record which secret is theirs.
    const secretHash = await this.#secretHashes.get(id);
    await this.#byMaker.moveEnd(listedId(maker, id), untilMs);
    await this.#byOwner.moveEnd(listedId(owner.id, id), untilMs);
    await this.#byAccount.moveEnd(listedId(account, id), untilMs);
    await this.#visits.moveEnd(id, untilMs);
    await this.#guesses.moveEnd(id, untilMs);
    await this.#addresses.moveEnd(id, untilMs);
    await this.#rights.moveEnd(id, untilMs);
    await this.#asked.moveEnd(listedId(owner.id, id), untilMs);
    await this.#secretHashes.moveEnd(id, untilMs);
    if (secretHash !== undefined) await this.#bySecretHash.moveEnd(secretHash, untilMs);
  }
}

/** @returns when and why a link stopped working; undefined while it works */
export function linkEnd(
  link: EditLink,
  nowMs: number,
): { readonly because: "revoked" | "expired"; readonly atMs: number } | undefined {
  if (link.revokedAtMs !== undefined) return { because: "revoked", atMs: link.revokedAtMs };
  if (link.expiresAtMs !== undefined && link.expiresAtMs <= nowMs)
    return { because: "expired", atMs: link.expiresAtMs };
  return undefined;
}

/** When the rows of a link end; undefined = never, because the link has no end. */
export function forgottenAtMs(link: EditLink): number | undefined {
  const endsAtMs = link.revokedAtMs ?? link.expiresAtMs;
  return endsAtMs === undefined ? undefined : endsAtMs + rememberedAfterEndMs;
}

/** Whether a change of the link ends what was granted to single visitors: its terms are others, or it had ended. */
function endsRights(link: EditLink, { permission, passwordHash }: LinkChanges, nowMs: number): boolean {
  const hasNewTerms = permission !== undefined && permission !== link.permission;
  return hasNewTerms || passwordHash !== undefined || linkEnd(link, nowMs) !== undefined;
}

function laterOf(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? undefined : Math.max(one, other);
}

const newestFirst = (links: EditLink[]): EditLink[] =>
  links.sort((a, b) => b.createdAtMs - a.createdAtMs || (a.id < b.id ? -1 : 1));
const hashOf = (secret: string): string => createHash("sha256").update(secret).digest("base64url");
/** The key in a maker's, an owner's or an account's list. */
const listedId = (of: string, id: string): string => `${of}:${id}`;
