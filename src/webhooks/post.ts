import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";

/** Receivers are told to answer at once and to work afterwards. */
const answerWithinMs = 10_000;
/** Of an answer only the status counts. More than this is not read. */
const readAtMostBytes = 16 * 1024;
const idleAfterMs = 30_000;
const longestWaitMs = 3_600_000;

/** What became of one attempt. `event`: only this event was refused, others may pass. */
export type PostOutcome =
  | { readonly is: "taken" }
  | { readonly is: "refused"; readonly of: "endpoint" | "event"; readonly why: string; readonly retryAfterMs?: number };

/** These say that something is wrong with this one event. */
const eventStatuses = new Set([400, 409, 413, 415, 422]);

/** Pure: what an answer means. Redirects are not followed: they would lead where the operator has not said. */
export function judgeStatus(status: number, retryAfter: string | undefined): PostOutcome {
  if (status >= 200 && status < 300) return { is: "taken" };
  const why = status >= 300 && status < 400 ? `status ${status}, and redirects are not followed` : `status ${status}`;
  const seconds = /^\d{1,9}$/.test(retryAfter ?? "") ? Number(retryAfter) : undefined;
  return {
    is: "refused",
    of: eventStatuses.has(status) ? "event" : "endpoint",
    why,
    ...(seconds === undefined ? {} : { retryAfterMs: Math.min(seconds * 1000, longestWaitMs) }),
  };
}

/** Sends events to one address, over few connections. */
export class Endpoint {
  readonly #address: URL;
  readonly #agent: HttpAgent | HttpsAgent;

  constructor(address: string, connections: number) {
    this.#address = new URL(address);
    const options = { keepAlive: true, maxSockets: connections, timeout: idleAfterMs };
    this.#agent = this.#address.protocol === "https:" ? new HttpsAgent(options) : new HttpAgent(options);
  }

  /** Never rejects. @param stopped aborted when the bridge stops */
  post(body: string, headers: Readonly<Record<string, string>>, stopped: AbortSignal): Promise<PostOutcome> {
    const late = AbortSignal.timeout(answerWithinMs);
    const send = this.#address.protocol === "https:" ? httpsRequest : httpRequest;
    return new Promise((resolve) => {
      const request = send(this.#address, {
        method: "POST",
        agent: this.#agent,
        signal: AbortSignal.any([late, stopped]),
        headers: {
          ...headers,
          "Content-Type": "application/json",
          "Content-Length": Buffer.byteLength(body),
          "User-Agent": "cloudreve-office-bridge",
        },
      });
      request.on("response", (response) => {
        resolve(judgeStatus(response.statusCode ?? 0, response.headers["retry-after"]));
        readLittle(response);
      });
      // Also after the answer, when its body breaks off.
      request.on("error", (error) => {
        const why = late.aborted ? `no answer within ${answerWithinMs / 1000} s` : reasonOf(error);
        resolve({ is: "refused", of: "endpoint", why });
      });
      request.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** An answer that is read to its end leaves the connection for the next event. */
function readLittle(response: IncomingMessage): void {
  let readBytes = 0;
  response.on("error", () => undefined);
  response.on("data", (piece: Buffer) => {
    readBytes += piece.length;
    if (readBytes > readAtMostBytes) response.destroy();
  });
}

/** Node's code, such as ECONNREFUSED: messages contain addresses. */
function reasonOf(error: Error): string {
  const first = error instanceof AggregateError ? error.errors[0] : error;
  return first instanceof Error && "code" in first && typeof first.code === "string" ? first.code : error.name;
}
