import { pipeline } from "node:stream/promises";
import { type Request, type Response, Router } from "express";
import { z } from "zod";
import type { AccessGrant } from "../documents/grants.ts";
import { pictureAddress, picturesIn, readPicture } from "../documents/pictures.ts";
import { hungUp } from "../http/hungUp.ts";
import { logFacts, logFailure } from "../http/requestLog.ts";
import { BridgeError } from "../model/failure.ts";
import type { Services } from "../services.ts";
import type { PicturesShown, PictureToInsert } from "./pageMessages.ts";

type Needs = Pick<Services, "grants" | "drive" | "tokens" | "wopiUrl" | "now">;

const querySchema = z.object({
  folder: z
    .string()
    .max(4096)
    .regex(/^cloudreve:\/\/my(\/|$)/)
    .optional(),
  next: z.string().max(1024).optional(),
});
const idSchema = z.string().regex(/^[A-Za-z0-9]{1,64}$/);

/** What the page around the editor asks when its owner inserts a picture: what there is, a look at one, its address. */
export function pictureCallsRouter(services: Needs): Router {
  const router = Router();

  router.get("/edit/:key/pictures", async (request: Request<{ key: string }>, response: Response) => {
    const grant = await standing(services, request.params.key);
    const asked = querySchema.safeParse(request.query);
    if (!asked.success) throw new BridgeError({ kind: "fileMissing" });
    logFacts({ grant: grant.id });
    response.json((await picturesIn(services, grant, asked.data.folder, asked.data.next)) satisfies PicturesShown);
  });

  router.get("/edit/:key/pictures/:id", async (request: Request<{ key: string; id: string }>, response: Response) => {
    const grant = await standing(services, request.params.key);
    const { type, content } = await readPicture(services, grant, idIn(request.params.id), hungUp(response));
    response.set({
      "Content-Type": type,
      "Content-Length": String(content.lengthBytes),
      // For <img> alone: opened as a page, an SVG could run scripts.
      "Content-Disposition": "attachment",
      "Content-Security-Policy": "sandbox; default-src 'none'",
    });
    try {
      await pipeline(content.body, response);
    } catch (error) {
      logFailure(error);
      response.destroy();
    }
  });

  router.post("/edit/:key/pictures/:id", async (request: Request<{ key: string; id: string }>, response: Response) => {
    const grant = await standing(services, request.params.key);
    const fileId = idIn(request.params.id);
    logFacts({ grant: grant.id, file: fileId });
    response.json({ url: await pictureAddress(services, grant, fileId) } satisfies PictureToInsert);
  });

  return router;
}

/** @throws ticketInvalid */
async function standing({ grants }: Needs, key: string): Promise<AccessGrant> {
  const { grant, ended } = await grants.behindPageKey(key);
  if (ended !== undefined) throw new BridgeError({ kind: "ticketInvalid" });
  return grant;
}

function idIn(written: string): string {
  const id = idSchema.safeParse(written);
  if (!id.success) throw new BridgeError({ kind: "fileMissing" });
  return id.data;
}
