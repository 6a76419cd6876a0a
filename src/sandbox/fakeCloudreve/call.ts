import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { DriveError, invalidParameter, loginRequired } from "./driveError.ts";
import type { UserRecord } from "./driveState.ts";
import type { FakeDrive } from "./fakeDrive.ts";
import type { Caller } from "./places.ts";

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const bodyLimitBytes = 4 * 1024 * 1024;

/** One request on its way through a route. */
export interface Call {
  readonly drive: FakeDrive;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  /** Decoded values of the `:name` segments of the route. */
  readonly params: ReadonlyMap<string, string>;
  readonly correlationId: string;
  caller: Caller;
  /** What the caller's token is limited to; undefined for one of a password sign-in. */
  scopes: readonly string[] | undefined;
}

/** What one method on one path does. */
export interface Route {
  readonly method: string;
  /** `/api/v4/file/wopi/:id`: a segment after a colon matches anything but nothing. */
  readonly path: string;
  readonly run: (call: Call) => Promise<void> | void;
  /** Native WOPI answers carry no Cache-Control and take no JWT. */
  readonly isNativeWopi?: boolean;
  /** Pages of the web UI are no API answers either. */
  readonly isPage?: boolean;
}

/** A caller may choose the id, if it is a uuid. */
export function chooseCorrelationId(request: IncomingMessage): string {
  const wanted = request.headers["x-cr-correlation-id"];
  return typeof wanted === "string" && uuid.test(wanted) ? wanted : randomUUID();
}

export function requireUser(call: Call): UserRecord {
  if (!call.caller) throw loginRequired();
  return call.caller;
}

export function requireAdmin(call: Call): void {
  if (!requireUser(call).admin) throw new DriveError(403, "");
}

/** The first value of a request header, or an empty text. */
export function headerText(call: Call, name: string): string {
  const value = call.request.headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? "";
}

/**
 * How many bytes the real drive believes a body to have: Content-Length, else X-Expected-Entity-Length, else none at all.
 * A chunked body is thereby taken as empty.
 */
export function believedLengthBytes(call: Call): number {
  const length = headerText(call, "content-length") || headerText(call, "x-expected-entity-length");
  return /^\d+$/.test(length) ? Number(length) : 0;
}

/** Sends data inside the envelope; without data the field is absent. */
export function sendData(call: Call, data?: unknown): void {
  sendJson(call, 200, data === undefined ? { code: 0, msg: "" } : { code: 0, data, msg: "" });
}

export function sendJson(call: Call, status: number, body: object): void {
  const bytes = Buffer.from(JSON.stringify(body));
  call.response.writeHead(status, {
    "Content-Type": "application/json; charset=utf-8",
    "Content-Length": bytes.length,
  });
  call.response.end(call.request.method === "HEAD" ? undefined : bytes);
}

export function sendEmpty(call: Call, status: number, headers: Record<string, string> = {}): void {
  call.response.writeHead(status, { ...headers, "Content-Length": "0" });
  call.response.end();
}

export function errorEnvelope(call: Call, error: DriveError): Record<string, unknown> {
  return {
    code: error.code,
    ...(error.data === undefined ? {} : { data: error.data }),
    msg: error.message,
    ...(error.isValidation ? {} : { correlation_id: call.correlationId }),
  };
}

/** The answer of a batch in which something failed: 40081, and the envelope of each failure under its uri. */
export function sendBatchErrors(call: Call, failures: ReadonlyMap<string, DriveError>): void {
  const errors = [...failures.values()];
  const envelopes = [...failures].map(([uri, error]) => [uri, errorEnvelope(call, error)]);
  sendJson(call, 200, {
    code: 40081,
    aggregated_error: Object.fromEntries(envelopes),
    msg: errors.length === 1 ? errors[0]?.detail : "Batch operation not fully completed",
    correlation_id: call.correlationId,
  });
}

/** The fields of a JSON body, checked one after the other and named in errors as the server's Go code names them. */
export class Fields {
  readonly #values: Record<string, unknown>;

  constructor(values: Record<string, unknown>) {
    this.#values = values;
  }

  text(key: string, goName: string, limits: { min?: number; max?: number } = {}): string {
    const value = this.optionalText(key);
    if (value === "") throw invalidParameter(`${goName} cannot be empty`);
    if (value.length < (limits.min ?? 0)) throw invalidParameter(`${goName} too short`);
    if (value.length > (limits.max ?? Number.POSITIVE_INFINITY)) throw invalidParameter(`${goName} too long`);
    return value;
  }

  optionalText(key: string): string {
    const value = this.#values[key] ?? "";
    if (typeof value !== "string") throw invalidParameter("Parameter error");
    return value;
  }

  texts(key: string, goName: string): string[] {
    const value = this.#values[key] ?? undefined;
    if (value === undefined) throw invalidParameter(`${goName} cannot be empty`);
    if (!Array.isArray(value) || value.some((entry) => typeof entry !== "string")) {
      throw invalidParameter("Parameter error");
    }
    return value as string[];
  }

  flag(key: string): boolean {
    const value = this.#values[key] ?? false;
    if (typeof value !== "boolean") throw invalidParameter("Parameter error");
    return value;
  }

  has(key: string): boolean {
    return key in this.#values;
  }

  number(key: string): number | undefined {
    const value = this.#values[key] ?? undefined;
    if (value !== undefined && typeof value !== "number") throw invalidParameter("Parameter error");
    return value;
  }

  record(key: string): Record<string, unknown> {
    const value = this.#values[key] ?? {};
    if (typeof value !== "object") throw invalidParameter("Parameter error");
    return value as Record<string, unknown>;
  }
}

export async function readFields(call: Call): Promise<Fields> {
  const text = await readText(call);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw invalidParameter("Parameter error");
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) throw invalidParameter("Parameter error");
  return new Fields(parsed as Record<string, unknown>);
}

/** The fields of a form; a body of another type has none. */
export async function readForm(call: Call): Promise<Fields> {
  const text = await readText(call);
  const isForm = headerText(call, "content-type").startsWith("application/x-www-form-urlencoded");
  return new Fields(isForm ? Object.fromEntries(new URLSearchParams(text)) : {});
}

async function readText(call: Call): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of call.request as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > bodyLimitBytes) throw invalidParameter("Parameter error");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
