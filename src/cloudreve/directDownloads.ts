import { validateHeaderName, validateHeaderValue } from "node:http";
import { connect, type Socket } from "node:net";
import type { Dispatcher } from "undici";
import { codedError } from "./codedError.ts";

/** All bytes of a connection come through one buffer of this size: nothing is allocated, or collected, for a download. */
const bufferBytes = 128 * 1024;
/** Idle connections to one server; each keeps its buffer. */
const mostIdle = 8;
const headAtMostBytes = 16 * 1024;

export interface DirectCall {
  /** `http://HOST:PORT` */
  readonly origin: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * The bytes of a chunk are the connection's own buffer: they are gone when the handler returns, unless it has paused.
 */
interface DirectControl extends Dispatcher.DispatchController {
  readonly isBorrowed: true;
}

/** GET of large bodies over plain HTTP, as measured for a third of the processor time of undici. */
export class DirectDownloads {
  readonly #idle = new Map<string, Set<Connection>>();

  /**
   * @param handler as undici's dispatcher calls it
   * @param unfit called instead of the handler for an answer that is not a plain body of a stated length; it has to be
   *   fetched in another way
   */
  get(call: DirectCall, handler: Dispatcher.DispatchHandler, unfit: () => void): void {
    const head = headOf(call);
    const idle = this.#idle.get(call.origin) ?? new Set();
    this.#idle.set(call.origin, idle);
    const [reused] = idle;
    if (reused !== undefined) idle.delete(reused);
    const connection = reused ?? new Connection(call.origin);
    new Download(connection, handler, unfit, () => {
      if (idle.size >= mostIdle) {
        connection.socket.destroy();
        return;
      }
      idle.add(connection);
      connection.rest(() => idle.delete(connection));
    });
    connection.socket.write(head, "latin1");
  }
}

/** @throws Error when a header could not be sent as it is */
function headOf({ origin, path, headers }: DirectCall): string {
  const lines = [`GET ${path} HTTP/1.1`, `Host: ${origin.slice("http://".length)}`];
  for (const [name, value] of Object.entries(headers)) {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    lines.push(`${name}: ${value}`);
  }
  return `${lines.join("\r\n")}\r\n\r\n`;
}

class Connection {
  readonly socket: Socket;
  /** @returns false to be given no more for now */
  take: (bytes: Buffer) => boolean = () => false;
  lost: (error: Error) => void = () => {};

  constructor(origin: string) {
    const { hostname, port } = new URL(origin);
    this.socket = connect({
      host: hostname.replace(/^\[|\]$/g, ""),
      port: Number(port || 80),
      onread: {
        buffer: Buffer.allocUnsafeSlow(bufferBytes),
        callback: (sizeBytes, buffer) => this.take(Buffer.from(buffer.buffer, buffer.byteOffset, sizeBytes)),
      },
    });
    this.socket.on("error", (error) => this.lost(error));
    this.socket.on("close", () => this.lost(codedError("ECONNRESET", "the connection was closed")));
    this.socket.on("end", () => this.socket.destroy());
  }

  /** @param gone called when the other side closes it, or sends what nobody has asked for */
  rest(gone: () => void): void {
    this.socket.unref();
    this.lost = gone;
    this.take = () => {
      this.socket.destroy();
      return false;
    };
    this.socket.resume();
  }
}

class Download implements DirectControl {
  readonly isBorrowed = true;
  readonly #connection: Connection;
  readonly #handler: Dispatcher.DispatchHandler;
  readonly #unfit: () => void;
  readonly #giveBack: () => void;
  /** The head as far as it has come. */
  #head = "";
  /** Of the body; undefined before it begins. */
  #leftBytes: number | undefined;
  /** What lies in the buffer and has not been handed on. */
  #held: Buffer | undefined;
  #isReading = true;
  #mayBeReused = true;
  paused = false;
  aborted = false;
  reason: Error | null = null;

  constructor(connection: Connection, handler: Dispatcher.DispatchHandler, unfit: () => void, giveBack: () => void) {
    this.#connection = connection;
    this.#handler = handler;
    this.#unfit = unfit;
    this.#giveBack = giveBack;
    connection.socket.ref();
    connection.take = (bytes) => this.#take(bytes);
    connection.lost = (error) => this.#end(error);
    handler.onRequestStart?.(this, {});
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    if (!this.paused || this.aborted) return;
    this.paused = false;
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined && !this.#body(held)) return;
    if (this.#isReading) return;
    this.#isReading = true;
    this.#connection.socket.resume();
  }

  abort(reason: Error): void {
    this.#end(reason);
  }

  #take(bytes: Buffer): boolean {
    const goesOn = this.#leftBytes === undefined ? this.#heads(bytes) : this.#body(bytes);
    this.#isReading = goesOn;
    return goesOn;
  }

  #heads(bytes: Buffer): boolean {
    const before = this.#head.length;
    this.#head += bytes.toString("latin1");
    const end = this.#head.indexOf("\r\n\r\n");
    if (end < 0 && this.#head.length <= headAtMostBytes) return true;
    const head = end < 0 ? undefined : plainHead(this.#head.slice(0, end));
    if (head === undefined) {
      this.#release();
      this.#connection.socket.destroy();
      this.#unfit();
      return false;
    }
    this.#head = "";
    this.#leftBytes = head.lengthBytes;
    this.#mayBeReused = head.headers["connection"]?.toLowerCase() !== "close";
    this.#handler.onResponseStart?.(this, head.status, head.headers);
    return !this.aborted && this.#body(bytes.subarray(end + 4 - before));
  }

  /** @returns whether more is to be read */
  #body(bytes: Buffer): boolean {
    if (this.paused) {
      this.#held = bytes;
      return false;
    }
    const left = (this.#leftBytes ?? 0) - bytes.length;
    this.#leftBytes = left;
    if (left < 0) {
      this.#end(codedError("EPROTO", "more was sent than was announced"));
      return false;
    }
    if (bytes.length > 0) this.#handler.onResponseData?.(this, bytes);
    if (this.aborted) return false;
    if (this.paused) {
      // The reader still uses the buffer, which the next download on this connection would write to.
      if (left === 0) this.#held = bytes.subarray(bytes.length);
      return false;
    }
    if (left > 0) return true;
    this.#release();
    if (this.#mayBeReused) this.#giveBack();
    else this.#connection.socket.destroy();
    this.#handler.onResponseEnd?.(this, {});
    return true;
  }

  #release(): void {
    this.aborted = true;
    this.#connection.take = () => false;
    this.#connection.lost = () => {};
  }

  #end(error: Error): void {
    if (this.aborted) return;
    this.reason = error;
    this.#release();
    this.#connection.socket.destroy();
    this.#handler.onResponseError?.(this, error);
  }
}

interface PlainHead {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly lengthBytes: number;
}

/** @returns undefined unless it announces a body of a stated length, sent as it is */
export function plainHead(head: string): PlainHead | undefined {
  const [first = "", ...lines] = head.split("\r\n");
  const status = /^HTTP\/1\.1 ([2-5]\d\d)(?: |$)/.exec(first)?.[1];
  if (status === undefined || status === "204" || status === "304") return undefined;
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
    if (name === undefined || value === undefined) return undefined;
    const key = name.toLowerCase();
    const known = headers[key];
    // Two lengths would be two opinions about where the next answer begins.
    if (known !== undefined && key === "content-length") return undefined;
    headers[key] = known === undefined ? value : `${known}, ${value}`;
  }
  const length = headers["content-length"];
  if (headers["transfer-encoding"] !== undefined || length === undefined || !/^\d{1,15}$/.test(length))
    return undefined;
  return { status: Number(status), headers, lengthBytes: Number(length) };
}
