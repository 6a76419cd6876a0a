import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { type Clock, type KeyValueStore, put } from "./keyValueStore.ts";
import { lastSignOut, signOutEverywhere } from "./signOuts.ts";

/** Somebody who has signed in with the drive. */
export interface SignedInPerson {
  /** Id of the person in the drive. */
  readonly id: string;
  readonly name: string;
  /** Drive account that acts for this person. */
  readonly account: string;
}

interface SessionRecord {
  readonly person: SignedInPerson;
  /** Of the sign-out everywhere it came after; undefined when there was none. */
  readonly generation?: string;
  readonly secretHash: string;
  /** Handed out and not yet sent back: the answer that bore it may have been lost, so that the old one stays good. */
  readonly offered?: { readonly secretHash: string; readonly atMs: number };
  /** The one before, good for a moment more: other tabs may have sent it already. */
  readonly previous?: { readonly secretHash: string; readonly endsAtMs: number };
  readonly rotatedAtMs: number;
}

export interface FoundSession {
  readonly person: SignedInPerson;
  readonly sessionId: string;
  readonly generation: string | undefined;
  /** A new secret for the cookie, when it was time for one. */
  readonly freshSecret: string | undefined;
}

/** Unused for this long, a session ends. */
export const sessionLifetimeMs = 14 * 24 * 3_600_000;
const rotateEveryMs = 3_600_000;
/** How long an answer or a request may be on its way. */
const onItsWayMs = 60_000;

/** Sessions of people on our own pages: each has a secret that changes, kept as a hash. */
export class PersonSessions {
  readonly #store: KeyValueStore;
  readonly #now: Clock;

  constructor(store: KeyValueStore, now: Clock) {
    this.#store = store;
    this.#now = now;
  }

  async start(person: SignedInPerson): Promise<{ sessionId: string; secret: string }> {
    // The person's id is part of the key, so that all sessions of a person can be found and ended.
    const sessionId = `${person.id}.${randomBytes(9).toString("base64url")}`;
    const secret = newSecret();
    const signOut = await lastSignOut(this.#store, person.id);
    const record: SessionRecord = {
      person,
      ...(signOut === undefined ? {} : { generation: signOut.generation }),
      secretHash: hashOf(secret),
      rotatedAtMs: this.#now(),
    };
    await put(this.#store, sessionKey(sessionId), JSON.stringify(record), this.#now() + sessionLifetimeMs);
    return { sessionId, secret };
  }

  /**
   * @returns undefined when there is no such session; one whose old secret comes back late has been copied, and ends
   */
  async find(sessionId: string, secret: string): Promise<FoundSession | undefined> {
    for (;;) {
      const raw = await this.#store.get(sessionKey(sessionId));
      if (raw === undefined) return undefined;
      const record = JSON.parse(raw) as SessionRecord;
      const { person, generation, offered, previous } = record;
      const signOut = await lastSignOut(this.#store, person.id);
      if (signOut !== undefined && signOut.generation !== generation) return undefined;
      const found = { person, sessionId, generation, freshSecret: undefined };
      let next: SessionRecord;
      let freshSecret: string | undefined;
      if (isSame(record.secretHash, secret)) {
        const isOnItsWay = offered !== undefined && this.#now() - offered.atMs < onItsWayMs;
        if (this.#now() - record.rotatedAtMs < rotateEveryMs || isOnItsWay) return found;
        freshSecret = newSecret();
        next = { ...record, offered: { secretHash: hashOf(freshSecret), atMs: this.#now() } };
      } else if (offered !== undefined && isSame(offered.secretHash, secret)) {
        next = {
          person,
          ...(generation === undefined ? {} : { generation }),
          secretHash: offered.secretHash,
          previous: { secretHash: record.secretHash, endsAtMs: this.#now() + onItsWayMs },
          rotatedAtMs: this.#now(),
        };
      } else {
        const wasOurs = previous !== undefined && isSame(previous.secretHash, secret);
        if (wasOurs && previous.endsAtMs > this.#now()) return found;
        if (wasOurs) await this.end(sessionId);
        return undefined;
      }
      if (await this.#replace(sessionId, raw, next)) return { ...found, freshSecret };
    }
  }

  #replace(sessionId: string, raw: string, next: SessionRecord): Promise<boolean> {
    return this.#store.swap(sessionKey(sessionId), raw, JSON.stringify(next), this.#now() + sessionLifetimeMs);
  }

  async end(sessionId: string): Promise<void> {
    await put(this.#store, sessionKey(sessionId), undefined);
  }

  /** Signs a person out everywhere: every session ends, and every document opened by one. */
  async endAll(personId: string): Promise<void> {
    await signOutEverywhere(this.#store, personId, this.#now());
    // Over already: what follows only tidies up.
    for await (const [key, raw] of this.#store.list(sessionKey(`${personId}.`))) {
      // An id may begin with another's.
      const { person } = JSON.parse(raw) as SessionRecord;
      if (person.id === personId) await put(this.#store, key, undefined);
    }
  }
}

const newSecret = (): string => randomBytes(24).toString("base64url");
const hashOf = (secret: string): string => createHash("sha256").update(secret).digest("base64url");
const isSame = (hash: string, secret: string): boolean =>
  timingSafeEqual(Buffer.from(hash), Buffer.from(hashOf(secret)));
const sessionKey = (sessionId: string): string => `personSession:${sessionId}`;
