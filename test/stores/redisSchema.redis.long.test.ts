import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openRedisStore } from "../../src/stores/redisStore.ts";
import { type RedisServer, redisServer } from "../support/redisServer.ts";
import { raced } from "./storeRace.ts";

let server: RedisServer;
beforeAll(async () => {
  server = await redisServer();
});
beforeEach(() => server.command("FLUSHALL"));
afterAll(() => server.close());

async function refusal(): Promise<string> {
  try {
    await (await openRedisStore(server.url, Date.now, () => undefined)).close();
  } catch (error) {
    return error instanceof Error ? error.message : "not an Error";
  }
  return "opened";
}

describe("the layout of a store in Redis", () => {
  it("has a number, which is no entry", async () => {
    const store = await openRedisStore(server.url, Date.now, () => undefined);
    expect(await server.command("GET", "bridge:schema")).toBe("1");
    for await (const entry of store.list("")) expect(entry).toBeUndefined();
    await store.close();
  });

  it("is given its number where an older bridge wrote none, and what that wrote is all there", async () => {
    await server.command("SET", "bridge:lock:1", "held", "PX", "60000");
    await server.command("SET", "bridge:link:1", "lasting");
    const store = await openRedisStore(server.url, Date.now, () => undefined);
    expect([await store.get("lock:1"), await store.get("link:1")]).toEqual(["held", "lasting"]);
    expect(Number(await server.command("PTTL", "bridge:lock:1"))).toBeGreaterThan(0);
    expect(await server.command("GET", "bridge:schema")).toBe("1");
    await store.close();
  });

  it("of a newer bridge is refused in one plain sentence, and left as it is", async () => {
    await server.command("SET", "bridge:schema", "3");
    expect(await refusal()).toBe(
      "The store in Redis was written by a newer version of the bridge (schema 3; this version supports 1): run that version, or set STORE_URL to another store.",
    );
    expect(await server.command("GET", "bridge:schema")).toBe("3");
  });

  it("that is no number at all is refused too", async () => {
    await server.command("SET", "bridge:schema", "soon");
    expect(await refusal()).toBe("The store can't be used (bridge:schema holds no number). Check STORE_URL.");
  });

  it("is right when three processes start at once", async () => {
    await raced(server.url, "increment", ["a", "b", "c"], 20);
    expect(await server.command("GET", "bridge:schema")).toBe("1");
    expect(await server.command("GET", "bridge:count")).toBe("60");
  });

  it("can't be written where nothing can: the store is refused in one plain sentence", async () => {
    await server.command("CONFIG", "SET", "min-replicas-to-write", "1");
    expect(await refusal()).toMatch(/^The store can't be used \(NOREPLICAS .+\)\. Check STORE_URL\.$/);
    await server.command("CONFIG", "SET", "min-replicas-to-write", "0");
  });
});
