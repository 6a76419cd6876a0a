import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DriveProxy, driveProxy } from "../support/driveProxy.ts";
import { portalClient, problem } from "../support/portalClient.ts";
import { portalKey, type TestBridge, testBridge } from "../support/testBridge.ts";
import { wopiClient } from "../support/wopiClient.ts";

const otherKey = "other-portal-key";
const hourMs = 3_600_000;

describe("a call with an Idempotency-Key", () => {
  let bridge: TestBridge;
  let proxy: DriveProxy;
  const portal = portalClient(() => bridge);
  let keys = 0;
  const freshKey = () => `"key-${++keys}"`;
  const post = (path: string, body: unknown, key: string, headers: Record<string, string> = {}) =>
    portal.call("POST", path, body, { "Idempotency-Key": key, ...headers });
  beforeAll(async () => {
    bridge = await testBridge({
      store: "file",
      settings: { PORTAL_KEYS: `test:${portalKey},other:${otherKey}` },
      driveAddress: async (url) => {
        proxy = await driveProxy(url);
        return proxy.url;
      },
    });
  });
  afterAll(async () => {
    await bridge.close();
    await proxy.close();
  });

  it("makes one link, however often it is sent, and the store shows nobody its address", async () => {
    const { uri } = await portal.newFile();
    const key = freshKey();
    const made = await (await post("/links", { uri, permission: "view" }, key)).json();
    const again = await (await post("/links", { uri, permission: "view" }, key)).json();
    expect(again).toEqual(made);
    const { links } = (await portal.json("GET", "/links", 200)) as { links: unknown[] };
    expect(links).toHaveLength(1);
    const secret = String((made as { url: string }).url).split("/l/")[1] ?? "";
    expect(await bridge.storedText()).not.toContain(secret);
  });

  it("is refused under the key of another request, and for another account", async () => {
    const { uri } = await portal.newFile();
    const key = freshKey();
    await post("/sessions", { uri, action: "edit" }, key);
    for (const [path, body, headers] of [
      ["/sessions", { uri, action: "view" }, {}],
      ["/links", { uri, permission: "edit" }, {}],
      ["/sessions", { uri, action: "edit" }, { "X-Cloudreve-Token": "somebody's" }],
    ] as const) {
      const answered = await post(path, body, key, headers);
      expect(answered.status).toBe(422);
      expect((await problem(answered)).code).toBe("idempotencyKeyReused");
    }
  });

  it("is another call for another portal", async () => {
    const { uri } = await portal.newFile();
    const key = freshKey();
    const first = (await (await post("/sessions", { uri, action: "edit" }, key)).json()) as { id: string };
    const headers = { Authorization: `Bearer ${otherKey}` };
    const second = (await (await post("/sessions", { uri, action: "edit" }, key, headers)).json()) as { id: string };
    expect(second.id).not.toBe(first.id);
  });

  it("that failed is tried anew", async () => {
    const { name, uri } = await portal.newFile();
    const key = freshKey();
    await bridge.alice.call("DELETE", "/file", { uris: [uri] });
    expect((await post("/sessions", { uri, action: "edit" }, key)).status).toBe(404);
    await bridge.alice.put(name, "again");
    expect((await post("/sessions", { uri, action: "edit" }, key)).status).toBe(201);
  });

  it("is told to wait while the first one is being served", async () => {
    const { uri } = await portal.newFile();
    const key = freshKey();
    const answers = await Promise.all(Array.from({ length: 5 }, () => post("/sessions", { uri, action: "edit" }, key)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(1);
    const waiting = answers.filter(({ status }) => status === 409);
    expect(waiting).toHaveLength(4);
    for (const answered of waiting) {
      expect(answered.headers.get("retry-after")).toBe("1");
      expect((await problem(answered)).code).toBe("callUnderWay");
    }
  });

  it.each(["", "x".repeat(256), "schl\u00fcssel"])("needs a key that is one: %j", async (key) => {
    const answered = await post("/sessions", { uri: "cloudreve://my/a.docx", action: "edit" }, key);
    expect(answered.status).toBe(400);
    expect(await problem(answered)).toMatchObject({ code: "headerInvalid", detail: expect.stringContaining("UUID") });
  });

  it("that is sent again gets the same session, for a day and over a restart, and opens no second one", async () => {
    const { uri } = await portal.newFile();
    const key = freshKey();
    const first = await post("/sessions", { uri, action: "edit" }, key);
    expect(first.status).toBe(201);
    expect(first.headers.get("idempotent-replayed")).toBeNull();
    const session = (await first.json()) as Parameters<typeof wopiClient>[0];
    await bridge.restart();
    bridge.clock.advance(9 * hourMs);
    proxy.seen.length = 0;
    // The order of the fields, and the quotes of the key, make no difference.
    const again = await post("/sessions", { action: "edit", uri }, key.replaceAll('"', ""));
    expect(again.status).toBe(201);
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    expect(await again.json()).toEqual(session);
    expect(proxy.seen).toEqual([]);
    expect((await wopiClient(session).check()).status).toBe(200);
    bridge.clock.advance(15 * hourMs);
    const later = await post("/sessions", { action: "edit", uri }, key);
    expect(((await later.json()) as { id: string }).id).not.toBe(session.id);
  });
});
