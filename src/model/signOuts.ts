import { randomBytes } from "node:crypto";
import { type KeyValueStore, put } from "./keyValueStore.ts";

/** The last time a person has signed out everywhere. */
export interface SignOut {
  /** What was signed in since bears this word; what does not is over. A word, since clocks of several bridges differ. */
  readonly generation: string;
  readonly atMs: number;
}

/** Longer than any sign-in or session of before lives unused, so that none comes back when this is forgotten. */
const rememberedForMs = 15 * 24 * 3_600_000;

/** @returns undefined when there was none lately */
export async function lastSignOut(store: KeyValueStore, personId: string): Promise<SignOut | undefined> {
  const raw = await store.get(signOutKey(personId));
  return raw === undefined ? undefined : (JSON.parse(raw) as SignOut);
}

/** Ends all that the person has signed in or opened by signing in: one row, read wherever that is used. */
export async function signOutEverywhere(store: KeyValueStore, personId: string, nowMs: number): Promise<void> {
  const signOut: SignOut = { generation: randomBytes(9).toString("base64url"), atMs: nowMs };
  await put(store, signOutKey(personId), JSON.stringify(signOut), nowMs + rememberedForMs);
}

const signOutKey = (personId: string): string => `signOut:${personId}`;
