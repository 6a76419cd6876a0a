import type { IncomingMessage, Server, ServerResponse } from "node:http";

const usualTiming = {
  /** The server ends by then, whatever is still in progress. */
  drainMs: 25_000,
  /** In the last part of that time, no new calls are accepted. */
  lastCallsMs: 5_000,
  /** How long a balancer that asks for readiness has to notice, before the port closes. */
  noticeMs: 5_000,
  /** A load balancer that has not asked for this long is gone. */
  watchedForMs: 30_000,
};
export type DrainTiming = typeof usualTiming;

/**
 * How a server ends. From the first moment on it is not ready, and every answer closes its connection. Calls are still
 * taken until those who balance have been given notice and what was under way then has been answered; then the port is
 * closed, and the rest is waited for.
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

  /** @returns false once stopping; callers of this are taken for load balancers */
  isReady(): boolean {
    this.#askedAtMs = performance.now();
    return this.#ending === undefined;
  }

  /** Call it before the server listens. */
  watch(server: Server): void {
    this.#server = server;
    server.prependListener("request", (_request: IncomingMessage, response: ServerResponse) => {
      this.#underWay.add(response);
      // Log, limits, operation and Node's own pipeline each watch for the end: more than the ten Node takes for a leak.
      response.setMaxListeners(20);
      if (this.#ending !== undefined) response.setHeader("Connection", "close");
      response.once("close", () => {
        this.#underWay.delete(response);
        // A response whose headers were sent before stopping began has left its connection open.
        if (this.#ending !== undefined && !server.listening) setImmediate(() => server.closeIdleConnections());
      });
    });
  }

  /** @returns once the server has ended; asked again, the same end */
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
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, atMostMs);
    });
    const all = [...this.#underWay].map(
      (response) => new Promise<void>((resolve) => void response.once("close", resolve)),
    );
    await Promise.race([Promise.all(all), late]);
    clearTimeout(timer);
  }
}
