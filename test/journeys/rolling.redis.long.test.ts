import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chaos, figuresOf, seeded } from "../support/rollingChaos.ts";
import { type RollingStage, rollingStage } from "../support/rollingStage.ts";

// The long form, with more editors: rollingLong.ts.
const seed = Number(process.env["ROLLING_SEED"] ?? Date.now() % 1_000_000);
const random = seeded(seed);
let stage: RollingStage;
beforeAll(async () => {
  stage = await rollingStage({ editors: 20, pauseMs: 100, random });
});
afterAll(() => stage.close());

describe("two bridges behind a balancer, with editors at work", () => {
  it("are upgraded one after the other without a single call that fails", async () => {
    const codes: (number | null)[] = [];
    await stage.editDuring(async () => {
      for (const bridge of stage.bridges) codes.push(await stage.roll(bridge));
    });
    process.stdout.write(`seed ${seed}: ${figuresOf(stage, { bridgeKills: 0, redisKills: 0, restarts: 2 })}`);
    expect(codes).toEqual([0, 0]);
    expect([...stage.book.failures]).toEqual([]);
    // The balancer had nothing to make good: it knew before the ports closed.
    expect(stage.misses()).toBe(0);
    expect(await stage.verdict()).toEqual([]);
    expect(stage.book.saves).toBeGreaterThan(100);
  }, 120_000);

  it("lose no save and give no lock twice while bridges and Redis are killed at random", async () => {
    let counts = { bridgeKills: 0, redisKills: 0, restarts: 0 };
    await stage.editDuring(async () => {
      counts = await chaos(stage, random, 6_000, ["kill", "killRedis"]);
    });
    process.stdout.write(`seed ${seed}, all in all: ${figuresOf(stage, counts)}`);
    expect(counts.bridgeKills + counts.redisKills).toBeGreaterThanOrEqual(2);
    expect(await stage.verdict()).toEqual([]);
  }, 120_000);
});
