import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BridgeProcess, bridgeProcess } from "../support/bridgeProcess.ts";
import { freePorts } from "../support/childProcess.ts";
import { type RedisServer, redisServer } from "../support/redisServer.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import { until } from "../support/until.ts";
import { type WebhookReceiver, webhookReceiver } from "../support/webhookReceiver.ts";
import { type WopiClient, wopiClient } from "../support/wopiClient.ts";

/** Only its drive is used. */
let beside: TestBridge;
let redis: RedisServer;
let receiver: WebhookReceiver;
let dir: string;
let a: BridgeProcess;
let b: BridgeProcess;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "two-webhooks-"));
  beside = await testBridge({ drive: { now: Date.now } });
  redis = await redisServer({ durable: true });
  receiver = await webhookReceiver();
  const [portA = 0, portB = 0] = await freePorts(2);
  const shared = { STORE_URL: redis.url, BRIDGE_URL: "http://office.example", PORTAL_WEBHOOKS: receiver.setting() };
  [a, b] = await Promise.all([
    bridgeProcess(beside.drive.url, dir, portA, { ...shared, SPOOL_DIR: join(dir, "spool-a") }),
    bridgeProcess(beside.drive.url, dir, portB, { ...shared, SPOOL_DIR: join(dir, "spool-b") }),
  ]);
});
afterAll(async () => {
  await Promise.all([a.kill(), b.kill()]);
  await receiver.close();
  await beside.close();
  await redis.close();
  await rm(dir, { recursive: true, force: true });
});

const at = (bridge: BridgeProcess, client: WopiClient) =>
  wopiClient(client.session, `${bridge.url}${new URL(client.src).pathname}`);

describe("two bridges on one Redis", () => {
  it("send each event once, one at a time for a document and in the order of its saves", async () => {
    const underWay = new Map<string, number>();
    let most = 0;
    receiver.instead = (request, response, body) => {
      const event = JSON.parse(body) as (typeof receiver.events)[number];
      const fileId = event.data.file.id;
      underWay.set(fileId, (underWay.get(fileId) ?? 0) + 1);
      most = Math.max(most, underWay.get(fileId) ?? 0);
      // Slower than saves come, so that there is always something to send.
      setTimeout(() => {
        underWay.set(fileId, (underWay.get(fileId) ?? 0) - 1);
        receiver.events.push({ ...event, id: String(request.headers["webhook-id"]) });
        response.writeHead(204).end();
      }, 40);
    };
    const documents = await Promise.all(
      [1, 2, 3].map(async (number) => {
        await beside.alice.put(`both-${number}.docx`, "text");
        const opened = await a.open(`both-${number}.docx`);
        const [atA, atB] = [at(a, opened), at(b, opened)];
        expect((await atA.lock("A")).status).toBe(200);
        const versions: string[] = [];
        for (let save = 0; save < 12; save++) {
          const saved = await (save % 2 === 0 ? atA : atB).put(`text ${number} ${save}`, "A");
          expect(saved.status).toBe(200);
          versions.push(saved.header("X-WOPI-ItemVersion") ?? "");
        }
        return { fileId: opened.session.file.id, versions };
      }),
    );
    await until("all is told", () => receiver.of("saved").length >= 36, 60_000);
    expect(receiver.attempts.map(({ id }) => id)).toHaveLength(36);
    expect(new Set(receiver.attempts.map(({ id }) => id)).size).toBe(36);
    expect(most).toBe(1);
    for (const { fileId, versions } of documents) {
      const told = receiver.of("saved").filter(({ data }) => data.file.id === fileId);
      expect(told.map(({ data }) => data["version"])).toEqual(versions);
    }
  });

  it("take over from each other: what a killed one had still to send is sent by the other", async () => {
    receiver.events.length = 0;
    receiver.attempts.length = 0;
    await beside.alice.put("left.docx", "text");
    const editor = at(a, await a.open("left.docx"));
    await editor.lock("A");
    receiver.instead = () => undefined;
    expect((await editor.put("after", "A")).status).toBe(200);
    await until("the event is on its way", () => receiver.attempts.length > 0);
    await a.kill();
    receiver.instead = undefined;
    // The lease of the killed one has to end, and the other looks once a minute.
    await until("the other one tells it", () => receiver.of("saved").length === 1, 120_000);
    expect(receiver.events[0]?.id).toBe(receiver.attempts[0]?.id);
  }, 180_000);
});
