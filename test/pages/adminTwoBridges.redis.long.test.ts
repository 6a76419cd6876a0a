import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BridgeProcess, bridgeProcess } from "../support/bridgeProcess.ts";
import { freePorts } from "../support/childProcess.ts";
import { type RedisServer, redisServer } from "../support/redisServer.ts";
import { drivePassword, type TestBridge, testBridge } from "../support/testBridge.ts";
import { type WebPerson, webPerson } from "../support/webPerson.ts";
import { wopiClient } from "../support/wopiClient.ts";

const bridgeUrl = "http://office.example";
const ours = { Origin: bridgeUrl };

/** Only its drive is used. */
let beside: TestBridge;
let redis: RedisServer;
let dir: string;
let a: BridgeProcess;
let b: BridgeProcess;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "two-admins-"));
  beside = await testBridge({ drive: { now: Date.now } });
  redis = await redisServer({ durable: true });
  const [portA = 0, portB = 0] = await freePorts(2);
  const shared = { STORE_URL: redis.url, BRIDGE_URL: bridgeUrl, ADMIN_EMAILS: "bob@example.com" };
  [a, b] = await Promise.all([
    bridgeProcess(beside.drive.url, dir, portA, { ...shared, SPOOL_DIR: join(dir, "spool-a") }),
    bridgeProcess(beside.drive.url, dir, portB, { ...shared, SPOOL_DIR: join(dir, "spool-b") }),
  ]);
});
afterAll(async () => {
  await Promise.all([a.kill(), b.kill()]);
  await beside.close();
  await redis.close();
  await rm(dir, { recursive: true, force: true });
});

async function signedInAt(bridge: BridgeProcess, email: string): Promise<WebPerson> {
  const person = webPerson(bridge.url);
  const fields = { email, password: drivePassword, return_to: "/" };
  expect((await person.post("/signin/password", fields, ours)).status).toBe(303);
  return person;
}

describe("two bridges on one Redis", () => {
  it("show an administrator the same documents, locks and links, whichever answers", async () => {
    await beside.alice.put("Shared.docx", "text");
    const opened = await a.open("Shared.docx");
    const editor = wopiClient(opened.session, `${a.url}${new URL(opened.src).pathname}`);
    expect((await editor.check()).status).toBe(200);
    expect((await editor.lock("A")).status).toBe(200);
    const alice = await signedInAt(a, "alice@example.com");
    const { id } = await beside.alice.info("Shared.docx");
    expect((await alice.post("/share", { permission: "edit", ask_name: "1", file_id: id }, ours)).status).toBe(303);

    const bob = await signedInAt(a, "bob@example.com");
    const bobAtB = webPerson(b.url);
    for (const [name, value] of bob.cookies) bobAtB.setCookie(name, value);
    for (const person of [bob, bobAtB]) {
      const page = await person.get("/admin");
      expect(page.text).toMatch(/Shared\.docx.*has been editing since.*Locked for/s);
      expect(page.text).toContain("1 active, 0 expired, 0 revoked");
    }
    const link = /\/admin\/links\/([^/]+)\/revoke/.exec((await bobAtB.get("/admin")).text)?.[1];
    expect((await bobAtB.post(`/admin/links/${link}/revoke`, {}, ours)).status).toBe(303);
    expect((await bob.get("/admin")).text).toContain("0 active, 0 expired, 1 revoked");
  });
});
