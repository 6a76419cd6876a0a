import { z } from "zod";
import type { DriveEntry, DriveFolderPage, DriveOrder } from "../model/drive.ts";
import { BridgeError, failureOf } from "../model/failure.ts";
import type { CloudreveClient } from "./client.ts";
import { type CloudreveFile, cloudreveFileSchema, driveFile, isOwn } from "./fileApi.ts";

const pageSize = 100;
export const folderType = 1;

export const pageSchema = z.object({
  files: z.array(cloudreveFileSchema),
  /** null behind the last page of a search. */
  pagination: z.object({ next_token: z.string().optional() }).nullable(),
});
type CloudrevePage = z.infer<typeof pageSchema>;

/**
 * One page of a folder of the account's own: folders first, then files, both in the order asked for.
 * @param next cursor of the previous page
 * @throws fileMissing when there is no such folder, or the cursor is not valid
 * @see Cloudreve GET /file; recordings/cloudreve/file-list.json
 */
export async function folderPage(
  client: CloudreveClient,
  accessToken: string,
  folderUri = "cloudreve://my",
  next?: string,
  order: DriveOrder = { by: "name", direction: "asc" },
): Promise<DriveFolderPage> {
  if (!isOwn(folderUri)) throw new BridgeError({ kind: "fileMissing" });
  const ask = (size: number) => askForPage(client, accessToken, folderUri, size, next, orderQuery(order));
  let page = await ask(pageSize);
  // When the page ends with the last folder, Cloudreve's cursor skips every file whose name sorts before that folder's.
  // A page one entry longer ends with a file, and its cursor is right.
  if (page.files.length === pageSize && page.pagination?.next_token !== undefined && page.files.every(isFolder)) {
    const longer = await ask(pageSize + 1);
    const oneMore = longer.files[pageSize];
    if (oneMore === undefined || !isFolder(oneMore)) page = longer;
  }
  const entries = page.files.map(entryOf);
  // The drive's own order is kept for sizes and times.
  if (order.by === "name") entries.sort((left, right) => byKindAndName(left, right, order.direction));
  return { entries, next: page.pagination?.next_token };
}

/**
 * One page of all files and folders below the account's root whose names contain the text, whatever its case.
 * @see recordings/cloudreve/file-search.json
 */
export async function searchPage(
  client: CloudreveClient,
  accessToken: string,
  text: string,
  next?: string,
): Promise<DriveFolderPage> {
  const query = new URLSearchParams({ case_folding: "", name: text });
  const uri = `cloudreve://my?${query.toString().replaceAll("+", "%20")}`;
  const { files, pagination } = await askForPage(client, accessToken, uri, pageSize, next, {});
  return { entries: files.map(entryOf), next: pagination?.next_token };
}

const orderFields = { name: "name", size: "size", modifiedAt: "updated_at" } as const;

function orderQuery({ by, direction }: DriveOrder): Readonly<Record<string, string>> {
  return { order_by: orderFields[by], order_direction: direction };
}

async function askForPage(
  client: CloudreveClient,
  accessToken: string,
  uri: string,
  size: number,
  next: string | undefined,
  order: Readonly<Record<string, string>>,
): Promise<CloudrevePage> {
  try {
    return await client.api(pageSchema, {
      method: "GET",
      path: "/file",
      query: { uri, page_size: String(size), ...order, next_page_token: next },
      accessToken,
    });
  } catch (error) {
    // For a malformed uri or cursor: Cloudreve answers -1 without a message (July 2026).
    const code = failureOf(error, "driveFailed")?.code;
    if (code === 40001 || (code === -1 && next !== undefined)) throw new BridgeError({ kind: "fileMissing" });
    throw error;
  }
}

const isFolder = ({ type }: CloudreveFile): boolean => type === folderType;

export function entryOf(file: CloudreveFile): DriveEntry {
  return { kind: isFolder(file) ? "folder" : "file", ...driveFile(file) };
}

/** Cloudreve's databases sort names in different ways; each page is sorted here, as people expect. */
const names = new Intl.Collator("en", { numeric: true });

function byKindAndName(left: DriveEntry, right: DriveEntry, direction: DriveOrder["direction"]): number {
  if (left.kind !== right.kind) return left.kind === "folder" ? -1 : 1;
  return (direction === "asc" ? 1 : -1) * names.compare(left.name, right.name);
}
