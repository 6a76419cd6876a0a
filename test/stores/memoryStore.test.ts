import { describe, expect, it } from "vitest";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { describeKeyValueStore } from "./keyValueStore.contract.ts";

describeKeyValueStore("the memory store", async (now) => {
  const store = openMemoryStore(now);
  return { store, remove: () => store.close() };
});

describe("the memory store", () => {
  it("is one of its own each time it is opened", async () => {
    const one = openMemoryStore(Date.now);
    const other = openMemoryStore(Date.now);
    await one.swap("key", undefined, "value");
    expect(await other.get("key")).toBeUndefined();
  });
});
