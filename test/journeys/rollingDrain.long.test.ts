import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BridgeProcess, bridgeProcess } from "../support/bridgeProcess.ts";
import { freePorts } from "../support/childProcess.ts";
import { rawConnection } from "../support/rawHttp.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import { until } from "../support/until.ts";

/** Only its drive is used: the bridge under test is a process of its own. */
let beside: TestBridge;
let dir: string;
let bridge: BridgeProcess;

beforeAll(async () => {
  beside = await testBridge();
  dir = await mkdtemp(join(tmpdir(), "bridge-drain-"));
  const [port = 0] = await freePorts(1);
  bridge = await bridgeProcess(beside.drive.url, dir, port);
});
afterAll(async () => {
  await bridge.kill();
  await beside.close();
  await rm(dir, { recursive: true, force: true });
});

describe("a bridge that is told to stop while a save is being received", () => {
  it("is not ready at once, takes the save to its end, keeps the lock and ends with 0, though it is told twice", async () => {
    await beside.alice.put("Report.docx", "before");
    const editor = await bridge.open("Report.docx");
    await editor.get();
    expect((await editor.lock("one")).status).toBe(200);
    const text = `first half, ${"x".repeat(100_000)}, second half`;
    const { pathname, search } = new URL(editor.address("/contents"));
    const head = [
      `POST ${pathname}${search} HTTP/1.1`,
      "Host: bridge",
      "X-WOPI-Override: PUT",
      "X-WOPI-Lock: one",
      `Content-Length: ${text.length}`,
    ];
    const saving = await rawConnection(bridge.url);
    saving.socket.write(`${head.join("\r\n")}\r\n\r\n${text.slice(0, 50_000)}`);
    expect((await fetch(`${bridge.url}/readyz`)).status).toBe(200);

    const stopping = bridge.stop();
    await until("it is not ready", async () => (await fetch(`${bridge.url}/readyz`)).status === 503);
    const told = await fetch(`${bridge.url}/readyz`);
    expect([told.headers.get("Connection"), await told.json()]).toEqual(["close", { draining: true }]);
    void bridge.stop();
    // Whoever has not noticed yet is served.
    const refreshed = await editor.refresh("one");
    expect([refreshed.status, refreshed.headers.get("Connection")]).toEqual([200, "close"]);

    saving.socket.write(text.slice(50_000));
    const answer = await saving.ended();
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).toMatch(/^connection: close\r$/im);
    expect(await beside.alice.read("Report.docx")).toBe(text);
    expect(await stopping).toBe(0);
    expect(bridge.output()).toContain('"msg":"stopped"');

    await bridge.start();
    expect((await editor.getLock()).header("X-WOPI-Lock")).toBe("one");
    expect((await editor.put("and on", "one")).status).toBe(200);
  });
});
