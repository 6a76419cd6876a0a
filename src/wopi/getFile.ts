import type { AccessGrant } from "../documents/grants.ts";
import { editorKey } from "../editors/suites.ts";
import { plainRange } from "../http/byteRange.ts";
import type { DriveContent, DriveFile } from "../model/drive.ts";
import { BridgeError } from "../model/failure.ts";
import type { Services } from "../services.ts";
import { fileNow } from "./checkFileInfo.ts";
import { addressForProxy, handOver } from "./offload.ts";
import type { WopiOperation, WopiReply } from "./wopiCall.ts";

type Needs = Pick<Services, "drive" | "content" | "activity" | "locks">;

/**
 * The file's bytes, streamed. The version sent to somebody who may save becomes the base of what their editor saves
 * later.
 * @throws expectedSizeExceeded when the file is larger than X-WOPI-MaxExpectedSize
 * @see WOPI GetFile
 */
export function getFile(services: Needs & Pick<Services, "config">): WopiOperation {
  return async ({ grant, header, signal }) => {
    const file = await fileNow(services, grant.document);
    const expected = maxExpectedSize(header("X-WOPI-MaxExpectedSize"));
    if (expected !== undefined && file.sizeBytes > expected) throw new BridgeError({ kind: "expectedSizeExceeded" });
    // No ETag is sent, so a condition on one fails.
    const range = plainRange(header("Range"), header("If-Range"));
    const address = range === undefined ? await addressForProxy(services, { grant, header, signal }, file) : undefined;
    if (address === undefined) return loadOf(services, grant, file, range, signal);
    await recordLoad(services, grant, file, file.version);
    return handOver(address, { "X-WOPI-ItemVersion": file.version });
  };
}

/** The bytes of a file, recorded as a load before the first of them is sent. */
export async function loadOf(
  services: Needs,
  grant: AccessGrant,
  file: DriveFile,
  range: string | undefined,
  signal: AbortSignal,
): Promise<WopiReply> {
  const content = await services.drive.read(grant.document, file, range, signal);
  try {
    if (isWhole(content)) await recordLoad(services, grant, file, content.version);
    else await services.activity.seen(grant, "getFile");
  } catch (error) {
    content.body.destroy();
    throw error;
  }
  return { headers: { "X-WOPI-ItemVersion": content.version }, content };
}

/**
 * Before the first byte: a save based on these bytes can't arrive earlier. Only for somebody who may save: a viewer's
 * editor may have a separate copy, which the saves of the editing one are not based on.
 * @param version that the editor gets
 */
export async function recordLoad(
  { activity, content }: Pick<Services, "activity" | "content">,
  grant: AccessGrant,
  file: DriveFile,
  version: string,
): Promise<void> {
  const { document, permission, actionUrl } = grant;
  await activity.seen(grant, "getFile");
  if (document.version !== undefined || permission !== "edit") return;
  const lastModifiedTime = await content.lastModifiedTime(file);
  await content.loaded(document.fileId, editorKey(actionUrl), version, lastModifiedTime);
}

/** A save can't be based on a part of the file. */
function isWhole({ range, sizeBytes }: DriveContent): boolean {
  return range === undefined || (range.first === 0 && range.last === sizeBytes - 1);
}

function maxExpectedSize(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!/^\d{1,19}$/.test(value)) {
    throw new BridgeError({ kind: "headerInvalid", header: "X-WOPI-MaxExpectedSize", reason: "not a number" });
  }
  return Number(value);
}
