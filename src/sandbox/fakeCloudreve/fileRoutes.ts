import { type Call, type Route, readFields, requireUser, sendBatchErrors, sendData } from "./call.ts";
import { isLegalName } from "./cloudreveUri.ts";
import {
  DriveError,
  invalidParameter,
  objectExisted,
  pathMissing,
  permissionDenied,
  unsupportedAction,
} from "./driveError.ts";
import type { FileRecord } from "./driveState.ts";
import type { FakeDrive } from "./fakeDrive.ts";
import { extendedInfo, fileObject } from "./fileObject.ts";
import {
  copyTree,
  createNamed,
  dropBlobs,
  isInside,
  lockFor,
  makeFolders,
  moveToTrash,
  removeTree,
  renameFile,
  restoreFile,
} from "./fileTree.ts";
import {
  findFile,
  findFileOrRoot,
  findPlace,
  isBelowTrash,
  type Place,
  placeOfOwn,
  requireWritable,
} from "./places.ts";

/** Info, and what changes the tree without touching content. */
export const fileRoutes: readonly Route[] = [
  { method: "GET", path: "/api/v4/file/info", run: info },
  { method: "POST", path: "/api/v4/file/create", run: create },
  { method: "POST", path: "/api/v4/file/rename", run: rename },
  { method: "POST", path: "/api/v4/file/move", run: move },
  { method: "DELETE", path: "/api/v4/file", run: remove },
  { method: "POST", path: "/api/v4/file/restore", run: restore },
  { method: "PATCH", path: "/api/v4/file/metadata", run: refuseMetadata },
  { method: "DELETE", path: "/api/v4/file/lock", run: forceUnlock },
];

function info(call: Call): void {
  const { drive, caller, query } = call;
  const { place, file } = query.has("uri") ? infoByUri(call) : infoById(call);
  const names = place.fs === "trash" ? [file.trashName ?? ""] : place.names;
  const shown = fileObject(drive, caller, place, names, file, { metadata: "shown" });
  const isExtended = query.get("extended") === "true";
  sendData(call, isExtended ? { ...shown, extended_info: extendedInfo(drive, caller, file) } : shown);
}

function infoByUri(call: Call): { place: Place; file: FileRecord } {
  const place = findPlace(call.drive, call.caller, call.query.get("uri") ?? "");
  return { place, file: findFile(call.drive, place) };
}

// Owner only; an administrator gets another refusal than the others, but a refusal.
function infoById(call: Call): { place: Place; file: FileRecord } {
  const { drive, caller, query } = call;
  if (!query.has("id")) throw new DriveError(40001, "uri is required");
  const number = drive.number("file", query.get("id") ?? "");
  const file = number === undefined ? undefined : drive.state.files.get(number);
  if (!file) throw new DriveError(40001, "unknown file id");
  if (caller?.number !== file.ownerNumber) {
    if (caller?.admin) throw permissionDenied();
    throw new DriveError(40082, "Only owner or administrator can perform this action");
  }
  // A root has an id, but no info.
  if (file.parentNumber === 0 && file.trashName === undefined) throw unsupportedAction();
  // In a folder that is in the trash, the way to it is still looked for where it was (4.14, November 2026).
  if (file.trashName === undefined && isBelowTrash(call.drive, file)) throw pathMissing(file.name);
  return { place: placeOfOwn(drive, caller, file), file };
}

async function create(call: Call): Promise<void> {
  const { drive, caller } = call;
  const fields = await readFields(call);
  const place = findPlace(drive, caller, fields.text("uri", "Uri"));
  const type = fields.text("type", "Type");
  if (type !== "file" && type !== "folder") throw invalidParameter("Invalid parameters.");
  requireWritable(place);
  const name = place.names.at(-1);
  if (name === undefined) throw objectExisted();
  const folder = makeFolders(drive, place, place.names.slice(0, -1));
  const existing = drive.state.child(folder.number, name);
  if (existing && (fields.flag("err_on_conflict") || existing.isFolder !== (type === "folder"))) throw objectExisted();
  if (!existing && !isLegalName(name)) throw new DriveError(40052, "Invalid object name");
  const file = existing ?? (await createNamed(drive, place.owner, folder, name, type === "folder"));
  await drive.state.save();
  sendData(call, fileObject(drive, caller, place, place.names, file, { metadata: "null" }));
}

async function rename(call: Call): Promise<void> {
  const { drive, caller } = call;
  const fields = await readFields(call);
  const uri = fields.text("uri", "Uri");
  const newName = fields.text("new_name", "NewName");
  const place = findPlace(drive, caller, uri);
  requireWritable(place);
  const file = findFile(drive, place);
  renameFile(drive, file, newName);
  await drive.state.save();
  const names = [...place.names.slice(0, -1), newName];
  sendData(call, fileObject(drive, caller, place, names, file, { metadata: "null" }));
}

async function move(call: Call): Promise<void> {
  const { drive, caller } = call;
  const fields = await readFields(call);
  const uris = fields.texts("uris", "Uris");
  const target = findPlace(drive, caller, fields.text("dst", "Dst"));
  const isCopy = fields.flag("copy");
  const folder = findFileOrRoot(drive, target);
  requireWritable(target);
  if (!folder.isFolder) throw unsupportedAction();
  const { files, failures } = findAll(call, uris, "failed to get file");
  for (const [uri, file] of files) {
    if (drive.state.child(folder.number, file.name)) {
      // Moving a folder into its own place is refused as moving it into itself.
      throw objectExisted();
    }
    if (file.isFolder && isInside(drive, file, folder)) {
      failures.set(uri, unsupportedAction("cannot move or copy folder to itself or its descendant"));
      files.delete(uri);
    }
  }
  if (isCopy) for (const file of files.values()) copyTree(drive, file, folder.number);
  else {
    const unlocks = lockAll(drive, files.values(), "moveCopy");
    for (const file of files.values()) drive.state.placeFile(file, folder.number, file.name);
    for (const unlock of unlocks) unlock();
  }
  await drive.state.save();
  if (failures.size > 0) sendBatchErrors(call, failures);
  else sendData(call);
}

async function remove(call: Call): Promise<void> {
  const { drive } = call;
  requireUser(call);
  const fields = await readFields(call);
  const uris = fields.texts("uris", "Uris");
  if (uris.length === 0) throw invalidParameter("Uris too short");
  const isForGood = fields.flag("skip_soft_delete");
  const { files, failures } = findAll(call, uris, "failed to get target file");
  const unlocks = lockAll(drive, files.values(), isForGood ? "delete" : "softDelete");
  // The locks are named by path: they are given back before the path goes.
  for (const unlock of unlocks) unlock();
  const orphans: string[] = [];
  for (const file of files.values()) {
    if (isForGood || file.trashName !== undefined) orphans.push(...removeTree(drive, file));
    else moveToTrash(drive, file);
  }
  await drive.state.save();
  await dropBlobs(drive, orphans);
  if (failures.size > 0) sendBatchErrors(call, failures);
  else sendData(call);
}

async function restore(call: Call): Promise<void> {
  const { drive } = call;
  requireUser(call);
  const fields = await readFields(call);
  const uris = fields.texts("uris", "Uris");
  if (uris.length === 0) throw invalidParameter("Uris too short");
  const { files, failures } = findAll(call, uris, "failed to get file");
  for (const [uri, file] of files) {
    try {
      restoreFile(drive, file);
    } catch (error) {
      if (!(error instanceof DriveError)) throw error;
      failures.set(uri, error);
    }
  }
  await drive.state.save();
  if (failures.size > 0) sendBatchErrors(call, failures);
  else sendData(call);
}

// No login, no ownership: whoever knows a token removes the lock. One unknown or busy token saves them all.
async function forceUnlock(call: Call): Promise<void> {
  const { locks } = call.drive;
  const tokens = (await readFields(call)).texts("tokens", "Tokens");
  if (tokens.some((token) => !locks.isRemovable(token))) throw new DriveError(40001, "failed to unlock file");
  // A token named twice is a panic there, after the lock is gone.
  const removed = tokens.map((token) => locks.unlock(token));
  if (removed.includes(false)) throw new Error("a token named twice");
  sendData(call);
}

async function refuseMetadata(call: Call): Promise<void> {
  (await readFields(call)).texts("uris", "Uris");
  throw new DriveError(40001, "Invalid metadata patch");
}

function findAll(
  call: Call,
  uris: readonly string[],
  prefix: string,
): { files: Map<string, FileRecord>; failures: Map<string, DriveError> } {
  const files = new Map<string, FileRecord>();
  const failures = new Map<string, DriveError>();
  for (const uri of uris) {
    try {
      const place = findPlace(call.drive, call.caller, uri);
      const file = findFile(call.drive, place);
      if (place.fs === "share") throw unsupportedAction();
      files.set(uri, file);
    } catch (error) {
      if (!(error instanceof DriveError)) throw error;
      failures.set(uri, error.within(prefix));
    }
  }
  return { files, failures };
}

function lockAll(drive: FakeDrive, files: Iterable<FileRecord>, type: string): (() => void)[] {
  const unlocks: (() => void)[] = [];
  try {
    for (const file of files) unlocks.push(lockFor(drive, file, type));
  } catch (error) {
    for (const unlock of unlocks) unlock();
    throw error;
  }
  return unlocks;
}
