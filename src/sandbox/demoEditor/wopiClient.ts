import { type ClientRequest, request as httpRequest, type IncomingHttpHeaders, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import type { SaveResult } from "./messages.ts";
import type { ProofKeys } from "./proofKeys.ts";

/** For whom a call is made: the file's address, the person's token and what the frame's address brought along. */
export interface Caller {
  wopiSrc: string;
  accessToken: string;
  accessTokenTtl: string;
  frameParameters: [name: string, value: string][];
}

export interface WopiRequest {
  method: "GET" | "POST";
  contents?: boolean;
  headers?: Record<string, string>;
  body?: Buffer;
}

export interface WopiAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface WopiClientOptions {
  now: () => number;
  userAgent: string;
  /** The token as Authorization too; it is in the query in any case. */
  sendsBearer: boolean;
  proofKeys?: ProofKeys;
  allowedOrigins?: string[];
}

/** The host gave no answer at all, or may not be asked. */
export class HostUnreachable extends Error {}

const timeoutMs = 30_000;
const accessCheckMs = 3_000;
const answerLimitBytes = 16 * 1024 * 1024;
const addressShape = /^(https?):\/\/([^/?#@\s]+)(\/[!-~]*)$/;

/** Sends the editor's calls to WOPI hosts, one connection each, signed and only where it is allowed to. */
export class WopiClient {
  readonly #options: WopiClientOptions;
  readonly #allowedOrigins: string[] | undefined;
  readonly #running = new Set<ClientRequest>();
  #over = false;

  constructor(options: WopiClientOptions) {
    this.#options = options;
    this.#allowedOrigins = options.allowedOrigins?.map((allowed) => new URL(allowed).origin);
  }

  /** Whether this editor may call the host a WOPISrc names: without a list, this machine only. */
  mayCall(wopiSrc: string): boolean {
    if (!addressShape.test(wopiSrc) || !URL.canParse(wopiSrc)) return false;
    const { origin, hostname } = new URL(wopiSrc);
    if (this.#allowedOrigins !== undefined) return this.#allowedOrigins.includes(origin);
    return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
  }

  /** @throws HostUnreachable when the address is not allowed or no whole answer came */
  async call(caller: Caller, wanted: WopiRequest): Promise<WopiAnswer> {
    if (this.#over) throw new HostUnreachable("editor ended");
    if (!this.mayCall(caller.wopiSrc)) throw new HostUnreachable("this editor may not call that host");
    const address = `${caller.wopiSrc}${wanted.contents ? "/contents" : ""}${query(caller)}`;
    const { scheme, authority, path, host } = partsOf(address);
    if (scheme === undefined || authority === undefined || path === undefined)
      throw new HostUnreachable("not an address of a WOPI host");
    const { now, proofKeys, userAgent, sendsBearer } = this.#options;
    // Path and Host go out as written: proofs sign the address as the editor was given it.
    return this.#send(scheme, wanted.body, {
      method: wanted.method,
      ...host,
      path,
      agent: false,
      timeout: timeoutMs,
      headers: {
        Host: authority,
        "User-Agent": userAgent,
        ...(sendsBearer ? { Authorization: `Bearer ${caller.accessToken}` } : {}),
        ...wanted.headers,
        ...proofKeys?.headersFor(address, caller.accessToken, now()),
        ...(wanted.method === "POST" ? { "Content-Length": String(wanted.body?.length ?? 0) } : {}),
        Connection: "close",
      },
    });
  }

  /**
   * Reads an address just as it is, unsigned, and where it redirects to.
   * @returns undefined when that fails: there is GetFile yet
   */
  async download(caller: Caller, url: string, redirects = 10): Promise<Buffer | undefined> {
    const { authority, host, path, scheme } = partsOf(url);
    if (this.#over || scheme === undefined || authority === undefined || path === undefined) return undefined;
    const { userAgent, sendsBearer } = this.#options;
    const headers = {
      Host: authority,
      "User-Agent": userAgent,
      ...(sendsBearer ? { Authorization: `Bearer ${caller.accessToken}` } : {}),
      Connection: "close",
    };
    try {
      const options = { method: "GET", ...host, path, agent: false, timeout: timeoutMs, headers };
      const { status, headers: heard, body } = await this.#send(scheme, undefined, options);
      if (status === 200) return body;
      const isRedirect = status === 302 && heard.location !== undefined && redirects > 0;
      return isRedirect ? await this.download(caller, heard.location ?? "", redirects - 1) : undefined;
    } catch {
      return undefined;
    }
  }

  /** Fetches a picture, with no token: from hosts that documents come from, which Collabora allows without a list. */
  async picture(wopiSrc: string, url: string): Promise<SaveResult> {
    const failed = (errorMsg: string): SaveResult => ({ success: false, result: "", errorMsg });
    const { authority, host, path, scheme } = partsOf(url);
    if (this.#over || scheme === undefined || authority === undefined || path === undefined)
      return failed("no address");
    if (host.hostname !== partsOf(wopiSrc).host.hostname) return failed("this editor may not fetch from that host");
    const headers = { Host: authority, "User-Agent": this.#options.userAgent, Connection: "close" };
    try {
      const options = { method: "GET", ...host, path, agent: false, timeout: timeoutMs, headers };
      const { status, headers: heard, body } = await this.#send(scheme, undefined, options);
      const type = heard["content-type"] ?? "";
      if (status !== 200 || !type.startsWith("image/")) return failed(`no picture there (${status})`);
      return { success: true, result: `${type}, ${body.length} bytes`, errorMsg: "" };
    } catch (error) {
      return failed(error instanceof Error ? error.message : "no answer");
    }
  }

  /** Whether an address can be reached from here. @returns a word of Collabora's /hosting/wopiAccessCheck */
  async checkAccess(address: string): Promise<string> {
    const { authority, host, path, scheme } = partsOf(address);
    if (scheme === undefined || authority === undefined || path === undefined) return "NoScheme";
    if (this.#over || !this.mayCall(address)) return "WopiHostNotAllowed";
    try {
      const { status } = await this.#send(scheme, undefined, {
        method: "GET",
        ...host,
        path,
        agent: false,
        timeout: accessCheckMs,
        headers: { Host: authority, "User-Agent": this.#options.userAgent, Connection: "close" },
      });
      return status === 200 ? "Ok" : "NotHttpSuccess";
    } catch {
      return "ConnectionAborted";
    }
  }

  /** Breaks off every running call and makes no other, as a killed process does. */
  abortAll(): void {
    this.#over = true;
    for (const request of this.#running) request.destroy(new Error("editor ended"));
  }

  #send(scheme: string, body: Buffer | undefined, options: RequestOptions): Promise<WopiAnswer> {
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => reject(new HostUnreachable(error.message, { cause: error }));
      let request: ClientRequest;
      try {
        request = (scheme === "https" ? httpsRequest : httpRequest)(options);
      } catch (error) {
        // Node refuses header values outside Latin-1; a token may hold anything.
        fail(error instanceof Error ? error : new Error("refused"));
        return;
      }
      this.#running.add(request);
      request.once("close", () => this.#running.delete(request));
      request.once("timeout", () => request.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
      request.once("error", fail);
      request.once("response", (response) => {
        const chunks: Buffer[] = [];
        let length = 0;
        response.on("data", (chunk: Buffer) => {
          length += chunk.length;
          if (length > answerLimitBytes) request.destroy(new Error("the answer is too large for this editor"));
          else chunks.push(chunk);
        });
        response.once("error", fail);
        response.once("close", () => {
          if (response.complete)
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) });
          else fail(new Error("the answer broke off"));
        });
      });
      request.end(body);
    });
  }
}

function partsOf(address: string) {
  const [, scheme, authority, path] = addressShape.exec(address) ?? [];
  const { hostname, port } = URL.canParse(address) ? new URL(address) : { hostname: "", port: "" };
  const host = { hostname: hostname.replace(/^\[|\]$/g, ""), port: port === "" ? undefined : Number(port) };
  return { scheme, authority, path, host };
}

function query({ wopiSrc, accessToken, accessTokenTtl, frameParameters }: Caller): string {
  const pairs: [string, string][] = [["access_token", accessToken]];
  if (accessTokenTtl !== "") pairs.push(["access_token_ttl", accessTokenTtl]);
  pairs.push(...frameParameters);
  const text = pairs.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join("&");
  return `${wopiSrc.includes("?") ? "&" : "?"}${text}`;
}
