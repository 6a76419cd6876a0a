import type { RequestHandler } from "express";

const usualTiming = {
  /** How often progress is checked. */
  everyMs: 30_000,
  /** Least progress between two checks: two kilobytes a second, slower than any real connection. */
  leastBytes: 64 * 1024,
  /** Time for the rest of a body after the response, so that the sender can still read why it was refused. */
  restWithinMs: 30_000,
};
export type MovementTiming = typeof usualTiming;

/**
 * Cuts connections on which a body makes no progress, in either direction: half-sent uploads, downloads that no one
 * reads, and both at a byte a second. A large save over a slow line is fine as long as it moves. While the bridge works
 * between the two bodies, nothing is expected from the caller.
 */
export function requireMovement(timing: Partial<MovementTiming> = {}): RequestHandler {
  const { everyMs, leastBytes, restWithinMs } = { ...usualTiming, ...timing };
  return (request, response, next) => {
    const { socket } = request;
    const standing = () => {
      if (!request.complete) return { phase: "receiving", bytes: socket.bytesRead } as const;
      if (response.headersSent) return { phase: "sending", bytes: socket.bytesWritten } as const;
      return { phase: "working", bytes: 0 } as const;
    };
    let before: ReturnType<typeof standing> | undefined;
    const look = setInterval(() => {
      const now = standing();
      // Speed can be judged only over an interval spent entirely on one body.
      const isSlow = now.phase === before?.phase && now.bytes - before.bytes < leastBytes;
      if (isSlow && now.phase !== "working") socket.destroy();
      before = now;
    }, everyMs);
    response.once("close", () => {
      clearInterval(look);
      if (request.complete || socket.destroyed) return;
      const rest = setTimeout(() => socket.destroy(), restWithinMs);
      request.once("close", () => clearTimeout(rest));
    });
    next();
  };
}
