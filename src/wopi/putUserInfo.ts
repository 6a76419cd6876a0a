import type { Readable } from "node:stream";
import { type AccessGrant, isOwners } from "../documents/grants.ts";
import type { DriveDocument, DriveFiles } from "../model/drive.ts";
import { BridgeError, failureOf } from "../model/failure.ts";
import { type Clock, type KeyValueStore, put } from "../model/keyValueStore.ts";
import type { WopiOperation } from "./wopiCall.ts";

const limitBytes = 1024;
const dayMs = 24 * 3_600_000;
/** From the last text on; whoever comes seldom sets his editor up anew. */
const keptForMs = { visitors: 30 * dayMs, others: 180 * dayMs };
/** A visitor can come as somebody new each time: of a link's, the latest are known. */
const visitorsAtMost = 100;

/**
 * Keeps a text of the editor's for this person, whatever the file; CheckFileInfo gives it back as UserInfo. An empty
 * one is forgotten. Of a link's visitors, whom nobody knows but the link, it is kept with that.
 * @see WOPI PutUserInfo
 */
export function putUserInfo(parts: { store: KeyValueStore; drive: DriveFiles; now: Clock }): WopiOperation {
  return async (call) => {
    const bytes = await received(call.body);
    if (bytes.some((byte) => byte > 127)) {
      throw new BridgeError({ kind: "headerInvalid", header: "body", reason: "not ASCII" });
    }
    await requireThere(parts.drive, call.grant.document);
    const text = bytes.length === 0 ? undefined : bytes.toString("latin1");
    if (call.grant.linkId === undefined) await keepOwn(parts, call.grant, text);
    else await keepVisitors(parts, call.grant.linkId, call.grant.person.id, text);
    return { status: 200 };
  };
}

/** @throws fileMissing; a drive that is away is no reason to lose the text */
async function requireThere(drive: DriveFiles, document: DriveDocument): Promise<void> {
  try {
    await drive.stat(document);
  } catch (error) {
    if (failureOf(error, "fileMissing") !== undefined) throw error;
  }
}

/** @throws bodyTooLarge, bodyCut */
async function received(body: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of body.iterator({ destroyOnReturn: false })) {
      sizeBytes += (chunk as Buffer).length;
      if (sizeBytes > limitBytes) throw new BridgeError({ kind: "bodyTooLarge", limitBytes });
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    throw error instanceof BridgeError ? error : new BridgeError({ kind: "bodyCut" }, { cause: error });
  }
  return Buffer.concat(chunks);
}

interface KeepingParts {
  readonly store: KeyValueStore;
  readonly now: Clock;
}

async function keepOwn({ store, now }: KeepingParts, grant: AccessGrant, text: string | undefined): Promise<void> {
  // As JSON: a store may end a text at its first NUL.
  const kept = text === undefined ? undefined : JSON.stringify(text);
  await put(store, ownKey(grant), kept, now() + keptForMs.others);
}

/** By id, the latest last. */
type VisitorsTexts = readonly (readonly [personId: string, text: string])[];

async function keepVisitors(
  { store, now }: KeepingParts,
  linkId: string,
  personId: string,
  text: string | undefined,
): Promise<void> {
  for (;;) {
    const raw = await store.get(visitorsKey(linkId));
    const others = visitorsTexts(raw).filter(([id]) => id !== personId);
    const texts = text === undefined ? others : [...others, [personId, text] as const].slice(-visitorsAtMost);
    const next = texts.length === 0 ? undefined : JSON.stringify(texts);
    if (await store.swap(visitorsKey(linkId), raw, next, now() + keptForMs.visitors)) return;
  }
}

/** @returns undefined when this person's editor has kept nothing */
export async function userInfo(store: KeyValueStore, grant: AccessGrant): Promise<string | undefined> {
  if (grant.linkId !== undefined) {
    const raw = await store.get(visitorsKey(grant.linkId));
    return visitorsTexts(raw).find(([id]) => id === grant.person.id)?.[1];
  }
  const kept = await store.get(ownKey(grant));
  return kept === undefined ? undefined : (JSON.parse(kept) as string);
}

const visitorsTexts = (raw: string | undefined): VisitorsTexts =>
  raw === undefined ? [] : (JSON.parse(raw) as VisitorsTexts);

/** A portal that names nobody must not read what the owner's editor has kept: its id stands for both. */
function ownKey(grant: AccessGrant): string {
  const { person, ownerId, issuedTo } = grant;
  return person.id === ownerId && !isOwners(grant) ? `userInfo:${issuedTo}:${person.id}` : `userInfo:${person.id}`;
}

const visitorsKey = (linkId: string): string => `linkUserInfo:${linkId}`;
