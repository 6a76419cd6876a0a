import { randomBytes } from "node:crypto";
import { z } from "zod";
import type { KeyValueStore } from "./keyValueStore.ts";
import { record, rowObject } from "./record.ts";

const signOutSchema = rowObject({
  /** What was signed in since bears this word; what does not is over. A word, since clocks of several bridges differ. */
  generation: z.string(),
  atMs: z.number(),
});
/** The last time a person has signed out everywhere. */
export type SignOut = z.infer<typeof signOutSchema>;

/** Longer than an unused sign-in or session lives, so that none comes back when this row ends. */
const rememberedForMs = 15 * 24 * 3_600_000;

/** @returns undefined when there was none recently */
export async function lastSignOut(store: KeyValueStore, personId: string): Promise<SignOut | undefined> {
  return signOuts(store).get(personId);
}

/** Ends all sign-ins of a person and all documents opened through them. It is one row, read wherever they are used. */
export async function signOutEverywhere(store: KeyValueStore, personId: string, nowMs: number): Promise<void> {
  await signOuts(store).put(personId, { generation: randomBytes(9).toString("base64url"), atMs: nowMs });
}

const signOuts = (store: KeyValueStore) =>
  record(store, "signOut", signOutSchema, { endsAtMs: ({ atMs }) => atMs + rememberedForMs });
