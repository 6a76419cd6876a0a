import { randomUUID } from "node:crypto";
import { formatUri, isLegalName } from "./cloudreveUri.ts";
import { DriveError, illegalName, lockConflict, objectExisted, unsupportedAction } from "./driveError.ts";
import type { EntityRecord, FileRecord, UserRecord } from "./driveState.ts";
import type { FakeDrive } from "./fakeDrive.ts";
import { findFileOrRoot, findPlace, lockRoot, ownUri, type Place, realNames } from "./places.ts";

const shortLockMs = 60_000;

export function newFile(
  drive: FakeDrive,
  owner: UserRecord,
  parentNumber: number,
  name: string,
  isFolder: boolean,
): FileRecord {
  const file: FileRecord = {
    number: drive.state.nextNumber("file"),
    ownerNumber: owner.number,
    isFolder,
    createdAt: drive.stamps.next(),
    name,
    parentNumber,
    updatedAt: drive.stamps.next(),
    size: 0,
    entityNumbers: [],
    primaryEntity: 0,
    metadata: {},
  };
  drive.state.addFile(file);
  return file;
}

/** Makes all missing folders on the way, as every write of the real drive does. */
export function makeFolders(drive: FakeDrive, place: Place, names: readonly string[]): FileRecord {
  let folder = place.root;
  for (const name of names) {
    const next = drive.state.child(folder.number, name);
    if (next && !next.isFolder) throw unsupportedAction();
    if (!next && !isLegalName(name)) throw illegalName();
    folder = next ?? newFile(drive, place.owner, folder.number, name, true);
  }
  return folder;
}

/**
 * Makes a file or folder under a new name, and holds the name while the database does it.
 * @throws DriveError 40073 with the application type `create` for whoever asks for the same name meanwhile
 */
export async function createNamed(
  drive: FakeDrive,
  owner: UserRecord,
  folder: FileRecord,
  name: string,
  isFolder: boolean,
): Promise<FileRecord> {
  const names = [...realNames(drive, folder), name];
  const answer = drive.locks.create({
    root: `${owner.number}/${names.join("/")}`,
    uri: formatUri({ fs: "my", id: "", password: "" }, names),
    lifeMs: shortLockMs,
    application: { type: "create" },
    isFolder,
  });
  if ("conflict" in answer) throw lockConflict(answer.conflict);
  try {
    // Nobody sees the name before the database has it.
    await drive.state.save();
    return newFile(drive, owner, folder.number, name, isFolder);
  } finally {
    drive.locks.unlock(answer.made.token);
  }
}

/**
 * Takes the short lock of rename, move, delete and version control.
 * @returns how to give it back
 * @throws DriveError 40073 when somebody holds the file, or for a folder anything inside
 */
export function lockFor(drive: FakeDrive, file: FileRecord, type: string): () => void {
  const answer = drive.locks.create({
    root: lockRoot(drive, file),
    uri: ownUri(drive, file),
    lifeMs: shortLockMs,
    application: { type },
    isFolder: file.isFolder,
    deep: file.isFolder,
  });
  if ("conflict" in answer) throw lockConflict(answer.conflict);
  return () => drive.locks.unlock(answer.made.token);
}

export function renameFile(drive: FakeDrive, file: FileRecord, newName: string): void {
  if (!isLegalName(newName)) throw illegalName();
  const inTheWay = drive.state.child(file.parentNumber, newName);
  if (inTheWay && inTheWay !== file) throw objectExisted();
  const unlock = lockFor(drive, file, "rename");
  drive.state.placeFile(file, file.parentNumber, newName);
  file.updatedAt = drive.stamps.next();
  unlock();
}

export function isInside(drive: FakeDrive, folder: FileRecord, suspect: FileRecord): boolean {
  for (let current: FileRecord | undefined = suspect; current; current = drive.state.files.get(current.parentNumber)) {
    if (current === folder) return true;
  }
  return false;
}

/** A copy has its own id but the very same versions. */
export function copyTree(drive: FakeDrive, file: FileRecord, parentNumber: number): void {
  const owner = drive.state.users.get(file.ownerNumber);
  if (!owner) return;
  const copy = newFile(drive, owner, parentNumber, file.name, file.isFolder);
  copy.size = file.size;
  copy.primaryEntity = file.primaryEntity;
  copy.entityNumbers = [...file.entityNumbers];
  for (const entity of entitiesOf(drive, copy)) entity.references += 1;
  for (const child of drive.state.childrenOf(file.number)) copyTree(drive, child, copy.number);
}

export function moveToTrash(drive: FakeDrive, file: FileRecord): void {
  file.metadata = {
    "sys:expected_collect_time": String(Math.floor(drive.now() / 1000) + 604_800),
    "sys:restore_uri": ownUri(drive, file),
  };
  drive.state.placeFile(file, 0, file.name);
  file.trashName = randomUUID();
  file.updatedAt = drive.stamps.next();
}

/** Puts a file back where it was; the folder must still be there. */
export function restoreFile(drive: FakeDrive, file: FileRecord): void {
  if (file.trashName === undefined) throw unsupportedAction("action '\\x11' is not supported under current fs");
  const owner = drive.state.users.get(file.ownerNumber);
  const place = findPlace(drive, owner, String(file.metadata["sys:restore_uri"] ?? ""));
  const folder = findFileOrRoot(drive, { ...place, names: place.names.slice(0, -1) });
  const name = place.names.at(-1) ?? file.name;
  if (drive.state.child(folder.number, name)) {
    const why = "constraint failed: UNIQUE constraint failed: files.file_children, files.name (2067)";
    throw new DriveError(40004, "Object existed", { detail: `Object existed: ent: constraint failed: ${why}` });
  }
  file.metadata = {};
  delete file.trashName;
  drive.state.placeFile(file, folder.number, name);
  file.updatedAt = drive.stamps.next();
}

/** @returns the blobs nobody refers to any more; to be dropped after the state is saved */
export function removeTree(drive: FakeDrive, file: FileRecord): string[] {
  const orphans = drive.state.childrenOf(file.number).flatMap((child) => removeTree(drive, child));
  for (const entity of entitiesOf(drive, file)) orphans.push(...releaseEntity(drive, entity));
  drive.state.removeFile(file);
  for (const share of drive.state.shares.values()) {
    if (share.fileNumber === file.number) drive.state.shares.delete(share.number);
  }
  return orphans;
}

export function entitiesOf(drive: FakeDrive, file: FileRecord): EntityRecord[] {
  return file.entityNumbers.flatMap((number) => drive.state.entities.get(number) ?? []);
}

/** Drops the oldest versions the owner's retention leaves no room for; the current one always stays. */
export function trimVersions(drive: FakeDrive, file: FileRecord, owner: UserRecord): string[] {
  const keep = Math.max(1, drive.versionRetentionOf(owner));
  const orphans: string[] = [];
  for (const entity of entitiesOf(drive, file)) {
    if (file.entityNumbers.length <= keep) break;
    if (entity.number !== file.primaryEntity) orphans.push(...removeVersion(drive, file, entity));
  }
  return orphans;
}

export function removeVersion(drive: FakeDrive, file: FileRecord, entity: EntityRecord): string[] {
  file.entityNumbers = file.entityNumbers.filter((number) => number !== entity.number);
  return releaseEntity(drive, entity);
}

export async function dropBlobs(drive: FakeDrive, blobs: readonly string[]): Promise<void> {
  await Promise.all(blobs.map((blob) => drive.content.drop(blob)));
}

/** Names a person would read as the folder of a file: `/w`, or `/` for a root. */
export function folderPath(drive: FakeDrive, place: Place, file: FileRecord): string {
  const names = place.fs === "share" ? place.names.slice(0, -1) : realNames(drive, file).slice(0, -1);
  return `/${names.join("/")}`;
}

function releaseEntity(drive: FakeDrive, entity: EntityRecord): string[] {
  entity.references -= 1;
  if (entity.references > 0) return [];
  drive.state.entities.delete(entity.number);
  return [entity.blob];
}
