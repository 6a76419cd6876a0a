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

/** Why there is none; completes the phrase "does not answer:". */
export interface NoAnswer {
  readonly reason: string;
}

export type Asked = Answer | NoAnswer;

export interface Question {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Less than usual, for a check that has used up a part of its time. */
  readonly withinMs?: number;
}

/** Every call of the doctor ends by then. */
export const answerWithinMs = 5_000;
const answerLimitBytes = 4 * 1024 * 1024;
const redirectsFollowed = 3;

export function isAnswer(asked: Asked): asked is Answer {
  return "status" in asked;
}

/** @returns a header's value; repeated headers are joined by commas */
export function headerOf({ headers }: Answer, name: string): string | undefined {
  const value = headers[name.toLowerCase()];
  return Array.isArray(value) ? value.join(", ") : value;
}

/** Asks once, on a new connection. A redirect is returned, not followed. Never rejects. */
export async function ask(
  url: string,
  { method = "GET", headers = {}, body, withinMs = answerWithinMs }: Question = {},
): Promise<Asked> {
  const signal = AbortSignal.timeout(Math.max(0, Math.round(withinMs)));
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

/** As `ask`, but follows redirects, in the time of one call. */
export async function askFollowing(url: string): Promise<Asked> {
  const untilMs = performance.now() + answerWithinMs;
  let at = url;
  for (let steps = 0; ; steps++) {
    const asked = await ask(at, { withinMs: untilMs - performance.now() });
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

/** @returns undefined when the text is not JSON */
export function jsonOf(answer: Answer): unknown {
  try {
    return JSON.parse(answer.text);
  } catch {
    return undefined;
  }
}

/** The bridge sends this id back and proxies don't: it tells the bridge's answers from those of a proxy. */
export function newCorrelationId(): string {
  return randomUUID();
}

/** @see http/requestLog.ts, which sets the header on every answer of the bridge */
export function isFromBridge(answer: Answer, correlationId: string): boolean {
  return headerOf(answer, "x-correlation-id") === correlationId;
}

/** Reasons that show what to change. */
export const refusedReason = "connection refused";
export const droppedReason = "the connection was dropped";
export const noTlsReason = "that port does not use TLS";

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: refusedReason,
  ENOTFOUND: "the name does not resolve",
  EAI_AGAIN: "the name lookup failed",
  ECONNRESET: droppedReason,
  EHOSTUNREACH: "no route to that host",
  ENETUNREACH: "no route to that network",
  ETIMEDOUT: "the connection timed out",
  EPROTO: noTlsReason,
};

/** An error in a few words for the operator. Never the whole error: errors of libraries contain what was sent. */
export function reasonOf(error: unknown): string {
  // A name with several addresses fails with one error for each.
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  if (error instanceof BridgeError) return error.failure.kind;
  if (!(error instanceof Error)) return "unknown reason";
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  if (code === undefined) return error.message;
  return reasons[code] ?? (/CERT|SIGNATURE|ALTNAME/.test(code) ? `its certificate is not trusted (${code})` : code);
}
