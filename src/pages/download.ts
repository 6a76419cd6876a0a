import { pipeline } from "node:stream/promises";
import { type Request, type Response, Router } from "express";
import { readerOf } from "../documents/readingAddress.ts";
import { contentRange, plainRange } from "../http/byteRange.ts";
import { hungUp } from "../http/hungUp.ts";
import { logFacts, logFailure } from "../http/requestLog.ts";
import type { DriveDocument, DriveFile } from "../model/drive.ts";
import { BridgeError } from "../model/failure.ts";
import type { Services } from "../services.ts";
import { answerFailures, type PageNeeds } from "./pageAnswer.ts";

export type DownloadNeeds = Pick<Services, "drive">;
type Needs = PageNeeds & DownloadNeeds & Pick<Services, "tokens" | "grants" | "openCalls">;

/**
 * `/download`: the document of an open session, as a file for the person's own disk. The address ends with the session.
 * @see WOPI CheckFileInfo, DownloadUrl
 */
export function downloadRouter(services: Needs): Router {
  const router = Router();
  router.get("/download/:secret", async (request, response) => {
    const grant = await readerOf(services, "download", request.params.secret).catch((error: unknown) => {
      // A person who comes with an old address is not asked to sign in.
      throw error instanceof BridgeError && error.failure.kind === "tokenInvalid"
        ? new BridgeError({ kind: "ticketInvalid" }, { cause: error })
        : error;
    });
    logFacts({ grant: grant.id, file: grant.document.fileId });
    const end = services.openCalls.begin(grant, "downloads");
    try {
      await sendFile(services, grant.document, request, response);
    } finally {
      end();
    }
  });
  // Whoever has the address need not be signed in here, as a visitor.
  router.use(
    "/download",
    answerFailures(services, () => true),
  );
  return router;
}

/** Sends a document as a file, or the part of it that was asked for. */
export async function sendFile(
  services: DownloadNeeds,
  document: DriveDocument,
  request: Request,
  response: Response,
): Promise<void> {
  const file = await services.drive.stat(document);
  if (request.method === "HEAD") {
    asFile(response, file).set("Content-Length", String(file.sizeBytes)).end();
    return;
  }
  const range = plainRange(request.get("Range"), request.get("If-Range"), etagOf(file));
  const signal = hungUp(response);
  let content = await services.drive.read(document, file, range, signal);
  if (range !== undefined && content.version !== file.version) {
    // Saved in this moment: the rest of another version is no rest.
    content.body.destroy();
    content = await services.drive.read(document, file, undefined, signal);
  }
  const { body, lengthBytes, sizeBytes, version } = content;
  asFile(response, { ...file, version }).set("Content-Length", String(lengthBytes));
  if (content.range !== undefined) {
    response.status(206).set("Content-Range", contentRange(content.range, sizeBytes));
  }
  try {
    await pipeline(body, response);
  } catch (error) {
    // Half of it has been sent: nothing may be added to it.
    logFailure(error);
    response.destroy();
  }
}

/** Never shown in the browser: what is in a document is not our page. The ETag lets a broken download go on. */
function asFile(response: Response, file: DriveFile): Response {
  return response.attachment(file.name).set({
    "Content-Type": "application/octet-stream",
    "Content-Security-Policy": "sandbox",
    "Accept-Ranges": "bytes",
    ETag: etagOf(file),
  });
}

const etagOf = ({ version }: Pick<DriveFile, "version">): string => `"${version}"`;
