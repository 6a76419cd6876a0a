import { afterEach, describe, expect, it } from "vitest";
import { seeded } from "../support/rollingChaos.ts";
import { type RollingStage, rollingStage } from "../support/rollingStage.ts";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
let stage: RollingStage;
afterEach(() => stage.close());

describe("Redis that is away for twenty seconds under editing", () => {
  it("makes calls fail for that time; nothing is decided without it, and afterwards all goes on", async () => {
    stage = await rollingStage({ editors: 6, pauseMs: 100, random: seeded(7) });
    const { book, redis } = stage;
    await stage.editDuring(async () => {
      await pause(2_000);
      await redis.stop();
      // What was answered by the store before it went is still under way.
      await pause(5_000);
      const before = book.saves;
      await pause(15_000);
      expect(book.saves).toBe(before);
      await redis.start();
      await pause(1_000);
    });
    expect([...book.failures.keys()].filter((kind) => !/: 503$/.test(kind))).toEqual([]);
    expect(book.failures.size).toBeGreaterThan(0);
    expect(await stage.verdict()).toEqual([]);
  }, 120_000);
});

describe("Redis that was emptied", () => {
  it("ends all sessions: every call is refused as without a token, and nothing is written", async () => {
    stage = await rollingStage({ editors: 1, pauseMs: 10, random: seeded(7) });
    const [editor] = stage.editors;
    await stage.redis.command("FLUSHALL");
    await editor?.edit(() => false);
    expect(stage.book.violations).toEqual(["CheckFileInfo of editor0.docx, try 1: 401 "]);
    stage.book.violations.length = 0;
    expect(await stage.verdict()).toEqual([]);
  }, 60_000);
});
