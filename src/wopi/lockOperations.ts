import type { DriveLock } from "../documents/driveLock.ts";
import type { FileLocks } from "../documents/fileLocks.ts";
import type { Drive, DriveFile } from "../model/drive.ts";
import { failureOf, isTransient } from "../model/failure.ts";
import type { FileMutex } from "../model/fileMutex.ts";
import { requireEdit, requireLockId, type WopiCall, type WopiOperation, type WopiReply } from "./wopiCall.ts";

export interface LockParts {
  readonly drive: Drive;
  readonly locks: FileLocks;
  readonly driveLock: DriveLock;
  readonly mutex: FileMutex;
  /** Gives back a lock that only ended sessions still hold. Never rejects. */
  readonly sessionsEnded: (fileId: string) => Promise<void>;
  /** Notes what went wrong without changing the answer. */
  readonly note: (error: unknown) => void;
}

/**
 * LOCK: takes the lock in the bridge's store, then the drive's own around it. With X-WOPI-OldLock: UnlockAndRelock.
 * When the drive refuses a lock that was free here, the lock is not taken.
 * @see WOPI Lock, UnlockAndRelock
 */
export function lock(parts: LockParts): WopiOperation {
  return async (call) => {
    requireEdit(call);
    const lockId = requireLockId(call, "X-WOPI-Lock");
    if (call.header("X-WOPI-OldLock") !== undefined) return relock(parts, call, lockId);
    try {
      return await take(parts, call, lockId);
    } catch (error) {
      const standing = failureOf(error, "lockMismatch")?.currentLockId;
      if (standing === undefined || standing === "") throw error;
      // Its session may have ended by itself, a moment ago: nobody needs to wait for the sweep.
      await parts.sessionsEnded(call.grant.document.fileId);
      return take(parts, call, lockId);
    }
  };
}

async function take(parts: LockParts, call: WopiCall, lockId: string): Promise<WopiReply> {
  const { document, id, issuedAtMs } = call.grant;
  return parts.mutex.runWhile(call.signal, document.fileId, async () => {
    const outcome = await parts.locks.lock(document.fileId, lockId, id, issuedAtMs);
    if (outcome === "refreshed") return refreshed(parts, call);
    try {
      return withVersion(await parts.driveLock.hold(document));
    } catch (error) {
      await parts.locks.unlock(document.fileId, lockId);
      // A drive that does not answer is not asked again now: the sweep gives back what it may have taken.
      if (!isTransient(error)) await releaseDriveLock(parts, document.fileId);
      throw error;
    }
  });
}

/** @see WOPI RefreshLock */
export function refreshLock(parts: LockParts): WopiOperation {
  return async (call) => {
    requireEdit(call);
    const lockId = requireLockId(call, "X-WOPI-Lock");
    const { document, id } = call.grant;
    return parts.mutex.runWhile(call.signal, document.fileId, async () => {
      await whereItStands(parts, call, () => parts.locks.refresh(document.fileId, lockId, id));
      return refreshed(parts, call);
    });
  };
}

/** UNLOCK: a drive that can't be reached keeps its lock a while; the sweep gives it back. @see WOPI Unlock */
export function unlock(parts: LockParts): WopiOperation {
  return async (call) => {
    requireEdit(call);
    const lockId = requireLockId(call, "X-WOPI-Lock");
    const { document } = call.grant;
    return parts.mutex.runWhile(call.signal, document.fileId, async () => {
      await whereItStands(parts, call, () => parts.locks.unlock(document.fileId, lockId));
      const driveAnswers = await releaseDriveLock(parts, document.fileId);
      return driveAnswers ? versionNow(parts, call) : { status: 200 };
    });
  };
}

/** @see WOPI GetLock: the one answer of 200 that carries X-WOPI-Lock */
export function getLock(parts: LockParts): WopiOperation {
  return async (call) => {
    requireEdit(call);
    const held = await parts.locks.current(call.grant.document.fileId);
    if (held === undefined) await requireThere(parts, call);
    return { status: 200, headers: { "X-WOPI-Lock": held?.lockId ?? "" } };
  };
}

async function relock(parts: LockParts, call: WopiCall, lockId: string): Promise<WopiReply> {
  const oldLockId = requireLockId(call, "X-WOPI-OldLock");
  const { document, id, issuedAtMs } = call.grant;
  return parts.mutex.runWhile(call.signal, document.fileId, async () => {
    await whereItStands(parts, call, () =>
      parts.locks.unlockAndRelock(document.fileId, oldLockId, lockId, id, issuedAtMs),
    );
    return refreshed(parts, call);
  });
}

/** That a file is not locked is said of files alone that are there. @throws lockMismatch, fileMissing */
async function whereItStands(parts: LockParts, call: WopiCall, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (failureOf(error, "lockMismatch")?.currentLockId === "") await requireThere(parts, call);
    throw error;
  }
}

/** @throws fileMissing; whatever else the drive says does not matter to a lock */
async function requireThere(parts: LockParts, call: WopiCall): Promise<void> {
  try {
    await parts.drive.stat(call.grant.document);
  } catch (error) {
    if (failureOf(error, "fileMissing") !== undefined) throw error;
    parts.note(error);
  }
}

/** The lock that stands here is the truth; a drive that is away is asked again at the next refresh or save. */
async function refreshed(parts: LockParts, call: WopiCall): Promise<WopiReply> {
  try {
    return withVersion(await parts.driveLock.hold(call.grant.document));
  } catch (error) {
    parts.note(error);
    return isAway(error) ? { status: 200 } : versionNow(parts, call);
  }
}

/** @returns whether the drive answered */
async function releaseDriveLock(parts: LockParts, fileId: string): Promise<boolean> {
  try {
    await parts.driveLock.release(fileId);
    return true;
  } catch (error) {
    parts.note(error);
    return !isAway(error);
  }
}

/** An editor is not made to wait twice for a drive that does not answer. */
const isAway = (error: unknown): boolean => failureOf(error, "driveUnreachable") !== undefined;

/** X-WOPI-ItemVersion belongs on the answer; a lock is done whether or not the drive can name the version now. */
async function versionNow(parts: LockParts, call: WopiCall): Promise<WopiReply> {
  try {
    return withVersion(await parts.drive.stat(call.grant.document));
  } catch (error) {
    if (!isTransient(error) && failureOf(error, "fileUnproven") === undefined) throw error;
    parts.note(error);
    return { status: 200 };
  }
}

function withVersion(file: DriveFile): WopiReply {
  return { status: 200, headers: { "X-WOPI-ItemVersion": file.version } };
}
