import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import type { DriveDocument, DriveFile, DriveFiles, DriveFolders } from "../model/drive.ts";
import { BridgeError, failureOf } from "../model/failure.ts";
import type { ContentRecord } from "./contentRecord.ts";
import type { SpooledSave } from "./saveSpool.ts";

/** @returns base64 of the SHA-256 of what the drive holds: from the record, or read and hashed */
export async function sha256Of(
  drive: DriveFiles,
  content: ContentRecord,
  document: DriveDocument,
  file: DriveFile,
): Promise<string> {
  const known = await content.sha256(file);
  if (known !== undefined) return known;
  const { body, version } = await drive.read(document, file, undefined, new AbortController().signal);
  if (version !== file.version) {
    body.destroy();
    // The file was replaced while we read it: these bytes don't belong to the version in question.
    throw new BridgeError({ kind: "driveBusy" });
  }
  return sha256OfBody(body);
}

/** @returns base64 @throws driveUnreachable when the bytes stop */
export async function sha256OfBody(body: Readable): Promise<string> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) hash.update(chunk);
  } catch (error) {
    throw new BridgeError({ kind: "driveUnreachable" }, { cause: error });
  }
  return hash.digest("base64");
}

/** Does the drive hold these very bytes there? */
export async function holdsSave(
  drive: DriveFiles,
  content: ContentRecord,
  document: DriveDocument,
  file: DriveFile,
  save: SpooledSave,
): Promise<boolean> {
  if (file.sizeBytes !== save.sizeBytes) return false;
  return (await sha256Of(drive, content, document, file)) === save.sha256;
}

/** The root of an account's own files. */
const rootUri = "cloudreve://my";

/**
 * The document of a save: copies go into its folder. For a deleted document, the result only says where copies go: into
 * its last folder or, when that is gone too, into the root of its account.
 */
export async function originalOf(
  drive: DriveFiles & DriveFolders,
  { facts }: SpooledSave,
): Promise<{ readonly file: DriveFile; readonly isThere: boolean }> {
  const { document, fileName, folderUri } = facts;
  try {
    return { file: await drive.stat(document), isThere: true };
  } catch (error) {
    if (failureOf(error, "fileMissing") === undefined) throw error;
  }
  const folder = folderUri !== undefined && (await isFolder(drive, document.account, folderUri)) ? folderUri : rootUri;
  const uri = `${folder}/${encodeURIComponent(fileName)}`;
  return {
    file: { id: document.fileId, name: fileName, uri, sizeBytes: 0, version: "", modifiedAt: "" },
    isThere: false,
  };
}

async function isFolder(drive: DriveFolders, account: string, uri: string): Promise<boolean> {
  try {
    await drive.list(account, uri);
    return true;
  } catch (error) {
    if (failureOf(error, "fileMissing") === undefined) throw error;
    return false;
  }
}
