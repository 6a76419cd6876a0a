import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request as send } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openSqliteStore } from "../../src/stores/sqliteStore.ts";
import { signatureHeaders } from "../../src/webhooks/signature.ts";
import { WaitingEvents } from "../../src/webhooks/waitingEvents.ts";
import { bridgeProcess } from "../support/bridgeProcess.ts";
import { freePorts } from "../support/childProcess.ts";
import { portalClient } from "../support/portalClient.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import { until } from "../support/until.ts";
import { type WebhookReceiver, webhookKey, webhookReceiver } from "../support/webhookReceiver.ts";
import { wopiClient } from "../support/wopiClient.ts";

describe("a portal that does harm with its webhook", () => {
  let bridge: TestBridge;
  let receiver: WebhookReceiver;
  const portal = portalClient(() => bridge);
  const opened = async () => {
    const { uri } = await portal.newFile();
    const editor = wopiClient(await portal.session({ uri }));
    await editor.lock("A");
    return editor;
  };
  beforeEach(async () => {
    receiver = await webhookReceiver();
    bridge = await testBridge({ store: "file", settings: { PORTAL_WEBHOOKS: receiver.setting() } });
  });
  afterEach(async () => {
    await bridge.close();
    await receiver.close();
  });

  it("by never answering slows no save, and gets all once it answers", async () => {
    const editors = await Promise.all(Array.from({ length: 8 }, opened));
    const savedIn = async (): Promise<number> => {
      const beganAtMs = performance.now();
      for (const [at, editor] of editors.entries()) {
        expect((await editor.put(`text ${at} ${beganAtMs}`, "A")).status).toBe(200);
      }
      return performance.now() - beganAtMs;
    };
    await savedIn();
    const usualMs = await savedIn();
    await bridge.bridge.deliver();
    receiver.instead = () => undefined;
    expect(await savedIn()).toBeLessThan(3 * usualMs + 500);
    expect(await savedIn()).toBeLessThan(3 * usualMs + 500);
    await bridge.bridge.deliver();
    expect(bridge.logLines.some(({ why }) => why === "no answer within 10 s")).toBe(true);
    receiver.instead = undefined;
    bridge.clock.advance(3_600_000);
    expect(await bridge.bridge.deliver()).toBe(0);
    expect(receiver.of("saved")).toHaveLength(32);
  });

  it("by an answer without end is cut off after some kilobytes, and the event counts as taken", async () => {
    let sentBytes = 0;
    let isCut = false;
    receiver.instead = (_request, response) => {
      const piece = Buffer.alloc(64 * 1024, "x");
      response.on("close", () => {
        isCut = true;
      });
      response.writeHead(200);
      const write = (): void => {
        for (;;) {
          if (isCut || sentBytes > 1024 ** 3) return;
          sentBytes += piece.length;
          if (!response.write(piece)) break;
        }
        response.once("drain", write);
      };
      write();
    };
    const editor = await opened();
    await editor.put("after", "A");
    expect(await bridge.bridge.deliver()).toBe(0);
    await until("the bridge hangs up", () => isCut);
    expect(sentBytes).toBeLessThan(64 * 1024 ** 2);
  });

  it("that breaks off every connection is asked again, and the bridge lives", async () => {
    receiver.instead = (request) => request.socket.destroy();
    const editor = await opened();
    await editor.put("after", "A");
    expect(await bridge.bridge.deliver()).toBe(1);
    expect(bridge.logLines.some(({ why }) => why === "ECONNRESET")).toBe(true);
    receiver.instead = undefined;
    bridge.clock.advance(5_000);
    expect(await bridge.bridge.deliver()).toBe(0);
  });

  it("has ten thousand events when it is back, each once, while others are served", async () => {
    const store = openSqliteStore(join(bridge.dir, "bridge.db"), bridge.clock.now);
    const waiting = new WaitingEvents(store, bridge.clock.now);
    const event = (file: number, part: number) => ({
      id: `evt_${file}_${part}`,
      type: "saved",
      atMs: bridge.clock.now() - 60_000,
      data: { file: { id: `f${file}`, name: "Report.docx" }, version: `v${part}` },
    });
    const adding = Array.from({ length: 5_000 }, async (_, file) => {
      for (const part of [1, 2]) await waiting.add("test", `f${file}`, event(file, part));
    });
    await Promise.all(adding);
    await store.close();
    await bridge.restart();
    let longestMs = 0;
    let isDone = false;
    const asking = (async () => {
      while (!isDone) {
        const beganAtMs = performance.now();
        expect((await fetch(`${bridge.url}/healthz`)).status).toBe(200);
        longestMs = Math.max(longestMs, performance.now() - beganAtMs);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    expect(await bridge.bridge.deliver()).toBe(0);
    isDone = true;
    await asking;
    expect(longestMs).toBeLessThan(2_000);
    const ids = receiver.events.map(({ id }) => id);
    expect(ids).toHaveLength(10_000);
    expect(new Set(ids).size).toBe(10_000);
    const places = new Map(ids.map((id, at) => [id, at]));
    for (let file = 0; file < 5_000; file++) {
      expect(places.get(`evt_${file}_1`)).toBeLessThan(places.get(`evt_${file}_2`) ?? 0);
    }
  }, 240_000);
});

describe("a bridge that is killed", () => {
  let beside: TestBridge;
  let dir: string;
  let receiver: WebhookReceiver;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "webhook-kill-"));
    beside = await testBridge({ drive: { now: Date.now } });
    receiver = await webhookReceiver();
  });
  afterAll(async () => {
    await beside.close();
    await receiver.close();
    await rm(dir, { recursive: true, force: true });
  });

  it("between a save and its delivery tells of it after its start; what was on its way, under the same id", async () => {
    const [port = 0] = await freePorts(1);
    const bridge = await bridgeProcess(beside.drive.url, dir, port, { PORTAL_WEBHOOKS: receiver.setting() });
    try {
      await beside.alice.put("killed.docx", "text");
      const editor = await bridge.open("killed.docx");
      await editor.lock("A");
      // It has come, and no answer will: nobody knows whether it was taken.
      receiver.instead = () => undefined;
      expect((await editor.put("after", "A")).status).toBe(200);
      await until("the event is on its way", () => receiver.attempts.length > 0);
      expect((await editor.put("after that", "A")).status).toBe(200);
      await bridge.kill();
      receiver.instead = undefined;
      await bridge.start();
      await until("both are told", () => receiver.of("saved").length === 2, 30_000);
      expect(receiver.events[0]?.id).toBe(receiver.attempts[0]?.id);
      expect(receiver.events[1]?.id).not.toBe(receiver.events[0]?.id);
    } finally {
      await bridge.kill();
    }
  });
});

describe("the receiver that WEBHOOKS.md shows", () => {
  it("takes an event, does nothing for a replayed one, and refuses an old or foreign one", async () => {
    const [, code = ""] = /```js\n([^`]*createServer[\s\S]*?)```/.exec(await readFile("WEBHOOKS.md", "utf8")) ?? [];
    const [port = 0] = await freePorts(1);
    const dir = await mkdtemp(join(tmpdir(), "webhook-receiver-"));
    const file = join(dir, "receiver.mjs");
    await writeFile(file, code.replace("listen(8099)", `listen(${port}, "127.0.0.1", () => console.log("listening"))`));
    const child = spawn(process.execPath, [file], { env: { ...process.env, WEBHOOK_KEY: webhookKey } });
    const lines: string[] = [];
    child.stdout.on("data", (piece: Buffer) => lines.push(...piece.toString().trim().split("\n")));
    await until("it listens", () => lines.includes("listening"));
    const body = JSON.stringify({ type: "saved", timestamp: "", data: { file: { id: "f1", name: "Report.docx" } } });
    const post = (headers: Readonly<Record<string, string>>) =>
      new Promise<number>((resolve, reject) => {
        const request = send({ port, host: "127.0.0.1", method: "POST", headers }, (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        });
        request.on("error", reject);
        request.end(body);
      });
    const nowMs = Date.now();
    const recorded = signatureHeaders("evt_1", nowMs, body, [webhookKey]);
    expect(await post(recorded)).toBe(204);
    expect(await post(recorded)).toBe(204);
    expect(await post({ ...recorded, "webhook-id": "evt_2" })).toBe(401);
    expect(await post({ ...recorded, "webhook-timestamp": String(Math.floor(nowMs / 1000) + 1) })).toBe(401);
    expect(await post(signatureHeaders("evt_3", nowMs - 301_000, body, [webhookKey]))).toBe(401);
    expect(await post({})).toBe(401);
    expect(await post(signatureHeaders("evt_4", nowMs, body, [`whsec_${"A".repeat(43)}=`, webhookKey]))).toBe(204);
    await until("it has worked", () => lines.length >= 3);
    expect(lines).toEqual(["listening", "saved Report.docx", "saved Report.docx"]);
    child.kill();
    await rm(dir, { recursive: true, force: true });
  });
});
