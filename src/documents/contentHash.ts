import { createHash } from "node:crypto";
import type { Drive, DriveDocument, DriveFile } from "../model/drive.ts";
import { BridgeError } from "../model/failure.ts";
import type { ContentRecord } from "./contentRecord.ts";

/** @returns base64 of the SHA-256 of what the drive holds: remembered, or read and hashed */
export async function sha256Of(
  drive: Drive,
  content: ContentRecord,
  document: DriveDocument,
  file: DriveFile,
): Promise<string> {
  const known = await content.sha256(file);
  if (known !== undefined) return known;
  const { body, version } = await drive.read(document, file, undefined, new AbortController().signal);
  if (version !== file.version) {
    body.destroy();
    // Replaced while we asked: these bytes say nothing of the version in question.
    throw new BridgeError({ kind: "driveBusy" });
  }
  const hash = createHash("sha256");
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) hash.update(chunk);
  } catch (error) {
    throw new BridgeError({ kind: "driveUnreachable" }, { cause: error });
  }
  return hash.digest("base64");
}
