/** Milliseconds since 1970-01-01 UTC. */
export type Clock = () => number;

/** Resolves after that time: a pause between two tries. */
export type Pause = (ms: number) => Promise<void>;

export const pauseFor: Pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * The bridge's durable memory. `swap` alone covers create-if-absent, replace-if-same and delete-if-same, so the rules
 * for locks and grants are written only once and a store stays small.
 */
export interface KeyValueStore {
  get(key: string): Promise<string | undefined>;
  /**
   * Compare and set in one step, also among several processes.
   * @param expected the value that must be there now; undefined = there must be none
   * @param next the new value; undefined = remove
   * @param expiresAtMs from then on the entry counts as absent; left out, it stays
   * @returns true when the value was replaced
   * @throws Error when key or value contains a NUL, which not every store can keep
   */
  swap(key: string, expected: string | undefined, next: string | undefined, expiresAtMs?: number): Promise<boolean>;
  /** However long the list is, other work is served in between. */
  list(prefix: string): AsyncIterable<readonly [key: string, value: string]>;
  close(): Promise<void>;
}

/** Writes `next`, whatever was there before; for entries where the last writer wins. */
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
