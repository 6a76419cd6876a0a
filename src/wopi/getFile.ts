import { editorKey } from "../editors/suites.ts";
import type { DriveContent } from "../model/drive.ts";
import { BridgeError } from "../model/failure.ts";
import type { Services } from "../services.ts";
import { fileNow } from "./checkFileInfo.ts";
import type { WopiCall, WopiOperation } from "./wopiCall.ts";

/**
 * The file's bytes, streamed. The version sent to somebody who may save becomes the base of what their editor saves
 * later.
 * @throws expectedSizeExceeded when the file is larger than X-WOPI-MaxExpectedSize
 * @see WOPI GetFile
 */
export function getFile(services: Pick<Services, "drive" | "content" | "activity" | "locks">): WopiOperation {
  return async ({ grant, header, signal }) => {
    const file = await fileNow(services, grant.document);
    const expected = maxExpectedSize(header("X-WOPI-MaxExpectedSize"));
    if (expected !== undefined && file.sizeBytes > expected) throw new BridgeError({ kind: "expectedSizeExceeded" });
    const content = await services.drive.read(grant.document, file, plainRange(header), signal);
    try {
      await services.activity.seen(grant, "getFile");
      // Before the first byte: a save based on these bytes can't arrive earlier. Only for somebody who may save: a
      // viewer's editor may have a separate copy, which the saves of the editing one are not based on.
      if (grant.document.version === undefined && grant.permission === "edit" && isWhole(content)) {
        const lastModifiedTime = await services.content.lastModifiedTime(file);
        await services.content.loaded(
          grant.document.fileId,
          editorKey(grant.actionUrl),
          content.version,
          lastModifiedTime,
        );
      }
    } catch (error) {
      content.body.destroy();
      throw error;
    }
    return { headers: { "X-WOPI-ItemVersion": content.version }, content };
  };
}

/** A save can't be based on a part of the file. */
function isWhole({ range, sizeBytes }: DriveContent): boolean {
  return range === undefined || (range.first === 0 && range.last === sizeBytes - 1);
}

/**
 * A single range, or the last bytes of the file; several ranges would be answered as a multipart body, which is not the
 * document. A condition on an ETag fails, since our answers have none: the answer is then the whole file.
 */
function plainRange(header: WopiCall["header"]): string | undefined {
  const range = header("Range");
  if (range === undefined || header("If-Range") !== undefined) return undefined;
  return /^bytes=(\d+-\d*|-\d+)$/.test(range) ? range : undefined;
}

function maxExpectedSize(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!/^\d{1,19}$/.test(value)) {
    throw new BridgeError({ kind: "headerInvalid", header: "X-WOPI-MaxExpectedSize", reason: "not a number" });
  }
  return Number(value);
}
