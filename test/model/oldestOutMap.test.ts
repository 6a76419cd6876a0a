import { expect, it } from "vitest";
import { OldestOutMap } from "../../src/model/oldestOutMap.ts";

it("drops what was set longest ago, once it is full", () => {
  const map = new OldestOutMap<string, number>(3);
  for (const [at, key] of ["a", "b", "c"].entries()) map.set(key, at);
  expect([...map.keys()]).toEqual(["a", "b", "c"]);
  map.set("d", 3);
  expect([...map]).toEqual([
    ["b", 1],
    ["c", 2],
    ["d", 3],
  ]);
});

it("counts what is set anew as the newest, and drops nothing for it", () => {
  const map = new OldestOutMap<string, number>(2);
  map.set("a", 1).set("b", 2).set("a", 3);
  expect([...map.keys()]).toEqual(["b", "a"]);
  map.set("c", 4);
  map.set("c", 5);
  expect([...map.keys()]).toEqual(["a", "c"]);
});
