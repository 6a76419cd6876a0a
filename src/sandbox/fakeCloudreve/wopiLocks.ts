import { type Call, headerText, sendEmpty } from "./call.ts";
import type { FileRecord } from "./driveState.ts";
import { viewerLockLifeMs } from "./fakeDrive.ts";
import type { DriveLock } from "./lockTable.ts";
import { lockRoot, ownUri } from "./places.ts";
import { findTarget, type WopiContext, WopiRefusal } from "./wopiSession.ts";

export const lockHeader = "X-Wopi-Lock";

/** LOCK: the same id renews, another id is told who is there, and OldLock is not read. */
export function lock(call: Call, context: WopiContext): void {
  const { caller } = context;
  const { file } = findTarget(call, context);
  if (caller?.number !== file.ownerNumber && caller?.admin !== true) {
    throw new WopiRefusal(500, "failed to lock file: Only owner or administrator can perform this action");
  }
  const token = headerText(call, "x-wopi-lock");
  const other = renew(call, file, token) ? undefined : lockAnew(call, context, file, token);
  if (other) sendEmpty(call, 409, { [lockHeader]: other.token });
  else sendEmpty(call, 200, token === "" ? {} : { [lockHeader]: token });
}

/** REFRESH_LOCK: a wrong id is 409 without saying which one is right. */
export function refreshLock(call: Call, context: WopiContext): void {
  const { file } = findTarget(call, context);
  const token = headerText(call, "x-wopi-lock");
  if (renew(call, file, token)) sendEmpty(call, 200, { [lockHeader]: token });
  else sendEmpty(call, 409);
}

/**
 * Takes a viewer lock; without an id it gets a random one that only a conflict reveals.
 * @returns the lock in the way, if there is one
 */
export function lockAnew(call: Call, context: WopiContext, file: FileRecord, token: string): DriveLock | undefined {
  const answer = call.drive.locks.create({
    root: lockRoot(call.drive, file),
    uri: ownUri(call.drive, file),
    token,
    lifeMs: viewerLockLifeMs,
    application: { type: "viewer", viewer_id: context.session.viewerId },
  });
  return "conflict" in answer ? answer.conflict : undefined;
}

function renew(call: Call, file: FileRecord, token: string): boolean {
  const { locks } = call.drive;
  const release = locks.hold(lockRoot(call.drive, file), token);
  release?.();
  return release !== undefined && locks.refresh(token, viewerLockLifeMs);
}

/** UNLOCK: takes any token of the process, through any session, without looking at the file. */
export function unlock(call: Call): void {
  const isGone = call.drive.locks.unlock(headerText(call, "x-wopi-lock"));
  sendEmpty(call, isGone ? 200 : 409);
}
