import { type CloudreveUri, formatUri, parseUri } from "./cloudreveUri.ts";
import {
  DriveError,
  entityMissing,
  invalidParameter,
  loginRequired,
  pathMissing,
  permissionDenied,
  unsupportedAction,
} from "./driveError.ts";
import type { EntityRecord, FileRecord, ShareRecord, UserRecord } from "./driveState.ts";
import type { FakeDrive } from "./fakeDrive.ts";

/** Whoever calls; undefined is anonymous. */
export type Caller = UserRecord | undefined;

/** Where a uri points for one caller, before looking whether anything is there. */
export interface Place {
  readonly uri: CloudreveUri;
  readonly fs: "my" | "share" | "trash";
  readonly owner: UserRecord;
  readonly root: FileRecord;
  readonly names: readonly string[];
  readonly share: ShareRecord | undefined;
}

/** @throws DriveError in the words the real drive has for each uri it refuses */
export function findPlace(drive: FakeDrive, caller: Caller, uriText: string): Place {
  if (uriText === "") throw invalidParameter("Uri cannot be empty");
  const uri = parseUri(uriText);
  if (!uri) throw new DriveError(40001, "unknown uri");
  const names = uri.names;
  if (uri.fs === "my") {
    const owner = ownerOf(drive, caller, uri);
    return { uri, fs: "my", owner, root: rootOf(drive, owner), names, share: undefined };
  }
  if (uri.fs === "trash") {
    if (!caller) throw loginRequired();
    return { uri, fs: "trash", owner: caller, root: rootOf(drive, caller), names, share: undefined };
  }
  if (uri.fs === "share") return findSharedPlace(drive, uri);
  throw new DriveError(-1, "");
}

/** @throws DriveError 40016 when nothing is there, 403 for a root */
export function findFile(drive: FakeDrive, place: Place): FileRecord {
  if (place.names.length === 0) throw unsupportedAction();
  return findFileOrRoot(drive, place);
}

export function findFileOrRoot(drive: FakeDrive, place: Place): FileRecord {
  if (place.fs === "trash") return findInTrash(drive, place);
  let current = place.root;
  for (const [depth, name] of place.names.entries()) {
    const next = isSingleFileShare(place) && depth === 0 ? onlySharedFile(place, name) : step(drive, current, name);
    if (!next) throw pathMissing(name);
    current = next;
  }
  return current;
}

export function isSingleFileShare(place: Place): boolean {
  return place.share !== undefined && !place.root.isFolder;
}

/** @throws DriveError 403: shares and the trash cannot be written, not even by their owner */
export function requireWritable(place: Place): void {
  if (place.fs !== "my") throw unsupportedAction("action '\\x06' is not supported under current fs");
}

/** Where an owner's file lies now: below `my`, or in the trash. */
export function placeOfOwn(drive: FakeDrive, owner: UserRecord, file: FileRecord): Place {
  const names = realNames(drive, file);
  const fs = file.trashName === undefined ? "my" : "trash";
  const uri = { fs, id: "", password: "", names, fragment: "" };
  return { uri, fs, owner, root: rootOf(drive, owner), names, share: undefined };
}

/** The key of a file's lock: its real place, whichever way it was reached. */
export function lockRoot(drive: FakeDrive, file: FileRecord): string {
  return `${file.ownerNumber}/${realNames(drive, file).join("/")}`;
}

export function isBelowTrash(drive: FakeDrive, file: FileRecord): boolean {
  const above = drive.state.files.get(file.parentNumber);
  return above !== undefined && (above.trashName !== undefined || isBelowTrash(drive, above));
}

export function ownUri(drive: FakeDrive, file: FileRecord): string {
  return formatUri({ fs: "my", id: "", password: "" }, realNames(drive, file));
}

export function realNames(drive: FakeDrive, file: FileRecord): string[] {
  const names: string[] = [];
  let current: FileRecord | undefined = file;
  while (current && current.parentNumber !== 0) {
    names.unshift(current.name);
    current = drive.state.files.get(current.parentNumber);
  }
  return names;
}

/** @throws DriveError 40077 when the word is no version of this file */
export function findEntity(drive: FakeDrive, file: FileRecord, word: string): EntityRecord {
  const number = drive.number("entity", word);
  const entity = number === undefined ? undefined : drive.state.entities.get(number);
  if (!entity || !file.entityNumbers.includes(entity.number)) throw entityMissing();
  return entity;
}

/** @throws DriveError 404 for a share that is gone, expired or emptied */
export function findShare(drive: FakeDrive, word: string): ShareRecord {
  const number = drive.number("share", word);
  const share = number === undefined ? undefined : drive.state.shares.get(number);
  const file = share && drive.state.files.get(share.fileNumber);
  const isOver = share?.expiresAtMs !== undefined && share.expiresAtMs <= drive.now();
  if (!share || !file || file.trashName !== undefined || isOver) {
    throw new DriveError(404, "Shared file does not exist", {
      detail: `Shared file does not exist: failed to query share ${number ?? 0}: ent: share not found`,
    });
  }
  return share;
}

function ownerOf(drive: FakeDrive, caller: Caller, uri: CloudreveUri): UserRecord {
  if (!caller) throw loginRequired();
  if (uri.id === "") return caller;
  const number = drive.number("user", uri.id);
  if (number === undefined || !drive.state.users.has(number)) throw pathMissing(uri.id);
  // Administrators are refused like everybody else.
  if (number !== caller.number) throw permissionDenied();
  return caller;
}

function findSharedPlace(drive: FakeDrive, uri: CloudreveUri): Place {
  const share = findShare(drive, uri.id);
  if (share.password !== uri.password && share.password !== "") throw new DriveError(40069, "Incorrect share password");
  const root = drive.state.files.get(share.fileNumber);
  const owner = drive.state.users.get(share.ownerNumber);
  if (!root || !owner) throw pathMissing(uri.id);
  return { uri, fs: "share", owner, root, names: uri.names, share };
}

function rootOf(drive: FakeDrive, owner: UserRecord): FileRecord {
  const root = drive.state.files.get(owner.rootNumber);
  if (!root) throw new Error("an account without a root folder");
  return root;
}

function findInTrash(drive: FakeDrive, place: Place): FileRecord {
  const [trashName = "", ...below] = place.names;
  let current = [...drive.state.files.values()].find(
    (file) => file.trashName === trashName && file.ownerNumber === place.owner.number,
  );
  for (const name of below) current = current && step(drive, current, name);
  if (!current) throw pathMissing(trashName);
  return current;
}

function step(drive: FakeDrive, folder: FileRecord, name: string): FileRecord | undefined {
  return folder.isFolder ? drive.state.child(folder.number, name) : undefined;
}

function onlySharedFile(place: Place, name: string): FileRecord | undefined {
  return place.root.name === name ? place.root : undefined;
}
