import type { Request } from "express";

/**
 * Does a request come from a phone? Tablets count as computers: they have room for an editor's toolbars.
 * @see https://wicg.github.io/ua-client-hints/#sec-ch-ua-mobile, which Chromium sends to https and localhost
 */
export function isFromPhone(request: Pick<Request, "get">): boolean {
  const hint = request.get("Sec-CH-UA-Mobile")?.trim();
  if (hint === "?1" || hint === "?0") return hint === "?1";
  const agent = request.get("User-Agent") ?? "";
  // An iPad's old address line has "Mobile" too.
  return /\bMobi/.test(agent) && !/\biPad\b|\bTablet\b/.test(agent);
}
