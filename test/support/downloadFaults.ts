import type { ServerResponse } from "node:http";
import type { Intercept } from "./driveProxy.ts";

/** Answers downloads in the drive's place. @param answer is told the ETag of the version that was asked for */
export function downloads(answer: (response: ServerResponse, etag: string) => void): Intercept {
  const path = "/api/v4/file/content/";
  return (incoming, response) => {
    if (incoming.method !== "GET" || incoming.url?.startsWith(path) !== true) return false;
    answer(response, `"${incoming.url.slice(path.length).split("/", 1)[0]}"`);
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
