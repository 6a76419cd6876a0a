import type { ServerResponse } from "node:http";
import type { Intercept } from "./driveProxy.ts";

/** Answers downloads in the drive's place. */
export function downloads(answer: (response: ServerResponse) => void): Intercept {
  return (incoming, response) => {
    if (incoming.method !== "GET" || incoming.url?.startsWith("/api/v4/file/content/") !== true) return false;
    answer(response);
    return true;
  };
}

/** Answers the question for a download address in the drive's place. */
export function downloadAddress(envelope: object): Intercept {
  return (incoming, response) => {
    if (incoming.url !== "/api/v4/file/url") return false;
    incoming.resume();
    response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(envelope));
    return true;
  };
}
