import { describe, expect, it } from "vitest";
import { differenceOf } from "../../src/documents/textDifference.ts";

describe("two long texts", () => {
  it("are given up in time, and let others work meanwhile, when nothing is alike", async () => {
    const random = (seed: number) =>
      Array.from({ length: 60_000 }, (_, at) => `${(at * 7919 + seed * 104_729) % 1_000_003} ${seed}\n`).join("");
    let turns = 0;
    const ticking = setInterval(() => (turns += 1), 1);
    const began = Date.now();
    const found = await differenceOf(random(1), random(2));
    clearInterval(ticking);
    expect(found).toBeUndefined();
    expect(Date.now() - began).toBeLessThan(6_000);
    expect(turns).toBeGreaterThan(20);
  });
});
