import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { readConfig } from "../../src/config.ts";
import { examineOffload } from "../../src/doctor/offload.ts";
import { downloadAddress, downloads } from "../support/downloadFaults.ts";
import { type DriveProxy, driveProxy, type Intercept } from "../support/driveProxy.ts";
import { type Nginx, nginx } from "../support/nginx.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import { type WopiClient, wopiClient } from "../support/wopiClient.ts";

/** Of every test bridge. */
const secret = "a secret of at least thirty-two bytes";
const large = randomBytes(300_000);

describe("GETFILE_OFFLOAD=nginx", () => {
  let bridge: TestBridge;
  /** The drive as the bridge reaches it, and as nginx does. */
  let ofBridge: DriveProxy;
  let ofNginx: DriveProxy;
  let front: Nginx;
  let documents = 0;
  beforeAll(async () => {
    bridge = await testBridge({
      settings: { GETFILE_OFFLOAD: "nginx", TRUST_PROXY: "1", MAX_FILE_MB: "30" },
      driveAddress: async (url) => {
        ofBridge = await driveProxy(url);
        ofNginx = await driveProxy(url);
        return ofBridge.url;
      },
    });
    front = await nginx({ "bridge:8080": bridge.url, "bridge2:8080": bridge.url, "cloudreve:5212": ofNginx.url });
  });
  afterEach(() => {
    ofBridge.intercept = undefined;
    ofNginx.intercept = undefined;
    ofBridge.seen.length = 0;
    ofNginx.seen.length = 0;
  });
  afterAll(async () => {
    await front.close();
    await bridge.close();
    await ofBridge.close();
    await ofNginx.close();
  });

  const openNew = async (content: string | Buffer = large, path = `offload-${++documents}.docx`) => {
    expect(await bridge.alice.put(path, content)).toBe(0);
    const direct = await bridge.open(path);
    return { path, direct, client: throughNginx(direct) };
  };
  const throughNginx = ({ session, src }: WopiClient) => wopiClient(session, src.replace(bridge.url, front.url));
  const contentCalls = ({ seen }: DriveProxy) => seen.filter(({ path }) => path.startsWith("/api/v4/file/content/"));
  /** Who fetched the document from the drive; the bridge's try of one byte does not count. */
  const movedBy = () => {
    const whole = (proxy: DriveProxy) => contentCalls(proxy).filter(({ headers }) => headers.range !== "bytes=0-0");
    return { nginx: whole(ofNginx).length, bridge: whole(ofBridge).length };
  };
  const ownHeaders = (headers: Headers) => {
    const ofConnection = ["connection", "date", "keep-alive", "server", "transfer-encoding", "x-correlation-id"];
    return Object.fromEntries([...headers].filter(([name]) => !ofConnection.includes(name)));
  };

  it.each([
    "plain.docx",
    "two words.docx",
    "100%25 50% #1.docx",
    "a+b & c=d;e,f@g!'(h).docx",
    "Übersicht 日本語 \u{1f4c4}.docx",
    "..%2f..%2fadmin.docx",
  ])("lets nginx fetch %s, and the editor gets just what the bridge would send", async (path) => {
    const { direct, client } = await openNew(large, path);
    const fromNginx = await client.get();
    expect([movedBy(), fromNginx.status]).toEqual([{ nginx: 1, bridge: 0 }, 200]);
    expect(fromNginx.bytes.equals(large)).toBe(true);
    const fromBridge = await direct.get();
    expect(movedBy()).toEqual({ nginx: 1, bridge: 1 });
    expect(ownHeaders(fromNginx.headers)).toEqual(ownHeaders(fromBridge.headers));
    expect(fromNginx.header("X-WOPI-ItemVersion")).toBe((await bridge.alice.info(path)).primary_entity);
    expect(fromNginx.header("X-Correlation-Id")).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("tells the drive nothing of the editor's call", async () => {
    const { client } = await openNew();
    await client.get({
      Cookie: "person=secret",
      Authorization: "Bearer token",
      "X-WOPI-Proof": "proof",
      Range: "lines=1",
    });
    const [call] = contentCalls(ofNginx);
    expect(Object.keys(call?.headers ?? {})).toEqual(["host"]);
    expect(call?.path).not.toContain(client.session.access_token);
  });

  it("is the base of the saves that follow", async () => {
    const { path, client } = await openNew();
    await client.get();
    await bridge.alice.put(path, "theirs");
    await client.lock("A");
    const refused = await client.put("mine", "A");
    expect([refused.status, refused.json()["COOLStatusCode"]]).toEqual([409, 1010]);
    await client.get();
    expect((await client.put("mine", "A")).status).toBe(200);
    expect(await bridge.alice.read(path)).toBe("mine");
  });

  it("is for whole documents worth it: parts and small ones come from the bridge, and limits hold", async () => {
    const { client } = await openNew();
    const part = await client.get({ Range: "bytes=10-19" });
    expect([part.status, part.header("Content-Range")]).toEqual([206, "bytes 10-19/300000"]);
    expect(part.bytes.equals(large.subarray(10, 20))).toBe(true);
    // Not one that WOPI knows: the whole document, not what nginx would cut out of it.
    for (const headers of [{ Range: "bytes=0-1,4-5" }, { Range: "bytes=0-1", "If-Range": '"v"' }] as const) {
      const whole = await client.get(headers);
      expect([whole.status, whole.bytes.length]).toEqual([200, large.length]);
    }
    for (const headers of [{ "If-None-Match": "*" }, { "If-Modified-Since": new Date(2100, 0).toUTCString() }]) {
      expect((await client.get(headers as Record<string, string>)).status).toBe(200);
    }
    expect((await client.get({ "X-WOPI-MaxExpectedSize": "299999" })).status).toBe(412);
    expect((await client.get({ "X-WOPI-MaxExpectedSize": "300000" })).status).toBe(200);
    const small = await openNew("small");
    ofNginx.seen.length = 0;
    expect((await small.client.get()).text).toBe("small");
    expect(contentCalls(ofNginx)).toEqual([]);
  });

  it("serves whoever comes to the bridge directly from the bridge", async () => {
    const { direct } = await openNew();
    expect((await direct.get()).bytes.equals(large)).toBe(true);
    expect(movedBy()).toEqual({ nginx: 0, bridge: 1 });
  });

  it("gives whoever plays nginx no document, least of all an empty one, and nothing without a token", async () => {
    const { direct } = await openNew();
    const played = await direct.get({ "X-Offload": "nginx" });
    expect([played.status, played.bytes.length, played.header("Location")]).toEqual([302, 0, null]);
    const refused = await fetch(`${direct.src}/contents?access_token=wrong`, { headers: { "X-Offload": "nginx" } });
    expect([refused.status, refused.headers.get("X-Accel-Redirect")]).toEqual([401, null]);
  });

  it("opens no way to the drive: nothing that a caller sends leads there", async () => {
    const { client } = await openNew("small");
    const asked = { "X-Accel-Redirect": "@drive", "X-Offload-Content": "../../../admin", "X-Offload": "other" };
    expect((await client.get(asked)).text).toBe("small");
    for (const path of ["/@drive", "/%40drive", "/api/v4/site/ping", "/drive/", "//@drive"]) {
      expect((await fetch(front.url + path, { headers: asked })).status, path).toBe(404);
    }
    expect(ofNginx.seen).toEqual([]);
  });

  describe("sends the document from the bridge", () => {
    const fromBridge = async (faults: { readonly ofBridge?: Intercept; readonly ofNginx?: Intercept }) => {
      const { client, direct } = await openNew();
      ofBridge.intercept = faults.ofBridge;
      ofNginx.intercept = faults.ofNginx;
      const answered = await client.get();
      expect([answered.status, answered.bytes.equals(large)]).toEqual([200, true]);
      expect(ownHeaders(answered.headers)).toEqual(ownHeaders((await direct.get()).headers));
    };
    const refused: [string, number, Record<string, string>][] = [
      ["a redirect to a storage", 302, { Location: "http://127.0.0.1:9/bucket" }],
      ["a permanent redirect", 308, { Location: "http://127.0.0.1:9/" }],
      ["not modified", 304, {}],
      ["a refusal", 401, {}],
      ["not found", 404, {}],
      ["too many calls", 429, {}],
      ["a failure", 500, { "Set-Cookie": "a=b" }],
      ["being away", 503, {}],
    ];

    it.each(refused)("when the drive answers nginx with %s (%i)", async (_what, status, headers) => {
      await fromBridge({ ofNginx: downloads((response) => void response.writeHead(status, headers).end()) });
      expect(contentCalls(ofNginx)).toHaveLength(1);
    });

    it("when the drive drops nginx's connection", async () => {
      await fromBridge({ ofNginx: downloads((response) => void response.destroy()) });
    });

    it("when the drive has no address for it", async () => {
      await fromBridge({ ofBridge: downloadAddress({ code: 40081, msg: "batch" }) });
      expect(contentCalls(ofNginx)).toEqual([]);
    });

    it("when the address has ended, which the drive says with 200 and JSON", async () => {
      let tried = 0;
      await fromBridge({
        ofBridge: (request, response) => {
          if (request.headers.range !== "bytes=0-0" || ++tried > 1) return false;
          response.writeHead(200, { "Content-Type": "application/json" }).end('{"code":40077}');
          return true;
        },
      });
      expect([tried, contentCalls(ofNginx)]).toEqual([1, []]);
    });

    it("when a storage has it", async () => {
      const storage = createServer((_request, response) => response.setHeader("ETag", '"s3"').end(large));
      await once(storage.listen(0, "127.0.0.1"), "listening");
      const { port } = storage.address() as AddressInfo;
      const urls = [{ url: `http://127.0.0.1:${port}/bucket/key?X-Amz-Signature=s` }];
      await fromBridge({ ofBridge: downloadAddress({ code: 0, data: { urls } }) });
      expect(contentCalls(ofNginx)).toEqual([]);
      storage.closeAllConnections();
      storage.close();
    });
  });

  it("answers 503, not half a document or JSON, when the drive is away for both", async () => {
    const { client } = await openNew();
    const away: Intercept = (request) => Boolean(request.destroy());
    Object.assign(ofBridge, { intercept: away });
    Object.assign(ofNginx, { intercept: away });
    const answered = await client.get();
    expect([answered.status, answered.text]).toEqual([503, ""]);
  });

  it.each([
    ["with its length", { "Content-Length": "300000" }],
    ["in chunks", {}],
  ])("breaks off when the drive does, told %s", async (_how, headers) => {
    const { client } = await openNew();
    ofNginx.intercept = downloads((response, etag) => {
      response.writeHead(200, { ETag: etag, ...headers }).write(large.subarray(0, 200_000), () => response.destroy());
    });
    await expect(client.get()).rejects.toThrow();
  });

  it("adds none of the drive's own headers", async () => {
    const { client, direct } = await openNew();
    const usual = ownHeaders((await direct.get()).headers);
    ofNginx.intercept = downloads((response, etag) => {
      response.writeHead(200, {
        ETag: etag,
        "Content-Length": large.length,
        "Content-Type": "text/html",
        "Content-Disposition": 'attachment; filename="x.docx"',
        "Content-Security-Policy": "sandbox",
        "Cache-Control": "public, max-age=86400",
        "Access-Control-Allow-Origin": "*",
        "Last-Modified": new Date().toUTCString(),
        Expires: new Date(2100, 0).toUTCString(),
        "Set-Cookie": "cloudreve-session=secret",
        Vary: "Origin",
        "X-Accel-Redirect": "/readyz",
        "X-Accel-Limit-Rate": "1",
      });
      response.end(large);
    });
    expect(ownHeaders((await client.get()).headers)).toEqual(usual);
  });

  it("passes on saves of any size while they arrive, and the bridge's refusals", async () => {
    const { path, client } = await openNew();
    await client.lock("A");
    await client.get();
    const save = randomBytes(20 * 1024 * 1024);
    expect((await client.put(save, "A")).status).toBe(200);
    const read = await client.get();
    expect([read.bytes.equals(save), (await bridge.alice.info(path)).size]).toEqual([true, save.length]);
    expect((await client.put(Buffer.alloc(31 * 1024 * 1024), "A")).status).toBe(413);
    expect((await client.put("mine", "B")).status).toBe(409);
  });

  it("writes down no address of a call, whatever goes wrong", async () => {
    const { client } = await openNew();
    ofNginx.intercept = downloads((response) => void response.destroy());
    await client.get();
    const gone = await nginx({
      "bridge:8080": "http://127.0.0.1:9",
      "bridge2:8080": "http://127.0.0.1:9",
      "cloudreve:5212": ofNginx.url,
    });
    expect((await fetch(client.address("/contents").replace(front.url, gone.url))).status).toBe(502);
    await gone.close();
    for (const { output } of [front, gone]) {
      expect(output()).toContain("start worker process");
      for (const secret of ["access_token", "sign=", "GET /"]) expect(output()).not.toContain(secret);
    }
  });

  it("is looked at by the doctor, who tells what nginx does not do", async () => {
    const found = async (url: string) => {
      const settings = { BRIDGE_URL: bridge.url, WOPI_URL: url, CLOUDREVE_URL: bridge.drive.url, SECRET: secret };
      const [finding] = await examineOffload(readConfig({ ...settings, GETFILE_OFFLOAD: "nginx" }));
      return finding?.outcome;
    };
    const places = { "bridge:8080": bridge.url, "bridge2:8080": bridge.url, "cloudreve:5212": ofNginx.url };
    const other = createServer((_request, response) => response.end("<html>"));
    await once(other.listen(0, "127.0.0.1"), "listening");
    const elsewhere = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    const fronts = await Promise.all([
      nginx({ ...places, "cloudreve:5212": "http://127.0.0.1:9" }),
      nginx({ ...places, "cloudreve:5212": elsewhere }),
      nginx(places, (text) => text.replace("proxy_set_header X-Offload $offload;", "")),
      nginx(places, (text) =>
        text.replaceAll(
          "        proxy_redirect off;",
          "proxy_ignore_headers X-Accel-Redirect; proxy_pass_header X-Accel-Redirect;",
        ),
      ),
    ]);
    expect(await found(front.url)).toBe("ok");
    expect(await found(bridge.url)).toBe("warning");
    expect(await Promise.all(fronts.map(({ url }) => found(url)))).toEqual(["warning", "failed", "warning", "failed"]);
    for (const one of fronts) await one.close();
    other.closeAllConnections();
    other.close();
  });

  it("goes on with the other bridge when one is gone, and sends no save twice", async () => {
    let saves = 0;
    const dying = createServer((request) => {
      if (request.method === "POST") saves++;
      request.socket.destroy();
    });
    await once(dying.listen(0, "127.0.0.1"), "listening");
    const places = { "bridge:8080": bridge.url, "cloudreve:5212": ofNginx.url };
    const { client } = await openNew();
    await client.lock("A");
    await client.get();
    for (const bridge2 of ["http://127.0.0.1:9", `http://127.0.0.1:${(dying.address() as AddressInfo).port}`]) {
      const one = await nginx({ ...places, "bridge2:8080": bridge2 });
      const there = wopiClient(client.session, client.src.replace(front.url, one.url));
      const statuses: number[] = [];
      for (let call = 0; call < 6; call++) {
        statuses.push((await there.check()).status, (await there.put(`save ${call}`, "A")).status);
      }
      // The save that met the dying bridge is the editor's to repeat.
      expect(statuses.filter((status) => status !== 200)).toEqual(saves === 0 ? [] : [502]);
      await one.close();
    }
    expect(saves).toBeLessThanOrEqual(1);
    dying.closeAllConnections();
    dying.close();
  });
});
