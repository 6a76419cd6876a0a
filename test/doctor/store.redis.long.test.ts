import { afterEach, expect, it } from "vitest";
import { examineStore } from "../../src/doctor/storeChecks.ts";
import { type RedisServer, redisServer } from "../support/redisServer.ts";
import { config } from "./answers.ts";

let redis: RedisServer | undefined;
afterEach(() => redis?.close());

async function found(options: { durable?: boolean }): Promise<string[][]> {
  redis = await redisServer(options);
  const findings = await examineStore(config({ STORE_URL: redis.url }), Date.now);
  return findings.map(({ check, outcome, change }) => [check, change ?? outcome]);
}

it("finds a Redis good that keeps what it was told", async () => {
  expect(await found({ durable: true })).toEqual([
    ["store", "ok"],
    ["store durability", "ok"],
  ]);
});

it("names the line for a Redis that keeps no log of its writes", async () => {
  expect(await found({ durable: false })).toEqual([
    ["store", "ok"],
    ["store durability", "redis.conf: appendonly yes"],
  ]);
});
