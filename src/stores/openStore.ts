import type { Clock, KeyValueStore } from "../model/keyValueStore.ts";
import { openMemoryStore } from "./memoryStore.ts";
import { openSqliteStore } from "./sqliteStore.ts";

/**
 * Opens the store of an address: `memory:`, `file:PATH`, or one of Redis.
 * @param onLost hears of a Redis that is not reached any more
 * @throws Error with a sentence for the operator
 */
export async function openStore(url: string, now: Clock, onLost: (error: Error) => void): Promise<KeyValueStore> {
  if (url === "memory:") return openMemoryStore(now);
  if (url.startsWith("file:")) return openSqliteStore(url.slice("file:".length), now);
  // Loaded only where it is used.
  const { openRedisStore } = await import("./redisStore.ts");
  return openRedisStore(url, now, onLost);
}
