import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { PlacingFacts } from "../../src/documents/saveFacts.ts";
import { SaveSpool } from "../../src/documents/saveSpool.ts";
import { failureOf } from "../../src/model/failure.ts";

const mebibyte = 1024 * 1024;
const limitBytes = 8 * mebibyte;
const facts: PlacingFacts = {
  grantId: "g1",
  document: { account: "alice", fileId: "f1" },
  personName: 'Ann\nof the "north" 报告',
  editor: "https://office.example",
  fileName: "Report.docx",
  receivedAtMs: Date.parse("2026-11-21T08:15:00Z"),
};

let dir: string;
let spool: SaveSpool;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "save-spool-"));
  spool = await SaveSpool.open(dir);
});
afterEach(() => rm(dir, { recursive: true }));

/** As a socket gives them: in pieces of no particular size. */
function inPieces(bytes: Buffer, pieceBytes = 60_001): Readable {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) pieces.push(bytes.subarray(at, at + pieceBytes));
  return Readable.from(pieces);
}

async function reasonOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe("a save that arrives whole", () => {
  it.each([
    ["nothing at all", 0],
    ["one byte", 1],
    ["as much as is kept in memory", mebibyte],
    ["one byte more", mebibyte + 1],
    ["much more", 5 * mebibyte],
  ])("comes out as it went in, with its size and hash: %s", async (_name, sizeBytes) => {
    const bytes = randomBytes(sizeBytes);
    const save = await spool.receive(inPieces(bytes), facts, limitBytes);
    expect(save.sizeBytes).toBe(sizeBytes);
    expect(save.sha256).toBe(createHash("sha256").update(bytes).digest("base64"));
    expect(bytes.equals(await buffer(save.open()))).toBe(true);
  });

  it.each([100, 2 * mebibyte])("can be sent again, also while it is being sent: %i bytes", async (sizeBytes) => {
    const bytes = randomBytes(sizeBytes);
    const save = await spool.receive(inPieces(bytes), facts, limitBytes);
    const [first, second] = await Promise.all([buffer(save.open()), buffer(save.open())]);
    expect(bytes.equals(first)).toBe(true);
    expect(bytes.equals(second)).toBe(true);
    expect(bytes.equals(await buffer(save.open()))).toBe(true);
  });

  it.each([100, 2 * mebibyte])("lies on the disk behind one line of facts: %i bytes", async (sizeBytes) => {
    const bytes = randomBytes(sizeBytes);
    await spool.receive(inPieces(bytes), facts, limitBytes);
    const names = await readdir(dir);
    expect(names).toEqual([expect.stringMatching(/^[0-9a-f]+-\d+-[0-9a-f]{64}\.save$/)]);
    const content = await readFile(join(dir, names[0] ?? ""));
    const endOfLine = content.indexOf("\n");
    expect(JSON.parse(content.subarray(0, endOfLine).toString())).toEqual(facts);
    expect(bytes.equals(content.subarray(endOfLine + 1))).toBe(true);
  });

  it("may be exactly as large as the limit", async () => {
    const save = await spool.receive(inPieces(Buffer.alloc(1000)), facts, 1000);
    expect(save.sizeBytes).toBe(1000);
  });

  it("is gone from the disk once it is discarded, and may be discarded twice", async () => {
    const save = await spool.receive(inPieces(Buffer.alloc(10)), facts, limitBytes);
    await save.discard();
    await save.discard();
    expect(await readdir(dir)).toEqual([]);
  });

  it("is not mixed up with another that arrives at the same time", async () => {
    const bodies = Array.from({ length: 5 }, () => randomBytes(2 * mebibyte));
    const saves = await Promise.all(bodies.map((bytes) => spool.receive(inPieces(bytes), facts, limitBytes)));
    for (const [i, save] of saves.entries()) expect(bodies[i]?.equals(await buffer(save.open()))).toBe(true);
  });
});

describe("a save that is refused", () => {
  it.each([
    ["one byte over the limit", 1001],
    ["far over the limit", 3 * mebibyte],
  ])("for its size leaves nothing behind: %s", async (_name, sizeBytes) => {
    const error = await reasonOf(spool.receive(inPieces(Buffer.alloc(sizeBytes)), facts, 1000));
    expect(failureOf(error, "bodyTooLarge")?.limitBytes).toBe(1000);
    expect(await readdir(dir)).toEqual([]);
  });

  it("for its size leaves the connection open, so that the editor hears why", async () => {
    const body = new PassThrough();
    body.write(Buffer.alloc(1001));
    await reasonOf(spool.receive(body, facts, 1000));
    expect(body.destroyed).toBe(false);
  });

  it("when its body breaks off leaves nothing behind", async () => {
    async function* cutOff() {
      yield Buffer.alloc(2 * mebibyte);
      throw new Error("aborted");
    }
    const received = reasonOf(spool.receive(Readable.from(cutOff()), facts, limitBytes));
    expect(failureOf(await received, "bodyCut")).toBeDefined();
    expect(await readdir(dir)).toEqual([]);
  });

  it("when its body was gone before it was read is not taken for an empty document", async () => {
    const body = new PassThrough();
    body.destroy();
    expect(failureOf(await reasonOf(spool.receive(body, facts, limitBytes)), "bodyCut")).toBeDefined();
    expect(await readdir(dir)).toEqual([]);
  });

  it.each(["Content-Length: 1000000", "Transfer-Encoding: chunked"])(
    "when the editor's connection breaks in the middle leaves nothing behind (%s)",
    async (framing) => {
      let received: Promise<unknown> = Promise.resolve();
      const server = createServer((request) => {
        received = reasonOf(spool.receive(request, facts, limitBytes));
        server.emit("receiving");
      });
      const receiving = once(server, "receiving");
      await once(server.listen(0, "127.0.0.1"), "listening");
      const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
      socket.write(`POST / HTTP/1.1\r\nHost: bridge\r\n${framing}\r\n\r\n5\r\nhello\r\n`);
      await receiving;
      socket.destroy();
      expect(failureOf(await received, "bodyCut")).toBeDefined();
      expect(await readdir(dir)).toEqual([]);
      server.close();
    },
  );

  it("when its folder is gone and it is large says that the spool failed", async () => {
    await rm(dir, { recursive: true });
    const error = await reasonOf(spool.receive(inPieces(Buffer.alloc(2 * mebibyte)), facts, limitBytes));
    expect(failureOf(error, "spoolFailed")).toBeDefined();
    await SaveSpool.open(dir);
  });

  it("when its folder is gone and it is small is sent on from memory, but can't be kept", async () => {
    await rm(dir, { recursive: true });
    const save = await spool.receive(inPieces(Buffer.from("small")), facts, limitBytes);
    expect((await buffer(save.open())).toString()).toBe("small");
    expect(failureOf(await reasonOf(save.keep()), "spoolFailed")).toBeDefined();
    await save.discard();
    await SaveSpool.open(dir);
  });

  it("when the disk fills up in the middle of a write says that the spool failed, and leaves nothing behind", async () => {
    // The shell's limit on a file's size stands for the end of the disk: the last write puts down a part and says so.
    const module = new URL("../../src/documents/saveSpool.ts", import.meta.url).href;
    const program = `
      import { Readable } from "node:stream";
      import { SaveSpool } from ${JSON.stringify(module)};
      const spool = await SaveSpool.open(${JSON.stringify(dir)});
      const receiving = spool.receive(Readable.from([Buffer.alloc(${5 * mebibyte})]), ${JSON.stringify(facts)}, ${limitBytes});
      process.stdout.write(await receiving.then(() => "received", (error) => error.message));
    `;
    const limited = spawn(
      "sh",
      [
        "-c",
        `trap "" XFSZ; ulimit -f 4096; exec "$@"`,
        "sh",
        process.execPath,
        "--import",
        "tsx",
        "--input-type=module",
        "--eval",
        program,
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    expect((await buffer(limited.stdout)).toString()).toBe("spoolFailed");
    expect(await readdir(dir)).toEqual([]);
  });
});

describe("the spool's folder", () => {
  it("is made when it is not there", async () => {
    const deep = join(dir, "data", "spool");
    await SaveSpool.open(deep);
    expect(await readdir(deep)).toEqual([]);
  });

  it.each([
    ["is a file", ""],
    ["lies below a file", "spool"],
  ])("is refused in one plain sentence when it %s", async (_name, below) => {
    await writeFile(join(dir, "file"), "");
    const path = join(dir, "file", below);
    const error = await reasonOf(SaveSpool.open(path));
    expect(error).toBeInstanceOf(Error);
    expect(String(error)).toMatch(/^Error: The spool folder .+ can't be written \([^\n]+\); check SPOOL_DIR\.$/);
    expect(String(error)).toContain(path);
  });

  it("keeps what a process before this one has left there", async () => {
    await writeFile(join(dir, "0123.save"), "{}\nbytes");
    await SaveSpool.open(dir);
    expect(await readdir(dir)).toEqual(["0123.save"]);
  });
});

describe("a save that was kept", () => {
  const keptIn = async (folder: SaveSpool) => {
    const saves = [];
    for await (const save of folder.kept()) saves.push(save);
    return saves;
  };

  it("is found again by another process, with its facts, bytes and hash", async () => {
    const bytes = randomBytes(2 * mebibyte);
    const save = await spool.receive(inPieces(bytes), facts, limitBytes);
    await save.keep();
    const [found, ...others] = await keptIn(await SaveSpool.open(dir));
    expect(others).toEqual([]);
    expect(found?.facts).toEqual(facts);
    expect(found?.sha256).toBe(save.sha256);
    expect(bytes.equals(await buffer(found?.open() ?? Readable.from([])))).toBe(true);
    expect(bytes.subarray(5, 1005).equals(await buffer(found?.open(5, 1000) ?? Readable.from([])))).toBe(true);
  });

  it("is not offered while its call still places it", async () => {
    const save = await spool.receive(inPieces(Buffer.from("under way")), facts, limitBytes);
    expect(await keptIn(spool)).toEqual([]);
    await save.keep();
    expect((await keptIn(spool)).length).toBe(1);
  });

  it("comes oldest first", async () => {
    for (const receivedAtMs of [3, 1, 2]) {
      const save = await spool.receive(
        inPieces(Buffer.from(`${receivedAtMs}`)),
        { ...facts, receivedAtMs },
        limitBytes,
      );
      await save.keep();
    }
    expect((await keptIn(spool)).map((save) => save.facts.receivedAtMs)).toEqual([1, 2, 3]);
  });

  it.each([
    ["cut short", (content: Buffer) => content.subarray(0, -1)],
    ["altered", (content: Buffer) => Buffer.concat([content.subarray(0, -1), Buffer.from("X")])],
    ["emptied", () => Buffer.alloc(0)],
  ])("is put aside, never offered, when a power cut has left it %s", async (_how, damage) => {
    const save = await spool.receive(inPieces(Buffer.from("whole")), facts, limitBytes);
    await save.keep();
    const [name = ""] = await readdir(dir);
    await writeFile(join(dir, name), damage(await readFile(join(dir, name))));
    expect(await keptIn(await SaveSpool.open(dir))).toEqual([]);
    expect(await readdir(dir)).toEqual([`${name}.broken`]);
  });

  it("is forgotten with its discard", async () => {
    const save = await spool.receive(inPieces(Buffer.from("done")), facts, limitBytes);
    await save.keep();
    await save.discard();
    expect(await readdir(dir)).toEqual([]);
  });
});

describe("the largest save that one session can have", () => {
  const roomBytes = 16 * mebibyte;
  const bytes = randomBytes(3.5 * mebibyte);
  beforeEach(async () => {
    spool = await SaveSpool.open(dir, roomBytes);
  });

  it("is decided about, though it lies there twice for a moment", async () => {
    const undecided = { grantId: "g1", wopiFileId: "f1", receivedAtMs: 1 };
    await spool.receiveUndecided(inPieces(bytes), undecided, limitBytes, bytes.length);
    for await (const save of spool.undecided()) await save.decide(facts);
    expect(spool.waiting().map(({ sizeBytes, facts: of }) => [sizeBytes, of])).toEqual([[bytes.length, facts]]);
    expect((await readdir(dir)).length).toBe(1);
  });

  it("goes on as the last of a right that ended while it came, in the room that it has", async () => {
    const save = await spool.receive(inPieces(bytes), facts, limitBytes, bytes.length);
    const last = await save.restated({ ...facts, isBesideOnly: true, isOfEndedGrant: true });
    expect((await readdir(dir)).length).toBe(1);
    expect(bytes.equals(await buffer(last.open()))).toBe(true);
    await last.keep();
    expect(spool.waiting().map((kept) => kept.facts?.isOfEndedGrant)).toEqual([true]);
  });
});

describe("what a bridge of the version before has left in the folder", () => {
  const bytes = Buffer.from("work of before the upgrade");
  const leftBehind = async (line: object) => {
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const name = `0123456789abcdef01234567-${bytes.length}-${sha256}.save`;
    await writeFile(join(dir, name), Buffer.concat([Buffer.from(`${JSON.stringify(line)}\n`), bytes]));
    const upgraded = await SaveSpool.open(dir);
    for await (const save of upgraded.kept()) return save;
    return undefined;
  };

  it("is placed with what it was based on", async () => {
    const stand = { copyId: "c1", order: 7, baseVersion: "v3", lock: "mark" };
    const save = await leftBehind({ ...facts, stand });
    expect(save?.facts).toEqual({ ...facts, baseline: { loadId: "c1", order: 7, baseVersion: "v3", lock: "mark" } });
    expect(bytes.equals(await buffer(save?.open() ?? Readable.from([])))).toBe(true);
  });

  it("stays the last save of a grant that had ended", async () => {
    const save = await leftBehind({ ...facts, isBesideOnly: true, isLastOfGrant: true });
    expect(save?.facts).toEqual({ ...facts, isBesideOnly: true, isOfEndedGrant: true });
  });

  it("has the form in which this version writes, so that an upgrade can be taken back", async () => {
    const baseline = { loadId: "c1", order: 7, baseVersion: "v3", lock: "mark" };
    await spool.receive(inPieces(bytes), { ...facts, baseline, isBesideOnly: true, isOfEndedGrant: true }, limitBytes);
    const [name = ""] = await readdir(dir);
    const [line = ""] = (await readFile(join(dir, name), "utf8")).split("\n");
    const stand = { copyId: "c1", order: 7, baseVersion: "v3", lock: "mark" };
    expect(JSON.parse(line)).toEqual({ ...facts, stand, isBesideOnly: true, isLastOfGrant: true });
  });
});
