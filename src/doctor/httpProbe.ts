import { randomUUID } from "node:crypto";
import http, { type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import https from "node:https";
import { BridgeError } from "../model/failure.ts";

/** Any HTTP answer, read whole. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Why there is none, in words that follow "does not answer:". */
interface NoAnswer {
  readonly reason: string;
}

export type Asked = Answer | NoAnswer;

export interface Question {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Every single call of the doctor ends by then. */
export const answerWithinMs = 5_000;
const answerLimitBytes = 4 * 1024 * 1024;
const redirectsFollowed = 3;

export function isAnswer(asked: Asked): asked is Answer {
  return "status" in asked;
}

/** @returns a header that came several times as one text, parts by commas */
export function headerOf({ headers }: Answer, name: string): string | undefined {
  const value = headers[name.toLowerCase()];
  return Array.isArray(value) ? value.join(", ") : value;
}

/** Asks once, on a connection of its own, and follows no redirect: one is an answer too. Never rejects. */
export async function ask(url: string, { method = "GET", headers = {}, body }: Question = {}): Promise<Asked> {
  const signal = AbortSignal.timeout(answerWithinMs);
  try {
    return await new Promise<Answer>((resolve, reject) => {
      const request = requestTo(url, {
        method,
        headers: { ...headers, ...(body === undefined ? {} : { "Content-Length": String(Buffer.byteLength(body)) }) },
        signal,
      });
      request.once("error", reject);
      request.once("response", (response) => readAnswer(response).then(resolve, reject));
      request.end(body);
    });
  } catch (error) {
    return { reason: signal.aborted ? `no answer within ${answerWithinMs / 1000} s` : reasonOf(error) };
  }
}

/** As `ask`, for a document that may have moved. */
export async function askFollowing(url: string): Promise<Asked> {
  let at = url;
  for (let steps = 0; ; steps++) {
    const asked = await ask(at);
    const location = isAnswer(asked) && isRedirect(asked) ? headerOf(asked, "location") : undefined;
    if (location === undefined || steps === redirectsFollowed || !URL.canParse(location, at)) return asked;
    at = new URL(location, at).href;
  }
}

export function isRedirect({ status }: Answer): boolean {
  return [301, 302, 303, 307, 308].includes(status);
}

export function requestTo(url: string, options: http.RequestOptions): http.ClientRequest {
  return (url.startsWith("https:") ? https : http).request(url, { ...options, agent: false });
}

export async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > answerLimitBytes) {
      response.destroy();
      break;
    }
    chunks.push(chunk);
  }
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text: Buffer.concat(chunks).toString("utf8"),
  };
}

/** @returns undefined for what is no JSON */
export function jsonOf(answer: Answer): unknown {
  try {
    return JSON.parse(answer.text);
  } catch {
    return undefined;
  }
}

/** An id that the bridge, and nothing in front of it, gives back: it tells the bridge's answers from those of proxies. */
export function newCorrelationId(): string {
  return randomUUID();
}

/** @see http/requestLog.ts, which sets the header on every answer of the bridge */
export function isFromBridge(answer: Answer, correlationId: string): boolean {
  return headerOf(answer, "x-correlation-id") === correlationId;
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ENOTFOUND: "the name is not known",
  EAI_AGAIN: "the name could not be looked up",
  ECONNRESET: "the connection broke off",
  EHOSTUNREACH: "there is no way to that host",
  ENETUNREACH: "there is no way to that network",
  ETIMEDOUT: "the connection was not made in time",
  EPROTO: "it does not speak TLS there",
};

/** Few words of an error for the operator; never more of it, since errors of libraries hold what was sent. */
export function reasonOf(error: unknown): string {
  // A name with several addresses fails with an error that holds one for each.
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  if (error instanceof BridgeError) return error.failure.kind;
  if (!(error instanceof Error)) return "unknown reason";
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  if (code === undefined) return error.message;
  return reasons[code] ?? (/CERT|SIGNATURE|ALTNAME/.test(code) ? `its certificate is not accepted (${code})` : code);
}
