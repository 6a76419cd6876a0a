import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { request as send } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type BridgeProcess, bridgeProcess } from "../support/bridgeProcess.ts";
import { freePorts } from "../support/childProcess.ts";
import { type DriveProxy, driveProxy } from "../support/driveProxy.ts";
import { drivePassword, type TestBridge, testBridge } from "../support/testBridge.ts";
import { until } from "../support/until.ts";
import type { WopiClient } from "../support/wopiClient.ts";

const mebibyte = 1024 * 1024;
/** What the bridge may take on top of what it has when nothing goes on. */
const moreBytes = 64 * mebibyte;

/** Only its drive is used: the bridges under test are processes of their own. */
let beside: TestBridge;
let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "large-save-"));
  const password = drivePassword;
  const quotaBytes = 8 * 1024 * mebibyte;
  beside = await testBridge({
    drive: {
      now: Date.now,
      settings: { maxEditSizeBytes: 8 * mebibyte },
      accounts: [
        { email: "alice@example.com", password, nickname: "Alice", quotaBytes },
        { email: "bob@example.com", password, nickname: "Bob" },
      ],
    },
  });
});

afterAll(async () => {
  await beside.close();
  await rm(dir, { recursive: true, force: true });
});

/** A bridge with a folder of its own below the test's. */
async function started(name: string, driveUrl: string): Promise<BridgeProcess> {
  const [port = 0] = await freePorts(1);
  const own = join(dir, name);
  await mkdir(own);
  return bridgeProcess(driveUrl, own, port, { MAX_FILE_MB: "2048" });
}

const spooled = (name: string): Promise<string[]> => readdir(join(dir, name, "spool"));

/** A document that nobody has in memory: one block over and over, numbered, so that no two are alike. */
function largeDocument(mebibytes: number) {
  const block = randomBytes(mebibyte);
  const sizeBytes = mebibytes * mebibyte;
  async function* blocks() {
    for (let i = 0; i < mebibytes; i++) {
      const next = Buffer.from(block);
      next.writeUInt32BE(i, 0);
      yield next;
    }
  }
  return {
    sizeBytes,
    open: () => Readable.from(blocks()),
    /** @returns whether these bytes are the document, the whole of it and nothing more */
    is: async (bytes: AsyncIterable<Uint8Array>): Promise<boolean> => {
      let at = 0;
      for await (const chunk of bytes) {
        for (let first = 0; first < chunk.length; ) {
          const inBlock = at % mebibyte;
          const length = Math.min(chunk.length - first, mebibyte - inBlock);
          block.writeUInt32BE(Math.floor(at / mebibyte), 0);
          if (block.compare(chunk, first, first + length, inBlock, inBlock + length) !== 0) return false;
          first += length;
          at += length;
        }
      }
      return at === sizeBytes;
    },
  };
}

/** PutFile from a stream, as large bodies come. */
async function put(editor: WopiClient, lockId: string, body: Readable, sizeBytes: number) {
  const request = send(editor.address("/contents"), {
    method: "POST",
    headers: { "X-WOPI-Override": "PUT", "X-WOPI-Lock": lockId, "Content-Length": String(sizeBytes) },
  });
  const answered = new Promise<{ status: number; text: string }>((resolve, reject) => {
    request.once("error", reject);
    request.once("response", (response) => {
      buffer(response).then(
        (bytes) => resolve({ status: response.statusCode ?? 0, text: bytes.toString("utf8") }),
        reject,
      );
    });
  });
  await Promise.all([pipeline(body, request), answered]);
  return answered;
}

async function bodyOf(url: string): Promise<AsyncIterable<Uint8Array>> {
  const { body } = await fetch(url);
  if (body === null) throw new Error("an answer without a body");
  return body;
}

/** @returns the most that the bridge had in memory while this was done */
async function peakOf(bridge: BridgeProcess, work: () => Promise<void>): Promise<number> {
  let peakBytes = 0;
  const sample = () => {
    peakBytes = Math.max(peakBytes, bridge.residentBytes());
  };
  const timer = setInterval(sample, 20);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  sample();
  return peakBytes;
}

async function urlAtDrive(path: string): Promise<string> {
  const { data } = await beside.alice.call("POST", "/file/url", { uris: [beside.alice.uriOf(path)], no_cache: true });
  return (data as { urls: { url: string }[] }).urls[0]?.url ?? "";
}

/** Whether somebody holds the file at the drive, asked in a way that changes nothing. */
async function holderAtDrive(path: string): Promise<string | undefined> {
  const { data } = await beside.alice.call("GET", `/file?uri=${encodeURIComponent("cloudreve://my")}&page_size=1`);
  const version = (data as { parent: { primary_entity: string } }).parent.primary_entity;
  const answer = await beside.alice.call("POST", "/file/version/current", { uri: beside.alice.uriOf(path), version });
  if (answer.code !== 40073) return undefined;
  return (answer.data as { owner: { application: { type: string } } }[])[0]?.owner.application.type;
}

describe("a document of one gibibyte", () => {
  it("is saved and loaded in streams: the bridge never needs more than 64 MB for it", async () => {
    const bridge = await started("streams", beside.drive.url);
    await beside.alice.put("film.docx", "first");
    const editor = await bridge.open("film.docx");
    await editor.get();
    await editor.lock("one");
    expect((await editor.put("small", "one")).status).toBe(200);
    const idleBytes = bridge.residentBytes();

    const document = largeDocument(1024);
    const savingPeakBytes = await peakOf(bridge, async () => {
      expect(await put(editor, "one", document.open(), document.sizeBytes)).toMatchObject({ status: 200 });
    });
    expect(await document.is(await bodyOf(await urlAtDrive("film.docx")))).toBe(true);
    const loadingPeakBytes = await peakOf(bridge, async () => {
      expect(await document.is(await bodyOf(editor.address("/contents")))).toBe(true);
    });

    const [idle, saving, loading] = [idleBytes, savingPeakBytes, loadingPeakBytes].map((bytes) =>
      Math.round(bytes / mebibyte),
    );
    process.stdout.write(`1 GB: bridge idle ${idle} MB, saving ${saving} MB, loading ${loading} MB\n`);
    expect(savingPeakBytes - idleBytes).toBeLessThan(moreBytes);
    expect(loadingPeakBytes - idleBytes).toBeLessThan(moreBytes);
    expect((await editor.unlock("one")).status).toBe(200);
    expect(await holderAtDrive("film.docx")).toBeUndefined();
    expect(await spooled("streams")).toEqual([]);
    await bridge.kill();
  }, 180_000);
});

describe("a large save that breaks off on its way to the drive", () => {
  let proxy: DriveProxy;
  let isCut: boolean;
  beforeEach(async () => {
    isCut = false;
    proxy = await driveProxy(beside.drive.url);
    // In the middle of the second of three chunks.
    proxy.intercept = (request, response) => {
      if (!/\/file\/upload\/.+\/1$/.test(request.url ?? "")) return false;
      request.once("data", () => {
        isCut = true;
        response.destroy();
      });
      return true;
    };
  });
  afterEach(() => proxy.close());

  it("leaves the old version and nothing of the upload, and is placed when the drive can be reached again", async () => {
    const bridge = await started("cut", proxy.url);
    await beside.alice.put("cut.docx", "first");
    const editor = await bridge.open("cut.docx");
    await editor.get();
    await editor.lock("one");
    const document = largeDocument(60);
    const refused = await put(editor, "one", document.open(), document.sizeBytes);
    expect(refused.status).toBe(503);
    expect(await beside.alice.read("cut.docx")).toBe("first");
    // The lock that the editor still has, and no upload.
    expect(await holderAtDrive("cut.docx")).toBe("viewer");
    expect((await editor.unlock("one")).status).toBe(200);
    expect(await holderAtDrive("cut.docx")).toBeUndefined();
    proxy.intercept = undefined;
    await until("the kept save is placed", async () => (await spooled("cut")).length === 0, 30_000);
    expect(await document.is(await bodyOf(await urlAtDrive("cut.docx")))).toBe(true);
    await bridge.kill();
  }, 60_000);

  it("is placed after a restart when the bridge was killed in the middle, and the drive's lock is given back", async () => {
    const bridge = await started("killed", proxy.url);
    await beside.alice.put("killed.docx", "first");
    const editor = await bridge.open("killed.docx");
    await editor.get();
    await editor.lock("one");
    const document = largeDocument(60);
    const unheard = put(editor, "one", document.open(), document.sizeBytes).catch(() => "no answer");
    await until("the upload is under way", () => isCut, 20_000);
    await bridge.kill();
    expect(await unheard).toBe("no answer");
    expect(await beside.alice.read("killed.docx")).toBe("first");
    proxy.intercept = undefined;
    await bridge.start();
    await until("the kept save is placed", async () => (await spooled("killed")).length === 0, 30_000);
    expect(await document.is(await bodyOf(await urlAtDrive("killed.docx")))).toBe(true);
    expect((await editor.unlock("one")).status).toBe(200);
    expect(await holderAtDrive("killed.docx")).toBeUndefined();
    await bridge.kill();
  }, 60_000);
});
