import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { inTime } from "../model/inTime.ts";

const usualTiming = {
  /** The server ends by then, whatever is still in progress. */
  drainMs: 25_000,
  /** In the last part of that time, no new calls are accepted. */
  lastCallsMs: 5_000,
  /** How long a load balancer that checks readiness has to notice, before the port closes. */
  noticeMs: 5_000,
  /** A load balancer that has not checked for this long is gone. */
  watchedForMs: 30_000,
};
export type DrainTiming = typeof usualTiming;

/**
 * How a server stops. From the start it reports that it is not ready, and every answer closes its connection. It still
 * takes calls until load balancers have noticed and the calls in progress then have been answered. Then it closes the
 * port and waits for the rest.
 */
export class Drain {
  readonly #timing: DrainTiming;
  #server: Server | undefined;
  readonly #underWay = new Set<ServerResponse>();
  #askedAtMs: number | undefined;
  #ending: Promise<void> | undefined;

  constructor(timing: Partial<DrainTiming> = {}) {
    this.#timing = { ...usualTiming, ...timing };
  }

  /** @returns false once stopping; callers are assumed to be load balancers */
  isReady(): boolean {
    this.#askedAtMs = performance.now();
    return this.#ending === undefined;
  }

  /** Call it before the server listens. */
  watch(server: Server): void {
    this.#server = server;
    server.prependListener("request", (_request: IncomingMessage, response: ServerResponse) => {
      this.#underWay.add(response);
      // Log, limits, operation and Node's own pipeline each listen for the end: more than the ten at which Node warns.
      response.setMaxListeners(20);
      if (this.#ending !== undefined) response.setHeader("Connection", "close");
      response.once("close", () => {
        this.#underWay.delete(response);
        // A response whose headers were sent before stopping began has left its connection open.
        if (this.#ending !== undefined && !server.listening) setImmediate(() => server.closeIdleConnections());
      });
    });
  }

  /** @returns once the server has stopped; calling it again returns the same promise */
  end(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async #end(): Promise<void> {
    const server = this.#server;
    if (server?.listening !== true) return;
    const { drainMs, lastCallsMs, noticeMs, watchedForMs } = this.#timing;
    const deadline = setTimeout(() => server.closeAllConnections(), drainMs);
    for (const response of this.#underWay) if (!response.headersSent) response.setHeader("Connection", "close");
    const isWatched = this.#askedAtMs !== undefined && performance.now() - this.#askedAtMs < watchedForMs;
    const startedAtMs = performance.now();
    if (isWatched) await new Promise((resolve) => setTimeout(resolve, noticeMs));
    await this.#answered(drainMs - lastCallsMs - (performance.now() - startedAtMs));
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeIdleConnections();
    await closed;
    clearTimeout(deadline);
  }

  /** @returns once everything in progress is done, or the time is up */
  async #answered(atMostMs: number): Promise<void> {
    const all = [...this.#underWay].map(
      (response) => new Promise<void>((resolve) => void response.once("close", resolve)),
    );
    await inTime(Promise.all(all), atMostMs, () => undefined);
  }
}
