import type { Readable } from "node:stream";
import type { WishedName } from "../documents/createChild.ts";
import type { AccessGrant } from "../documents/grants.ts";
import type { SaveBody } from "../documents/saveDocument.ts";
import { nameFromHeader } from "../http/nameHeader.ts";
import type { DriveContent } from "../model/drive.ts";
import { BridgeError } from "../model/failure.ts";

/** A call of an editor's server, past token and proof checks. No Express: operations are tested with plain objects. */
export interface WopiCall {
  readonly grant: AccessGrant;
  /** An empty header counts as absent, except where only its presence matters. */
  header(name: string): string | undefined;
  readonly body: Readable;
  /** Aborted when the editor has closed the connection. */
  readonly signal: AbortSignal;
}

export interface WopiReply {
  /** Of an answer without content; 200 when left out. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  /** JSON that is sent while it is made. */
  readonly jsonStream?: Readable;
  readonly content?: DriveContent;
}

export type WopiOperation = (call: WopiCall) => Promise<WopiReply>;

/** WOPI: up to 1024 ASCII characters with SupportsExtendedLockLength, which CheckFileInfo promises. */
const lockIdPattern = /^[\x20-\x7e]{1,1024}$/;

/** @throws headerInvalid when the lock id is missing, too long or not printable ASCII */
export function requireLockId(call: WopiCall, header: "X-WOPI-Lock" | "X-WOPI-OldLock"): string {
  const lockId = call.header(header);
  if (lockId === undefined) throw new BridgeError({ kind: "headerInvalid", header, reason: "missing or empty" });
  return checkedLockId(lockId, header);
}

/** @throws headerInvalid when a lock id is present but malformed */
export function optionalLockId(call: Pick<WopiCall, "header">): string | undefined {
  const lockId = call.header("X-WOPI-Lock");
  return lockId === undefined ? undefined : checkedLockId(lockId, "X-WOPI-Lock");
}

function checkedLockId(lockId: string, header: string): string {
  if (lockIdPattern.test(lockId)) return lockId;
  throw new BridgeError({ kind: "headerInvalid", header, reason: "not 1 to 1024 printable ASCII characters" });
}

/** @returns the name a header asks for, decoded; undefined when there is none @throws headerInvalid */
export function requestedName(call: WopiCall, header: string): string | undefined {
  const value = call.header(header);
  return value === undefined ? undefined : nameFromHeader(header, value);
}

/**
 * The name of what is to be created, from X-WOPI-SuggestedTarget or X-WOPI-RelativeTarget.
 * @throws headerInvalid when neither is given @throws notImplemented when WOPI requires it for both
 */
export function wishedName(call: WopiCall, operation: string): WishedName {
  const suggested = requestedName(call, "X-WOPI-SuggestedTarget");
  const exact = requestedName(call, "X-WOPI-RelativeTarget");
  if (suggested !== undefined && exact !== undefined) {
    throw new BridgeError({ kind: "notImplemented", operation: `${operation} with both names` });
  }
  if (suggested !== undefined) return { suggested };
  if (exact !== undefined) {
    return { exact, overwrite: call.header("X-WOPI-OverwriteRelativeTarget")?.toLowerCase() === "true" };
  }
  throw new BridgeError({ kind: "headerInvalid", header: "X-WOPI-SuggestedTarget", reason: "missing or empty" });
}

/** Whether the body is not the document's own bytes, but compressed for the way. No editor is known to do it. */
export function isEncoded(call: Pick<WopiCall, "header">): boolean {
  return !/^\s*(identity\s*)?$/i.test(call.header("Content-Encoding") ?? "");
}

/**
 * The body of a call, with what its headers say about its length.
 * @throws headerInvalid when it is encoded: stored as it came, no editor could open it
 */
export function saveBody(call: Pick<WopiCall, "header" | "body">): SaveBody {
  if (isEncoded(call)) {
    throw new BridgeError({ kind: "headerInvalid", header: "Content-Encoding", reason: "only identity is accepted" });
  }
  const length = call.header("Content-Length");
  const announced = [length, call.header("X-WOPI-Size")].map((header) => Number(header ?? 0) || 0);
  return {
    bytes: call.body,
    declaredBytes: length !== undefined && /^\d{1,15}$/.test(length) ? Number(length) : undefined,
    announcedBytes: Math.max(...announced),
  };
}

/** The whole body of a call that carries no document. @throws bodyTooLarge, bodyCut */
export async function smallBody(body: Readable, limitBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of body.iterator({ destroyOnReturn: false })) {
      sizeBytes += (chunk as Buffer).length;
      if (sizeBytes > limitBytes) throw new BridgeError({ kind: "bodyTooLarge", limitBytes });
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    throw error instanceof BridgeError ? error : new BridgeError({ kind: "bodyCut" }, { cause: error });
  }
  return Buffer.concat(chunks);
}

/** The last save of an editor that unloads the document: it is not sent again. */
export function isExitSave(call: Pick<WopiCall, "header">): boolean {
  return collaboraHeader(call, "IsExitSave")?.toLowerCase() === "true";
}

/** @throws rightMissing when the grant is for viewing only; WOPI answers 404 to that */
export function requireEdit(call: WopiCall): void {
  if (call.grant.permission !== "edit") throw new BridgeError({ kind: "rightMissing", right: "edit" });
}

/** @throws rightMissing when this person may not rename the file, with or without permission to edit it */
export function requireRename(call: WopiCall): void {
  requireEdit(call);
  if (!call.grant.mayRename) throw new BridgeError({ kind: "rightMissing", right: "rename" });
}

/** Collabora's own headers: today's COOL spelling first, the LOOL spelling of old versions and ONLYOFFICE second. */
export function collaboraHeader(call: Pick<WopiCall, "header">, name: string): string | undefined {
  return call.header(`X-COOL-WOPI-${name}`) ?? call.header(`X-LOOL-WOPI-${name}`);
}
