import type { Response } from "express";

/** @returns a signal that aborts when the caller leaves before the response is sent */
export function hungUp(response: Response): AbortSignal {
  const gone = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) gone.abort();
  });
  return gone.signal;
}
