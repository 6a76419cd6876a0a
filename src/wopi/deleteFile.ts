import type { DriveLock } from "../documents/driveLock.ts";
import type { FileLocks } from "../documents/fileLocks.ts";
import { cameThrough, isOwners } from "../documents/grants.ts";
import type { Audit } from "../http/auditLog.ts";
import type { DriveFiles } from "../model/drive.ts";
import { BridgeError } from "../model/failure.ts";
import type { FileMutex } from "../model/fileMutex.ts";
import { requireEdit, type WopiOperation } from "./wopiCall.ts";

/**
 * Moves the file to the drive's trash. Only the owner may: a right to edit is none to delete. A
 * portal that names nobody has not shown that it is the owner who sits before it.
 * @throws lockMismatch while the file is locked, whoever asks
 * @see WOPI DeleteFile
 */
export function deleteFile(parts: {
  drive: DriveFiles;
  locks: FileLocks;
  driveLock: DriveLock;
  mutex: FileMutex;
  audit: Audit;
}): WopiOperation {
  return async (call) => {
    requireEdit(call);
    const { document, person } = call.grant;
    if (!isOwners(call.grant)) throw new BridgeError({ kind: "rightMissing", right: "delete" });
    await parts.mutex.runWhile(call.signal, document.fileId, async () => {
      const lock = await parts.locks.current(document.fileId);
      if (lock !== undefined) throw new BridgeError({ kind: "lockMismatch", currentLockId: lock.lockId });
      const file = await parts.drive.stat(document);
      // A lock that has just run out may still stand in the drive.
      await parts.driveLock.release(document.fileId);
      await parts.drive.remove(document, file);
      parts.audit({
        event: "deleted",
        file: document.fileId,
        person: { id: person.id, name: person.name },
        name: file.name,
        through: cameThrough(call.grant),
      });
    });
    return { status: 200 };
  };
}
