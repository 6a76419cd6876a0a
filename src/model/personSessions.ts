import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import type { Clock, KeyValueStore } from "./keyValueStore.ts";
import { record, rowObject, type StoredRecord } from "./record.ts";

const signedInPersonSchema = rowObject({
  /** Id of the person in the drive. */
  id: z.string(),
  name: z.string(),
  /** Drive account that acts for this person. */
  account: z.string(),
  /** As the drive told it at the sign-in. */
  email: z.string().exactOptional(),
});
/** Someone who has signed in with the drive. */
export type SignedInPerson = z.infer<typeof signedInPersonSchema>;

const sessionSchema = rowObject({
  person: signedInPersonSchema,
  /** Of the last sign-out everywhere before it; undefined when there was none. */
  generation: z.string().exactOptional(),
  secretHash: z.string(),
  /** Sent to the browser but not seen back yet. That answer may have been lost, so the old secret stays valid. */
  offered: rowObject({ secretHash: z.string(), atMs: z.number() }).exactOptional(),
  /** The previous secret, valid a moment longer: other tabs may have sent it already. */
  previous: rowObject({ secretHash: z.string(), endsAtMs: z.number() }).exactOptional(),
  rotatedAtMs: z.number(),
});
type Session = z.infer<typeof sessionSchema>;

export interface FoundSession {
  readonly person: SignedInPerson;
  readonly sessionId: string;
  readonly generation: string | undefined;
  /** A new secret for the cookie, when one is due. */
  readonly freshSecret: string | undefined;
}

/** Unused for this long, a session ends. */
export const sessionLifetimeMs = 14 * 24 * 3_600_000;
const rotateEveryMs = 3_600_000;
/** How long a request or an answer may be in transit. */
const onItsWayMs = 60_000;

/** Sessions of people on our own pages. Each has a rotating secret, stored as a hash. */
export class PersonSessions {
  readonly #store: KeyValueStore;
  readonly #sessions: StoredRecord<Session>;
  readonly #now: Clock;

  constructor(store: KeyValueStore, now: Clock) {
    this.#store = store;
    const endsAtMs = () => this.#now() + sessionLifetimeMs;
    this.#sessions = record(store, "personSession", sessionSchema, { endsAtMs });
    this.#now = now;
  }

  async start(person: SignedInPerson): Promise<{ sessionId: string; secret: string }> {
    // The person's id is part of the key, so that all sessions of a person can be found and ended.
    const sessionId = `${person.id}.${randomBytes(9).toString("base64url")}`;
    const secret = newSecret();
    const signOut = await lastSignOut(this.#store, person.id);
    await this.#sessions.put(sessionId, {
      person,
      ...(signOut === undefined ? {} : { generation: signOut.generation }),
      secretHash: hashOf(secret),
      rotatedAtMs: this.#now(),
    });
    return { sessionId, secret };
  }

  /** @returns undefined when there is none. An old secret that comes back late was stolen, so the session ends. */
  async find(sessionId: string, secret: string): Promise<FoundSession | undefined> {
    let found: FoundSession | undefined;
    await this.#sessions.update(sessionId, async (session) => {
      found = undefined;
      if (session === undefined) return undefined;
      const { person, generation, offered, previous } = session;
      const signOut = await lastSignOut(this.#store, person.id);
      if (signOut !== undefined && signOut.generation !== generation) return session;
      const asFound = { person, sessionId, generation, freshSecret: undefined };
      if (isSame(session.secretHash, secret)) {
        found = asFound;
        const isOnItsWay = offered !== undefined && this.#now() - offered.atMs < onItsWayMs;
        if (this.#now() - session.rotatedAtMs < rotateEveryMs || isOnItsWay) return session;
        const freshSecret = newSecret();
        found = { ...asFound, freshSecret };
        return { ...session, offered: { secretHash: hashOf(freshSecret), atMs: this.#now() } };
      }
      if (offered !== undefined && isSame(offered.secretHash, secret)) {
        found = asFound;
        return {
          person,
          ...(generation === undefined ? {} : { generation }),
          secretHash: offered.secretHash,
          previous: { secretHash: session.secretHash, endsAtMs: this.#now() + onItsWayMs },
          rotatedAtMs: this.#now(),
        };
      }
      if (previous === undefined || !isSame(previous.secretHash, secret)) return session;
      if (previous.endsAtMs <= this.#now()) return undefined;
      found = asFound;
      return session;
    });
    return found;
  }

  async end(sessionId: string): Promise<void> {
    await this.#sessions.remove(sessionId);
  }

  /** Signs a person out everywhere: every session ends, and every document opened by one. */
  async endAll(personId: string): Promise<void> {
    await signOutEverywhere(this.#store, personId, this.#now());
    // The sessions have ended already; this only removes their rows.
    for await (const [sessionId, { person }] of this.#sessions.list(`${personId}.`)) {
      // One person's id may be the start of another's.
      if (person.id === personId) await this.#sessions.remove(sessionId);
    }
  }
}

const newSecret = (): string => randomBytes(24).toString("base64url");
const hashOf = (secret: string): string => createHash("sha256").update(secret).digest("base64url");
const isSame = (hash: string, secret: string): boolean =>
  timingSafeEqual(Buffer.from(hash), Buffer.from(hashOf(secret)));

const signOutSchema = rowObject({
  /** Later sign-ins carry this value; those with another one have ended. Not a time, since clocks of bridges differ. */
  generation: z.string(),
  atMs: z.number(),
});
/** The last time a person signed out everywhere. */
export type SignOut = z.infer<typeof signOutSchema>;

/** Longer than an unused sign-in or session lives, so that none comes back when this row ends. */
const signOutKnownForMs = 15 * 24 * 3_600_000;

/** @returns undefined when there was none recently */
export async function lastSignOut(store: KeyValueStore, personId: string): Promise<SignOut | undefined> {
  return signOuts(store).get(personId);
}

/** Ends a person's sign-ins and all documents opened through them: one row, read wherever they are used. */
export async function signOutEverywhere(store: KeyValueStore, personId: string, nowMs: number): Promise<void> {
  await signOuts(store).put(personId, { generation: randomBytes(9).toString("base64url"), atMs: nowMs });
}

const signOuts = (store: KeyValueStore) =>
  record(store, "signOut", signOutSchema, { endsAtMs: ({ atMs }) => atMs + signOutKnownForMs });
