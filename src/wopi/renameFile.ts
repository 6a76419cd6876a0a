import type { ContentRecord } from "../documents/contentRecord.ts";
import type { DriveLock } from "../documents/driveLock.ts";
import type { FileLocks } from "../documents/fileLocks.ts";
import { type AccessGrant, cameThrough } from "../documents/grants.ts";
import type { Audit } from "../http/auditLog.ts";
import { type Drive, type DriveFile, holderReason } from "../model/drive.ts";
import { BridgeError, failureOf } from "../model/failure.ts";
import type { FileMutex } from "../model/fileMutex.ts";
import { nearestRename, splitName } from "../model/fileName.ts";
import { underFreeName } from "./freeName.ts";
import type { DocumentAddresses } from "./putRelativeFile.ts";
import { optionalLockId, requestedName, requireRename, type WopiCall, type WopiOperation } from "./wopiCall.ts";

export interface RenameParts {
  readonly drive: Drive;
  readonly locks: FileLocks;
  readonly driveLock: DriveLock;
  readonly mutex: FileMutex;
  readonly content: ContentRecord;
  readonly addresses: DocumentAddresses;
  readonly audit: Audit;
  readonly note: (error: unknown) => void;
}

/**
 * Renames the file; the extension stays. A name that is taken or can't be used becomes one like it. The body that
 * Collabora sends along is thrown away. Never 409 for a name: Collabora would close the document for everybody.
 * @see WOPI RenameFile; reference editor-traffic, trap 3 and 4
 */
export function renameFile(parts: RenameParts): WopiOperation {
  return async (call) => {
    requireRename(call);
    call.body.resume();
    const { grant } = call;
    return parts.mutex.runWhile(call.signal, grant.document.fileId, async () => {
      const isLocked = await requireLockUnlessAbsent(parts, call);
      const stored = await parts.drive.stat(grant.document);
      const names = newNames(call, stored);
      // The time of the content, from before: Cloudreve's own moves with the name.
      const lastModifiedTime = await parts.content.lastModifiedTime(stored);
      const name = await renameUnderLock(parts, grant, stored, names, isLocked);
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

/** @returns the names to try, by attempt @throws nameIllegal when nothing of the wanted one can be used */
function newNames(call: WopiCall, stored: DriveFile): (attempt: number) => string {
  const requested = requestedName(call, "X-WOPI-RequestedName");
  if (requested === undefined) {
    throw new BridgeError({ kind: "headerInvalid", header: "X-WOPI-RequestedName", reason: "missing or empty" });
  }
  const { extension } = splitName(stored.name);
  const stem =
    extension !== "" && requested.toLowerCase().endsWith(extension.toLowerCase())
      ? requested.slice(0, -extension.length)
      : requested;
  return (attempt) => {
    const name = nearestRename(stem, extension, attempt);
    if (name === undefined) throw new BridgeError({ kind: "nameIllegal", reason: "the name is empty" });
    return name;
  };
}

/**
 * Cloudreve refuses a rename under our own lock: it is given back, and taken again at the new path.
 * @returns the name that the file has then
 */
async function renameUnderLock(
  parts: RenameParts,
  grant: AccessGrant,
  stored: DriveFile,
  names: (attempt: number) => string,
  isLocked: boolean,
): Promise<string> {
  if (names(0) === stored.name) return stored.name;
  const { document, person } = grant;
  // Not only while our lock stands: the drive's may outlive it a little.
  await parts.driveLock.release(document.fileId);
  try {
    const name = await underFreeName(
      names,
      async (free) => {
        // Of the names like the wanted one the file may have one already.
        if (free !== stored.name) await parts.drive.rename(document, stored, free);
        return free;
      },
      (error) => failureOf(error, "nameTaken") !== undefined,
    );
    if (name === undefined) throw new BridgeError({ kind: "nameIllegal", reason: "the name is taken" });
    if (name !== stored.name) {
      const who = { person: { id: person.id, name: person.name }, through: cameThrough(grant) };
      parts.audit({ event: "renamed", file: document.fileId, from: stored.name, to: name, ...who });
    }
    return name;
  } catch (error) {
    const elsewhere = failureOf(error, "lockedElsewhere");
    if (elsewhere) throw new BridgeError({ kind: "nameIllegal", reason: holderReason[elsewhere.holder] });
    throw error;
  } finally {
    // Whoever has slipped in between is found by the version check of the next save.
    if (isLocked) await parts.driveLock.hold(document).catch((error: unknown) => parts.note(error));
  }
}
