import type { Request } from "express";
import { openChild } from "../documents/folderReach.ts";
import { type AccessGrant, mayEdit, reachesFolders, wopiFileId } from "../documents/grants.ts";
import { someEditing } from "../documents/housekeeping.ts";
import { KeptSafely, saveAfterEnd } from "../documents/saveDocument.ts";
import { editorKey, suiteOf, suiteOfKey } from "../editors/suites.ts";
import { logFacts, shortHash } from "../http/requestLog.ts";
import { BridgeError, failureOf } from "../model/failure.ts";
import type { Services } from "../services.ts";
import { counted } from "./countedCall.ts";
import { isSave, keepUndecided } from "./exitSave.ts";
import { isProven, proofOf } from "./proofKey.ts";
import { isEncoded, saveBody, type WopiCall } from "./wopiCall.ts";

/** The query comes first: ONLYOFFICE sends nothing else. */
export function accessToken(request: Request): string {
  const inQuery = request.query["access_token"];
  const token = typeof inQuery === "string" && inQuery !== "" ? inQuery : bearer(request.get("Authorization"));
  if (token === undefined) throw new BridgeError({ kind: "tokenInvalid" });
  logFacts({ token: shortHash(token) });
  return token;
}

function bearer(authorization: string | undefined): string | undefined {
  return /^Bearer (\S+)$/i.exec(authorization ?? "")?.[1];
}

interface Admitted {
  readonly grant: AccessGrant;
  /** Whose share of the open calls it takes: with an ended token, nobody uses up somebody else's. */
  readonly countedAs: AccessGrant;
}

/** @throws proofInvalid, and as `admitOrKeep`; storeUnreachable as KeptSafely when an exit save was kept */
export async function admitted(
  services: Services,
  request: Request,
  token: string,
  callOf: (grant: AccessGrant) => WopiCall,
): Promise<Admitted> {
  try {
    const forAnother = await refreshForAnother(services, request, token);
    const grant = forAnother?.grant ?? (await admitOrKeep(services, request, token, callOf));
    await requireProof(services, request, grant);
    return forAnother ?? { grant, countedAs: grant };
  } catch (error) {
    const isStoreAway = failureOf(error, "storeUnreachable") !== undefined;
    throw isStoreAway && (await keepUndecided(services, request, token)) ? new KeptSafely(error) : error;
  }
}

/**
 * Who may call about a folder or the ecosystem.
 * @param resource what the token must be for
 * @throws tokenInvalid, proofInvalid
 */
export async function admittedTo(
  services: Services,
  request: Request,
  token: string,
  resource: string,
): Promise<AccessGrant> {
  const claims = await services.tokens.verify(token);
  const grant = await services.grants.find(claims.grantId);
  const isForThis = grant !== undefined && claims.fileId === resource && reachesFolders(grant);
  if (!isForThis || grant.revokedAtMs !== undefined) throw new BridgeError({ kind: "tokenInvalid" });
  logFacts({ grant: grant.id });
  await requireProof(services, request, grant);
  // A session may have been renewed since: what this token leads to must not last longer than the token itself.
  return { ...grant, expiresAtMs: Math.min(grant.expiresAtMs, claims.expiresAtMs) };
}

/** @param fileId in the address of the call @throws tokenInvalid when the token is not for it, or its grant has ended */
export async function admit(
  services: Pick<Services, "tokens"> & Parameters<typeof openChild>[0],
  fileId: unknown,
  token: string,
): Promise<AccessGrant> {
  const claims = await services.tokens.verify(token);
  const grant = (await services.grants.find(claims.grantId)) ?? (await openChild(services, claims.grantId));
  const isForThisFile = grant !== undefined && claims.fileId === fileId && wopiFileId(grant.document) === claims.fileId;
  if (!isForThisFile || grant.revokedAtMs !== undefined) throw new BridgeError({ kind: "tokenInvalid" });
  logFacts({ file: claims.fileId, grant: grant.id });
  return grant;
}

/**
 * A refresh of the lock with a token whose right to edit has ended, from an editor in which somebody else still edits: it
 * counts as that person's. The lock id must still be the current one.
 * @throws tokenInvalid for a token that is not ours @throws storeUnreachable
 */
async function refreshForAnother(services: Services, request: Request, token: string): Promise<Admitted | undefined> {
  if (request.get("X-WOPI-Override") !== "REFRESH_LOCK" || request.path.endsWith("/contents")) return undefined;
  const { editor, fileId, grantId } = await services.tokens.verify(token, true);
  if (editor === undefined || !suiteOfKey(editor).refreshesLockByNewest || fileId !== request.params["id"]) {
    return undefined;
  }
  const own = await services.grants.find(grantId);
  if (own !== undefined && mayEdit(own, services.now())) return undefined;
  const grant = await someEditing(services, fileId, (other) => editorKey(other.actionUrl) === editor);
  if (grant === undefined) return undefined;
  logFacts({ file: fileId, grant: grant.id, refreshedBy: grantId });
  const { derivedFrom: _derivedFrom, linkId: _linkId, ...rest } = grant;
  return { grant, countedAs: { ...rest, id: grantId, person: { ...grant.person, id: grantId } } };
}

/** @throws as `admit`, after accepting the last save of a grant that has ended @throws storeUnreachable */
async function admitOrKeep(
  services: Services,
  request: Request,
  token: string,
  callOf: (grant: AccessGrant) => WopiCall,
): Promise<AccessGrant> {
  try {
    return await admit(services, request.params["id"], token);
  } catch (error) {
    if (failureOf(error, "storeUnreachable") !== undefined) throw error;
    const ended = await endedSave(services, request, token);
    if (ended !== undefined && !isEncoded(callOf(ended))) {
      const save = () => saveAfterEnd(services, ended, saveBody(callOf(ended)));
      if (await counted(services, request, ended, save)) throw new KeptSafely(error);
    }
    throw error;
  }
}

/** @returns the grant that just ended, when the call is a save under it and its editor's proof is valid */
async function endedSave(services: Services, request: Request, token: string): Promise<AccessGrant | undefined> {
  if (!isSave(request)) return undefined;
  try {
    const claims = await services.tokens.verify(token, true);
    const found = (await services.grants.find(claims.grantId)) ?? (await services.grants.findEnded(claims.grantId));
    // A token can end before its grant: by the fraction of a second that it can't hold, or when the grant was renewed.
    const grant = found && { ...found, expiresAtMs: Math.min(found.expiresAtMs, claims.expiresAtMs) };
    if (grant === undefined || claims.fileId !== request.params["id"]) return undefined;
    if (wopiFileId(grant.document) !== claims.fileId) return undefined;
    await requireProof(services, request, grant);
    return grant;
  } catch (error) {
    if (!(error instanceof BridgeError) || isStoreFault(error)) throw error;
    return undefined;
  }
}

const isStoreFault = ({ failure }: BridgeError): boolean =>
  failure.kind === "storeUnreachable" || failure.kind === "rowUnreadable";

/** @throws proofInvalid */
async function requireProof(services: Services, request: Request, grant: AccessGrant): Promise<void> {
  if (services.config.PROOF_KEYS === "off") return;
  const { hasServer } = suiteOf(grant.actionUrl);
  const editor = hasServer ? await services.editors.signerOf(grant.actionUrl) : undefined;
  if (editor === undefined) {
    if (services.config.PROOF_KEYS === "required") throw new BridgeError({ kind: "proofInvalid" });
    return;
  }
  const keys = await editor.current();
  if (keys.proofKey === undefined && services.config.PROOF_KEYS === "offered") return;
  const proof = proofOf(services, request);
  if (isProven(proof, keys, services.now())) return;
  // The editor may have changed its keys since we fetched them.
  if (isProven(proof, await editor.refreshed(), services.now())) return;
  throw new BridgeError({ kind: "proofInvalid" });
}
