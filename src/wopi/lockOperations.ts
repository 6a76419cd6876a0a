import type { Drive } from "../model/drive.ts";
import type { DriveShield } from "../model/driveShield.ts";
import { failureOf, isTransient } from "../model/failure.ts";
import type { FileLocks } from "../model/fileLocks.ts";
import type { FileTurns } from "../model/fileTurns.ts";
import { requireEdit, requireLockId, type WopiCall, type WopiOperation, type WopiReply } from "./wopiCall.ts";

export interface LockParts {
  readonly drive: Drive;
  readonly locks: FileLocks;
  readonly shield: DriveShield;
  readonly turns: FileTurns;
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
    const { document, id } = call.grant;
    return parts.turns.inTurn(document.fileId, async () => {
      const outcome = await parts.locks.lock(document.fileId, lockId, id);
      if (outcome === "refreshed") return withVersion(parts, call, await refreshShield(parts, call));
      try {
        await parts.shield.hold(document);
      } catch (error) {
        await parts.locks.unlock(document.fileId, lockId);
        // A drive that does not answer is not asked again now: the sweep gives back what it may have taken.
        if (!isTransient(error)) await releaseShield(parts, document.fileId);
        throw error;
      }
      return withVersion(parts, call, true);
    });
  };
}

/** @see WOPI RefreshLock */
export function refreshLock(parts: LockParts): WopiOperation {
  return async (call) => {
    requireEdit(call);
    const lockId = requireLockId(call, "X-WOPI-Lock");
    const { document, id } = call.grant;
    return parts.turns.inTurn(document.fileId, async () => {
      await parts.locks.refresh(document.fileId, lockId, id);
      return withVersion(parts, call, await refreshShield(parts, call));
    });
  };
}

/** UNLOCK: a drive that can't be reached keeps its lock a while; the sweep gives it back. @see WOPI Unlock */
export function unlock(parts: LockParts): WopiOperation {
  return async (call) => {
    requireEdit(call);
    const lockId = requireLockId(call, "X-WOPI-Lock");
    const { document } = call.grant;
    return parts.turns.inTurn(document.fileId, async () => {
      await parts.locks.unlock(document.fileId, lockId);
      return withVersion(parts, call, await releaseShield(parts, document.fileId));
    });
  };
}

/** @see WOPI GetLock: the one answer of 200 that carries X-WOPI-Lock */
export function getLock(parts: LockParts): WopiOperation {
  return async (call) => {
    requireEdit(call);
    const held = await parts.locks.current(call.grant.document.fileId);
    return { status: 200, headers: { "X-WOPI-Lock": held?.lockId ?? "" } };
  };
}

async function relock(parts: LockParts, call: WopiCall, lockId: string): Promise<WopiReply> {
  const oldLockId = requireLockId(call, "X-WOPI-OldLock");
  const { document, id } = call.grant;
  return parts.turns.inTurn(document.fileId, async () => {
    await parts.locks.unlockAndRelock(document.fileId, oldLockId, lockId, id);
    return withVersion(parts, call, await refreshShield(parts, call));
  });
}

/**
 * The lock that stands here is the truth; a drive that is away is asked again at the next refresh or save.
 * @returns whether the drive answered
 */
function refreshShield(parts: LockParts, call: WopiCall): Promise<boolean> {
  return asked(parts, () => parts.shield.hold(call.grant.document));
}

function releaseShield(parts: LockParts, fileId: string): Promise<boolean> {
  return asked(parts, () => parts.shield.release(fileId));
}

async function asked(parts: LockParts, work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    parts.note(error);
    return failureOf(error, "driveUnreachable") === undefined;
  }
}

/**
 * X-WOPI-ItemVersion belongs on the answer; the lock is done whether or not the drive can name it now.
 * @param driveAnswers false when it just did not: an editor is not made to wait for it twice
 */
async function withVersion(parts: LockParts, call: WopiCall, driveAnswers: boolean): Promise<WopiReply> {
  if (!driveAnswers) return { status: 200 };
  try {
    const file = await parts.drive.stat(call.grant.document);
    return { status: 200, headers: { "X-WOPI-ItemVersion": file.version } };
  } catch (error) {
    if (!isTransient(error)) throw error;
    parts.note(error);
    return { status: 200 };
  }
}
