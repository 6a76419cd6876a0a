import { Readable } from "node:stream";
import { Agent } from "undici";
import { ConnectionPool } from "./connectionPool.ts";
import { DirectDownloads } from "./directDownloads.ts";
import { CollectedAnswer, type Exchange, type Streamed, StreamedAnswer, type Whole } from "./exchange.ts";

const usualTiming = {
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

/** Longer than most pauses between two calls; Cloudreve itself closes no idle connection. */
const idleMs = 30_000;
/** What a call ends with whose connection was closed just as it was used again. */
const staleCodes: ReadonlySet<unknown> = new Set(["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"]);

/**
 * Sends and fetches bytes with undici's dispatcher: as measured, half the processor time of node:http, whose client
 * copies each piece of an answer. It follows no redirects, unpacks nothing, and uses no proxy.
 */
export class BytePath {
  readonly #timing: ByteTiming;
  readonly #downloads = new DirectDownloads();
  readonly #lanes: Readonly<Record<Purpose, { readonly pool: ConnectionPool; readonly agent: Agent }>>;

  constructor(timing: Partial<ByteTiming> = {}) {
    this.#timing = { ...usualTiming, ...timing };
    const lane = (size: number) => ({ pool: new ConnectionPool(size), agent: this.#agent() });
    this.#lanes = { api: lane(128), save: lane(128), small: lane(128), download: lane(768) };
  }

  /** @returns the answer once its headers have arrived; the caller must read or destroy it @throws Error with `code` */
  send(call: Transmission): Promise<Streamed> {
    return this.#tried(call, (leave) => new StreamedAnswer(leave, call.signal, this.#timing.answerStallMs));
  }

  /** @returns a short answer, once all of it is there @throws Error with `code` */
  ask(call: Transmission): Promise<Whole> {
    return this.#tried(call, (leave) => new CollectedAnswer(leave, call.signal));
  }

  async #tried<Given>(call: Transmission, exchangeOf: (leave: () => void) => Exchange<Given>): Promise<Given> {
    const startedAtMs = performance.now();
    const { answerWithinMs, connectionWithinMs } = this.#timing;
    const answerBeforeMs = startedAtMs + answerWithinMs;
    const once = async (): Promise<Given> => {
      const withinMs = call.body === undefined ? answerWithinMs : connectionWithinMs;
      const exchange = exchangeOf(await this.#lanes[call.purpose].pool.enter(withinMs, call.signal));
      this.#dispatch(call, exchange, answerBeforeMs);
      return exchange.outcome;
    };
    try {
      try {
        return await once();
      } catch (error) {
        // The other side closed an idle connection just as it was used again: it has not seen the call.
        if (call.body !== undefined || !staleCodes.has((error as NodeJS.ErrnoException).code)) throw error;
      }
      return await once();
    } catch (error) {
      // No one else closes it, and a body sent from a file keeps that file open.
      if (call.body instanceof Readable) call.body.destroy();
      throw error;
    }
  }

  #dispatch<Given>(call: Transmission, exchange: Exchange<Given>, answerBeforeMs: number): void {
    const { body, method, url, purpose } = call;
    if (body instanceof Readable) this.#watchBody(exchange, body, Number(call.headers["Content-Length"] ?? 0));
    else exchange.deadline.in(answerBeforeMs - performance.now());
    try {
      const { origin, pathname, protocol, search } = new URL(url);
      const path = pathname + search;
      const headers = { "Accept-Encoding": "identity", ...call.headers };
      const byUndici = () =>
        this.#lanes[purpose].agent.dispatch({ origin, path, method, headers, body: body ?? null }, exchange);
      // A part is small, or only a try, which must be made once.
      const isDirect = purpose === "download" && protocol === "http:" && call.headers["Range"] === undefined;
      if (isDirect) this.#downloads.get({ origin, path, headers }, exchange, byUndici);
      else byUndici();
    } catch (error) {
      exchange.fail(error as Error);
    }
  }

  /** A drive may take a body as slowly as it likes while it takes some of it, and then gets time to store it. */
  #watchBody<Given>(exchange: Exchange<Given>, body: Readable, sizeBytes: number): void {
    const { stallMs, storedWithinMs } = this.#timing;
    const { deadline } = exchange;
    deadline.in(stallMs);
    // Not before: its first bytes would be gone before there is a connection for them.
    exchange.onStart = () => body.on("data", () => deadline.in(stallMs));
    body.once("end", () => deadline.in(storedWithinMs + sizeBytes / storageBytesPerMs));
  }

  #agent(): Agent {
    return new Agent({
      pipelining: 1,
      keepAliveTimeout: idleMs,
      connect: { timeout: this.#timing.answerWithinMs },
      // Each call has its own deadlines.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }
}
