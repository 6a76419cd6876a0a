import { randomBytes } from "node:crypto";
import { createClient } from "@redis/client";
import type { Config } from "../config.ts";
import type { Clock, KeyValueStore } from "../model/keyValueStore.ts";
import { openStore } from "../stores/openStore.ts";
import { type Finding, failed, finding, ok, skipped, type Verdict, warning } from "./finding.ts";
import { answerWithinMs } from "./httpProbe.ts";

const probeLivesMs = 60_000;

/** Opens the store as the bridge does, and sees it compare and set. */
export async function examineStore({ STORE_URL: url }: Config, now: Clock): Promise<Finding[]> {
  const isRedis = !/^(memory|file):/.test(url);
  const change = isRedis
    ? "STORE_URL=redis://<host of Redis>:6379"
    : "STORE_URL=file:data/bridge.db (in a folder that the bridge may write)";
  let store: KeyValueStore;
  try {
    store = await openStore(url, now, () => undefined);
  } catch (error) {
    const sentence = error instanceof Error ? error.message : "The store can't be opened.";
    return [finding("bridge", "store", failed(sentence, change))];
  }
  try {
    const verdict = judgeSwaps(await swapsOf(store, now), url);
    const durability = isRedis && verdict.outcome === "ok" ? [await redisDurability(url)] : [];
    return [
      finding("bridge", "store", verdict),
      ...durability.map((one) => finding("bridge", "store durability", one)),
    ];
  } catch (error) {
    const reason = error instanceof Error ? error.message : "unknown reason";
    return [finding("bridge", "store", failed(`The store opens, but does not work (${reason}).`, change))];
  } finally {
    await store.close();
  }
}

/** Create, refuse a second create, replace, remove: what each of them said. */
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
      "The store opens, but does not compare and set: locks would not hold.",
      "STORE_URL=file:data/bridge.db (on a local disk)",
    );
  }
  if (url === "memory:") {
    return warning(
      "The store works, but forgets all links and sessions with the process.",
      "STORE_URL=file:data/bridge.db",
    );
  }
  return ok("The store opens, and compares and sets in one step.");
}

/** @param settings as CONFIG GET says them; undefined = it may not be asked */
export function judgeRedisDurability(settings: Readonly<Record<string, string>> | undefined): Verdict {
  if (settings === undefined) return skipped("Redis does not let itself be asked for its settings (CONFIG GET).");
  const { appendonly, appendfsync, maxmemory, "maxmemory-policy": policy } = settings;
  if (appendonly !== "yes") {
    return warning(
      "Redis may forget links and locks when it ends: it keeps no log of its writes.",
      "redis.conf: appendonly yes",
    );
  }
  if (maxmemory !== undefined && maxmemory !== "0" && policy !== "noeviction") {
    return warning(
      "Redis drops entries when its memory is full, locks too.",
      "redis.conf: maxmemory-policy noeviction",
    );
  }
  if (appendfsync !== "always") {
    return warning(
      `Redis writes its log to the disk "${appendfsync}": a power cut takes the last second with it.`,
      "redis.conf: appendfsync always",
    );
  }
  return ok("Redis keeps what it was told through a power cut.");
}

async function redisDurability(url: string): Promise<Verdict> {
  const client = createClient({
    // The library knows `unix://` followed by the path alone.
    url: url.replace(/^unix:(?=\/(?!\/))/, "unix://"),
    disableOfflineQueue: true,
    socket: { connectTimeout: answerWithinMs, socketTimeout: answerWithinMs, reconnectStrategy: false },
  });
  // What is wrong with the connection comes out of the call.
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
