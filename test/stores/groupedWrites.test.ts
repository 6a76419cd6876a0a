import { describe, expect, it } from "vitest";
import { GroupedWrites, type Write } from "../../src/stores/groupedWrites.ts";

/** A store that commits a group when it is told to. @param fails what a write throws, by its name */
function stage(fails: (name: string) => Error | undefined = () => undefined) {
  const committed: string[][] = [];
  const names = new Map<Write, string>();
  const writes = new GroupedWrites(
    async (group) => {
      const together: string[] = [];
      const done = group.map((run) => {
        const error = fails(names.get(run) ?? "");
        if (error !== undefined) throw error;
        together.push(names.get(run) ?? "");
        return run();
      });
      committed.push(together);
      return done;
    },
    (error) => error instanceof Error && error.message === "the disk is gone",
  );
  const add = (name: string, done = true) => {
    const run = () => done;
    names.set(run, name);
    return writes.add(name, run);
  };
  return { writes, add, committed };
}

describe("writes that are committed in groups", () => {
  it("go together when they come together, in their order, each with its own result", async () => {
    const { add, committed } = stage();
    expect(await Promise.all([add("a"), add("b", false), add("c")])).toEqual([true, false, true]);
    expect(committed).toEqual([["a", "b", "c"]]);
    expect(await add("d")).toBe(true);
    expect(committed).toEqual([["a", "b", "c"], ["d"]]);
  });

  it("that come while a commit goes on go into the next", async () => {
    const { add, committed } = stage();
    const first = add("a").then(() => Promise.all([add("b"), add("c")]));
    await Promise.all([first, add("d")]);
    expect(committed).toEqual([
      ["a", "d"],
      ["b", "c"],
    ]);
  });

  it("are at most 200 in one commit", async () => {
    const { add, committed } = stage();
    await Promise.all(Array.from({ length: 450 }, (_none, at) => add(`key ${at}`)));
    expect(committed.map(({ length }) => length)).toEqual([200, 200, 50]);
  });

  it("are made one by one when one of them can't be: only that one fails", async () => {
    const { add, committed } = stage((name) => (name === "bad" ? new Error("too large") : undefined));
    const outcomes = await Promise.allSettled([add("a"), add("bad"), add("c")]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(committed).toEqual([["a"], ["c"]]);
  });

  it("all fail at once when none of them could be made", async () => {
    let tries = 0;
    const { add, committed } = stage(() => {
      tries++;
      return new Error("the disk is gone");
    });
    const outcomes = await Promise.allSettled([add("a"), add("b"), add("c")]);
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    expect(committed).toEqual([]);
    expect(tries).toBe(1);
  });

  it("can be waited for: by their key, and all of them", async () => {
    const { writes, add, committed } = stage();
    const written = [add("a"), add("a"), add("b")];
    await writes.of("nothing of this name");
    expect(committed).toEqual([]);
    await writes.of("a");
    expect(committed).toEqual([["a", "a", "b"]]);
    written.push(add("c"));
    await writes.all();
    expect(committed).toHaveLength(2);
    await Promise.all(written);
  });
});
