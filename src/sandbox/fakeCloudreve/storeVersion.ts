import { randomUUID } from "node:crypto";
import type { Readable } from "node:stream";
import { isLegalName } from "./cloudreveUri.ts";
import { DriveError, illegalName, lockConflict, noCapacity, objectExisted } from "./driveError.ts";
import type { FileRecord, UserRecord } from "./driveState.ts";
import type { FakeDrive } from "./fakeDrive.ts";
import { dropBlobs, makeFolders, newFile, trimVersions } from "./fileTree.ts";
import { lockRoot, ownUri, type Place, requireWritable } from "./places.ts";

const uploadLockMs = 86_400_000;
/** On its disk a version is `<user>_<8 letters>_<name>`, and a disk's names end at 255 bytes. */
const diskNameLimitBytes = 255;
const diskPrefixBytes = 10;
/** Shown by info while bytes are on their way; stays behind after a crash. */
export const uploadMark = "sys:upload_session_id";

export interface NewVersion {
  readonly place: Place;
  readonly author: UserRecord;
  readonly lengthBytes: number;
  /** The entity id a caller believes to be current. */
  readonly previous?: string | undefined;
  /** The caller already holds the lock of the file; otherwise an upload lock is taken for the time of the request. */
  readonly isLocked?: boolean;
}

/**
 * Receives a body as the new version of a file, which is made when missing, with all folders above it.
 * A body that breaks off leaves the old version and no lock.
 */
export async function storeVersion(drive: FakeDrive, version: NewVersion, body: Readable): Promise<FileRecord> {
  const { file, isNew } = findOrMakeTarget(drive, version.place);
  const unlock = version.isLocked ? () => undefined : lockForUpload(drive, file, isNew);
  try {
    checkCapacity(drive, version.place.owner, version.lengthBytes);
    if (!isNew) checkPrevious(drive, file, version.previous ?? "");
    checkDiskName(version.place.owner, file);
    file.metadata[uploadMark] = randomUUID();
    const temporary = await drive.content.receive(body, version.lengthBytes);
    await appendVersion(drive, file, temporary, version.lengthBytes, version.author);
  } catch (error) {
    delete file.metadata[uploadMark];
    if (isNew) drive.state.removeFile(file);
    throw error;
  } finally {
    unlock();
  }
  return file;
}

/** Finds the file, or makes the placeholder that is visible while a new file is being received. */
export function findOrMakeTarget(drive: FakeDrive, place: Place): { file: FileRecord; isNew: boolean } {
  requireWritable(place);
  const name = place.names.at(-1);
  if (name === undefined) throw objectExisted();
  const folder = makeFolders(drive, place, place.names.slice(0, -1));
  const existing = drive.state.child(folder.number, name);
  if (existing?.isFolder) throw objectExisted();
  if (existing) return { file: existing, isNew: false };
  if (!isLegalName(name)) throw illegalName();
  return { file: newFile(drive, place.owner, folder.number, name, false), isNew: true };
}

export function checkCapacity(drive: FakeDrive, owner: UserRecord, sizeBytes: number): void {
  // An overwrite needs room for the whole new size, as the old version stays.
  if (drive.usedBytes(owner) + sizeBytes > owner.quotaBytes) throw noCapacity();
}

// An empty file may well have such a name: nothing of it is on the disk.
function checkDiskName(owner: UserRecord, file: FileRecord): void {
  const prefixBytes = String(owner.number).length + diskPrefixBytes;
  if (prefixBytes + Buffer.byteLength(file.name) > diskNameLimitBytes) {
    throw new DriveError(50004, "Failed to upload file");
  }
}

/** @throws DriveError 40001 for what is no entity id, 40076 when another version is current */
export function checkPrevious(drive: FakeDrive, file: FileRecord, previous: string): void {
  if (previous === "") return;
  const number = drive.number("entity", previous);
  if (number === undefined) throw new DriveError(40001, "Unknown version ID");
  if (number !== file.primaryEntity) throw new DriveError(40076, "File is updated during your edit");
}

/** Makes complete bytes the current version; the entity id is new even when the bytes are not. */
export async function appendVersion(
  drive: FakeDrive,
  file: FileRecord,
  temporary: string,
  sizeBytes: number,
  author: UserRecord,
  updatedAt?: string,
): Promise<void> {
  const number = drive.state.nextNumber("entity");
  const createdAt = drive.stamps.next();
  const owner = drive.state.users.get(file.ownerNumber) ?? author;
  const blob = await drive.content.keep(temporary, owner.email, number, file.name);
  drive.state.entities.set(number, {
    number,
    size: sizeBytes,
    createdAt,
    createdBy: author.number,
    blob,
    references: 1,
  });
  file.entityNumbers.push(number);
  file.primaryEntity = number;
  file.size = sizeBytes;
  file.metadata = {};
  file.updatedAt = updatedAt ?? drive.stamps.next();
  const orphans = trimVersions(drive, file, owner);
  await drive.state.save();
  await dropBlobs(drive, orphans);
}

function lockForUpload(drive: FakeDrive, file: FileRecord, isNew: boolean): () => void {
  const answer = drive.locks.create({
    root: lockRoot(drive, file),
    uri: ownUri(drive, file),
    lifeMs: uploadLockMs,
    application: { type: "upload" },
  });
  if ("made" in answer) return () => drive.locks.unlock(answer.made.token);
  if (isNew) drive.state.removeFile(file);
  throw lockConflict(answer.conflict);
}
