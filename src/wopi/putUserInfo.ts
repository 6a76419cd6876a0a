import type { Readable } from "node:stream";
import type { Drive, DriveDocument } from "../model/drive.ts";
import { BridgeError, failureOf } from "../model/failure.ts";
import { type KeyValueStore, put } from "../model/keyValueStore.ts";
import type { WopiOperation } from "./wopiCall.ts";

const limitBytes = 1024;

/**
 * Keeps a text of the editor's for this person, whatever the file; CheckFileInfo gives it back as UserInfo. An empty
 * one is forgotten.
 * @see WOPI PutUserInfo
 */
export function putUserInfo(parts: { store: KeyValueStore; drive: Drive }): WopiOperation {
  return async (call) => {
    const bytes = await received(call.body);
    if (bytes.some((byte) => byte > 127)) {
      throw new BridgeError({ kind: "headerInvalid", header: "body", reason: "not ASCII" });
    }
    await requireThere(parts.drive, call.grant.document);
    // As JSON: a store may end a text at its first NUL.
    const kept = bytes.length === 0 ? undefined : JSON.stringify(bytes.toString("latin1"));
    await put(parts.store, userInfoKey(call.grant.person.id), kept);
    return { status: 200 };
  };
}

/** @throws fileMissing; a drive that is away is no reason to lose the text */
async function requireThere(drive: Drive, document: DriveDocument): Promise<void> {
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

/** @returns undefined when this person's editor has kept nothing */
export async function userInfo(store: KeyValueStore, personId: string): Promise<string | undefined> {
  const kept = await store.get(userInfoKey(personId));
  return kept === undefined ? undefined : (JSON.parse(kept) as string);
}

const userInfoKey = (personId: string): string => `userInfo:${personId}`;
