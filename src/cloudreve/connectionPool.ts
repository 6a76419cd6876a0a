import { codedError } from "./codedError.ts";

interface Waiting {
  readonly begin: () => void;
}

/**
 * Limits the calls of one kind that are open at once. undici queues calls too, but a call
 * waiting there does not notice that its caller has gone.
 */
export class ConnectionPool {
  #free: number;
  /** In order of arrival. */
  readonly #waiting = new Set<Waiting>();

  constructor(size: number) {
    this.#free = size;
  }

  /**
   * Waits for a place.
   * @returns a function that gives the place back; call it once
   * @throws Error with a `code`: no place was free in time, or the caller has gone
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
      const timer = setTimeout(() => giveUp(codedError("EPOOLFULL", "no connection was free in time")), withinMs);
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

  /** The place goes to the caller that has waited longest. */
  #leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#free++;
    else next.begin();
  }
}

const gone = (): Error => codedError("ABORT_ERR", "the caller has gone");
