import { formatUri } from "./cloudreveUri.ts";
import type { EntityRecord, FileRecord, UserRecord } from "./driveState.ts";
import type { FakeDrive } from "./fakeDrive.ts";
import { entitiesOf } from "./fileTree.ts";
import type { Caller, Place } from "./places.ts";

/** What the whole file system of a uri can do; nothing about the one file. */
export const capabilities = { my: "w8edAQ==", share: "gIaYAQ==", trash: "AMIK" } as const;

export interface FileObjectOptions {
  /** Answers of writes say null, reads say what there is. */
  metadata: "null" | "shown";
  /** Lists mark shared files for their owner; info does not. */
  markShared?: boolean;
}

/** The file object of info, list and of every write. */
export function fileObject(
  drive: FakeDrive,
  caller: Caller,
  place: Place,
  names: readonly string[],
  file: FileRecord,
  options: FileObjectOptions,
): Record<string, unknown> {
  const isOwner = caller?.number === file.ownerNumber;
  const isShared =
    options.markShared === true &&
    isOwner &&
    [...drive.state.shares.values()].some((share) => share.fileNumber === file.number);
  return {
    type: file.isFolder ? 1 : 0,
    id: drive.word("file", file.number),
    name: file.name,
    created_at: file.createdAt,
    updated_at: file.updatedAt,
    size: file.size,
    metadata: options.metadata === "null" ? null : file.metadata,
    path: formatUri(place.uri, names) + (options.markShared ? "" : place.uri.fragment),
    ...(isShared ? { shared: true } : {}),
    ...(options.metadata === "shown" && place.fs === "trash" && !options.markShared
      ? {}
      : { capability: capabilities[place.fs] }),
    ...(isOwner ? { owned: true } : {}),
    primary_entity: drive.word("entity", file.primaryEntity),
  };
}

export function storagePolicy(drive: FakeDrive): Record<string, unknown> {
  return { id: drive.word("policy", 1), name: "Default storage policy", type: "local", max_size: 0 };
}

/** What `extended=true` adds: versions newest first, each with its author. */
export function extendedInfo(drive: FakeDrive, caller: Caller, file: FileRecord): Record<string, unknown> {
  const entities = entitiesOf(drive, file);
  const shares = [...drive.state.shares.values()].filter((share) => share.fileNumber === file.number);
  return {
    storage_policy: storagePolicy(drive),
    storage_used: entities.reduce((sum, entity) => sum + entity.size, 0),
    entities: entities.reverse().map((entity) => entityObject(drive, entity)),
    ...(shares.length > 0 && caller?.number === file.ownerNumber
      ? { shares: shares.map((share) => ({ id: drive.word("share", share.number) })) }
      : {}),
  };
}

function entityObject(drive: FakeDrive, entity: EntityRecord): Record<string, unknown> {
  const author = drive.state.users.get(entity.createdBy);
  return {
    id: drive.word("entity", entity.number),
    size: entity.size,
    type: 0,
    created_at: entity.createdAt,
    storage_policy: storagePolicy(drive),
    ...(author ? { created_by: authorObject(drive, author) } : {}),
  };
}

function authorObject(drive: FakeDrive, user: UserRecord): Record<string, unknown> {
  return { id: drive.word("user", user.number), nickname: user.nickname, created_at: user.createdAt };
}
