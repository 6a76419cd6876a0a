import { randomUUID } from "node:crypto";
import { type Call, type Route, sendData } from "./call.ts";
import { DriveError, invalidParameter, pathMissing } from "./driveError.ts";
import type { FileRecord } from "./driveState.ts";
import type { FakeDrive } from "./fakeDrive.ts";
import { capabilities, fileObject, storagePolicy } from "./fileObject.ts";
import { findFileOrRoot, findPlace, isSingleFileShare, type Place } from "./places.ts";

interface Cursor {
  readonly id: string;
  readonly start_with_file: boolean;
}

const defaultPageSize = 100;
const largestPageSize = 2000;
const noParent = {
  type: 0,
  id: "",
  name: "",
  created_at: "0001-01-01T00:00:00Z",
  updated_at: "0001-01-01T00:00:00Z",
  size: 0,
  metadata: null,
};

/** The list of one folder, page by page. */
export const listRoutes: readonly Route[] = [{ method: "GET", path: "/api/v4/file", run: list }];

function list(call: Call): void {
  const { drive, caller, query } = call;
  const uri = query.get("uri") ?? "";
  if (uri === "") throw invalidParameter("Uri cannot be empty");
  const place = findPlace(drive, caller, uri);
  const folder = findListed(drive, place);
  const pageSize = Math.min(Number(query.get("page_size") ?? defaultPageSize) || defaultPageSize, largestPageSize);
  const isSingle = isSingleFileShare(place);
  const wanted = searchedNames(uri);
  if (wanted !== undefined) {
    sendFound(call, place, folder, wanted, pageSize);
    return;
  }
  const token = query.get("next_page_token") ?? "";
  const page = isSingle
    ? { files: [place.root], nextToken: undefined }
    : takePage(drive, allIn(drive, place, folder), pageSize, readCursor(drive, token), orderOf(query));
  const shown = page.files.map((file) => {
    const names = place.fs === "trash" ? [file.trashName ?? file.name] : [...place.names, file.name];
    // In the listing of a single file Cloudreve forgets whose it is.
    return fileObject(drive, isSingle ? undefined : caller, place, names, file, {
      metadata: "shown",
      markShared: true,
    });
  });
  sendData(call, {
    files: shown,
    parent: isTrashRoot(place)
      ? noParent
      : fileObject(drive, isSingle ? undefined : caller, place, isSingle ? [] : place.names, folder, {
          metadata: "null",
        }),
    pagination: isSingle
      ? { page: 0, page_size: 0 }
      : {
          page: 0,
          page_size: pageSize,
          ...(page.nextToken === undefined ? {} : { next_token: page.nextToken }),
          is_cursor: true,
        },
    props: {
      capability: capabilities[place.fs],
      max_page_size: largestPageSize,
      order_by_options: ["name", "size", "updated_at", "created_at"],
      order_direction_options: ["asc", "desc"],
    },
    context_hint: randomUUID(),
    mixed_type: false,
    ...(isSingle ? { single_file_view: true } : {}),
    storage_policy: storagePolicy(drive),
    ...(isSingle || caller?.number === place.owner.number
      ? { view: { page_size: pageSize, ...shownOrder(query), view: "grid", thumbnail: true } }
      : {}),
  });
}

function findListed(drive: FakeDrive, place: Place): FileRecord {
  if (isTrashRoot(place)) return place.root;
  if (isSingleFileShare(place) && place.names.length === 0) {
    return drive.state.files.get(place.root.parentNumber) ?? place.root;
  }
  const folder = findFileOrRoot(drive, place);
  if (!folder.isFolder) throw pathMissing(folder.name);
  return folder;
}

function isTrashRoot(place: Place): boolean {
  return place.fs === "trash" && place.names.length === 0;
}

function allIn(drive: FakeDrive, place: Place, folder: FileRecord): FileRecord[] {
  if (!isTrashRoot(place)) return drive.state.childrenOf(folder.number);
  return [...drive.state.files.values()].filter(
    (file) => file.trashName !== undefined && file.ownerNumber === place.owner.number,
  );
}

/**
 * Folders first, then files, each in their order. When folders fill a page to the last entry, the cursor is a folder,
 * and every file that would sort before that folder is never listed: so does the real one.
 */
function takePage(
  drive: FakeDrive,
  all: readonly FileRecord[],
  pageSize: number,
  cursor: { number: number; startWithFile: boolean },
  order: Order,
): { files: FileRecord[]; nextToken: string | undefined } {
  const last = drive.state.files.get(cursor.number);
  const after = (file: FileRecord): boolean => last === undefined || order(file, last) > 0;
  const inOrder = [...all].sort(order);
  const folders = cursor.startWithFile ? [] : inOrder.filter((file) => file.isFolder && after(file));
  const page = folders.slice(0, pageSize);
  if (page.length === pageSize) {
    return { files: page, nextToken: makeCursor(drive, page, folders.length === pageSize) };
  }
  const files = inOrder.filter((file) => !file.isFolder && (!cursor.startWithFile || after(file)));
  const room = pageSize - page.length;
  page.push(...files.slice(0, room));
  return { files: page, nextToken: files.length > room ? makeCursor(drive, page, true) : undefined };
}

function shownOrder(query: URLSearchParams): Record<string, string> {
  const by = query.get("order_by") ?? "";
  return by === "" ? {} : { order: by, order_direction: query.get("order_direction") ?? "asc" };
}

type Order = (left: FileRecord, right: FileRecord) => number;

/** By what was asked, otherwise in the order of their making; so are those that are equal. */
function orderOf(query: URLSearchParams): Order {
  const by = query.get("order_by");
  const sign = query.get("order_direction") === "desc" ? -1 : 1;
  const compared: Order = (left, right) => {
    if (by === "size") return left.size - right.size;
    if (by === "updated_at") return compareText(left.updatedAt, right.updatedAt);
    return by === "name" ? compareText(left.name, right.name) : 0;
  };
  return (left, right) => sign * (compared(left, right) || left.number - right.number);
}

/** By code units, as SQLite compares. */
function compareText(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

/** @returns the parts of names that the query inside a uri asks for; undefined when it asks for none */
function searchedNames(uri: string): string[] | undefined {
  const names = new URLSearchParams(uri.split("?")[1] ?? "").getAll("name");
  return names.length === 0 ? undefined : names.map((name) => name.toLowerCase());
}

/** All below the folder whose names have each of the parts, level by level. */
function sendFound(call: Call, place: Place, top: FileRecord, wanted: readonly string[], pageSize: number): void {
  const { drive, caller, query } = call;
  const found: { file: FileRecord; names: string[] }[] = [];
  let folders = [{ folder: top, names: [...place.names] }];
  while (folders.length > 0) {
    const below: typeof folders = [];
    for (const { folder, names } of folders) {
      for (const file of drive.state.childrenOf(folder.number)) {
        const own = [...names, file.name];
        if (wanted.every((part) => file.name.toLowerCase().includes(part))) found.push({ file, names: own });
        if (file.isFolder) below.push({ folder: file, names: own });
      }
    }
    folders = below;
  }
  // The real cursor is the level and a cursor within it.
  const [from = 0] = (query.get("next_page_token") ?? "").split("|").map(Number);
  const page = found.slice(from, from + pageSize);
  const isFull = page.length === pageSize;
  const isEmptyAfterAll = page.length === 0 && from > 0;
  sendData(call, {
    files: page.map(({ file, names }) => fileObject(drive, caller, place, names, file, { metadata: "shown" })),
    parent: fileObject(drive, caller, place, place.names, top, { metadata: "null" }),
    pagination: isEmptyAfterAll
      ? null
      : { page: 0, page_size: 0, ...(isFull ? { next_token: `${from + pageSize}|` } : {}), is_cursor: true },
    props: {
      capability: capabilities[place.fs],
      max_page_size: largestPageSize,
      order_by_options: null,
      order_direction_options: null,
    },
    context_hint: randomUUID(),
    mixed_type: !isEmptyAfterAll,
    storage_policy: storagePolicy(drive),
    view: { page_size: pageSize, view: "grid", thumbnail: true },
  });
}

function makeCursor(drive: FakeDrive, page: readonly FileRecord[], startWithFile: boolean): string {
  const cursor: Cursor = { id: drive.word("file", page.at(-1)?.number ?? 0), start_with_file: startWithFile };
  return Buffer.from(JSON.stringify(cursor)).toString("base64");
}

function readCursor(drive: FakeDrive, token: string): { number: number; startWithFile: boolean } {
  if (token === "") return { number: 0, startWithFile: false };
  try {
    const cursor = JSON.parse(Buffer.from(token, "base64").toString()) as Cursor;
    return { number: drive.number("file", cursor.id) ?? 0, startWithFile: cursor.start_with_file === true };
  } catch {
    throw new DriveError(40001, "Parameter error");
  }
}
