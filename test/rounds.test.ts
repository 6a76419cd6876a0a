import { describe, expect, it } from "vitest";
import { FileTurns } from "../src/model/fileTurns.ts";
import { Rounds } from "../src/rounds.ts";

/** A bridge whose files are not locked; tells which of them were looked at. */
function stage() {
  const looks: string[] = [];
  const turns = new FileTurns();
  const locks = { current: async (fileId: string) => void looks.push(fileId) };
  const shield = { release: async () => undefined };
  const rounds = new Rounds({ now: () => 0, turns, locks, shield } as never);
  return { looks, turns, rounds };
}

/** Holds the turn of a file until told. */
function busy(turns: FileTurns, fileId: string) {
  let end = (): void => undefined;
  const work = turns.inTurn(fileId, () => new Promise<void>((resolve) => (end = resolve)));
  return { end: () => end(), work };
}

describe("a look whether a file's sessions have ended", () => {
  it("stands in the file's queue once, however many ask for it: a save behind them does not wait for each", async () => {
    const { looks, turns, rounds } = stage();
    const save = busy(turns, "f1");
    const asked = Array.from({ length: 500 }, () => rounds.sessionsEnded("f1"));
    await new Promise((resolve) => setImmediate(resolve));
    const next = turns.inTurn("f1", async () => looks.length);
    save.end();
    expect(await next).toBe(1);
    await Promise.all(asked);
    expect(looks).toEqual(["f1"]);
  });

  it("is made anew for whoever asks once one has begun, and for each file", async () => {
    const { looks, rounds } = stage();
    await Promise.all([rounds.sessionsEnded("f1"), rounds.sessionsEnded("f2"), rounds.sessionsEnded("f1")]);
    await rounds.sessionsEnded("f1");
    expect(looks.filter((fileId) => fileId === "f1").length).toBeGreaterThanOrEqual(2);
    expect(looks).toContain("f2");
  });
});
