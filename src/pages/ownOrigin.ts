import type { RequestHandler } from "express";
import { BridgeError } from "../model/failure.ts";

/**
 * Refuses changes requested by pages of other sites. Browsers send the origin with every form post; if a referrer
 * policy hides it, Sec-Fetch-Site still shows it.
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

/** @returns the requested file id @throws fileMissing when it can't be one */
export function fileIdIn(value: unknown): string {
  if (typeof value === "string" && /^[A-Za-z0-9]{1,64}$/.test(value)) return value;
  throw new BridgeError({ kind: "fileMissing" });
}

/** Pages that a sign-in may lead back to. */
const returnPaths =
  /^\/(|admin|links|links\/[A-Za-z0-9_-]{1,64}(\/change)?|share|open|takeover|saves|versions\/[A-Za-z0-9]{1,64}(\/(open|compare))?|documents\/[A-Za-z0-9]{1,64}\/(rename|download))$/;

/**
 * Where to go after signing in: path and query of one of our own pages.
 * @returns the start page for anything else
 */
export function safeReturn(path: unknown): string {
  if (typeof path !== "string" || !/^\/(?![/\\])/.test(path) || path.length > 2048) return "/";
  const base = "http://bridge.invalid";
  if (!URL.canParse(path, base)) return "/";
  const { origin, pathname, search } = new URL(path, base);
  return origin === base && returnPaths.test(pathname) ? `${pathname}${search}` : "/";
}
