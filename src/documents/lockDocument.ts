import type { DriveFile } from "../model/drive.ts";
import { failureOf, isTransient } from "../model/failure.ts";
import type { Services } from "../services.ts";
import type { DocumentLock } from "./documentLock.ts";
import type { AccessGrant } from "./grants.ts";
import type { WopiLock } from "./lockRows.ts";

type Needs = Pick<Services, "drive" | "locks" | "sessionsEnded" | "note"> & {
  readonly editorWatch: Pick<Services["editorWatch"], "locked" | "refused">;
};

/** Who presents which lock. When the signal aborts, the caller is gone and the work is no longer wanted. */
export interface LockRequest {
  readonly grant: AccessGrant;
  readonly lockId: string;
  readonly signal: AbortSignal;
}

/** The version of the file; undefined when the drive can't tell it now. */
type VersionNow = Promise<string | undefined>;

/**
 * Takes the WOPI lock, then the drive's lock for it. When the drive refuses and the file was not locked here before,
 * the WOPI lock is not taken.
 * @throws lockMismatch, lockedElsewhere, and what the drive throws
 */
export async function lockDocument(services: Needs, request: LockRequest): VersionNow {
  try {
    return await take(services, request);
  } catch (error) {
    const standing = failureOf(error, "lockMismatch")?.currentLockId;
    if (standing === undefined || standing === "") throw error;
    // The holder's session may have expired a moment ago: the next editor need not wait for the sweep.
    await services.sessionsEnded(request.grant.document.fileId);
    return takeFromDeadEditor(services, request);
  }
}

/** As `take`; a lock whose editor has died is given up for it. */
async function takeFromDeadEditor(services: Needs, request: LockRequest): VersionNow {
  try {
    return await take(services, request);
  } catch (error) {
    if (failureOf(error, "lockMismatch") === undefined) throw error;
    if (await services.editorWatch.refused(request.grant, request.lockId)) return take(services, request);
    throw error;
  }
}

function take(services: Needs, request: LockRequest): VersionNow {
  const { grant, lockId } = request;
  return exclusively(services, request, async (lock) => {
    if ((await lock.take(lockId, grant)) === "refreshed") return refreshed(services, grant, lock);
    try {
      const { version } = await lock.holdInDrive(grant.document);
      services.editorWatch.locked(grant, lockId);
      return version;
    } catch (error) {
      await lock.release(lockId);
      // A drive that does not answer is not asked again now: the sweep releases what it may have locked.
      if (!isTransient(error)) await releaseInDrive(services, lock);
      throw error;
    }
  });
}

/** @throws lockMismatch, fileMissing */
export function refreshDocumentLock(services: Needs, request: LockRequest): VersionNow {
  return exclusively(services, request, async (lock) => {
    await whereItStands(services, request.grant, () => lock.refresh(request.lockId, request.grant));
    return refreshed(services, request.grant, lock);
  });
}

/** Replaces the lock `oldLockId` in one step. @throws lockMismatch, fileMissing */
export function relockDocument(services: Needs, request: LockRequest, oldLockId: string): VersionNow {
  return exclusively(services, request, async (lock) => {
    await whereItStands(services, request.grant, () => lock.relock(oldLockId, request.lockId, request.grant));
    return refreshed(services, request.grant, lock);
  });
}

/** When the drive can't be reached, its lock stays for now; the sweep releases it. @throws lockMismatch, fileMissing */
export function unlockDocument(services: Needs, request: LockRequest): VersionNow {
  return exclusively(services, request, async (lock) => {
    await whereItStands(services, request.grant, () => lock.release(request.lockId));
    const released = await releaseInDrive(services, lock);
    if (released.file !== undefined) return released.file.version;
    return released.driveAnswers ? versionNow(services, request.grant) : undefined;
  });
}

function exclusively(
  { locks }: Needs,
  { grant, signal }: LockRequest,
  work: (lock: DocumentLock) => VersionNow,
): VersionNow {
  return locks.exclusively(grant.document.fileId, work, { signal });
}

/** @returns the id of the current lock, empty when there is none @throws fileMissing */
export async function currentLockId(services: Needs, grant: AccessGrant): Promise<string> {
  const held = await services.locks.current(grant.document.fileId);
  if (held === undefined) await requireThere(services, grant);
  return held?.lockId ?? "";
}

/** Ends a file's lock for good, whatever the drive answers; if its lock can't be released, the sweep does that. */
export function takeOverDocument(
  services: Pick<Needs, "locks" | "note">,
  fileId: string,
): Promise<WopiLock | undefined> {
  return services.locks.exclusively(fileId, async (lock) => {
    const ended = await lock.takeOver();
    await releaseInDrive(services, lock);
    return ended;
  });
}

/** A lock mismatch is reported only for files that exist. @throws lockMismatch, fileMissing */
async function whereItStands(services: Needs, grant: AccessGrant, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (failureOf(error, "lockMismatch")?.currentLockId === "") await requireThere(services, grant);
    throw error;
  }
}

/** @throws fileMissing; all other errors of the drive don't matter for a lock */
async function requireThere({ drive, note }: Needs, { document }: AccessGrant): Promise<void> {
  try {
    await drive.stat(document);
  } catch (error) {
    if (failureOf(error, "fileMissing") !== undefined) throw error;
    note(error);
  }
}

/** The lock in our store decides; a drive that is down is asked again at the next refresh or save. */
async function refreshed(services: Needs, grant: AccessGrant, lock: DocumentLock): VersionNow {
  try {
    return (await lock.holdInDrive(grant.document)).version;
  } catch (error) {
    services.note(error);
    return isAway(error) ? undefined : versionNow(services, grant);
  }
}

/** @returns the file, if nobody else can have changed it until the release; and whether the drive answered */
async function releaseInDrive(
  { note }: Pick<Needs, "note">,
  lock: DocumentLock,
): Promise<{ readonly file?: DriveFile | undefined; readonly driveAnswers: boolean }> {
  try {
    return { file: await lock.releaseInDrive(), driveAnswers: true };
  } catch (error) {
    note(error);
    return { driveAnswers: !isAway(error) };
  }
}

/** An editor should not have to wait twice for a drive that does not answer. */
const isAway = (error: unknown): boolean => failureOf(error, "driveUnreachable") !== undefined;

/** A lock operation succeeds whether or not the drive can tell the version now. */
async function versionNow({ drive, note }: Needs, { document }: AccessGrant): VersionNow {
  try {
    return (await drive.stat(document)).version;
  } catch (error) {
    if (!isTransient(error) && failureOf(error, "fileUnproven") === undefined) throw error;
    note(error);
    return undefined;
  }
}
