import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import type { z } from "zod";
import type { DirectBody } from "../model/drive.ts";
import { BridgeError } from "../model/failure.ts";
import { jsonIn } from "../model/jsonIn.ts";
import { BytePath, type ByteTiming, type Transmission } from "./bytePath.ts";
import { type Envelope, envelopeSchema, errorOfEnvelope, oauthRefusalSchema } from "./errorCodes.ts";
import { tooLongCode } from "./exchange.ts";

export interface DriveCall {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below `/api/v4`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly json?: unknown;
  /** Instead of `json`: a body of form fields. */
  readonly form?: Readonly<Record<string, string>>;
  readonly accessToken?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** How long Cloudreve took until its answer began. */
export interface CallTime {
  /** Method, and path without ids. */
  readonly call: string;
  readonly outcome: "answered" | "failed";
  readonly seconds: number;
}

export interface AnswerHead {
  readonly status: number;
  header(name: string): string | undefined;
}
export interface RawAnswer extends AnswerHead {
  readonly body: Readable & DirectBody;
}
export interface TextAnswer extends AnswerHead {
  readonly text: string;
}

/** HTTP to Cloudreve: envelopes and bytes. Every error leaves as a BridgeError. */
export class CloudreveClient {
  readonly #bytes: BytePath;
  readonly #baseUrl: string;
  readonly #apiUrl: string;
  readonly #headersOnward: () => Readonly<Record<string, string>>;
  readonly #called: (call: CallTime) => void;

  /**
   * @param headersOnward of the request being served; Cloudreve logs its correlation id and repeats it in errors
   * @param called is told of each call once its answer has begun
   * @param timing other time limits than the usual ones
   */
  constructor(
    baseUrl: string,
    headersOnward: () => Readonly<Record<string, string>> = () => ({}),
    called: (call: CallTime) => void = () => {},
    timing: Partial<ByteTiming> = {},
  ) {
    this.#bytes = new BytePath(timing);
    this.#baseUrl = baseUrl.replace(/\/+$/, "");
    this.#apiUrl = `${this.#baseUrl}/api/v4`;
    this.#headersOnward = headersOnward;
    this.#called = called;
  }

  get origin(): string {
    return new URL(this.#baseUrl).origin;
  }

  address(path: string): string {
    return `${this.#apiUrl}${path}`;
  }

  /** Calls the API. @returns `data` of the envelope, checked @throws BridgeError according to the table of codes */
  async api<Schema extends z.ZodType>(schema: Schema, call: DriveCall): Promise<z.output<Schema>> {
    return dataOf(schema, envelopeOf(await this.text(call)));
  }

  /** Calls the API where an error code is a valid answer. @returns the envelope, whatever its code */
  async exchange(call: DriveCall): Promise<Envelope> {
    return envelopeOf(await this.text(call));
  }

  /**
   * Calls an endpoint whose format OAuth prescribes: plain JSON without an envelope.
   * @throws signInNeeded when Cloudreve refuses, in OAuth's format or its own
   * @see Cloudreve POST /session/oauth/token, GET /session/oauth/userinfo
   */
  async plain<Schema extends z.ZodType>(schema: Schema, call: DriveCall): Promise<z.output<Schema>> {
    const answer = await this.text(call);
    const json = jsonIn(answer.text);
    const value = schema.safeParse(json);
    if (answer.status === 200 && value.success) return value.data;
    const refusal = oauthRefusalSchema.safeParse(json);
    if (!refusal.success || refusal.data.code === 0) {
      throw new BridgeError({ kind: "driveFailed", code: answer.status, said: "an answer that OAuth does not know" });
    }
    // A server error says nothing about the credential.
    if (refusal.data.code >= 50_000) throw errorOfEnvelope({ code: refusal.data.code, msg: "" });
    throw new BridgeError({ kind: "signInNeeded" }, { cause: new Error(refusal.data.said) });
  }

  /** Calls the API and returns any answer as it is. @throws driveUnreachable */
  async text(call: DriveCall, signal?: AbortSignal): Promise<TextAnswer> {
    const body = bodyOf(call);
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(call.query ?? {})) if (value !== undefined) query.set(name, value);
    return this.ask({
      purpose: "api",
      method: call.method,
      url: `${this.address(call.path)}${query.size === 0 ? "" : `?${query}`}`,
      headers: {
        ...(body === undefined ? {} : { "Content-Type": body.type, "Content-Length": String(body.bytes.length) }),
        ...(call.accessToken === undefined ? {} : { Authorization: `Bearer ${call.accessToken}` }),
        ...call.headers,
      },
      body: body?.bytes,
      signal,
    });
  }

  /** A call whose answer is short, and read whole. Any status counts as an answer. @throws driveUnreachable, driveFailed */
  async ask(call: Transmission): Promise<TextAnswer> {
    const { status, headers, text } = await this.#measured(call, (sent) => this.#bytes.ask(sent));
    return { status, header: headerOf(headers), text };
  }

  /** A call whose answer the caller must read or destroy. Any status counts as an answer. @throws driveUnreachable */
  async raw(call: Transmission): Promise<RawAnswer> {
    const { status, headers, body } = await this.#measured(call, (sent) => this.#bytes.send(sent));
    return { status, header: headerOf(headers), body };
  }

  /** All calls go through here. It adds the headers of the request being served, and measures the time. */
  async #measured<Answer>(call: Transmission, send: (call: Transmission) => Promise<Answer>): Promise<Answer> {
    const startedAt = performance.now();
    const called = (outcome: CallTime["outcome"]) =>
      this.#called({
        call: `${call.method} ${this.#pathOf(call.url)}`,
        outcome,
        seconds: (performance.now() - startedAt) / 1000,
      });
    try {
      const answer = await send({ ...call, headers: { ...call.headers, ...this.#headersOnward() } });
      called("answered");
      return answer;
    } catch (error) {
      called("failed");
      // Only the code, such as ECONNREFUSED: the rest of an error may contain what was sent.
      const code = error instanceof Error && "code" in error ? String(error.code) : "failed";
      if (code === tooLongCode) throw new BridgeError({ kind: "driveFailed", code: 0, said: "the answer is too long" });
      throw new BridgeError({ kind: "driveUnreachable" }, { cause: new Error(code) });
    }
  }

  /** Without the query and ids, which could take any number of values. */
  #pathOf(url: string): string {
    if (!url.startsWith(`${this.#apiUrl}/`)) return "storage";
    const query = url.indexOf("?");
    const path = url.slice(this.#apiUrl.length, query < 0 ? undefined : query);
    return path.replace(/^\/(file\/wopi|file\/content|file\/upload|user\/info)\/[^/]+(\/contents)?.*$/, "/$1/:id$2");
  }
}

function headerOf(headers: IncomingHttpHeaders): AnswerHead["header"] {
  return (name) => {
    const value = headers[name.toLowerCase()];
    return typeof value === "string" ? value : undefined;
  };
}

/** For a body of bytes; Cloudreve must know its length. */
export function bytesHeaders(sizeBytes: number): Readonly<Record<string, string>> {
  return { "Content-Type": "application/octet-stream", "Content-Length": String(sizeBytes) };
}

function bodyOf({ json, form }: DriveCall): { readonly type: string; readonly bytes: Buffer } | undefined {
  if (form !== undefined) {
    return { type: "application/x-www-form-urlencoded", bytes: Buffer.from(new URLSearchParams(form).toString()) };
  }
  return json === undefined ? undefined : { type: "application/json", bytes: Buffer.from(JSON.stringify(json)) };
}

/** @throws driveFailed when the answer is something else */
export function envelopeOf(answer: { readonly status: number; readonly text: string }): Envelope {
  const envelope = envelopeSchema.safeParse(jsonIn(answer.text));
  if (envelope.success) return envelope.data;
  throw new BridgeError({ kind: "driveFailed", code: answer.status, said: "no envelope in the answer" });
}

/** @returns `data` of an envelope, checked @throws BridgeError according to the table of codes */
export function dataOf<Schema extends z.ZodType>(schema: Schema, envelope: Envelope): z.output<Schema> {
  if (envelope.code !== 0) throw errorOfEnvelope(envelope);
  const data = schema.safeParse(envelope.data);
  if (data.success) return data.data;
  const where = data.error.issues.map((issue) => issue.path.join(".")).join(", ");
  throw new BridgeError({ kind: "driveFailed", code: 0, said: `unexpected answer at: ${where}` });
}
