import { pipeline } from "node:stream/promises";
import type { Request, RequestHandler, Response } from "express";
import { behindPictureAddress, readPicture } from "../documents/pictures.ts";
import { hungUp } from "../http/hungUp.ts";
import { logFacts } from "../http/requestLog.ts";
import type { Services } from "../services.ts";
import { counted } from "./countedCall.ts";

/**
 * `/wopi/pictures/TOKEN/picture.png`: a picture from the drive that the owner inserts, for the editor's server. It sends no
 * access token and no proof with it, but may ask for the head first. Collabora only fetches from hosts that it knows,
 * such as that of WOPISrc.
 */
export function pictureContents(services: Services): RequestHandler<{ secret: string }> {
  return async (request, response) => {
    const { grant, fileId } = await behindPictureAddress(services, request.params.secret);
    logFacts({ operation: "PICTURE", file: fileId, grant: grant.id });
    await counted(services, request, grant, async () => {
      const { type, content } = await readPicture(services, grant, fileId, hungUp(response));
      response.status(200).set({
        "Content-Type": type,
        "Content-Length": String(content.lengthBytes),
        "Content-Disposition": "attachment",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
      });
      if (request.method === "HEAD") {
        content.body.destroy();
        response.end();
      } else await pipeline(content.body, response);
    });
  };
}

/** A real Collabora asks before it fetches: LibreOffice looks whether it has a WebDAV server before it. */
export function pictureMethods(_request: Request, response: Response): void {
  response.status(204).set("Allow", "GET, HEAD").end();
}
