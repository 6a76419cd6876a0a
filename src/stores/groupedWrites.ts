/** Writes in one transaction: more would hold up other work. */
const committedAtOnce = 200;

/** @returns whether it was done; nothing is on disk before the commit */
export type Write = () => boolean;

interface WaitingWrite {
  readonly run: Write;
  readonly settle: (outcome: { readonly done: boolean } | { readonly error: unknown }) => void;
}

/**
 * Writes that wait for the same commit: each commit waits for the disk, so what comes while one is going on goes
 * together into the next.
 */
export class GroupedWrites {
  readonly #commit: (group: readonly Write[]) => Promise<readonly boolean[]>;
  readonly #concernsAll: (error: unknown) => boolean;
  #waiting: WaitingWrite[] = [];
  /** Until everything that waits now, or is being committed, is settled. */
  #settled: Promise<void> | undefined;
  readonly #keys = new Map<string, number>();

  /**
   * @param commit all of them in one transaction, or none if it throws
   * @param concernsAll whether after an error none of them could be written alone either
   */
  constructor(
    commit: (group: readonly Write[]) => Promise<readonly boolean[]>,
    concernsAll: (error: unknown) => boolean,
  ) {
    this.#commit = commit;
    this.#concernsAll = concernsAll;
  }

  /** @returns once it is on disk */
  add(key: string, run: Write): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#keys.set(key, (this.#keys.get(key) ?? 0) + 1);
      const settle: WaitingWrite["settle"] = (outcome) => {
        const left = (this.#keys.get(key) ?? 0) - 1;
        if (left > 0) this.#keys.set(key, left);
        else this.#keys.delete(key);
        if ("error" in outcome) reject(outcome.error);
        else resolve(outcome.done);
      };
      this.#waiting.push({ run, settle });
      this.#settled ??= this.#work();
    });
  }

  /** Waits for the writes to a key that came before: reads must see them. */
  async of(key: string): Promise<void> {
    while (this.#keys.has(key)) await this.#settled;
  }

  async all(): Promise<void> {
    await this.#settled;
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      // What comes from the same turn of the event loop goes together.
      await new Promise((resolve) => setImmediate(resolve));
      await this.#settle(this.#waiting.splice(0, committedAtOnce));
    }
    this.#settled = undefined;
  }

  async #settle(group: readonly WaitingWrite[]): Promise<void> {
    try {
      const done = await this.#commit(group.map(({ run }) => run));
      for (const [at, write] of group.entries()) write.settle({ done: done[at] ?? false });
    } catch (error) {
      if (group.length === 1 || this.#concernsAll(error)) for (const write of group) write.settle({ error });
      // One that can't be written must not stop the others.
      else for (const write of group) await this.#settle([write]);
    }
  }
}
