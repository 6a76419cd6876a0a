import { describe, expect, it } from "vitest";
import { IdempotentCalls } from "../../src/api/idempotency.ts";
import { createEncryption } from "../../src/cloudreve/encryption.ts";
import { BridgeError } from "../../src/model/failure.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { setClock } from "../support/clock.ts";

const dayMs = 24 * 3_600_000;

function open() {
  const clock = setClock();
  const store = openMemoryStore(clock.now);
  const calls = new IdempotentCalls(store, createEncryption([new Uint8Array(32)]), clock.now);
  let done = 0;
  const once = (asked: unknown, more: { portal?: string; key?: string; work?: () => Promise<unknown> } = {}) => {
    const work = more.work ?? (async () => ({ made: ++done, secret: "s3cret" }));
    return calls.once({ portal: more.portal ?? "intranet", key: more.key ?? "k", asked }, work);
  };
  return { clock, store, once };
}

describe("a call that is sent again under its key", () => {
  it("gets the first answer for a day, whatever the order of its fields", async () => {
    const { clock, once } = open();
    const first = await once({ a: 1, b: { c: 2, d: [3, 4] } });
    expect(first).toEqual({ answer: { made: 1, secret: "s3cret" }, isRepeated: false });
    clock.advance(dayMs - 1);
    expect(await once({ b: { d: [3, 4], c: 2 }, a: 1 }, { key: '"k"' })).toEqual({ ...first, isRepeated: true });
    clock.advance(1);
    expect(await once({ a: 1, b: { c: 2, d: [3, 4] } })).toMatchObject({ answer: { made: 2 }, isRepeated: false });
  });

  it("is refused when it asks for something else", async () => {
    const { once } = open();
    await once({ list: [1, 2] });
    for (const other of [{ list: [2, 1] }, { list: [1] }, {}, null]) {
      await expect(once(other)).rejects.toMatchObject({ failure: { kind: "idempotencyKeyReused" } });
    }
  });

  it("is another call for another portal or key", async () => {
    const { once } = open();
    await once({});
    expect(await once({}, { portal: "wiki" })).toMatchObject({ answer: { made: 2 } });
    expect(await once({}, { key: "K" })).toMatchObject({ answer: { made: 3 } });
  });

  it("waits for the first one, and for two minutes at most when that has died", async () => {
    const { clock, once } = open();
    void once({}, { work: () => new Promise(() => undefined) });
    await expect(once({})).rejects.toMatchObject({ failure: { kind: "callUnderWay" } });
    clock.advance(120_000);
    expect(await once({})).toMatchObject({ answer: { made: 1 } });
  });

  it("is done when the first one has failed", async () => {
    const { once } = open();
    const fails = async () => Promise.reject(new BridgeError({ kind: "driveBusy" }));
    await expect(once({}, { work: fails })).rejects.toMatchObject({ failure: { kind: "driveBusy" } });
    expect(await once({})).toMatchObject({ answer: { made: 1 } });
  });

  it("leaves nothing in the store that anybody can read", async () => {
    const { store, once } = open();
    await once({ password: "hunter2" });
    for await (const [key, value] of store.list("")) expect(key + value).not.toMatch(/s3cret|hunter2|intranet/);
  });

  it.each(["", '""', "x".repeat(256), "schl\u00fcssel", "a\nb"])("needs a key that is one: %j", async (key) => {
    await expect(open().once({}, { key })).rejects.toMatchObject({ failure: { kind: "headerInvalid" } });
  });
});
