/**
 * One at a time per file: Cloudreve answers a lock call during a running save with a false conflict, so lock calls
 * and saves of one file take turns. Calls on different files do not wait for each other.
 */
export class FileTurns {
  readonly #last = new Map<string, Promise<unknown>>();

  async inTurn<Result>(fileId: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.#last.get(fileId) ?? Promise.resolve();
    // The one before may have failed; that is its caller's matter.
    const mine = before.then(work, work);
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
