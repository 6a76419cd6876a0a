import { Breath } from "../model/breath.ts";
import type { Clock, KeyValueStore } from "../model/keyValueStore.ts";
import { requireNoNul } from "./keptText.ts";

/** `memory:`, lost when the process ends: for a first try and for tests. */
export function openMemoryStore(now: Clock): KeyValueStore {
  const entries = new Map<string, { value: string; expiresAtMs: number | undefined }>();
  const read = (key: string): string | undefined => {
    const entry = entries.get(key);
    if (entry?.expiresAtMs !== undefined && entry.expiresAtMs <= now()) {
      entries.delete(key);
      return undefined;
    }
    return entry?.value;
  };
  return {
    get: async (key) => read(key),
    swap: async (key, expected, next, expiresAtMs) => {
      requireNoNul(key, next);
      if (read(key) !== expected) return false;
      if (next === undefined) entries.delete(key);
      else entries.set(key, { value: next, expiresAtMs });
      return true;
    },
    list: async function* (prefix) {
      const breath = new Breath();
      for (const key of [...entries.keys()].filter((name) => name.startsWith(prefix)).sort()) {
        await breath.draw();
        const value = read(key);
        if (value !== undefined) yield [key, value] as const;
      }
    },
    close: async () => entries.clear(),
  };
}
