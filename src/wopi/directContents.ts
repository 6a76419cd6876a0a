import type { Request, RequestHandler } from "express";
import { wopiFileId } from "../documents/grants.ts";
import { readerOf } from "../documents/readingAddress.ts";
import { suiteOf } from "../editors/suites.ts";
import { hungUp } from "../http/hungUp.ts";
import { logFacts } from "../http/requestLog.ts";
import { BridgeError } from "../model/failure.ts";
import type { Services } from "../services.ts";
import { send } from "./answer.ts";
import { fileNow } from "./checkFileInfo.ts";
import { counted } from "./countedCall.ts";
import { loadOf, recordLoad } from "./getFile.ts";

/**
 * Behind FileUrl: the document as it is now. An editor's server that follows redirects is sent on to the drive's own
 * address of this very version, which becomes the base of its saves as with GetFile; otherwise the bytes come from here.
 * The call has no access token and no proof, but the address's own token.
 * @see WOPI CheckFileInfo, FileUrl
 */
export function directContents(services: Services): RequestHandler {
  return async (request: Request, response) => {
    const grant = await readerOf(services, "direct", request.query["read"]);
    if (request.params["id"] !== wopiFileId(grant.document)) throw new BridgeError({ kind: "tokenInvalid" });
    logFacts({ operation: "FILE_URL", file: grant.document.fileId, grant: grant.id });
    const signal = hungUp(response);
    await counted(services, request, grant, async () => {
      const file = await fileNow(services, grant.document);
      const isSentOn = suiteOf(grant.actionUrl).readsFileUrl === "redirected";
      const address = isSentOn ? await services.drive.addressForEditor(grant.document, file, signal) : undefined;
      if (address === undefined) {
        await send(response, await loadOf(services, grant, file, undefined, signal));
        return;
      }
      await recordLoad(services, grant, file, file.version);
      response.status(302).set({ Location: address, "X-WOPI-ItemVersion": file.version }).end();
    });
  };
}
