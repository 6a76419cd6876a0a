/** Milliseconds since 1970-01-01 UTC. */
export type Clock = () => number;

/** Resolves when that much time has passed: the pause between two tries. */
export type Pause = (ms: number) => Promise<void>;

export const pauseFor: Pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Durable memory of the bridge. `swap` alone gives create-if-absent, replace-if-same and delete-if-same, so that
 * every rule about locks and grants is written once and a store stays tiny.
 */
export interface KeyValueStore {
  get(key: string): Promise<string | undefined>;
  /**
   * Compare and set in one step, also among several processes.
   * @param expected the value that must stand there now; undefined = nothing may stand there
   * @param next the value to leave; undefined = remove
   * @param expiresAtMs moment from which the entry counts as absent; without it the entry stays
   * @returns whether the swap was made
   * @throws Error when the key or the value to leave holds a NUL, which not every store could give back
   */
  swap(key: string, expected: string | undefined, next: string | undefined, expiresAtMs?: number): Promise<boolean>;
  /** However long the list, and whatever is done with each entry: others are served in between. */
  list(prefix: string): AsyncIterable<readonly [key: string, value: string]>;
  close(): Promise<void>;
}

/** Leaves `next`, whatever stands there; for entries whose last writer is right. */
export async function put(
  store: KeyValueStore,
  key: string,
  next: string | undefined,
  expiresAtMs?: number,
): Promise<void> {
  for (;;) {
    const current = await store.get(key);
    if (current === undefined && next === undefined) return;
    if (await store.swap(key, current, next, expiresAtMs)) return;
  }
}
