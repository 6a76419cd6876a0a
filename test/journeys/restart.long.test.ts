import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type BridgeProcess, bridgeProcess } from "../support/bridgeProcess.ts";
import { freePorts, run } from "../support/childProcess.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";

/** Only its drive is used: the bridge under test is a process of its own. */
let beside: TestBridge;
let dir: string;
let bridge: BridgeProcess;

beforeEach(async () => {
  beside = await testBridge();
  dir = await mkdtemp(join(tmpdir(), "bridge-restart-"));
  const [port = 0] = await freePorts(1);
  bridge = await bridgeProcess(beside.drive.url, dir, port);
  await beside.alice.put("plan.txt", "first");
});

afterEach(async () => {
  await bridge.kill();
  await beside.close();
  await rm(dir, { recursive: true, force: true });
});

describe("a bridge that is killed while a document is open", () => {
  it("takes the save under the same lock id after it was killed between Lock and PutFile", async () => {
    const editor = await bridge.open("plan.txt");
    await editor.get();
    expect((await editor.lock("cool-lock1234")).status).toBe(200);
    await bridge.kill();
    await bridge.start();
    expect((await editor.put("second", "cool-lock1234")).status).toBe(200);
    expect(await beside.alice.read("plan.txt")).toBe("second");
  });

  it("still refuses another lock id, and the drive still refuses strangers", async () => {
    const editor = await bridge.open("plan.txt");
    await editor.lock("cool-lock1234");
    await bridge.kill();
    await bridge.start();
    const other = await bridge.open("plan.txt");
    const refused = await other.lock("cool-lock9999");
    expect([refused.status, refused.header("X-WOPI-Lock")]).toEqual([409, "cool-lock1234"]);
    expect(await beside.alice.put("plan.txt", "stranger")).toBe(40073);
  });

  it("ends cleanly on SIGTERM and keeps the lock", async () => {
    const editor = await bridge.open("plan.txt");
    await editor.lock("cool-lock1234");
    expect(await bridge.stop()).toBe(0);
    await bridge.start();
    expect((await editor.post("GET_LOCK")).header("X-WOPI-Lock")).toBe("cool-lock1234");
  });
});

describe("a bridge that can't start", () => {
  it("says every mistake in one plain sentence each and ends with status 1", async () => {
    const command = run("src/main.ts", { CLOUDREVE_URL: "not an address", STORE_URL: "mysql://x", SECRET: "short" });
    expect(await command.ended()).toBe(1);
    const lines = command.output().trim().split("\n").slice(1);
    expect(lines).toEqual([
      "- BRIDGE_URL is missing.",
      "- CLOUDREVE_URL must be an http(s) address.",
      "- SECRET must be at least 32 bytes long.",
      "- STORE_URL must be file:PATH, redis://HOST:PORT, unix:/SOCKET or memory:.",
    ]);
  });
});
