import { suiteOf } from "../editors/suites.ts";
import type { DriveContent, DriveFile } from "../model/drive.ts";
import { BridgeError } from "../model/failure.ts";
import { fileType } from "../model/fileName.ts";
import type { Services } from "../services.ts";
import { type AccessGrant, isOwners } from "./grants.ts";

/** What editors insert, by extension. */
const pictureTypes: Readonly<Record<string, string>> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  bmp: "image/bmp",
  webp: "image/webp",
  svg: "image/svg+xml",
};
/** ONLYOFFICE refuses more than 25 MB. */
const pictureAtMostBytes = 20 * 1024 * 1024;
/** An editor's server fetches a picture at once, but may ask several times. */
const addressLifetimeMs = 5 * 60_000;
/** A folder of thousands of documents may have no picture. */
const pagesAtMost = 5;
const rootUri = "cloudreve://my";

interface PictureFolder {
  /** From the root to this folder; the root's name is empty. */
  readonly path: readonly { readonly name: string; readonly uri: string }[];
  readonly folders: readonly { readonly name: string; readonly uri: string }[];
  readonly pictures: readonly { readonly id: string; readonly name: string }[];
  readonly next: string | null;
}

/**
 * Whether a picture from the drive can be put into the document: by its owner, who is signed in on our own pages, in an
 * editor that takes an address of one. Nobody else sees what the account has.
 */
export function mayInsertPictures(grant: AccessGrant): boolean {
  return (
    isOwners(grant) &&
    grant.permission === "edit" &&
    grant.document.version === undefined &&
    suiteOf(grant.actionUrl).insertsPictures
  );
}

/** @throws rightMissing */
function requireRight(grant: AccessGrant): void {
  if (!mayInsertPictures(grant)) throw new BridgeError({ kind: "rightMissing", right: "picture" });
}

/** What a folder has to insert. @param folder its uri; the document's own when left out @throws rightMissing, fileMissing */
export async function picturesIn(
  { drive }: Pick<Services, "drive">,
  grant: AccessGrant,
  folder: string | undefined,
  next: string | undefined,
): Promise<PictureFolder> {
  requireRight(grant);
  const { account } = grant.document;
  const uri = folder ?? folderOf((await drive.stat(grant.document)).uri);
  const found: { folders: { name: string; uri: string }[]; pictures: { id: string; name: string }[] } = {
    folders: [],
    pictures: [],
  };
  let cursor = next;
  for (let page = 0; page < pagesAtMost; page++) {
    const listed = await drive.list(account, uri === rootUri ? undefined : uri, cursor);
    for (const entry of listed.entries) {
      if (entry.kind === "folder") found.folders.push({ name: entry.name, uri: entry.uri });
      else if (isPicture(entry)) found.pictures.push({ id: entry.id, name: entry.name });
    }
    cursor = listed.next;
    if (cursor === undefined || found.folders.length + found.pictures.length > 0) break;
  }
  return { path: pathOf(uri), ...found, next: cursor ?? null };
}

/**
 * Where an editor's server fetches a picture: for a few minutes, and nothing but this one. It ends with the session.
 * @throws rightMissing; fileMissing when it is none of the person's pictures
 */
export async function pictureAddress(
  services: Pick<Services, "drive" | "tokens" | "wopiUrl" | "now">,
  grant: AccessGrant,
  fileId: string,
): Promise<string> {
  requireRight(grant);
  const file = await pictureOf(services, grant, fileId);
  const expiresAtMs = Math.min(services.now() + addressLifetimeMs, grant.expiresAtMs);
  const token = await services.tokens.sign({ grantId: grant.id, fileId: resourceOf(fileId), expiresAtMs });
  // ONLYOFFICE looks at the extension, and nobody needs the name.
  return `${services.wopiUrl}/wopi/pictures/${token}/picture.${fileType(file.name)}`;
}

/** What such an address leads to. @throws tokenInvalid, fileMissing */
export async function behindPictureAddress(
  { tokens, grants }: Pick<Services, "tokens" | "grants">,
  token: string,
): Promise<{ readonly grant: AccessGrant; readonly fileId: string }> {
  const claims = await tokens.verify(token);
  const [, fileId] = /^picture\/(.+)$/.exec(claims.fileId) ?? [];
  const grant = fileId === undefined ? undefined : await grants.find(claims.grantId);
  if (fileId === undefined || grant === undefined || grant.revokedAtMs !== undefined || !mayInsertPictures(grant))
    throw new BridgeError({ kind: "tokenInvalid" });
  return { grant, fileId };
}

/** A picture's bytes and type. The caller must read or destroy the body. @throws rightMissing, fileMissing */
export async function readPicture(
  services: Pick<Services, "drive">,
  grant: AccessGrant,
  fileId: string,
  signal: AbortSignal,
): Promise<{ readonly type: string; readonly content: DriveContent }> {
  requireRight(grant);
  const file = await pictureOf(services, grant, fileId);
  const document = { account: grant.document.account, fileId };
  const content = await services.drive.read(document, file, undefined, signal);
  return { type: pictureTypes[fileType(file.name) ?? ""] ?? "application/octet-stream", content };
}

async function pictureOf(
  { drive }: Pick<Services, "drive">,
  { document }: AccessGrant,
  fileId: string,
): Promise<DriveFile> {
  const file = await drive.find(document.account, { fileId });
  if (!isPicture(file)) throw new BridgeError({ kind: "fileMissing" });
  return file;
}

function isPicture({ name, sizeBytes }: Pick<DriveFile, "name" | "sizeBytes">): boolean {
  return Object.hasOwn(pictureTypes, fileType(name) ?? "") && sizeBytes > 0 && sizeBytes <= pictureAtMostBytes;
}

/** No file's id has a slash: it is no access token. */
const resourceOf = (fileId: string): string => `picture/${fileId}`;

function folderOf(fileUri: string): string {
  const folder = fileUri.slice(0, fileUri.lastIndexOf("/"));
  return folder.startsWith(`${rootUri}/`) ? folder : rootUri;
}

function pathOf(uri: string): PictureFolder["path"] {
  const steps = uri
    .slice(rootUri.length)
    .split("/")
    .filter((step) => step !== "");
  const below = steps.map((step, at) => ({
    name: decoded(step),
    uri: `${rootUri}/${steps.slice(0, at + 1).join("/")}`,
  }));
  return [{ name: "", uri: rootUri }, ...below];
}

function decoded(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    return step;
  }
}
