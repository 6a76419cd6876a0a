import type { Response } from "express";

/** @returns aborted when whoever asked goes before the answer is out */
export function hungUp(response: Response): AbortSignal {
  const gone = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) gone.abort();
  });
  return gone.signal;
}
