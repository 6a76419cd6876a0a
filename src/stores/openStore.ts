import type { Clock, KeyValueStore } from "../model/keyValueStore.ts";
import { openMemoryStore } from "./memoryStore.ts";
import { openSqliteStore } from "./sqliteStore.ts";

/**
 * Opens the store at an address: `memory:`, `file:PATH`, or Redis.
 * @param onLost is called when Redis can no longer be reached
 * @throws Error with a sentence for the operator
 */
export async function openStore(url: string, now: Clock, onLost: (error: Error) => void): Promise<KeyValueStore> {
  if (url === "memory:") return openMemoryStore(now);
  if (url.startsWith("file:")) return openSqliteStore(url.slice("file:".length), now);
  // Loaded only when needed.
  const { openRedisStore } = await import("./redisStore.ts");
  return openRedisStore(url, now, onLost);
}
