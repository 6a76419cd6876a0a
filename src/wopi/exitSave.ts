import type { Request } from "express";
import { receiveUndecided } from "../documents/undecidedSave.ts";
import { suiteOfKey } from "../editors/suites.ts";
import { logFacts, logFailure } from "../http/requestLog.ts";
import { failureOf } from "../model/failure.ts";
import type { Services } from "../services.ts";
import { proofOf, requireKnownProof } from "./proofKey.ts";
import { placingHeaders } from "./putFile.ts";
import { isExitSave, saveBody } from "./wopiCall.ts";

/** A person whose right has ended has few last saves; sending more must not change what others are told without end. */
const lastSavesWithoutRight = { most: 20, withinMs: 3_600_000 };

export function isLastSave(request: Request): boolean {
  return isSave(request) && isExitSave({ header: (name) => request.get(name) || undefined });
}

export function isSave(request: Request): boolean {
  return request.path.endsWith("/contents") && request.get("X-WOPI-Override") === "PUT";
}

/** Keeps an exit save to decide on later. Never rejects. @returns whether it is in the spool */
export async function keepUndecided(services: Services, request: Request, token: string): Promise<boolean> {
  const header = (name: string) => request.get(name) || undefined;
  if (!isLastSave(request)) return false;
  try {
    const claims = await services.tokens.verify(token, true);
    if (claims.fileId !== request.params["id"]) return false;
    requireKnownProof(services.editors, services.config.PROOF_KEYS, proofOf(services, request), services.now());
    const { grantId, fileId, expiresAtMs } = claims;
    const save = { grantId, wopiFileId: fileId, ...placingHeaders({ header }) };
    await receiveUndecided(services, save, expiresAtMs, saveBody({ header, body: request }));
    logFacts({ save: "undecided", file: claims.fileId });
    return true;
  } catch (error) {
    logFailure(error);
    return false;
  }
}

/**
 * After an exit save that is not in the document: an editor that keeps it, and would show it in place of the file, is told
 * another Version from now on. If the save is safe, it may then be answered 200. Never rejects.
 * @returns whether that is done; false for another suite's call, or one that can't be trusted
 */
export async function setAside(
  services: Services,
  request: Request,
  token: string,
  refusal: unknown,
): Promise<boolean> {
  try {
    // Not by the grant: it may be forgotten by now, or the store unreachable.
    const { editor, fileId, grantId } = await services.tokens.verify(token, true);
    if (editor === undefined || !suiteOfKey(editor).keepsUnplacedExitSaves) return false;
    if (fileId !== request.params["id"] || failureOf(refusal, "proofInvalid") !== undefined) return false;
    requireKnownProof(services.editors, services.config.PROOF_KEYS, proofOf(services, request), services.now());
    const isWithoutRight = [failureOf(refusal, "tokenInvalid"), failureOf(refusal, "rightMissing")].some(Boolean);
    if (isWithoutRight) {
      await services.allowances.take("last saves without a right", grantId, lastSavesWithoutRight);
    }
    await services.toldVersions.change(fileId);
    return true;
  } catch (error) {
    logFailure(error);
    return false;
  }
}
