import { BridgeError } from "./failure.ts";
import { type Lease, SharedFileMutex, type SharedFileMutexOptions } from "./sharedFileMutex.ts";

/** Within one process, a lease lasts until its work is done. */
const lasting: Lease = { requireMine: () => undefined };
/** Editors wait half a minute for an answer; a caller who has waited this long is told that the file is busy. */
const usualWaitMs = 25_000;

interface Waiting {
  readonly begin: () => void;
}

/**
 * One at a time per file: Cloudreve answers a lock call during a running save with a false conflict, so lock calls
 * and saves of one file go one after the other. Calls on different files do not wait for each other.
 */
export class FileMutex {
  /** Callers waiting for each file; a file that is free has no entry. */
  readonly #waiting = new Map<string, Set<Waiting>>();
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #shared: SharedFileMutex | undefined;
  readonly #waitAtMostMs: number;

  /** @param shared the common store, when several bridges work on the same files */
  constructor(shared?: SharedFileMutexOptions, waitAtMostMs = usualWaitMs) {
    this.#shared = shared === undefined ? undefined : new SharedFileMutex(shared);
    this.#waitAtMostMs = this.#shared?.waitAtMostMs ?? waitAtMostMs;
  }

  /**
   * Does the work when the file is free.
   * @param signal aborted when the caller has gone; the call then leaves the queue. Leave it out for work that must be
   *   done anyway, such as placing a save that has arrived completely.
   * @throws driveBusy when the file is not free in time
   */
  run<Result>(fileId: string, work: (lease: Lease) => Promise<Result>, signal?: AbortSignal): Promise<Result> {
    const result = this.#run(fileId, work, signal);
    this.#underWay.add(result);
    const ended = (): void => void this.#underWay.delete(result);
    result.then(ended, ended);
    return result;
  }

  /** @returns once all work under way has ended, successfully or not */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#underWay);
  }

  async #run<Result>(
    fileId: string,
    work: (lease: Lease) => Promise<Result>,
    signal: AbortSignal | undefined,
  ): Promise<Result> {
    if (signal?.aborted === true) throw callerGone();
    const untilMs = performance.now() + this.#waitAtMostMs;
    const waiting = this.#waiting.get(fileId);
    if (waiting === undefined) this.#waiting.set(fileId, new Set());
    else await this.#come(waiting, signal);
    try {
      return await (this.#shared === undefined ? work(lasting) : this.#shared.hold(fileId, work, untilMs, signal));
    } finally {
      this.#next(fileId);
    }
  }

  #come(waiting: Set<Waiting>, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onGone);
        waiting.delete(mine);
      };
      const giveUp = (error: Error): void => {
        leave();
        reject(error);
      };
      const onGone = (): void => giveUp(callerGone());
      const timer = setTimeout(() => giveUp(new BridgeError({ kind: "driveBusy" })), this.#waitAtMostMs);
      const mine: Waiting = {
        begin: () => {
          leave();
          resolve();
        },
      };
      signal?.addEventListener("abort", onGone);
      waiting.add(mine);
    });
  }

  #next(fileId: string): void {
    const [next] = this.#waiting.get(fileId) ?? [];
    if (next === undefined) this.#waiting.delete(fileId);
    else next.begin();
  }
}

/** For the log: the caller no longer reads the answer. */
const callerGone = (): BridgeError =>
  new BridgeError({ kind: "driveBusy" }, { cause: new Error("the caller has hung up") });
