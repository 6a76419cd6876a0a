import { type AccessGrant, editorOrigin } from "../model/accessGrants.ts";
import type { ContentRecord } from "../model/contentRecord.ts";
import type { Drive, DriveFile, WriteGuard } from "../model/drive.ts";
import type { DriveShield } from "../model/driveShield.ts";
import { BridgeError, failureOf } from "../model/failure.ts";
import type { FileLocks } from "../model/fileLocks.ts";
import type { Clock } from "../model/keyValueStore.ts";
import { decideSave, type SaveFacts, type SaveRefusal } from "../model/savePolicy.ts";
import { conflictCopyName } from "./conflictCopy.ts";
import { notingAttempt, recogniseOwnSave } from "./ownSave.ts";
import type { SpooledSave } from "./saveSpool.ts";

/** An exit save that comes again within this time, as after a lost answer, makes no second copy. */
const copyRememberedMs = 3_600_000;

/**
 * Cloudreve takes names of 255 bytes, but its local storage puts an id and a random word before the name of the file on
 * disk, and can't store what grows over 255 there (50004).
 */
const copyNameLimitBytes = 230;

/** What a save's headers say. */
export interface SaveRequest {
  readonly requestLockId: string | undefined;
  readonly timestamp: string | undefined;
  readonly isForced: boolean;
  readonly isExitSave: boolean;
}

export interface SavedDocument {
  readonly file: DriveFile;
  readonly lastModifiedTime: string;
}

export interface SaveParts {
  readonly drive: Drive;
  readonly locks: FileLocks;
  readonly shield: DriveShield;
  readonly content: ContentRecord;
  readonly now: Clock;
}

/**
 * Places the bytes of one save. To be called in the file's turn, after the body is whole in the spool.
 * @returns the file as the drive has it afterwards
 * @throws lockMismatch, changedInStorage, lockedElsewhere, and what the drive says
 */
export async function saveDocument(
  parts: SaveParts,
  grant: AccessGrant,
  request: SaveRequest,
  save: SpooledSave,
): Promise<SavedDocument> {
  const { drive, locks, shield, content } = parts;
  const { document } = grant;
  const lock = await locks.current(document.fileId);
  const holdsLock = lock !== undefined && lock.lockId === request.requestLockId;
  const orKeepCopy = <Result>(work: () => Promise<Result>) => copyingOnExit(parts, grant, request, save, work);
  // Taken anew before the version is read: a drive that restarted has forgotten the lock, and from here on nobody
  // else can write. What happened in between shows in the version.
  const guardUnderLock: WriteGuard | undefined = holdsLock
    ? { lockToken: await orKeepCopy(() => shield.hold(document)) }
    : undefined;
  // A lock that ran out here may still stand in the drive, where it would keep this late save off.
  if (lock === undefined) await shield.release(document.fileId);
  const stored = await drive.stat(document);
  await recogniseOwnSave(parts, grant, stored);
  const facts: SaveFacts = {
    ...request,
    heldLockId: lock?.lockId,
    storedVersion: stored.version,
    storedSizeBytes: stored.sizeBytes,
    storedModifiedAt: await content.lastModifiedTime(stored),
    baseVersion: await content.base(document.fileId, editorOrigin(grant)),
    equalsStored: await isStored(parts, stored, save),
  };
  const decision = decideSave(facts);
  switch (decision.do) {
    case "refuse":
      throw refusal(decision.because, lock?.lockId);
    case "keepCopy":
      await keepCopy(parts, grant, stored, save);
      throw refusal(decision.because, lock?.lockId);
    case "acknowledge":
      await content.moveBase(document.fileId, editorOrigin(grant), stored.version);
      return { file: stored, lastModifiedTime: facts.storedModifiedAt };
    case "write": {
      const guard = guardUnderLock ?? { previousVersion: stored.version };
      const file = await notingAttempt(parts, grant, stored, save, () =>
        orKeepCopy(() => drive.write(document, stored, save, guard)),
      );
      await content.stored(file, save.sha256);
      await content.moveBase(document.fileId, editorOrigin(grant), file.version);
      return { file, lastModifiedTime: await content.lastModifiedTime(file) };
    }
  }
}

function refusal(because: SaveRefusal, heldLockId: string | undefined): BridgeError {
  if (because.kind === "lockMismatch") return new BridgeError(because);
  return new BridgeError({ kind: "changedInStorage", currentLockId: heldLockId ?? "" });
}

async function isStored(parts: SaveParts, stored: DriveFile, save: SpooledSave): Promise<boolean> {
  return stored.sizeBytes === save.sizeBytes && (await parts.content.sha256(stored)) === save.sha256;
}

/** Somebody outside holds the document, or was faster: after an exit save nobody is left to try again. */
async function copyingOnExit<Result>(
  parts: SaveParts,
  grant: AccessGrant,
  request: SaveRequest,
  save: SpooledSave,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const isOthersDoing = failureOf(error, "lockedElsewhere") ?? failureOf(error, "changedInStorage");
    if (request.isExitSave && isOthersDoing !== undefined) {
      const stored = await parts.drive.stat(grant.document);
      if (!(await isStored(parts, stored, save))) await keepCopy(parts, grant, stored, save);
    }
    throw error;
  }
}

async function keepCopy(parts: SaveParts, grant: AccessGrant, stored: DriveFile, save: SpooledSave): Promise<void> {
  const { fileId } = grant.document;
  if (await parts.content.hasCopy(fileId, save.sha256)) return;
  for (let attempt = 0; ; attempt++) {
    const name = conflictCopyName(stored.name, grant.person.name, parts.now(), attempt, copyNameLimitBytes);
    try {
      await parts.drive.createBeside(grant.document, stored, name, save);
      await parts.content.copied(fileId, save.sha256, parts.now() + copyRememberedMs);
      return;
    } catch (error) {
      if (failureOf(error, "nameTaken") === undefined) throw error;
    }
  }
}
