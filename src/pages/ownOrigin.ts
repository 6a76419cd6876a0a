import type { RequestHandler } from "express";
import { BridgeError } from "../model/failure.ts";

/**
 * Refuses changes requested by pages of other sites. Browsers name the origin with every form post; where a
 * referrer policy hides it, Sec-Fetch-Site still tells.
 * @throws originForeign
 */
export function requireOwnOrigin(bridgeUrl: string): RequestHandler {
  const own = new URL(bridgeUrl).origin;
  return (request, _response, next) => {
    const origin = request.get("Origin");
    const isHidden = origin === undefined || origin === "null";
    if (origin === own || (isHidden && request.get("Sec-Fetch-Site") === "same-origin")) next();
    else throw new BridgeError({ kind: "originForeign" });
  };
}

/** @returns the file id that somebody asks for @throws fileMissing when it can't be one */
export function fileIdIn(value: unknown): string {
  if (typeof value === "string" && /^[A-Za-z0-9]{1,64}$/.test(value)) return value;
  throw new BridgeError({ kind: "fileMissing" });
}

/** Pages that a sign-in may lead back to. */
const returnPaths = /^\/(|links|links\/[A-Za-z0-9_-]{1,64}(\/change)?|share|open|saves)$/;

/**
 * Where to go after a detour: a page of ours by path and query, and nothing else.
 * @returns the start page for whatever is not such a path
 */
export function safeReturn(path: unknown): string {
  if (typeof path !== "string" || !/^\/(?![/\\])/.test(path) || path.length > 2048) return "/";
  const base = "http://bridge.invalid";
  if (!URL.canParse(path, base)) return "/";
  const { origin, pathname, search } = new URL(path, base);
  return origin === base && returnPaths.test(pathname) ? `${pathname}${search}` : "/";
}
