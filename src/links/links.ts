import { createHash, randomBytes } from "node:crypto";
import { BridgeError } from "../model/failure.ts";
import { type Clock, type KeyValueStore, put } from "../model/keyValueStore.ts";
import type { Person } from "../model/person.ts";

/** What a visitor of a link may not do besides editing. True forbids. */
export interface LinkRestrictions {
  readonly download: boolean;
  readonly print: boolean;
  readonly copy: boolean;
  /** The visitor's name is drawn over every page. */
  readonly watermark: boolean;
}

/** A durable invitation to one file, in the name of the account that made it. */
export interface EditLink {
  readonly id: string;
  /** Drive account that acts for whoever comes through it. */
  readonly account: string;
  readonly owner: { readonly id: string; readonly name: string };
  readonly fileId: string;
  /** As it was when the link was made; the drive knows the name of today. */
  readonly fileName: string;
  readonly permission: "view" | "edit";
  readonly expiresAtMs?: number;
  /** Made by `links/linkPassword.ts`. */
  readonly passwordHash?: string;
  /** For the owner's eyes and the visitor's: what the link is for. */
  readonly note?: string;
  readonly asksName: boolean;
  /** Whether a visitor who edits may give the file another name. */
  readonly mayRename: boolean;
  readonly restrictions: LinkRestrictions;
  /** Who can list, change and revoke it: `person:ID` or `portal:NAME`. */
  readonly maker: string;
  readonly createdAtMs: number;
  readonly revokedAtMs?: number;
  /** When it was turned from editing to viewing; goes when it may edit again. */
  readonly lostEditingAtMs?: number;
}

/** What can be changed while the link's address stays. `null` removes. */
export interface LinkChanges {
  readonly permission?: "view" | "edit";
  readonly expiresAtMs?: number | null;
  readonly passwordHash?: string | null;
  readonly note?: string | null;
  readonly asksName?: boolean;
  readonly mayRename?: boolean;
  readonly restrictions?: LinkRestrictions;
}

/** What one visitor did, newest visit first in a link's list. */
export interface LinkVisit {
  readonly person: Pick<Person, "id" | "name">;
  readonly openedAtMs: number;
  readonly savedAtMs?: number;
}

/** Wrong passwords that were tried at a link since its password was set. */
export interface LinkGuesses {
  readonly count: number;
  readonly lastAtMs: number;
}

const secretBytes = 24;
/** For this long after its end a link's address tells that it has ended; afterwards it is unknown like any other. */
const rememberedAfterEndMs = 30 * 24 * 3_600_000;
const keptVisits = 100;

/** Links in the store. The secret of the address is kept as a hash alone. */
export class EditLinks {
  readonly #store: KeyValueStore;
  readonly #now: Clock;

  constructor(store: KeyValueStore, now: Clock) {
    this.#store = store;
    this.#now = now;
  }

  /** @returns the link, and the secret of its address: nobody can ask for it again */
  async make(
    facts: Omit<EditLink, "id" | "createdAtMs" | "revokedAtMs" | "lostEditingAtMs">,
  ): Promise<{ link: EditLink; secret: string }> {
    const link: EditLink = { ...facts, id: randomBytes(9).toString("base64url"), createdAtMs: this.#now() };
    const secret = randomBytes(secretBytes).toString("base64url");
    // The link before the lists, which drop what they find no link for; the secret last: a link that can be opened but
    // not found could not be revoked.
    await put(this.#store, linkKey(link.id), JSON.stringify(link), forgottenAtMs(link));
    await put(this.#store, makerKey(link.maker, link.id), link.id, forgottenAtMs(link));
    await put(this.#store, accountKey(link.account, link.id), link.id, forgottenAtMs(link));
    await put(this.#store, secretOfKey(link.id), hashOf(secret), forgottenAtMs(link));
    await put(this.#store, secretKey(hashOf(secret)), link.id, forgottenAtMs(link));
    return { link, secret };
  }

  /** @returns undefined when there is none, or it ended long ago; a revoked or expired one still comes */
  async find(id: string): Promise<EditLink | undefined> {
    const raw = await this.#store.get(linkKey(id));
    return raw === undefined ? undefined : linkIn(raw);
  }

  /** The link behind an address. @throws linkUnknown, linkEnded */
  async behindSecret(secret: string): Promise<EditLink> {
    const key = secretKey(hashOf(secret));
    const id = await this.#store.get(key);
    const link = id === undefined ? undefined : await this.find(id);
    // Rows of links that an earlier bridge made have no end of their own.
    if (id !== undefined && link === undefined) await put(this.#store, key, undefined);
    if (link === undefined) throw new BridgeError({ kind: "linkUnknown" });
    const end = linkEnd(link, this.#now());
    if (end !== undefined) throw new BridgeError({ kind: "linkEnded", because: end.because });
    return link;
  }

  /** @returns all that this maker can still see, newest first, ended ones too */
  async madeBy(maker: string): Promise<EditLink[]> {
    const links: EditLink[] = [];
    for await (const [key, id] of this.#store.list(makerKey(maker, ""))) {
      const link = await this.find(id);
      if (link === undefined) await put(this.#store, key, undefined);
      // A name may begin with another's.
      else if (link.maker === maker) links.push(link);
    }
    return links.sort((a, b) => b.createdAtMs - a.createdAtMs || (a.id < b.id ? -1 : 1));
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
      if (changes.permission === "view" && link.permission === "edit") next["lostEditingAtMs"] = this.#now();
      return next as unknown as EditLink;
    });
  }

  /** Ends it for good, with the sessions that were opened through it. @returns undefined when there was nothing to end */
  async revoke(id: string): Promise<EditLink | undefined> {
    return this.#replace(id, (link) => ({ ...link, revokedAtMs: this.#now() }));
  }

  /** @returns drive accounts with a link that still opens: their credentials must not run out */
  async liveAccounts(): Promise<string[]> {
    const accounts = new Set<string>();
    for await (const [key, id] of this.#store.list(accountPrefix)) {
      const link = await this.find(id);
      if (link === undefined || linkEnd(link, this.#now()) !== undefined) {
        if (link === undefined) await put(this.#store, key, undefined);
      } else accounts.add(link.account);
    }
    return [...accounts];
  }

  /** Notes that a visitor opened the document. */
  async opened(id: string, person: LinkVisit["person"]): Promise<void> {
    await this.#visit(id, person, {});
  }

  /** Notes that what a visitor saved is in the drive. */
  async saved(id: string, person: LinkVisit["person"]): Promise<void> {
    await this.#visit(id, person, { savedAtMs: this.#now() });
  }

  /** @returns one entry for each visitor, the latest first */
  async visits(id: string): Promise<readonly LinkVisit[]> {
    const raw = await this.#store.get(visitsKey(id));
    return raw === undefined ? [] : (JSON.parse(raw) as LinkVisit[]);
  }

  /** Notes that a wrong password was tried. */
  async guessed(id: string): Promise<void> {
    const link = await this.find(id);
    if (link === undefined) return;
    for (;;) {
      const raw = await this.#store.get(guessesKey(id));
      const { count } = raw === undefined ? { count: 0 } : (JSON.parse(raw) as LinkGuesses);
      const next: LinkGuesses = { count: count + 1, lastAtMs: this.#now() };
      if (await this.#store.swap(guessesKey(id), raw, JSON.stringify(next), forgottenAtMs(link))) return;
    }
  }

  /** @returns undefined when no wrong password was tried */
  async guesses(id: string): Promise<LinkGuesses | undefined> {
    const raw = await this.#store.get(guessesKey(id));
    return raw === undefined ? undefined : (JSON.parse(raw) as LinkGuesses);
  }

  async #visit(id: string, person: LinkVisit["person"], more: Pick<LinkVisit, "savedAtMs">): Promise<void> {
    const link = await this.find(id);
    if (link === undefined) return;
    for (;;) {
      const raw = await this.#store.get(visitsKey(id));
      const visits = raw === undefined ? [] : (JSON.parse(raw) as LinkVisit[]);
      const before = visits.find((visit) => visit.person.id === person.id);
      const isSave = more.savedAtMs !== undefined;
      const visit: LinkVisit = {
        ...before,
        person: { id: person.id, name: person.name },
        openedAtMs: isSave && before !== undefined ? before.openedAtMs : this.#now(),
        ...more,
      };
      const next = JSON.stringify([visit, ...visits.filter((other) => other !== before)].slice(0, keptVisits));
      if (await this.#store.swap(visitsKey(id), raw, next, forgottenAtMs(link))) return;
    }
  }

  async #replace(id: string, next: (link: EditLink) => EditLink): Promise<EditLink | undefined> {
    for (;;) {
      const raw = await this.#store.get(linkKey(id));
      if (raw === undefined) return undefined;
      const link = linkIn(raw);
      if (link.revokedAtMs !== undefined) return undefined;
      const changed = next(link);
      // Before it lives longer: a link whose rows end earlier would be lost to whoever has its address.
      await this.#keepCompanions(changed, laterOf(forgottenAtMs(link), forgottenAtMs(changed)));
      if (await this.#store.swap(linkKey(id), raw, JSON.stringify(changed), forgottenAtMs(changed))) {
        await this.#keepCompanions(changed, forgottenAtMs(changed));
        if (changed.passwordHash !== link.passwordHash) await put(this.#store, guessesKey(id), undefined);
        return changed;
      }
    }
  }

  /** What belongs to a link is known for as long as the link is, and no longer. */
  async #keepCompanions(link: EditLink, untilMs: number | undefined): Promise<void> {
    const { account, id, maker } = link;
    // An earlier bridge has not noted which secret is the link's.
    const secretHash = await this.#store.get(secretOfKey(id));
    const keys = [
      ...[makerKey(maker, id), accountKey(account, id), visitsKey(id), guessesKey(id), secretOfKey(id)],
      ...(secretHash === undefined ? [] : [secretKey(secretHash)]),
    ];
    for (const key of keys) {
      for (;;) {
        const raw = await this.#store.get(key);
        if (raw === undefined || (await this.#store.swap(key, raw, raw, untilMs))) break;
      }
    }
  }
}

/** @returns since when and why a link opens nothing any more; undefined while it does */
export function linkEnd(
  link: EditLink,
  nowMs: number,
): { readonly because: "revoked" | "expired"; readonly atMs: number } | undefined {
  if (link.revokedAtMs !== undefined) return { because: "revoked", atMs: link.revokedAtMs };
  if (link.expiresAtMs !== undefined && link.expiresAtMs <= nowMs)
    return { because: "expired", atMs: link.expiresAtMs };
  return undefined;
}

/** A link as it was kept; one of an older bridge says nothing of renaming. */
function linkIn(raw: string): EditLink {
  return { mayRename: false, ...(JSON.parse(raw) as Omit<EditLink, "mayRename">) };
}

/** undefined = never, for a link without an end. */
function forgottenAtMs(link: EditLink): number | undefined {
  const endsAtMs = link.revokedAtMs ?? link.expiresAtMs;
  return endsAtMs === undefined ? undefined : endsAtMs + rememberedAfterEndMs;
}

function laterOf(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? undefined : Math.max(one, other);
}

const hashOf = (secret: string): string => createHash("sha256").update(secret).digest("base64url");
const accountPrefix = "linkAccount:";
const accountKey = (account: string, id: string): string => `${accountPrefix}${account}:${id}`;
const linkKey = (id: string): string => `link:${id}`;
const makerKey = (maker: string, id: string): string => `linkMaker:${maker}:${id}`;
const guessesKey = (id: string): string => `linkGuesses:${id}`;
const visitsKey = (id: string): string => `linkVisits:${id}`;
/** Names the row below, so that its end can follow the link's. */
const secretOfKey = (id: string): string => `linkSecretOf:${id}`;
const secretKey = (secretHash: string): string => `linkSecret:${secretHash}`;
