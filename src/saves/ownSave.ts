import { createHash } from "node:crypto";
import { type AccessGrant, editorOrigin } from "../model/accessGrants.ts";
import type { ContentRecord } from "../model/contentRecord.ts";
import type { Drive, DriveFile } from "../model/drive.ts";
import { BridgeError, isTransient } from "../model/failure.ts";
import type { Clock } from "../model/keyValueStore.ts";
import type { SpooledSave } from "./saveSpool.ts";

/** How long the answer to a save may stay unknown before what stands in the drive counts as somebody else's. */
const attemptRememberedMs = 24 * 3_600_000;

interface OwnSaveParts {
  readonly drive: Drive;
  readonly content: ContentRecord;
  readonly now: Clock;
}

/** Writes, and notes what was written when the drive's answer is lost: it may have stored the bytes all the same. */
export async function notingAttempt<Result>(
  parts: OwnSaveParts,
  grant: AccessGrant,
  stored: DriveFile,
  save: SpooledSave,
  write: () => Promise<Result>,
): Promise<Result> {
  try {
    return await write();
  } catch (error) {
    if (isTransient(error)) {
      const { sizeBytes, sha256 } = save;
      const attempt = { editor: editorOrigin(grant), onVersion: stored.version, sizeBytes, sha256 };
      await parts.content.noteAttempt(stored.id, attempt, parts.now() + attemptRememberedMs);
    }
    throw error;
  }
}

/** Recognises a save of ours whose answer was lost, so that the editor's next one is no conflict with itself. */
export async function recogniseOwnSave(parts: OwnSaveParts, grant: AccessGrant, stored: DriveFile): Promise<void> {
  const attempt = await parts.content.attempt(stored.id);
  if (attempt === undefined || attempt.onVersion === stored.version) return;
  if (attempt.sizeBytes === stored.sizeBytes && attempt.sha256 === (await storedSha256(parts, grant, stored))) {
    await parts.content.stored(stored, attempt.sha256);
    await parts.content.moveBase(stored.id, attempt.editor, stored.version);
  }
  await parts.content.forgetAttempt(stored.id);
}

/** The drive keeps no hash of its own: the bytes have to be read. */
async function storedSha256(parts: OwnSaveParts, grant: AccessGrant, stored: DriveFile): Promise<string> {
  const { body } = await parts.drive.read(grant.document, stored, undefined, new AbortController().signal);
  const hash = createHash("sha256");
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) hash.update(chunk);
  } catch {
    throw new BridgeError({ kind: "driveUnreachable" }, { cause: new Error("the content broke off") });
  }
  return hash.digest("base64");
}
