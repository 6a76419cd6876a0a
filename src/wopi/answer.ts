import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Request, Response } from "express";
import { contentRange } from "../http/byteRange.ts";
import { logFacts } from "../http/requestLog.ts";
import { BridgeError } from "../model/failure.ts";
import type { WopiReply } from "./wopiCall.ts";

const jsonType = "application/json; charset=utf-8";

/** Names the operation in the log. */
export function named<Operation>(operation: string, work: Operation): Operation {
  logFacts({ operation });
  return work;
}

/** @returns the operation that X-WOPI-Override names @throws headerInvalid, notImplemented */
export function overridden<Operation>(operations: Readonly<Record<string, Operation>>, request: Request): Operation {
  const override = request.get("X-WOPI-Override");
  if (!override) {
    throw new BridgeError({ kind: "headerInvalid", header: "X-WOPI-Override", reason: "missing or empty" });
  }
  logFacts({ operation: override.slice(0, 40) });
  const operation = Object.hasOwn(operations, override) ? operations[override] : undefined;
  if (operation === undefined) throw new BridgeError({ kind: "notImplemented", operation: override });
  return operation;
}

export async function send(response: Response, reply: WopiReply): Promise<void> {
  const { status, headers, body } = wopiAnswer(reply);
  response.status(status).set(headers);
  if (!(body instanceof Readable)) response.end(body);
  else if ("sendTo" in body && body.sendTo !== undefined) await body.sendTo(response);
  else await pipeline(body, response);
}

/** The answer to an editor when an operation has succeeded. */
export function wopiAnswer({ status = 200, headers = {}, json, jsonStream, content }: WopiReply) {
  if (jsonStream !== undefined) {
    return { status: 200, headers: { ...headers, "Content-Type": jsonType }, body: jsonStream };
  }
  if (content === undefined) {
    if (json === undefined) return { status, headers, body: undefined };
    // Not response.json: Express answers 304 to some conditional requests, which editors don't expect.
    // A string leaves in one packet with the headers.
    const body = JSON.stringify(json);
    const type = { "Content-Type": jsonType, "Content-Length": String(Buffer.byteLength(body)) };
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
  return { status: 206, headers: { ...facts, "Content-Range": contentRange(range, sizeBytes) }, body };
}
