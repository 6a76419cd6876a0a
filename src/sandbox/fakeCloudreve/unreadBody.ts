import type { IncomingMessage, ServerResponse } from "node:http";
import { finished } from "node:stream/promises";

const lingerMs = 500;
const drainedBytes = 256 * 1024;

/** The API reads a body to its end before it refuses it, however long that takes. */
export async function readToEnd(request: IncomingMessage): Promise<void> {
  if (request.complete) return;
  request.resume();
  // A sender who gives up is noticed when the answer is written.
  await finished(request, { writable: false }).catch(() => undefined);
}

/**
 * Native WOPI and unknown routes answer a long body at once and then close on its sender, as Go does by itself; a short
 * one is read to its end first. To be called before the answer is written.
 */
export async function readOrCutOff(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const announcedBytes = Number(request.headers["content-length"] ?? 0);
  if (request.complete || announcedBytes <= drainedBytes) return readToEnd(request);
  response.setHeader("Connection", "close");
  const { socket } = request;
  // Node would reset the connection at once, and the sender might never see the answer; Go lingers half closed.
  socket.destroySoon = () => {
    socket.end();
    setTimeout(() => socket.destroy(), lingerMs).unref();
  };
}
