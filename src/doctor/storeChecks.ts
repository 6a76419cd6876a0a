import { randomBytes } from "node:crypto";
import { createClient } from "@redis/client";
import type { Config } from "../config.ts";
import { inTime } from "../model/inTime.ts";
import type { Clock, KeyValueStore } from "../model/keyValueStore.ts";
import { openStore } from "../stores/openStore.ts";
import { type Finding, failed, finding, ok, skipped, type Verdict, warning } from "./finding.ts";
import { answerWithinMs } from "./httpProbe.ts";

const probeLivesMs = 60_000;

/** Opens the store as the bridge does, and tests compare-and-set. */
export async function examineStore({ STORE_URL: url }: Config, now: Clock): Promise<Finding[]> {
  const isRedis = !/^(memory|file):/.test(url);
  const change = isRedis
    ? "STORE_URL=redis://<host of Redis>:6379"
    : "STORE_URL=file:data/bridge.db (in a folder the bridge can write to)";
  let store: KeyValueStore;
  try {
    store = await openedStore(url, now);
  } catch (error) {
    const sentence = error instanceof Error ? error.message : "The store could not be opened.";
    return [finding("bridge", "store", failed(sentence, change))];
  }
  try {
    const swaps = await inTime(swapsOf(store, now), answerWithinMs, late);
    const verdict = judgeSwaps(swaps, url);
    const untold = () => judgeRedisDurability(undefined);
    const durability =
      isRedis && verdict.outcome === "ok" ? [await inTime(redisDurability(url), answerWithinMs, untold)] : [];
    return [
      finding("bridge", "store", verdict),
      ...durability.map((one) => finding("bridge", "store durability", one)),
    ];
  } catch (error) {
    const reason = error instanceof Error ? error.message : "unknown reason";
    return [finding("bridge", "store", failed(`The store can be opened, but does not work (${reason}).`, change))];
  } finally {
    await inTime(store.close(), answerWithinMs, () => undefined);
  }
}

/** Opens the store in the time of one check. @throws Error with a sentence for the operator */
export async function openedStore(url: string, now: Clock): Promise<KeyValueStore> {
  const opening = openStore(url, now, () => undefined);
  return inTime(opening, answerWithinMs, () => {
    // Should it open after all.
    opening.then((store) => store.close()).catch(() => undefined);
    return late();
  });
}

function late(): never {
  throw new Error(`The store does not answer within ${answerWithinMs / 1000} s. Check STORE_URL.`);
}

/** The results of: create, create again (must fail), replace, read, remove. */
async function swapsOf(store: KeyValueStore, now: Clock): Promise<readonly boolean[]> {
  const key = `doctor:${randomBytes(9).toString("base64url")}`;
  const endsAtMs = now() + probeLivesMs;
  return [
    await store.swap(key, undefined, "first", endsAtMs),
    await store.swap(key, undefined, "second", endsAtMs),
    await store.swap(key, "first", "third", endsAtMs),
    (await store.get(key)) === "third",
    await store.swap(key, "third", undefined),
  ];
}

export function judgeSwaps(swaps: readonly boolean[], url: string): Verdict {
  if (swaps.join() !== "true,false,true,true,true") {
    return failed(
      "The store can be opened, but compare-and-set does not work, so locks would not be safe.",
      "STORE_URL=file:data/bridge.db (on a local disk)",
    );
  }
  if (url === "memory:") {
    return warning(
      "The store works, but all links and sessions are lost when the bridge stops.",
      "STORE_URL=file:data/bridge.db",
    );
  }
  return ok("The store works, and so does its compare-and-set.");
}

/** @param settings from CONFIG GET; undefined = not permitted */
export function judgeRedisDurability(settings: Readonly<Record<string, string>> | undefined): Verdict {
  if (settings === undefined) return skipped("Redis does not let the bridge read its settings (CONFIG GET).");
  const { appendonly, appendfsync, maxmemory, "maxmemory-policy": policy } = settings;
  if (appendonly !== "yes") {
    return warning(
      "Redis may lose links and locks when it restarts, because append-only mode is off.",
      "redis.conf: appendonly yes",
    );
  }
  if (maxmemory !== undefined && maxmemory !== "0" && policy !== "noeviction") {
    return warning(
      "Redis evicts entries, including locks, when its memory is full.",
      "redis.conf: maxmemory-policy noeviction",
    );
  }
  if (appendfsync !== "always") {
    return warning(
      `Redis runs with appendfsync "${appendfsync}": a power failure can lose the last second of writes.`,
      "redis.conf: appendfsync always",
    );
  }
  return ok("Redis keeps its data through a power failure.");
}

async function redisDurability(url: string): Promise<Verdict> {
  const client = createClient({
    // The library only accepts `unix://` followed by the path.
    url: url.replace(/^unix:(?=\/(?!\/))/, "unix://"),
    disableOfflineQueue: true,
    socket: { connectTimeout: answerWithinMs, socketTimeout: answerWithinMs, reconnectStrategy: false },
  });
  // Connection errors are reported by the call itself.
  client.on("error", () => undefined);
  try {
    await client.connect();
    return judgeRedisDurability({
      ...(await client.configGet("append*")),
      ...(await client.configGet("maxmemory*")),
    });
  } catch {
    return judgeRedisDurability(undefined);
  } finally {
    client.destroy();
  }
}
