import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "libsql";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EditLinks } from "../../src/links/links.ts";
import type { KeyValueStore } from "../../src/model/keyValueStore.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { openSqliteStore } from "../../src/stores/sqliteStore.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "long-lists-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** @returns how often others were served while the work was done */
async function servedMeanwhile(work: () => Promise<void>): Promise<number> {
  let served = 0;
  let isDone = false;
  const others = (async () => {
    while (!isDone) {
      await new Promise((resolve) => setImmediate(resolve));
      served++;
    }
  })();
  await work();
  isDone = true;
  await others;
  return served;
}

/** Work of some milliseconds for a few entries of the list: others must be served at least that often. */
async function busyFor(ms: number): Promise<void> {
  const endsAtMs = performance.now() + ms;
  while (performance.now() < endsAtMs) await Promise.resolve();
}

const stores: readonly [string, (name: string) => KeyValueStore][] = [
  ["memory", () => openMemoryStore(Date.now)],
  ["SQLite", (name) => openSqliteStore(join(dir, `${name}.db`), Date.now)],
];

describe.each(stores)("a long list in %s", (kind, open) => {
  const filled = async (entries: number): Promise<KeyValueStore> => {
    const store = open(`${kind}-${entries}`);
    for (let index = 0; index < entries; index++) await store.swap(`many:${index}`, undefined, "x".repeat(200));
    return store;
  };

  it("lets others be served, however quickly each entry is looked at", async () => {
    const store = await filled(600);
    const served = await servedMeanwhile(async () => {
      for await (const _entry of store.list("many:")) await busyFor(0.25);
    });
    // 150 ms of work, of which nobody waits for more than some five at a time.
    expect(served).toBeGreaterThan(10);
    await store.close();
  });

  it("lets others be served at each entry that takes long by itself", async () => {
    const store = await filled(20);
    const served = await servedMeanwhile(async () => {
      for await (const _entry of store.list("many:")) await busyFor(8);
    });
    expect(served).toBeGreaterThanOrEqual(20);
    await store.close();
  });

  it("is whole and in order all the same", async () => {
    const store = await filled(450);
    const keys: string[] = [];
    for await (const [key] of store.list("many:")) keys.push(key);
    expect(keys).toEqual(Array.from({ length: 450 }, (_, index) => `many:${index}`).sort());
    await store.close();
  });

  it("of links lets others be served, for their owner's page and for the round that renews accounts", async () => {
    const store = open(`${kind}-links`);
    const links = new EditLinks(store, Date.now);
    for (let index = 0; index < 200; index++) {
      await links.make({
        account: `person:${index % 3}`,
        owner: { id: "o", name: "Owner" },
        fileId: `f${index}`,
        fileName: "Report.docx",
        permission: "edit",
        asksName: true,
        mayRename: false,
        restrictions: { download: false, print: false, copy: false, watermark: false },
        maker: "person:o",
      });
    }
    let made = 0;
    const served = await servedMeanwhile(async () => {
      for (let times = 0; times < 200; times++) made += (await links.madeBy("person:o")).length;
      expect(await links.liveAccounts()).toHaveLength(3);
    });
    expect(made).toBe(40_000);
    expect(served).toBeGreaterThan(2);
    await store.close();
  });
});

describe("rows whose time is over", () => {
  it("are removed a part at a time, and all of them in the end", async () => {
    let nowMs = 1_000_000;
    const store = openSqliteStore(join(dir, "over.db"), () => nowMs);
    for (let index = 0; index < 1_200; index++) await store.swap(`over:${index}`, undefined, "x", nowMs + 1);
    nowMs += 61_000;
    // The entries count as absent from the moment their time is over: only the rows tell.
    const database = new Database(join(dir, "over.db"));
    const rows = () => (database.prepare("SELECT count(*) AS count FROM entry").get() as { count: number }).count;
    const left: number[] = [];
    for (let writes = 0; writes < 3; writes++) {
      await store.swap(`new:${writes}`, undefined, "y");
      left.push(rows());
    }
    expect(left).toEqual([701, 202, 3]);
    database.close();
    await store.close();
  });
});
