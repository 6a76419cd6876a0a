import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { PlacingFacts } from "../../src/documents/saveFacts.ts";
import { SaveSpool } from "../../src/documents/saveSpool.ts";
import { SpoolEnd, spoolStage } from "../../src/documents/waitingSaves.ts";

const dayMs = 24 * 3_600_000;
const receivedAtMs = Date.UTC(2026, 10, 1);
const facts: PlacingFacts = {
  grantId: "g1",
  document: { account: "alice", fileId: "f1" },
  personName: "Ann",
  editor: "https://office.example",
  fileName: "Report.docx",
  receivedAtMs,
};

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "spool-end-"));
});
afterEach(() => rm(dir, { recursive: true }));

async function watched() {
  const spool = await SaveSpool.open(dir);
  const heard: string[] = [];
  const end = new SpoolEnd(
    {
      spool,
      saveLifetimeMs: 30 * dayMs,
      saveDropped: ({ isBroken }, { why }) => void heard.push(`${isBroken ? "broken" : "save"} ${why}`),
    },
    ({ isBroken, facts: of }, endsAtMs) =>
      void heard.push(`${isBroken ? "broken" : of?.personName} until ${(endsAtMs - receivedAtMs) / dayMs}`),
  );
  return { spool, end, heard };
}

describe("a save that waits", () => {
  it.each([
    [0, "young"],
    [22.9, "young"],
    [23, "lastWeek"],
    [28.9, "lastWeek"],
    [29, "lastDay"],
    [29.9, "lastDay"],
    [30, "over"],
    [300, "over"],
  ])("after %f of 30 days is %s", (days, stage) => {
    expect(spoolStage(receivedAtMs, receivedAtMs + days * dayMs, 30 * dayMs)).toBe(stage);
  });

  it("is warned of a week and a day before its end, once each, and then removed", async () => {
    const { spool, end, heard } = await watched();
    await (await spool.receive(Readable.from([Buffer.from("work")]), facts, 100)).keep();
    for (const day of [1, 22, 23, 24, 25, 29, 29.5, 30, 31]) await end.look(receivedAtMs + day * dayMs);
    expect(heard).toEqual(["Ann until 30", "Ann until 30", "save tooOld"]);
    expect(await readdir(dir)).toEqual([]);
  });

  it("is not removed while it is being placed", async () => {
    const { spool, end, heard } = await watched();
    const save = await spool.receive(Readable.from([Buffer.from("work")]), facts, 100);
    await end.look(receivedAtMs + 31 * dayMs);
    expect(heard).toEqual([]);
    await save.keep();
    await end.look(receivedAtMs + 31 * dayMs);
    expect(heard).toEqual(["save tooOld"]);
  });

  it("has an end too when a power cut has damaged it, and when nobody could be asked about it", async () => {
    const { spool } = await watched();
    await (await spool.receive(Readable.from([Buffer.from("whole")]), facts, 100)).keep();
    const undecided = { grantId: "g2", wopiFileId: "f2", receivedAtMs };
    await spool.receiveUndecided(Readable.from([Buffer.from("whose?")]), undecided, 100);
    const name = (await readdir(dir)).find((one) => one.endsWith(".save")) ?? "";
    await writeFile(join(dir, name), (await readFile(join(dir, name))).subarray(0, -1));
    const { spool: anew, end, heard } = await watched();
    for await (const save of anew.kept()) expect(save).toBeUndefined();
    expect((await readdir(dir)).filter((one) => one.endsWith(".broken"))).toHaveLength(1);
    await end.look(receivedAtMs + 24 * dayMs);
    await end.look(receivedAtMs + 30 * dayMs);
    expect(heard.sort()).toEqual(["broken tooOld", "broken until 30", "save tooOld", "undefined until 30"]);
    expect(await readdir(dir)).toEqual([]);
  });
});
