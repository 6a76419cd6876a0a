import type { KeyValueStore } from "../../src/model/keyValueStore.ts";

export interface WatchedStore extends KeyValueStore {
  /** Keys of all swaps that were asked for so far. */
  readonly swaps: readonly string[];
  /** Does this once, just before the next swap: the work of another process that came first. */
  beforeNextSwap(work: () => Promise<unknown>): void;
}

/** The same store, seen by one of several processes. */
export function watchedStore(store: KeyValueStore): WatchedStore {
  const swaps: string[] = [];
  let comesFirst: (() => Promise<unknown>) | undefined;
  return {
    swaps,
    beforeNextSwap: (work) => {
      comesFirst = work;
    },
    get: (key) => store.get(key),
    swap: async (key, expected, next, expiresAtMs) => {
      swaps.push(key);
      const first = comesFirst;
      comesFirst = undefined;
      await first?.();
      return store.swap(key, expected, next, expiresAtMs);
    },
    list: (prefix) => store.list(prefix),
    close: () => store.close(),
  };
}

/** Everything in a store, as text: to see that something is not in it. */
export async function storedText(store: KeyValueStore): Promise<string> {
  const lines: string[] = [];
  for await (const entry of store.list("")) lines.push(entry.join(" "));
  return lines.join("\n");
}
