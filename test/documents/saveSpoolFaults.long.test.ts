import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { PlacingFacts } from "../../src/documents/saveFacts.ts";
import { SaveSpool, type SpooledSave } from "../../src/documents/saveSpool.ts";
import { type DiskFaults, diskFaults } from "../support/diskFaults.ts";

const mebibyte = 1024 * 1024;
const facts: PlacingFacts = {
  grantId: "g1",
  document: { account: "alice", fileId: "f1" },
  personName: "Ann",
  origin: "link:l1",
  editor: "https://office.example",
  fileName: "Report.docx",
  receivedAtMs: 1,
  baseline: { loadId: "c1", order: 1 },
};
const later: PlacingFacts = { ...facts, receivedAtMs: 2, baseline: { loadId: "c1", order: 2 } };

let dir: string;
let faults: DiskFaults;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "spool-faults-"));
  faults = diskFaults(dir);
});
afterEach(async () => {
  faults.undo();
  await rm(dir, { recursive: true });
});

async function outcomeOf(work: Promise<unknown>): Promise<"done" | "refused"> {
  return work.then(
    () => "done" as const,
    () => "refused" as const,
  );
}

async function keptIn(spool: SaveSpool): Promise<SpooledSave[]> {
  const saves: SpooledSave[] = [];
  for await (const save of spool.kept()) saves.push(save);
  return saves;
}

/** How many bodies of 1 MB one link gets into memory while the disk takes nothing. */
async function roomInMemory(spool: SaveSpool): Promise<number> {
  faults.fault = () => "EIO";
  const saves: SpooledSave[] = [];
  for (;;) {
    const receiving = spool.receive(Readable.from([Buffer.alloc(mebibyte)]), facts, 2 * mebibyte, mebibyte);
    const save = await receiving.catch(() => undefined);
    if (save === undefined) break;
    saves.push(save);
  }
  for (const save of saves) await save.discard();
  faults.fault = undefined;
  return saves.length;
}

/** What a save goes through, and what must be there afterwards when no step of it failed. */
const stories = {
  "is placed": async (spool: SaveSpool, bytes: Buffer) => {
    const save = await spool.receive(Readable.from([bytes]), facts, 8 * mebibyte, bytes.length);
    await save.discard();
    return 0;
  },
  "is kept": async (spool: SaveSpool, bytes: Buffer) => {
    const save = await spool.receive(Readable.from([bytes]), facts, 8 * mebibyte);
    await save.keep();
    return 1;
  },
  "is kept, and a newer one of the same copy after it": async (spool: SaveSpool, bytes: Buffer) => {
    for (const one of [facts, later]) await (await spool.receive(Readable.from([bytes]), one, 8 * mebibyte)).keep();
    return 1;
  },
  "is kept, tried, and kept again": async (spool: SaveSpool, bytes: Buffer) => {
    await (await spool.receive(Readable.from([bytes]), facts, 8 * mebibyte)).keep();
    for (const save of await keptIn(spool)) {
      save.claim();
      await save.release();
    }
    return 1;
  },
  "waits for a decision": async (spool: SaveSpool, bytes: Buffer) => {
    const undecided = { grantId: "g1", wopiFileId: "f1", receivedAtMs: 1 };
    await spool.receiveUndecided(Readable.from([bytes]), undecided, 8 * mebibyte, bytes.length);
    for await (const save of spool.undecided()) await save.decide(facts);
    return 1;
  },
};

describe.each(Object.entries(stories))("a save that %s", (_name, story) => {
  describe.each([
    ["small", 1000],
    ["large", 1.2 * mebibyte],
  ])("and is %s", (_size, sizeBytes) => {
    it.each([
      ["fails once", "EIO", (at: number) => (_call: string, index: number) => index === at],
      ["fills up", "ENOSPC", (at: number) => (call: string, index: number) => index >= at && call !== "rm"],
      ["takes nothing any more", "EIO", (at: number) => (_call: string, index: number) => index >= at],
    ] as const)("is neither stranded nor doubled, wherever the disk %s", async (_what, code, fails) => {
      const bytes = randomBytes(Math.floor(sizeBytes));
      const whole = await SaveSpool.open(dir);
      faults.reset();
      const due = await story(whole, bytes);
      const calls = faults.calls.length;
      expect(calls).toBeGreaterThan(4);
      for (const save of await keptIn(whole)) {
        save.claim();
        await save.discard();
      }

      for (let at = 0; at < calls; at++) {
        const spool = await SaveSpool.open(dir);
        faults.reset();
        const isHit = fails(at);
        faults.fault = (call, index) => (isHit(call, index) ? code : undefined);
        const outcome = await outcomeOf(story(spool, bytes));
        faults.fault = undefined;
        const where = `${faults.calls[at]} (call ${at})`;
        // The disk is well again: everything that lies there is known, whole and can be placed, or is removed.
        await spool.tidy();
        const names = await readdir(dir);
        expect(names.length, where).toBe(spool.waiting().length);
        if (outcome === "done") expect(names.length, where).toBeLessThanOrEqual(Math.max(due, 1));
        for await (const save of spool.undecided()) await save.decide(facts);
        const kept = await keptIn(spool);
        if (outcome === "done" && due > 0) expect(kept.length, where).toBeGreaterThanOrEqual(due);
        for (const save of kept) {
          expect(bytes.equals(await buffer(save.open())), where).toBe(true);
          expect(save.claim(), where).toBe(true);
          await save.discard();
        }
        expect(await readdir(dir), where).toEqual([]);
        expect(await roomInMemory(spool), where).toBe(4);
      }
    });
  });
});

describe("memory", () => {
  it.each([
    ["breaks off", 10 * mebibyte],
    ["is too large", 1000],
  ])("is given back when a body %s", async (_how, limitBytes) => {
    const spool = await SaveSpool.open(dir);
    for (let i = 0; i < 20; i++) {
      async function* body() {
        yield Buffer.alloc(500_000);
        throw new Error("aborted");
      }
      const broken = Readable.from(body()).on("error", () => undefined);
      expect(await outcomeOf(spool.receive(broken, facts, limitBytes))).toBe("refused");
    }
    expect(await roomInMemory(spool)).toBe(4);
  });

  it("is not all one link's: half-sent bodies of another leave half of it", async () => {
    const spool = await SaveSpool.open(dir);
    faults.fault = () => "ENOSPC";
    const halfSent = Array.from({ length: 12 }, () => {
      const body = new PassThrough();
      body.write(Buffer.alloc(900_000));
      void spool.receive(body, { ...facts, origin: "link:greedy" }, mebibyte, mebibyte).catch(() => undefined);
      return body;
    });
    await new Promise((resolve) => setImmediate(resolve));
    const save = await spool.receive(Readable.from([Buffer.alloc(mebibyte)]), facts, mebibyte, mebibyte);
    expect(save.sizeBytes).toBe(mebibyte);
    for (const body of halfSent) body.destroy();
  });
});

describe("what lies in the spool's folder and is nobody's", () => {
  it("goes with its time, but not while a body may still belong to it", async () => {
    const spool = await SaveSpool.open(dir);
    const { writeFile, utimes } = await import("node:fs/promises");
    const old = new Date(Date.now() - 2 * 3_600_000);
    for (const name of ["aa.part", ".probe-aa"]) {
      await writeFile(join(dir, name), "left");
      await writeFile(join(dir, `${name.replace("aa", "bb")}`), "fresh");
      await utimes(join(dir, name), old, old);
    }
    await spool.tidy();
    expect((await readdir(dir)).sort()).toEqual([".probe-bb", "bb.part"]);
  });
});
