import http from "node:http";
import https from "node:https";

interface Waiting {
  readonly begin: () => void;
}

/**
 * So many connections at once for one kind of call, and no more. Node's own agents queue calls too, but a call that
 * waits there hears neither of its deadline nor of its caller's end.
 */
export class ConnectionPool {
  readonly #agents: { readonly "http:": http.Agent; readonly "https:": https.Agent };
  #free: number;
  /** In the order they came. */
  readonly #waiting = new Set<Waiting>();

  /** @param mostIdle connections that stay open while nobody needs them */
  constructor(size: number, mostIdle: number) {
    this.#free = size;
    const options = { keepAlive: true, maxFreeSockets: mostIdle };
    this.#agents = { "http:": new http.Agent(options), "https:": new https.Agent(options) };
  }

  agentFor(protocol: "http:" | "https:"): http.Agent {
    return this.#agents[protocol];
  }

  /**
   * Waits for a place.
   * @returns gives the place back; to be called once
   * @throws Error with a `code`: none was free in time, or the caller has gone
   */
  async enter(withinMs: number, signal: AbortSignal | undefined): Promise<() => void> {
    if (signal?.aborted === true) throw gone();
    if (this.#free > 0) this.#free--;
    else await this.#turn(withinMs, signal);
    return () => this.#leave();
  }

  #turn(withinMs: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = (error: Error): void => {
        stopWaiting();
        reject(error);
      };
      const timer = setTimeout(() => giveUp(failed("EPOOLFULL", "no connection was free in time")), withinMs);
      const onGone = (): void => giveUp(gone());
      const waiting: Waiting = {
        begin: () => {
          stopWaiting();
          resolve();
        },
      };
      const stopWaiting = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onGone);
        this.#waiting.delete(waiting);
      };
      signal?.addEventListener("abort", onGone);
      this.#waiting.add(waiting);
    });
  }

  /** The place goes on to whoever has waited longest. */
  #leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#free++;
    else next.begin();
  }
}

const failed = (code: string, message: string): Error => Object.assign(new Error(message), { code });
const gone = (): Error => failed("ABORT_ERR", "the caller has gone");
