import http, { type ClientRequest, type IncomingMessage } from "node:http";
import https from "node:https";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ConnectionPool } from "./connectionPool.ts";

export const usualTiming = {
  /**
   * A call of the API must be answered by then, one without a body to send first must have begun to be, the wait for a
   * connection included: an editor hears of a drive that is down before it gives up itself.
   */
  answerWithinMs: 8_000,
  /** A call with a body waits no longer than this for a connection. */
  connectionWithinMs: 8_000,
  /** A body of which the drive takes nothing for this long is cut. */
  stallMs: 20_000,
  /** And an answer of which nothing comes, or is taken by whoever reads it. */
  answerStallMs: 30_000,
  /** From a body's last byte on Cloudreve has this long to answer, and longer for a large one. */
  storedWithinMs: 20_000,
};
/** Cloudreve hands a body on to a storage that may be far away; none that is used for documents is slower. */
const storageBytesPerMs = (4 * 1024 * 1024) / 1_000;
export type ByteTiming = typeof usualTiming;

/**
 * What a call is, and whose connections it uses: stalled downloads never take those of saves and locks. What is small is
 * answered soon, or not at all.
 */
export type Purpose = "api" | "save" | "small" | "download";

export interface Transmission {
  readonly purpose: Purpose;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** A Buffer is a body so short that it is sent at once. */
  readonly body?: Readable | Buffer | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sends and fetches bytes by plain node:http: measured, half the processor time that axios takes for a small answer, and
 * a tenth less for a large one. Redirects are answers, nothing is unpacked, no proxy of the environment is asked.
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

  /** @returns the answer as soon as its head is there; the caller must read or destroy it @throws Error with `code` */
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
        // The other end closed a kept connection just as it was used again: nothing of the call was heard.
        if (call.body !== undefined || !(error instanceof StaleConnection)) throw error;
      }
      return await this.#once(call, await this.#pools[call.purpose].enter(withinMs, call.signal), answerBeforeMs);
    } catch (error) {
      // Nobody else will: what is sent from a file holds it open.
      if (call.body instanceof Readable) call.body.destroy();
      throw error;
    }
  }

  #once(call: Transmission, leave: () => void, answerBeforeMs: number): Promise<IncomingMessage> {
    const request = this.#request(call, leave);
    return new Promise((resolve, reject) => {
      // Stays for what goes wrong after the answer has begun: that is told by the answer's own stream.
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

  /** A drive may take its time with a body for as long as it takes more of it, and then for as long as storing lasts. */
  #watchBody(request: ClientRequest, body: Readable, sizeBytes: number, deadline: Deadline): void {
    const { stallMs, storedWithinMs, answerStallMs } = this.#timing;
    deadline.in(stallMs);
    body.on("data", () => deadline.in(stallMs));
    request.once("finish", () => {
      const withinMs = storedWithinMs + sizeBytes / storageBytesPerMs;
      // A connection on which nothing is said is not idle while the drive stores.
      request.setTimeout(withinMs + answerStallMs);
      deadline.in(withinMs);
    });
  }
}

/** One moment that can be put off. */
class Deadline {
  readonly #onPassed: () => void;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(onPassed: () => void) {
    this.#onPassed = onPassed;
  }

  in(ms: number): void {
    if (this.#isOver) return;
    clearTimeout(this.#timer);
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
