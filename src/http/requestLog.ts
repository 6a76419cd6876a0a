import { AsyncLocalStorage } from "node:async_hooks";
import { createHash, randomUUID } from "node:crypto";
import type { RequestHandler } from "express";
import type { Logger } from "pino";
import { BridgeError, type Failure } from "../model/failure.ts";
import { loggedPath } from "./loggedPath.ts";
import type { AnsweredRequest } from "./metrics.ts";
import { type Trace, traceOf } from "./trace.ts";

interface RequestContext {
  readonly correlationId: string;
  readonly trace: Trace | undefined;
  /** Facts that handlers add to the request's one line. */
  readonly facts: Record<string, unknown>;
}

const current = new AsyncLocalStorage<RequestContext>();
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** @returns headers for every call to Cloudreve, so that its log can be matched with ours: correlation id and trace */
export function headersOnward(): Readonly<Record<string, string>> {
  const context = current.getStore();
  if (context === undefined) return {};
  const { correlationId, trace } = context;
  return { "X-Cr-Correlation-Id": correlationId, ...(trace === undefined ? {} : { traceparent: trace.traceparent }) };
}

/** Does work that a request only has set off, such as later tries: it belongs to no request, in no log. */
export function outsideRequests<Result>(work: () => Result): Result {
  return current.exit(work);
}

/** Adds facts to the log line of the request being served; never a token, a key or an address with a query. */
export function logFacts(facts: Readonly<Record<string, unknown>>): void {
  Object.assign(current.getStore()?.facts ?? {}, facts);
}

/** Logs a failure: its kind, and the drive's message, which responses never show. */
export function logFailure(error: unknown): Failure | undefined {
  if (error instanceof BridgeError) {
    const { failure } = error;
    const cause = error.cause instanceof Error ? withoutSecrets(error.cause.message) : undefined;
    logFacts({ failure: failure.kind, ...("said" in failure ? { said: withoutSecrets(failure.said) } : {}), cause });
    return failure;
  }
  logFacts({ failure: "unexpected", stack: error instanceof Error ? stackOf(error) : withoutSecrets(String(error)) });
  return undefined;
}

/**
 * Libraries put their input into error messages: an address, or a body they could not parse. Anything long enough to be
 * a secret, and not a plain word, is left out.
 */
export function withoutSecrets(text: string): string {
  return text
    .slice(0, 2_000)
    .replace(/[\w%+/=~.-]{20,}/g, (run) => (/^[A-Za-z]+(?:[./][A-Za-z]+)*$/.test(run) && run.length < 30 ? run : "-"));
}

/** The stack frames contain only places in the code. */
function stackOf(error: Error): string {
  const frames = (error.stack ?? "").split("\n").filter((line) => line.startsWith("    at "));
  return [`${error.name}: ${withoutSecrets(error.message)}`, ...frames].join("\n");
}

/** Identifies a secret in the log without revealing it. */
export function shortHash(secret: string): string {
  return createHash("sha256").update(secret).digest("hex").slice(0, 8);
}

/**
 * One line per request: path without query, result, duration.
 * @param answered is called for each request once it is over
 */
export function logRequests(logger: Logger, answered: (request: AnsweredRequest) => void): RequestHandler {
  return (request, response, next) => {
    const sent = request.get("X-WOPI-CorrelationId") ?? request.get("X-Correlation-Id") ?? "";
    const context: RequestContext = {
      correlationId: uuid.test(sent) ? sent.toLowerCase() : randomUUID(),
      trace: traceOf(request.get("traceparent")),
      facts: {},
    };
    const startedAt = process.hrtime.bigint();
    response.set("X-Correlation-Id", context.correlationId);
    response.once("close", () => {
      const ms = Number(process.hrtime.bigint() - startedAt) / 1e6;
      const line = {
        method: request.method,
        path: loggedPath(request.originalUrl),
        status: response.statusCode,
        ms: Math.round(ms * 10) / 10,
        cut: response.writableFinished ? undefined : true,
        correlationId: context.correlationId,
        traceId: context.trace?.traceId,
        ...context.facts,
      };
      answered({ ...kindOf(line.path, request.method, context.facts), status: line.status, seconds: ms / 1000 });
      if (response.statusCode >= 500 || context.facts["failure"] === "unexpected") logger.warn(line);
      else logger.info(line);
    });
    current.run(context, next);
  };
}

/** Labels of a request in the metrics; never text from outside, which could have any number of values. */
function kindOf(
  path: string,
  method: string,
  facts: Readonly<Record<string, unknown>>,
): Pick<AnsweredRequest, "area" | "operation" | "failure"> {
  const area = /^\/wopi\//i.test(path) ? "wopi" : /^\/api\//i.test(path) ? "api" : "pages";
  const failure = typeof facts["failure"] === "string" ? facts["failure"] : undefined;
  const isKnown = typeof facts["operation"] === "string" && failure !== "notImplemented";
  const operation = isKnown
    ? String(facts["operation"])
    : area === "wopi"
      ? "other"
      : knownMethods.has(method)
        ? method
        : "other";
  return { area, operation, failure };
}

const knownMethods = new Set(["GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS"]);
