import request from "supertest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { discoveryServer } from "./support/discoveryServer.ts";
import { type TestBridge, testBridge } from "./support/testBridge.ts";

let bridge: TestBridge;

beforeAll(async () => {
  bridge = await testBridge();
});
afterAll(() => bridge.close());

describe("what an operator asks the bridge", () => {
  it("says that the process lives, and of which build it is", async () => {
    await request(bridge.bridge.app).get("/healthz").expect(200, { ok: true, version: "0.1.0" });
  });

  it("says that it is ready, with store and drive", async () => {
    await request(bridge.bridge.app)
      .get("/readyz")
      .expect(200, { store: true, spool: true, drive: true, contract: "kept", editors: true });
  });

  it("stays ready while the drive is away, and says so", async () => {
    const alone = await testBridge();
    await alone.drive.close();
    await request(alone.bridge.app)
      .get("/readyz")
      .expect(200, { store: true, spool: true, drive: false, contract: "kept", editors: true });
    await alone.close();
  });

  it("tells of an editor whose discovery can't be read without failing, and names it to who has the key alone", async () => {
    const url = "http://127.0.0.1:9/hosting/discovery";
    const key = "the operator's own key";
    const beside = await testBridge({ settings: { DISCOVERY_URLS: url, METRICS_KEY: key } });
    const asked = (authorization: string) =>
      request(beside.bridge.app).get("/readyz").set("Authorization", authorization).expect(200);
    const known = { store: true, spool: true, drive: true, contract: "kept" };
    for (const stranger of ["", "Bearer ", "Bearer wrong", "Basic dGVzdA==", `bearer${key}`]) {
      const { body, text } = await asked(stranger);
      expect(body).toEqual({ ...known, editors: false });
      expect(text).not.toMatch(/127|:\/\/|\d/);
    }
    expect((await asked(`Bearer ${key}`)).body).toEqual({ ...known, editors: [{ url, ok: false }] });
    await beside.close();
  });
});

describe("what every page and answer carries", () => {
  it("is kept by no cache, names no software and sniffs no type", async () => {
    const { headers } = await request(bridge.bridge.app).get("/healthz");
    expect(headers["cache-control"]).toBe("no-store");
    expect(headers["x-content-type-options"]).toBe("nosniff");
    expect(headers["referrer-policy"]).toBe("no-referrer");
    expect(headers["x-powered-by"]).toBeUndefined();
    expect(headers["x-frame-options"]).toBeUndefined();
  });

  it("says plainly that an address is unknown", async () => {
    await request(bridge.bridge.app).get("/nowhere").expect(404, "Not found.\n");
  });

  it("gives the caller's correlation id back, and makes one where there is none", async () => {
    const id = "0f8fad5b-d9cb-469f-a165-70867728950e";
    const given = await request(bridge.bridge.app).get("/healthz").set("X-WOPI-CorrelationId", id);
    expect(given.headers["x-correlation-id"]).toBe(id);
    const made = await request(bridge.bridge.app).get("/healthz").set("X-WOPI-CorrelationId", "not a uuid");
    expect(made.headers["x-correlation-id"]).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe("a bridge that starts", () => {
  it("says that browsers show no editor at an IPv6 address, and does not start", async () => {
    const discovery = await discoveryServer("http://[::1]:9980/browser/4f2a9c");
    const settings = { DISCOVERY_URLS: discovery.url, PORT: "0" };
    const refusing = await testBridge({ settings });
    await expect(refusing.bridge.listen()).rejects.toThrow(
      /IPv6 address \[::1\]:9980, which browsers can't show .+ host name/,
    );
    await refusing.close();
    await discovery.close();
  });

  it("does not wait for an editor that is away, and has its addresses when it is there", async () => {
    const discovery = await discoveryServer("https://office.example/browser/4f2a9c");
    discovery.show("nothing");
    const started = await testBridge({ settings: { DISCOVERY_URLS: discovery.url, PORT: "0" } });
    expect(await started.bridge.listen()).toBeGreaterThan(0);
    expect(discovery.reads()).toBe(1);
    discovery.show("keys");
    await started.bridge.lookAtEditors();
    expect(discovery.reads()).toBe(2);
    await request(started.bridge.app)
      .get("/readyz")
      .expect(({ body }) => expect(body.editors).toBe(true));
    expect(discovery.reads()).toBe(2);
    await started.close();
    await discovery.close();
  });
});
