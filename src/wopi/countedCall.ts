import type { Request } from "express";
import type { AccessGrant } from "../documents/grants.ts";
import type { Services } from "../services.ts";
import { type ComingBody, kindOfCall } from "./openCalls.ts";

/** @throws tooManyCalls */
export async function counted<Result>(
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
