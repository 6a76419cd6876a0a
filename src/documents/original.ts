import type { DriveFile, DriveFiles, DriveFolders } from "../model/drive.ts";
import { failureOf } from "../model/failure.ts";
import type { SpooledSave } from "./saveSpool.ts";

/** Of an account's own files. */
const rootUri = "cloudreve://my";

/**
 * The document that a save is of, beside which a copy goes. Of one that is gone there is left to say where copies of it
 * go: into the folder where it lay last, or, when that is gone too, to the root of its account.
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
