import type { RequestHandler } from "express";
import { logFacts } from "../http/requestLog.ts";
import { BridgeError } from "../model/failure.ts";
import { record, rowObject } from "../model/record.ts";
import type { Services } from "../services.ts";
import { send } from "./answer.ts";
import { handOver, isMarked } from "./offload.ts";

/** The last segment of the WOPISrc with which `npm run doctor` has an editor call the bridge; no file's id has a dot. */
export const doctorFileId = "doctor.check";
const rememberedMs = 60_000;
/** An address of contents that Cloudreve has not signed, and refuses. */
const noContent = "doctor/0/doctor?sign=doctor";

/**
 * `/wopi/files/doctor.check`: there is no such document, so an editor that calls is refused; with a token that the doctor
 * signed, the call is noted. The doctor then asks with `&arrived`. @returns `{"arrived": boolean}` to the doctor
 * With `&offload` it is answered as a document that nginx moves.
 * @throws tokenInvalid to everybody else
 */
export function doctorFile(services: Pick<Services, "tokens" | "store" | "now" | "config">): RequestHandler {
  const { tokens, store, now } = services;
  const calls = record(store, "doctorCall", rowObject({}));
  return async (request, response) => {
    logFacts({ operation: "CHECK_FILE_INFO", file: doctorFileId });
    const { access_token: token, arrived, offload } = request.query;
    const claims = await tokens.verify(typeof token === "string" ? token : "");
    if (claims.fileId !== doctorFileId) throw new BridgeError({ kind: "tokenInvalid" });
    if (arrived !== undefined) {
      response.json({ arrived: (await calls.get(claims.grantId)) !== undefined });
      return;
    }
    if (offload !== undefined) {
      const isHandedOver = isMarked(services, (name) => request.get(name));
      await send(response, isHandedOver ? handOver(noContent, {}) : { json: { offload: false } });
      return;
    }
    await calls.put(claims.grantId, {}, now() + rememberedMs);
    throw new BridgeError({ kind: "tokenInvalid" });
  };
}
