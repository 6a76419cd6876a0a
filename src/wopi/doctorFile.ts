import type { RequestHandler } from "express";
import { logFacts } from "../http/requestLog.ts";
import { BridgeError } from "../model/failure.ts";
import { record, rowObject } from "../model/record.ts";
import type { Services } from "../services.ts";

/** The last segment of the WOPISrc with which `npm run doctor` has an editor call the bridge; no file's id has a dot. */
export const doctorFileId = "doctor.check";
const rememberedMs = 60_000;

/**
 * `/wopi/files/doctor.check`: there is no such document, so an editor that calls is refused; with a token that the doctor
 * signed, the call is noted. The doctor then asks with `&arrived`. @returns `{"arrived": boolean}` to the doctor
 * @throws tokenInvalid to everybody else
 */
export function doctorFile({ tokens, store, now }: Pick<Services, "tokens" | "store" | "now">): RequestHandler {
  const calls = record(store, "doctorCall", rowObject({}));
  return async (request, response) => {
    logFacts({ operation: "CHECK_FILE_INFO", file: doctorFileId });
    const { access_token: token, arrived } = request.query;
    const claims = await tokens.verify(typeof token === "string" ? token : "");
    if (claims.fileId !== doctorFileId) throw new BridgeError({ kind: "tokenInvalid" });
    if (arrived !== undefined) {
      response.json({ arrived: (await calls.get(claims.grantId)) !== undefined });
      return;
    }
    await calls.put(claims.grantId, {}, now() + rememberedMs);
    throw new BridgeError({ kind: "tokenInvalid" });
  };
}
