import { describe, expect, it } from "vitest";
import { Allowances } from "../../src/model/allowances.ts";
import { failureOf } from "../../src/model/failure.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { setClock } from "../support/clock.ts";

const three = { most: 3, withinMs: 3_600_000 };

function stage() {
  const clock = setClock(1_000_000_000_000);
  const store = openMemoryStore(clock.now);
  const allowances = new Allowances(store, clock.now);
  const refusedFor = async (who = "link"): Promise<number | undefined> => {
    try {
      await allowances.take("files of", who, three);
      return undefined;
    } catch (error) {
      return failureOf(error, "tooManyAttempts")?.retryAfterSeconds;
    }
  };
  return { allowances, clock, store, refusedFor };
}

describe("an allowance", () => {
  it("is used up after so many, and tells when to come again", async () => {
    const { clock, refusedFor } = stage();
    for (let count = 0; count < 3; count++) expect(await refusedFor()).toBeUndefined();
    clock.advance(600_000);
    expect(await refusedFor()).toBe(3_000);
  });

  it("is whole again once the time from the first of them has passed", async () => {
    const { clock, refusedFor } = stage();
    for (let count = 0; count < 4; count++) await refusedFor();
    clock.advance(three.withinMs);
    expect(await refusedFor()).toBeUndefined();
  });

  it("is each one's own", async () => {
    const { refusedFor } = stage();
    for (let count = 0; count < 4; count++) await refusedFor("one");
    expect(await refusedFor("another")).toBeUndefined();
  });

  it("is taken for several at a time, all of them or none", async () => {
    const { allowances } = stage();
    const take = (uses: number) => allowances.take("mails of", "owner", three, uses);
    await take(2);
    await expect(take(2)).rejects.toThrow("tooManyAttempts");
    await take(1);
    await expect(take(1)).rejects.toThrow("tooManyAttempts");
  });

  it("is not exceeded by many at once", async () => {
    const { refusedFor } = stage();
    const all = await Promise.all(Array.from({ length: 20 }, () => refusedFor()));
    expect(all.filter((refused) => refused === undefined)).toHaveLength(three.most);
  });
});
