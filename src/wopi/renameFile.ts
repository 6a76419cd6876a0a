import type { ContentRecord } from "../model/contentRecord.ts";
import { type Drive, type DriveDocument, type DriveFile, holderReason } from "../model/drive.ts";
import type { DriveShield } from "../model/driveShield.ts";
import { BridgeError, failureOf } from "../model/failure.ts";
import type { FileLocks } from "../model/fileLocks.ts";
import { checkName, splitName } from "../model/fileName.ts";
import type { FileTurns } from "../model/fileTurns.ts";
import type { DocumentAddresses } from "./putRelativeFile.ts";
import { optionalLockId, requestedName, requireEdit, type WopiCall, type WopiOperation } from "./wopiCall.ts";

export interface RenameParts {
  readonly drive: Drive;
  readonly locks: FileLocks;
  readonly shield: DriveShield;
  readonly turns: FileTurns;
  readonly content: ContentRecord;
  readonly addresses: DocumentAddresses;
  readonly note: (error: unknown) => void;
}

/**
 * Renames the file; the extension stays. The body that Collabora sends along is thrown away. Never 409 for a name:
 * Collabora would close the document for everybody.
 * @see WOPI RenameFile; reference editor-traffic, trap 3 and 4
 */
export function renameFile(parts: RenameParts): WopiOperation {
  return async (call) => {
    requireEdit(call);
    call.body.resume();
    const { grant } = call;
    return parts.turns.inTurnWhile(call.signal, grant.document.fileId, async () => {
      const isLocked = await requireLockUnlessAbsent(parts, call);
      const stored = await parts.drive.stat(grant.document);
      const name = newName(call, stored);
      // The time of the content, from before: Cloudreve's own moves with the name.
      const lastModifiedTime = await parts.content.lastModifiedTime(stored);
      if (name !== stored.name) await renameUnderLock(parts, grant.document, stored, name, isLocked);
      return {
        status: 200,
        json: {
          Name: splitName(name).stem,
          Url: await parts.addresses.forEditor(grant),
          LastModifiedTime: lastModifiedTime,
        },
      };
    });
  };
}

/** A wrong lock is refused; none at all is what Collabora sent until lately. @returns whether the file is locked */
async function requireLockUnlessAbsent(parts: RenameParts, call: WopiCall): Promise<boolean> {
  const lock = await parts.locks.current(call.grant.document.fileId);
  if (lock === undefined) return false;
  const lockId = optionalLockId(call);
  if (lockId !== undefined && lockId !== lock.lockId) {
    throw new BridgeError({ kind: "lockMismatch", currentLockId: lock.lockId });
  }
  return true;
}

function newName(call: WopiCall, stored: DriveFile): string {
  const requested = requestedName(call, "X-WOPI-RequestedName");
  if (requested === undefined) {
    throw new BridgeError({ kind: "headerInvalid", header: "X-WOPI-RequestedName", reason: "missing or empty" });
  }
  const { extension } = splitName(stored.name);
  const stem =
    extension !== "" && requested.toLowerCase().endsWith(extension.toLowerCase())
      ? requested.slice(0, -extension.length)
      : requested;
  // Checked alone too: what is only blanks or dots would hide behind the extension.
  for (const name of [stem, `${stem}${extension}`]) {
    const verdict = checkName(name);
    if (!verdict.ok) throw new BridgeError({ kind: "nameIllegal", reason: verdict.reason });
  }
  return `${stem}${extension}`;
}

/** Cloudreve refuses a rename under our own lock: it is given back, and taken again at the new path. */
async function renameUnderLock(
  parts: RenameParts,
  document: DriveDocument,
  stored: DriveFile,
  name: string,
  isLocked: boolean,
): Promise<void> {
  // Not only while our lock stands: the drive's may outlive it a little.
  await parts.shield.release(document.fileId);
  try {
    await parts.drive.rename(document, stored, name);
  } catch (error) {
    if (failureOf(error, "nameTaken")) throw new BridgeError({ kind: "nameIllegal", reason: "the name is taken" });
    const elsewhere = failureOf(error, "lockedElsewhere");
    if (elsewhere) throw new BridgeError({ kind: "nameIllegal", reason: holderReason[elsewhere.holder] });
    throw error;
  } finally {
    // Whoever has slipped in between is found by the version check of the next save.
    if (isLocked) await parts.shield.hold(document).catch((error: unknown) => parts.note(error));
  }
}
