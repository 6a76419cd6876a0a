import { SharedTurns, type SharedTurnsOptions, type Turn } from "./sharedTurns.ts";

/** Within one process a turn lasts until its work is done. */
const lasting: Turn = { requireMine: () => undefined };

/**
 * One at a time per file: Cloudreve answers a lock call during a running save with a false conflict, so lock calls
 * and saves of one file take turns. Calls on different files do not wait for each other.
 */
export class FileTurns {
  readonly #last = new Map<string, Promise<unknown>>();
  readonly #shared: SharedTurns | undefined;

  /** @param shared where several bridges work on the same files: their common store */
  constructor(shared?: SharedTurnsOptions) {
    this.#shared = shared === undefined ? undefined : new SharedTurns(shared);
  }

  async inTurn<Result>(fileId: string, work: (turn: Turn) => Promise<Result>): Promise<Result> {
    const shared = this.#shared;
    const task = () => (shared === undefined ? work(lasting) : shared.hold(fileId, work));
    const before = this.#last.get(fileId) ?? Promise.resolve();
    // The one before may have failed; that is its caller's matter.
    const mine = before.then(task, task);
    this.#last.set(fileId, mine);
    try {
      return await mine;
    } finally {
      if (this.#last.get(fileId) === mine) this.#last.delete(fileId);
    }
  }

  /** @returns once every turn under way has ended, however it ended */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#last.values());
  }
}
