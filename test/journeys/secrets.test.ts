import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type BridgeProcess, bridgeProcess } from "../support/bridgeProcess.ts";
import { freePorts } from "../support/childProcess.ts";
import { type DriveProxy, driveProxy } from "../support/driveProxy.ts";
import { drivePassword, portalKey, type TestBridge, testBridge } from "../support/testBridge.ts";

let beside: TestBridge;
let proxy: DriveProxy;
let dir: string;
let bridge: BridgeProcess;

beforeEach(async () => {
  beside = await testBridge();
  proxy = await driveProxy(beside.drive.url);
  dir = await mkdtemp(join(tmpdir(), "bridge-secrets-"));
  const [port = 0] = await freePorts(1);
  bridge = await bridgeProcess(proxy.url, dir, port, { LOG_LEVEL: "trace" });
  await beside.alice.put("plan.txt", "first");
});

afterEach(async () => {
  await bridge.kill();
  await proxy.close();
  await beside.close();
  await rm(dir, { recursive: true, force: true });
});

/** What the bridge itself sent to the drive as a secret: tokens in headers and queries, lock strings, signatures. */
function secretsSentToTheDrive(): string[] {
  return proxy.seen.flatMap(({ path, headers }) => {
    const query = new URL(path, "http://drive").searchParams;
    return [
      headers.authorization?.replace(/^Bearer /, ""),
      headers["x-wopi-lock"]?.toString(),
      query.get("access_token") ?? undefined,
      query.get("sign") ?? undefined,
    ].filter((secret) => secret !== undefined);
  });
}

describe("what the bridge prints at the most talkative level", () => {
  it("holds no token, key, password, lock string or signed address, whatever was called and whatever failed", async () => {
    const editor = await bridge.open("plan.txt");
    const page = await (await fetch(editor.session.host_page_url)).text();
    expect(page).toContain(editor.session.access_token);
    await fetch(editor.session.host_page_url);
    await editor.check();
    await editor.get();
    await editor.lock("L1");
    await editor.lock("L2");
    await editor.put("second", "L1");
    await editor.put("third", "L2");
    await editor.post("NONSENSE");
    await fetch(`${editor.src}?access_token=${editor.session.access_token}x`);
    await fetch(`${bridge.url}/api/sessions`, {
      method: "POST",
      headers: { Authorization: `Bearer ${portalKey}`, "X-Cloudreve-Token": beside.bob.accessToken },
      body: '{"uri": "cloudreve://my/plan.txt", "action": "edit"}',
    });
    proxy.intercept = (request) => request.socket.destroy() !== undefined;
    await editor.check();
    await editor.put("fourth", "L1");
    proxy.intercept = undefined;
    await editor.unlock("L1");
    await bridge.stop();

    const secrets = [
      ...secretsSentToTheDrive(),
      editor.session.access_token,
      editor.session.host_page_url.split("/").at(-1),
      portalKey,
      drivePassword,
      "a secret of at least thirty-two bytes",
      beside.bob.accessToken,
      beside.bob.refreshToken,
    ];
    const printed = bridge.output();
    expect(secretsSentToTheDrive().length).toBeGreaterThan(10);
    expect(printed).toContain("PUT");
    expect(secrets.filter((secret) => secret === undefined || printed.includes(secret))).toEqual([]);
  });
});
