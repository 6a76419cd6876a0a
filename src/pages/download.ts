import { pipeline } from "node:stream/promises";
import { Router } from "express";
import { readerOf } from "../documents/readingAddress.ts";
import { hungUp } from "../http/hungUp.ts";
import { logFacts } from "../http/requestLog.ts";
import { BridgeError } from "../model/failure.ts";
import type { Services } from "../services.ts";

/** `/download`: the document of an open session, as a file for the person's own disk. The address ends with the session. */
export function downloadRouter(services: Pick<Services, "tokens" | "grants" | "drive">): Router {
  const router = Router();
  router.get("/download/:secret", async (request, response) => {
    const grant = await readerOf(services, "download", request.params.secret).catch((error: unknown) => {
      // A person who comes with an old address is not asked to sign in.
      throw error instanceof BridgeError && error.failure.kind === "tokenInvalid"
        ? new BridgeError({ kind: "ticketInvalid" }, { cause: error })
        : error;
    });
    logFacts({ grant: grant.id, file: grant.document.fileId });
    const file = await services.drive.stat(grant.document);
    const content = await services.drive.read(grant.document, file, undefined, hungUp(response));
    // Never shown in the browser: what is in a document is not our page.
    response
      .attachment(file.name)
      .type("application/octet-stream")
      .set({
        "Content-Length": String(content.lengthBytes),
        "Content-Security-Policy": "sandbox",
      });
    await pipeline(content.body, response);
  });
  return router;
}
