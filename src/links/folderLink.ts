import type { DriveEntry, DriveFile, DriveFolder, OpenRequest } from "../model/drive.ts";
import { BridgeError, onFailure } from "../model/failure.ts";
import type { Services } from "../services.ts";
import type { EditLink } from "./links.ts";

type Needs = Pick<Services, "drive">;

/** A page has at least this many entries, if there are more. */
const entriesAtLeast = 50;
/** One page of ours reads at most this many of the drive's: a folder may hold ten thousand photos and one document. */
const drivePagesAtMost = 10;

/** What a link leads to. */
export interface LinkTarget {
  readonly file: Pick<DriveFile, "id" | "name">;
  /** `file` is a folder. */
  readonly isFolder: boolean;
}

export interface FolderListing {
  /** The shared folder first, the one that is listed last. */
  readonly path: readonly DriveFolder[];
  readonly entries: readonly DriveEntry[];
  readonly next: string | undefined;
}

/**
 * A file or folder of this account's.
 * @throws fileMissing, also for the root: a link to it would share everything there will ever be
 */
export async function linkTarget(
  { drive }: Needs,
  account: string,
  target: OpenRequest["target"],
): Promise<LinkTarget> {
  return onFailure(
    "fileMissing",
    async () => ({ file: await drive.find(account, target), isFolder: false }),
    async (_failure, error) => {
      const folder = await drive.folder(account, "uri" in target ? target : { folderId: target.fileId });
      if (folder.name === "") throw error;
      return { file: folder, isFolder: true };
    },
  );
}

/**
 * A file that lies in a link's folder, or below it, at this moment. Both are looked up by their ids: no visitor ever
 * names a path.
 * @throws fileMissing, in the same way for a file elsewhere as for none
 */
export async function fileWithin({ drive }: Needs, link: EditLink, fileId: string): Promise<DriveFile> {
  const shared = await drive.folder(link.account, { folderId: link.fileId });
  const file = await drive.find(link.account, { fileId });
  if (!isInside(shared.uri, file.uri)) throw new BridgeError({ kind: "fileMissing" });
  return file;
}

/**
 * Whether a session that came through a folder's link has to end: its document lies elsewhere now. While that can't be
 * found out, the session goes on.
 */
export async function hasLeftFolder(
  services: Needs & Pick<Services, "links" | "note">,
  linkId: string | undefined,
  fileId: string,
): Promise<boolean> {
  const link = linkId === undefined ? undefined : await services.links.find(linkId);
  if (link?.folder !== true) return false;
  return onFailure(
    "fileMissing",
    () => fileWithin(services, link, fileId).then(() => false),
    () => true,
  ).catch((error: unknown) => {
    services.note(error);
    return false;
  });
}

/**
 * One page of a link's folder, or of a folder below it: folders, and the files that are shown.
 * @param asked folderId: the shared one when left out; next: from the page before
 * @throws fileMissing as `fileWithin`; driveBusy when the folder was moved at this moment
 */
export async function listWithin(
  { drive }: Needs,
  link: EditLink,
  asked: { readonly folderId?: string | undefined; readonly next?: string | undefined },
  isShown: (fileName: string) => boolean,
): Promise<FolderListing> {
  const { account } = link;
  const shared = await drive.folder(account, { folderId: link.fileId });
  const path = await pathWithin(drive, account, shared, asked.folderId ?? shared.id);
  const folder = path.at(-1) ?? shared;
  const entries: DriveEntry[] = [];
  let next = asked.next;
  for (let pages = 0; pages < drivePagesAtMost; pages++) {
    const page = await drive.list(account, folder.uri, next);
    entries.push(...page.entries.filter(({ kind, name }) => kind === "folder" || isShown(name)));
    next = page.next;
    if (next === undefined || entries.length >= entriesAtLeast) break;
  }
  // The drive lists what lies at an address: that must still have been this folder.
  const { uri } = await drive.folder(account, { folderId: folder.id });
  if (uri !== folder.uri) throw new BridgeError({ kind: "driveBusy" });
  return { path, entries, next };
}

/** @returns the folders from the shared one down to this one @throws fileMissing when it is not among them */
async function pathWithin(
  drive: Needs["drive"],
  account: string,
  shared: DriveFolder,
  folderId: string,
): Promise<DriveFolder[]> {
  if (folderId === shared.id) return [shared];
  const folder = await drive.folder(account, { folderId });
  if (!isInside(shared.uri, folder.uri)) throw new BridgeError({ kind: "fileMissing" });
  const above = await drive.foldersAbove(account, folder.uri);
  return [shared, ...above.filter(({ uri }) => isInside(shared.uri, uri)), folder];
}

/**
 * Whether a file or folder lies below a folder, by the drive's addresses of both. Step by step and decoded once: what
 * looks like a slash or a way up in a name is neither.
 */
export function isInside(folderUri: string, uri: string): boolean {
  const above = stepsOf(folderUri);
  const steps = stepsOf(uri);
  const below = steps.slice(above.length);
  return (
    below.length > 0 &&
    above.every((step, at) => step !== undefined && step === steps[at]) &&
    below.every((step) => step !== undefined && !["", ".", ".."].includes(step))
  );
}

/** @returns undefined in place of a step that is no valid encoding */
function stepsOf(uri: string): (string | undefined)[] {
  return uri
    .replace(/\/$/, "")
    .split("/")
    .map((step) => {
      try {
        return decodeURIComponent(step);
      } catch {
        return undefined;
      }
    });
}
