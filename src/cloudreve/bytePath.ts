import http, { type ClientRequest, type IncomingMessage } from "node:http";
import https from "node:https";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ConnectionPool } from "./connectionPool.ts";

export const usualTiming = {
  /**
   * For an API call: from the start, including the wait for a connection, to the first byte of the answer. Shorter than
   * an editor waits, so that it learns that the drive is down.
   */
  answerWithinMs: 8_000,
  /** How long a call with a body waits for a connection. */
  connectionWithinMs: 8_000,
  /** A request body is cut off if the drive takes nothing for this long. */
  stallMs: 20_000,
  /** An answer is cut off if nothing arrives, or its reader takes nothing, for this long. */
  answerStallMs: 30_000,
  /** How long Cloudreve may take to answer after the last byte of a body; longer for a large body. */
  storedWithinMs: 20_000,
};
/** Cloudreve passes a body on to a storage that may be far away. No storage used for documents is slower than this. */
const storageBytesPerMs = (4 * 1024 * 1024) / 1_000;
export type ByteTiming = typeof usualTiming;

/**
 * What a call is for. Each purpose has its own connections, so that stalled downloads never block saves and locks.
 * Small calls have a short deadline.
 */
export type Purpose = "api" | "save" | "small" | "download";

export interface Transmission {
  readonly purpose: Purpose;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** A Buffer is short and sent at once. */
  readonly body?: Readable | Buffer | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sends and fetches bytes with plain node:http: as measured, half the processor time of axios for a small answer, a
 * tenth less for a large one. It follows no redirects, unpacks nothing, and uses no proxy.
 */
export class BytePath {
  readonly #timing: ByteTiming;
  readonly #pools: Readonly<Record<Purpose, ConnectionPool>> = {
    api: new ConnectionPool(128, 64),
    save: new ConnectionPool(128, 32),
    small: new ConnectionPool(128, 64),
    download: new ConnectionPool(768, 32),
  };

  constructor(timing: Partial<ByteTiming> = {}) {
    this.#timing = { ...usualTiming, ...timing };
  }

  /** @returns the answer once its headers have arrived; the caller must read or destroy it @throws Error with `code` */
  async send(call: Transmission): Promise<IncomingMessage> {
    const startedAtMs = performance.now();
    const { answerWithinMs, connectionWithinMs } = this.#timing;
    const withinMs = call.body === undefined ? answerWithinMs : connectionWithinMs;
    try {
      const leave = await this.#pools[call.purpose].enter(withinMs, call.signal);
      const answerBeforeMs = startedAtMs + answerWithinMs;
      try {
        return await this.#once(call, leave, answerBeforeMs);
      } catch (error) {
        // The other side closed an idle connection just as it was used again: it has not seen the call.
        if (call.body !== undefined || !(error instanceof StaleConnection)) throw error;
      }
      return await this.#once(call, await this.#pools[call.purpose].enter(withinMs, call.signal), answerBeforeMs);
    } catch (error) {
      // No one else closes it, and a body sent from a file keeps that file open.
      if (call.body instanceof Readable) call.body.destroy();
      throw error;
    }
  }

  #once(call: Transmission, leave: () => void, answerBeforeMs: number): Promise<IncomingMessage> {
    const request = this.#request(call, leave);
    return new Promise((resolve, reject) => {
      // Keeps handling errors after the answer has begun; callers learn of those from the answer's own stream.
      request.on("error", (error: NodeJS.ErrnoException) => {
        const isStale = request.reusedSocket && (error.code === "ECONNRESET" || error.code === "EPIPE");
        reject(isStale ? new StaleConnection(error.message, { cause: error }) : error);
      });
      request.setTimeout(this.#timing.answerStallMs, () => giveUp(request));
      const deadline = new Deadline(() => giveUp(request));
      request.once("close", () => deadline.end());
      request.once("response", (answer) => {
        deadline.end();
        resolve(answer);
      });
      if (!(call.body instanceof Readable)) {
        deadline.in(answerBeforeMs - performance.now());
        request.end(call.body);
        return;
      }
      this.#watchBody(request, call.body, Number(call.headers["Content-Length"] ?? 0), deadline);
      pipeline(call.body, request).catch(reject);
    });
  }

  #request(call: Transmission, leave: () => void): ClientRequest {
    try {
      const url = new URL(call.url);
      const isTls = url.protocol === "https:";
      const request = (isTls ? https : http).request(url, {
        method: call.method,
        headers: { "Accept-Encoding": "identity", ...call.headers },
        agent: this.#pools[call.purpose].agentFor(isTls ? "https:" : "http:"),
        ...(call.signal === undefined ? {} : { signal: call.signal }),
      });
      request.once("close", leave);
      return request;
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** A drive may take a body as slowly as it likes while it takes some of it, and then gets time to store it. */
  #watchBody(request: ClientRequest, body: Readable, sizeBytes: number, deadline: Deadline): void {
    const { stallMs, storedWithinMs, answerStallMs } = this.#timing;
    deadline.in(stallMs);
    body.on("data", () => deadline.in(stallMs));
    request.once("finish", () => {
      const withinMs = storedWithinMs + sizeBytes / storageBytesPerMs;
      // While the drive stores, nothing is sent on the connection; that does not make it idle.
      request.setTimeout(withinMs + answerStallMs);
      deadline.in(withinMs);
    });
  }
}

/** A deadline that can be moved, at no cost to the same distance again. */
class Deadline {
  readonly #onPassed: () => void;
  #timer: NodeJS.Timeout | undefined;
  #ms = 0;
  #isOver = false;

  constructor(onPassed: () => void) {
    this.#onPassed = onPassed;
  }

  in(ms: number): void {
    if (this.#isOver) return;
    if (this.#timer !== undefined && ms === this.#ms) {
      this.#timer.refresh();
      return;
    }
    clearTimeout(this.#timer);
    this.#ms = ms;
    this.#timer = setTimeout(this.#onPassed, Math.max(0, ms));
  }

  end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }
}

function giveUp(request: ClientRequest): void {
  request.destroy(Object.assign(new Error("no answer in time"), { code: "ETIMEDOUT" }));
}

class StaleConnection extends Error {
  readonly code = "ECONNRESET";
}
