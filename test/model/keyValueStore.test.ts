import { describe, expect, it } from "vitest";
import { type KeyValueStore, put } from "../../src/model/keyValueStore.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { setClock } from "../support/clock.ts";

describe("put", () => {
  it("leaves the value where nothing stood, and where something did", async () => {
    const store = openMemoryStore(() => 0);
    await put(store, "key", "first");
    expect(await store.get("key")).toBe("first");
    await put(store, "key", "second");
    expect(await store.get("key")).toBe("second");
  });

  it("removes what stands there, and is content where nothing does", async () => {
    const store = openMemoryStore(() => 0);
    await put(store, "key", "value");
    await put(store, "key", undefined);
    expect(await store.get("key")).toBeUndefined();
    await put(store, "key", undefined);
  });

  it("gives the value its end, and a later one without end stays", async () => {
    const clock = setClock(1000);
    const store = openMemoryStore(clock.now);
    await put(store, "key", "short", 2000);
    clock.advance(1000);
    expect(await store.get("key")).toBeUndefined();
    await put(store, "key", "short", 3000);
    await put(store, "key", "lasting");
    clock.advance(10_000);
    expect(await store.get("key")).toBe("lasting");
  });

  it("tries again when somebody else writes in between", async () => {
    const store = openMemoryStore(() => 0);
    let interruptions = 3;
    const busy: KeyValueStore = {
      ...store,
      get: async (key) => {
        const value = await store.get(key);
        if (interruptions-- > 0) await store.swap(key, value, `other ${interruptions}`);
        return value;
      },
    };
    await put(busy, "key", "mine");
    expect(await store.get("key")).toBe("mine");
    expect(interruptions).toBeLessThan(0);
  });

  it("does not bring back what somebody else has removed in between", async () => {
    const store = openMemoryStore(() => 0);
    await put(store, "key", "value");
    let removed = false;
    const busy: KeyValueStore = {
      ...store,
      get: async (key) => {
        const value = await store.get(key);
        if (!removed) await store.swap(key, value, undefined);
        removed = true;
        return value;
      },
    };
    await put(busy, "key", undefined);
    expect(await store.get("key")).toBeUndefined();
  });
});
