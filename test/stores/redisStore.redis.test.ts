import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { KeyValueStore } from "../../src/model/keyValueStore.ts";
import { openRedisStore } from "../../src/stores/redisStore.ts";
import { setClock } from "../support/clock.ts";
import { type RedisServer, redisServer } from "../support/redisServer.ts";
import { until } from "../support/until.ts";
import { describeKeyValueStore } from "./keyValueStore.contract.ts";

const startMs = Date.parse("2026-11-21T08:15:00Z");
const nobodyHears = () => undefined;

/** Takes a time off every life on the server, as if that time had passed there. */
const passScript = `
for _, key in ipairs(redis.call('KEYS', '*')) do
  local lifetime = redis.call('PTTL', key)
  if lifetime >= 0 then redis.call('PEXPIRE', key, lifetime - tonumber(ARGV[1])) end
end`;

describe("on one server", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await redisServer();
  });
  beforeEach(() => server.command("FLUSHALL"));
  afterAll(() => server.close());

  describeKeyValueStore("the Redis store", async (now) => {
    const store = await openRedisStore(server.url, now, nobodyHears);
    return {
      store,
      remove: () => store.close(),
      pass: async (ms) => void (await server.command("EVAL", passScript, "0", String(ms))),
      // Its time passes by itself too while a test runs.
      precisionMs: 8_000,
    };
  });

  describe("the Redis store", () => {
    const stores: KeyValueStore[] = [];
    const opened = async (): Promise<KeyValueStore> => {
      const store = await openRedisStore(server.url, Date.now, nobodyHears);
      stores.push(store);
      return store;
    };
    afterEach(async () => {
      for (const store of stores.splice(0)) await store.close();
    });

    it("leaves nothing on the server of what has expired, though nobody asks", async () => {
      const store = await opened();
      await store.swap("key", undefined, "value", Date.now() + 60);
      expect(await store.get("key")).toBe("value");
      // The number of the layout stays.
      await until("the entry is gone", async () => (await server.command("DBSIZE")) === 1);
    });

    it("takes an end of life for a lifetime, whatever the clock of the bridge says", async () => {
      const clock = setClock(startMs - 10 * 365 * 24 * 3_600_000);
      const store = await openRedisStore(server.url, clock.now, nobodyHears);
      await store.swap("key", undefined, "value", clock.now() + 60_000);
      const lifetimeMs = Number(await server.command("PTTL", "bridge:key"));
      expect(lifetimeMs).toBeGreaterThan(40_000);
      expect(lifetimeMs).toBeLessThanOrEqual(60_000);
      await store.close();
    });

    it("neither shows nor touches what others keep in the same database", async () => {
      await server.command("SET", "key", "another's");
      const store = await opened();
      expect(await store.get("key")).toBeUndefined();
      expect(await store.swap("key", undefined, "ours")).toBe(true);
      const keys: string[] = [];
      for await (const [key] of store.list("")) keys.push(key);
      expect(keys).toEqual(["key"]);
      expect(await store.swap("key", "ours", undefined)).toBe(true);
      expect(await server.command("GET", "key")).toBe("another's");
    });

    it("goes on when the server has forgotten the script", async () => {
      const store = await opened();
      await store.swap("key", undefined, "value");
      await server.command("SCRIPT", "FLUSH");
      const swaps = await Promise.all(Array.from({ length: 20 }, (_, i) => store.swap("key", "value", `new ${i}`)));
      expect(swaps.filter((made) => made)).toHaveLength(1);
    });

    it("sends the script once and its hash from then on", async () => {
      const store = await opened();
      await server.command("CONFIG", "RESETSTAT");
      await server.command("SCRIPT", "FLUSH");
      for (let i = 0; i < 10; i++) await store.swap(`key:${i}`, undefined, "value");
      const statistics = String(await server.command("INFO", "commandstats"));
      expect(/cmdstat_evalsha:calls=(\d+)/.exec(statistics)?.[1]).toBe("10");
      expect(/cmdstat_eval:calls=(\d+)/.exec(statistics)?.[1]).toBe("1");
    });

    it("has one winner among 200 swaps at once over two connections", async () => {
      const stores = [await opened(), await opened()] as const;
      const swaps = await Promise.all(
        Array.from({ length: 200 }, (_, i) => stores[i % 2 === 0 ? 0 : 1].swap("key", undefined, `${i}`)),
      );
      expect(swaps.filter((made) => made)).toHaveLength(1);
      expect(await stores[0].get("key")).toBe(`${swaps.indexOf(true)}`);
    });
  });
});
