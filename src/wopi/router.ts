import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type NextFunction, type Request, type Response, Router } from "express";
import { type AccessGrant, mayEdit, wopiFileId } from "../documents/grants.ts";
import { someEditing } from "../documents/housekeeping.ts";
import { KeptSafely, saveAfterEnd } from "../documents/saveDocument.ts";
import { receiveUndecided } from "../documents/undecidedSave.ts";
import { editorKey, suiteOfKey } from "../editors/suites.ts";
import { writeWopiFailure } from "../http/failureResponse.ts";
import { hungUp } from "../http/hungUp.ts";
import { logFacts, logFailure, shortHash } from "../http/requestLog.ts";
import { BridgeError, failureOf } from "../model/failure.ts";
import type { Services } from "../services.ts";
import { doctorFile, doctorFileId } from "./doctorFile.ts";
import { type ComingBody, kindOfCall } from "./openCalls.ts";
import { wopiOperations } from "./operations.ts";
import { isProven, type Proof, requireKnownProof } from "./proofKey.ts";
import { placingHeaders } from "./putFile.ts";
import { isEncoded, isExitSave, saveBody, type WopiCall, type WopiOperation, type WopiReply } from "./wopiCall.ts";

/** A person whose right has ended has few last saves; sending more must not change what others are told without end. */
const lastSavesWithoutRight = { most: 20, withinMs: 3_600_000 };

/** `/wopi/files/:id` and its contents: token check, proof check, then the operation. No body parser may come before. */
export function wopiRouter(services: Services): Router {
  const operations = wopiOperations(services);
  const router = Router();
  router.use((_request, response, next) => {
    response.set("Cache-Control", "no-store");
    next();
  });
  router.get(`/files/${doctorFileId}`, doctorFile(services));
  const file = router.route("/files/:id");
  file.get(serve(services, () => named("CHECK_FILE_INFO", operations.checkFileInfo)));
  file.post(serve(services, (request) => overridden(operations.fileOverrides, request)));
  const contents = router.route("/files/:id/contents");
  // Express would treat it as GetFile, which would count as a load by the editor.
  contents.head(() => {
    throw new BridgeError({ kind: "notImplemented", operation: "HEAD" });
  });
  contents.get(serve(services, () => named("GET_FILE", operations.getFile)));
  contents.post(serve(services, (request) => overridden(operations.contentOverrides, request)));
  router.use(() => {
    throw new BridgeError({ kind: "notImplemented", operation: "address" });
  });
  router.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    const failure = logFailure(error);
    if (response.headersSent) {
      // Half a document has been sent: an error text must not become its end.
      response.destroy();
    } else if (failure === undefined) {
      response.status(500).end();
    } else {
      writeWopiFailure(response, failure);
    }
  });
  return router;
}

function serve(services: Services, choose: (request: Request) => WopiOperation) {
  return async (request: Request, response: Response): Promise<void> => {
    const token = accessToken(request);
    const signal = hungUp(response);
    // The unread rest of a body refused midway would make the connection's next call wait for ever.
    response.once("finish", () => request.resume());
    const callOf = (grant: AccessGrant): WopiCall => ({
      grant,
      header: (name) => request.get(name) || undefined,
      body: request,
      signal,
    });
    try {
      const { grant, countedAs } = await admitted(services, request, token, callOf);
      await counted(services, request, countedAs, async () => {
        const operation = choose(request);
        await send(response, await operation(callOf(grant)));
      });
    } catch (error) {
      const refusal = error instanceof KeptSafely ? error.refusal : error;
      const isSetAside = isLastSave(request) && (await setAside(services, request, token, refusal));
      if (!isSetAside || refusal === error) throw refusal;
      logFailure(refusal);
      await send(response, { json: {} });
    }
  };
}

interface Admitted {
  readonly grant: AccessGrant;
  /** Whose share of the open calls it takes: with an ended token, nobody uses up somebody else's. */
  readonly countedAs: AccessGrant;
}

/** @throws proofInvalid, and as `admitOrKeep`; storeUnreachable as KeptSafely when an exit save was kept */
async function admitted(
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

/**
 * After an exit save that is not in the document: an editor that keeps it, and would show it in place of the file, is told
 * another Version from now on. If the save is safe, it may then be answered 200. Never rejects.
 * @returns whether that is done; false for another suite's call, or one that can't be trusted
 */
async function setAside(services: Services, request: Request, token: string, refusal: unknown): Promise<boolean> {
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

/** Keeps an exit save to decide on later. Never rejects. @returns whether it is in the spool */
async function keepUndecided(services: Services, request: Request, token: string): Promise<boolean> {
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

function isLastSave(request: Request): boolean {
  return isSave(request) && isExitSave({ header: (name) => request.get(name) || undefined });
}

function isSave(request: Request): boolean {
  return request.path.endsWith("/contents") && request.get("X-WOPI-Override") === "PUT";
}

/** @throws tooManyCalls */
async function counted<Result>(
  { openCalls }: Services,
  request: Request,
  grant: AccessGrant,
  work: () => Promise<Result>,
): Promise<Result> {
  const isOfContents = request.path.endsWith("/contents");
  const kind = kindOfCall(request.method, isOfContents, request.get("X-WOPI-Override"));
  const end = openCalls.begin(grant, kind, kind === "uploads" ? comingBody(request) : undefined);
  try {
    return await work();
  } finally {
    // An unfinished body would block its connection even after the answer.
    if (request.complete || request.closed) end();
    else request.once("close", end);
  }
}

/** The body of a call, measured from now on while it arrives. */
function comingBody(request: Request): ComingBody {
  const { socket } = request;
  const begun = { atMs: performance.now(), bytes: socket.bytesRead };
  return {
    bytesPerSecond: () => {
      const seconds = (performance.now() - begun.atMs) / 1000;
      return request.complete || seconds < 1 ? undefined : (socket.bytesRead - begun.bytes) / seconds;
    },
    cut: () => void request.destroy(),
  };
}

function named(operation: string, work: WopiOperation): WopiOperation {
  logFacts({ operation });
  return work;
}

function overridden(operations: Readonly<Record<string, WopiOperation>>, request: Request): WopiOperation {
  const override = request.get("X-WOPI-Override");
  if (!override) {
    throw new BridgeError({ kind: "headerInvalid", header: "X-WOPI-Override", reason: "missing or empty" });
  }
  logFacts({ operation: override.slice(0, 40) });
  const operation = Object.hasOwn(operations, override) ? operations[override] : undefined;
  if (operation === undefined) throw new BridgeError({ kind: "notImplemented", operation: override });
  return operation;
}

/** The query comes first: ONLYOFFICE sends nothing else. */
function accessToken(request: Request): string {
  const inQuery = request.query["access_token"];
  const token = typeof inQuery === "string" && inQuery !== "" ? inQuery : bearer(request.get("Authorization"));
  if (token === undefined) throw new BridgeError({ kind: "tokenInvalid" });
  logFacts({ token: shortHash(token) });
  return token;
}

function bearer(authorization: string | undefined): string | undefined {
  return /^Bearer (\S+)$/i.exec(authorization ?? "")?.[1];
}

/** @param fileId in the address of the call @throws tokenInvalid when the token is not for it, or its grant has ended */
export async function admit(
  services: Pick<Services, "tokens" | "grants">,
  fileId: unknown,
  token: string,
): Promise<AccessGrant> {
  const claims = await services.tokens.verify(token);
  const grant = await services.grants.find(claims.grantId);
  const isForThisFile = grant !== undefined && claims.fileId === fileId && wopiFileId(grant.document) === claims.fileId;
  if (!isForThisFile || grant.revokedAtMs !== undefined) throw new BridgeError({ kind: "tokenInvalid" });
  logFacts({ file: claims.fileId, grant: grant.id });
  return grant;
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
  const editor = await services.editors.signerOf(grant.actionUrl);
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

function proofOf({ wopiUrl }: Services, request: Request): Proof {
  const inQuery = request.query["access_token"];
  return {
    accessToken: typeof inQuery === "string" ? inQuery : "",
    url: `${wopiUrl}${request.originalUrl}`,
    timestamp: request.get("X-WOPI-TimeStamp"),
    proof: request.get("X-WOPI-Proof"),
    proofOld: request.get("X-WOPI-ProofOld"),
  };
}

async function send(response: Response, reply: WopiReply): Promise<void> {
  const { status, headers, body } = wopiAnswer(reply);
  response.status(status).set(headers);
  if (body instanceof Readable) await pipeline(body, response);
  else response.end(body);
}

/** The answer to an editor when an operation has succeeded. */
export function wopiAnswer({ headers = {}, json, content }: WopiReply) {
  if (content === undefined) {
    if (json === undefined) return { status: 200, headers, body: undefined };
    // Not response.json: Express answers 304 to some conditional requests, which editors don't expect.
    const body = Buffer.from(JSON.stringify(json));
    const type = { "Content-Type": "application/json; charset=utf-8", "Content-Length": String(body.length) };
    return { status: 200, headers: { ...headers, ...type }, body };
  }
  const { range, sizeBytes, lengthBytes, body } = content;
  const facts = {
    ...headers,
    "Content-Type": "application/octet-stream",
    "Content-Length": String(lengthBytes),
    "Accept-Ranges": "bytes",
  };
  if (range === undefined) return { status: 200, headers: facts, body };
  const part = `bytes ${range.first}-${range.last}/${sizeBytes}`;
  return { status: 206, headers: { ...facts, "Content-Range": part }, body };
}
