import { createHash, randomBytes } from "node:crypto";
import { createServer, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type DriveProxy, driveProxy, type Intercept } from "../support/driveProxy.ts";
import { rawConnection, rawRequest, rawStatus } from "../support/rawHttp.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import { until } from "../support/until.ts";
import type { WopiClient } from "../support/wopiClient.ts";

const sha = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

describe("GetFile", () => {
  let bridge: TestBridge;
  let proxy: DriveProxy;
  let documents = 0;
  beforeAll(async () => {
    bridge = await testBridge({
      // As behind a proxy of the operator's: the drive's own name is not what the bridge calls it.
      drive: {
        siteUrls: ["https://cloud.example.org"],
        settings: { entityUrlTtlSeconds: 60, entityUrlCacheMarginSeconds: 0 },
      },
      driveAddress: async (url) => {
        proxy = await driveProxy(url);
        return proxy.url;
      },
    });
  });
  afterEach(() => {
    proxy.intercept = undefined;
    proxy.seen.length = 0;
  });
  afterAll(async () => {
    await bridge.close();
    await proxy.close();
  });

  const openNew = async (content: string | Buffer, more: Record<string, unknown> = {}) => {
    const name = `get-${++documents}.docx`;
    expect(await bridge.alice.put(name, content)).toBe(0);
    return { name, client: await bridge.open(name, more) };
  };
  const seen = (part: string) => proxy.seen.filter(({ path }) => path.includes(part));

  describe("the bytes", () => {
    it("come whole, with their version, length and a type that promises nothing", async () => {
      const { client, name } = await openNew("hello, world");
      const answer = await client.get();
      expect(answer.status).toBe(200);
      expect(answer.text).toBe("hello, world");
      expect(answer.header("x-wopi-itemversion")).toBe((await bridge.alice.info(name)).primary_entity);
      expect(answer.header("content-length")).toBe("12");
      expect(answer.header("content-type")).toBe("application/octet-stream");
    });

    it("of an empty file are none, and that is no error", async () => {
      const { client } = await openNew("");
      const answer = await client.get();
      expect(answer.status).toBe(200);
      expect(answer.bytes.length).toBe(0);
      expect(answer.header("content-length")).toBe("0");
      expect(answer.header("x-wopi-itemversion")).not.toBe("");
    });

    it("of twenty million stay what they are", async () => {
      const bytes = randomBytes(20_000_000);
      const { client } = await openNew(bytes);
      const answer = await client.get();
      expect(answer.header("content-length")).toBe("20000000");
      expect(sha(answer.bytes)).toBe(sha(bytes));
    });

    it.each([
      ["JSON", '{"a": 1}'],
      ["a page", "<html><script>alert(1)</script></html>"],
      ["what looks like the drive's error", '{"code":40077,"msg":"Entity not exist"}'],
    ])("are not taken for anything else: %s", async (_name, content) => {
      const { client } = await openNew(content);
      const answer = await client.get();
      expect(answer.text).toBe(content);
      expect(answer.header("content-type")).toBe("application/octet-stream");
    });

    it("come under somebody else's lock, and to a reader", async () => {
      const { client, name } = await openNew("locked");
      await client.lock("mine");
      const reader = await bridge.open(name, { action: "view" });
      expect((await reader.get()).text).toBe("locked");
    });

    it("are the new ones at once when somebody else has saved", async () => {
      const { client, name } = await openNew("old");
      await client.get();
      await bridge.alice.put(name, "new");
      const answer = await client.get();
      expect(answer.text).toBe("new");
      expect(answer.header("x-wopi-itemversion")).toBe((await bridge.alice.info(name)).primary_entity);
    });

    it("are streamed: the first arrive before the last have left the drive", async () => {
      const { client } = await openNew("ignored");
      let finish = () => undefined as unknown;
      proxy.intercept = content((response) => {
        response.writeHead(200, { ETag: '"anything"', "Content-Length": "200000" });
        response.write(Buffer.alloc(100_000, "a"));
        finish = () => response.end(Buffer.alloc(100_000, "b"));
      });
      const answered = await fetch(client.address("/contents"));
      const reader = answered.body?.getReader();
      const first = await reader?.read();
      expect(first?.value?.length).toBeGreaterThan(0);
      finish();
      let length = first?.value?.length ?? 0;
      for (let part = await reader?.read(); part?.done === false; part = await reader?.read())
        length += part.value.length;
      expect(length).toBe(200_000);
    });
  });

  describe("X-WOPI-MaxExpectedSize", () => {
    it("lets a file through that is just as large", async () => {
      const { client } = await openNew("0123456789");
      expect((await client.get({ "X-WOPI-MaxExpectedSize": "10" })).text).toBe("0123456789");
      expect((await client.get({ "X-WOPI-MaxExpectedSize": "9223372036854775807" })).status).toBe(200);
      expect((await client.get({ "X-WOPI-MaxExpectedSize": "" })).status).toBe(200);
    });

    it("stops a file that is larger, by 412 and without a byte of it", async () => {
      const { client } = await openNew("0123456789");
      const answer = await client.get({ "X-WOPI-MaxExpectedSize": "9" });
      expect(answer.status).toBe(412);
      expect(answer.bytes.length).toBe(0);
      expect((await client.get({ "X-WOPI-MaxExpectedSize": "0" })).status).toBe(412);
    });

    it.each(["abc", "-1", "1e3", "1.5"])("that is no number is the client's mistake: %s", async (value) => {
      const { client } = await openNew("0123456789");
      expect((await client.get({ "X-WOPI-MaxExpectedSize": value })).status).toBe(400);
    });
  });

  describe("a range", () => {
    const digits = "0123456789";

    it.each([
      ["bytes=0-0", "0", "bytes 0-0/10"],
      ["bytes=2-4", "234", "bytes 2-4/10"],
      ["bytes=7-", "789", "bytes 7-9/10"],
      ["bytes=7-99", "789", "bytes 7-9/10"],
      ["bytes=-3", "789", "bytes 7-9/10"],
      ["bytes=-99", digits, "bytes 0-9/10"],
    ])("%s is answered by 206 and just that", async (range, expected, contentRange) => {
      const { client } = await openNew(digits);
      const answer = await client.get({ Range: range });
      expect(answer.status).toBe(206);
      expect(answer.text).toBe(expected);
      expect(answer.header("content-range")).toBe(contentRange);
      expect(answer.header("content-length")).toBe(String(expected.length));
      expect(answer.header("x-wopi-itemversion")).not.toBeNull();
    });

    it("outside the file is answered by 416 and the file's size", async () => {
      const { client } = await openNew(digits);
      const answer = await client.get({ Range: "bytes=10-" });
      expect(answer.status).toBe(416);
      expect(answer.header("content-range")).toBe("bytes */10");
      expect(answer.bytes.length).toBe(0);
    });

    it.each(["bytes=0-1,5-6", "bytes=0-1,1-2,2-3", "items=0-1", "bytes=5-2", "bytes=abc", "nonsense"])(
      "that is not one plain range never gives bytes that are not the document's: %s",
      async (range) => {
        const { client } = await openNew(digits);
        const answer = await client.get({ Range: range });
        expect([200, 416]).toContain(answer.status);
        expect(answer.text).toBe(answer.status === 200 ? digits : "");
      },
    );

    it("under a condition on a tag that we never gave is the whole file", async () => {
      const { client } = await openNew(digits);
      const answer = await client.get({ Range: "bytes=0-1", "If-Range": '"some-tag"' });
      expect(answer.status).toBe(200);
      expect(answer.text).toBe(digits);
    });

    it("of an empty file is not a server error", async () => {
      const { client } = await openNew("");
      expect([200, 416]).toContain((await client.get({ Range: "bytes=0-99" })).status);
    });
  });

  describe("where the bytes come from", () => {
    it("the drive's download address, called where the bridge reaches the drive, whatever site it names", async () => {
      const { client } = await openNew("by address");
      expect((await client.get()).text).toBe("by address");
      expect(seen("/api/v4/file/content/").length).toBe(1);
      expect(seen("/contents").length).toBe(0);
    });

    it("the native session, when the download address answers 200 with JSON where the document should be", async () => {
      const { client } = await openNew("the document");
      proxy.intercept = content((response) => {
        response.writeHead(200, { "Content-Type": "application/json" }).end('{"code":40005,"msg":"expired"}');
      });
      const answer = await client.get();
      expect(answer.text).toBe("the document");
      expect(answer.header("content-type")).toBe("application/octet-stream");
    });

    it("the native session, when the download address has really run out", async () => {
      const { client } = await openNew("the document");
      proxy.intercept = (incoming) => {
        // The address is handed out, and dead before it is used.
        if (incoming.url?.includes("/file/content/") === true) bridge.clock.advance(90_000);
        return false;
      };
      const answer = await client.get();
      expect(answer.text).toBe("the document");
      expect(seen("/contents").length).toBe(1);
    });

    it("the native session, also for a range of it", async () => {
      const { client } = await openNew("0123456789");
      proxy.intercept = content((response) => response.writeHead(200).end('{"code":40071}'));
      const answer = await client.get({ Range: "bytes=2-4" });
      expect(answer.status).toBe(206);
      expect(answer.text).toBe("234");
      expect(answer.header("content-range")).toBe("bytes 2-4/10");
    });

    it.each([302, 403, 404, 500])("the native session, when the download address answers %i", async (status) => {
      const { client } = await openNew("the document");
      proxy.intercept = content((response) =>
        response.writeHead(status, { Location: "http://127.0.0.1:9/elsewhere", ETag: '"x"' }).end("an error page"),
      );
      expect((await client.get()).text).toBe("the document");
    });

    it.each([
      ["no address at all", { code: 0, data: { urls: [] } }],
      ["an empty address", { code: 0, data: { urls: [{ url: "" }] } }],
      ["an address that is none", { code: 0, data: { urls: [{ url: "//" }] } }],
      ["a file address", { code: 0, data: { urls: [{ url: "file:///etc/passwd" }] } }],
      ["an error", { code: 40081, msg: "failed" }],
    ])("the native session, when the drive gives %s", async (_name, envelope) => {
      const { client } = await openNew("the document");
      proxy.intercept = url(envelope);
      expect((await client.get()).text).toBe("the document");
    });
  });

  describe("a storage of its own", () => {
    let storage: Server;
    let origin: string;
    let asked: { path: string; authorization: string | undefined }[] = [];
    let storageAnswer: (response: ServerResponse) => void;
    beforeAll(async () => {
      storage = createServer((incoming, response) => {
        asked.push({ path: incoming.url ?? "", authorization: incoming.headers.authorization });
        storageAnswer(response);
      });
      await new Promise<void>((resolve) => storage.listen(0, "127.0.0.1", resolve));
      origin = `http://127.0.0.1:${(storage.address() as AddressInfo).port}`;
    });
    afterEach(() => {
      asked = [];
    });
    afterAll(() => {
      storage.closeAllConnections();
      storage.close();
    });
    const gives = (etag: string | undefined) => {
      storageAnswer = (response) =>
        response
          .writeHead(200, { "Content-Length": "12", ...(etag === undefined ? {} : { ETag: etag }) })
          .end("from storage");
    };

    it("that is not allowed is never called: the drive hands the bytes on", async () => {
      gives('"s3"');
      const { client } = await openNew("from the drive");
      proxy.intercept = url({ code: 0, data: { urls: [{ url: `${origin}/bucket/key?X-Amz-Signature=s` }] } });
      expect((await client.get()).text).toBe("from the drive");
      expect(asked).toEqual([]);
    });

    it("that is allowed is called as the address says, without the account's credential", async () => {
      gives('"s3-etag"');
      const allowing = await testBridge({
        settings: { STORAGE_ORIGINS: origin },
        driveAddress: async (address) => {
          const between = await driveProxy(address);
          between.intercept = url({ code: 0, data: { urls: [{ url: `${origin}/bucket/key?X-Amz-Signature=s` }] } });
          return between.url;
        },
      });
      await allowing.alice.put("a.docx", "from the drive");
      const client = await allowing.open("a.docx");
      const answer = await client.get();
      expect(answer.text).toBe("from storage");
      expect(asked).toEqual([{ path: "/bucket/key?X-Amz-Signature=s", authorization: undefined }]);
      // The storage's own tag is no version of the drive's.
      expect(answer.header("x-wopi-itemversion")).toBe(client.session.file.version);
      gives(undefined);
      expect((await client.get()).text).toBe("from the drive");
      await allowing.close();
    });
  });

  describe("a connection that ends", () => {
    it("on the editor's side ends the one to the drive", async () => {
      const { client } = await openNew("ignored");
      let upstreamClosed = false;
      proxy.intercept = content((response) => {
        response.writeHead(200, { ETag: '"v"', "Content-Length": "1000000000" });
        response.write(Buffer.alloc(64 * 1024));
        response.on("close", () => {
          upstreamClosed = true;
        });
      });
      const { pathname, search } = new URL(client.address("/contents"));
      const connection = await rawConnection(bridge.url);
      connection.socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: bridge\r\n\r\n`);
      await until("the first bytes arrive", () => connection.received().length > 1000);
      connection.socket.destroy();
      await until("the drive's side is closed", () => upstreamClosed);
    });

    it("on the editor's side ends a question that the drive has not answered yet", async () => {
      const { client } = await openNew("ignored");
      let upstream: "none" | "open" | "closed" = "none";
      proxy.intercept = content((response) => {
        upstream = "open";
        response.on("close", () => {
          upstream = "closed";
        });
      });
      const { pathname, search } = new URL(client.address("/contents"));
      const connection = await rawConnection(bridge.url);
      connection.socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: bridge\r\n\r\n`);
      await until("the drive is asked", () => upstream === "open");
      connection.socket.destroy();
      await until("the drive's side is closed", () => upstream === "closed");
    });

    it("on the drive's side, in the middle, never looks like a whole document", async () => {
      const { client } = await openNew("ignored");
      proxy.intercept = content((response) => {
        response.writeHead(200, { ETag: '"v"', "Content-Length": "100000" });
        response.write(Buffer.alloc(50_000), () => response.destroy());
      });
      await expect(client.get()).rejects.toThrow();
    });

    it("leaves the bridge ready for the next call", async () => {
      const { client } = await openNew("still here");
      expect((await client.get()).text).toBe("still here");
    });
  });

  it("says 404 for a file that is deleted", async () => {
    const { client, name } = await openNew("x");
    expect(await bridge.alice.remove(name)).toBe(0);
    const answer = await client.get();
    expect(answer.status).toBe(404);
    expect(answer.bytes.length).toBe(0);
  });

  describe("nothing is cached, compressed or redirected", () => {
    const conditional = { "If-None-Match": "*", "If-Modified-Since": new Date(4e12).toUTCString() };
    const calls: [string, (client: WopiClient, headers: Record<string, string>) => Promise<Response>][] = [
      ["CheckFileInfo", (client, headers) => fetch(client.address(), { headers, redirect: "manual" })],
      ["GetFile", (client, headers) => fetch(client.address("/contents"), { headers, redirect: "manual" })],
    ];

    it.each(calls)("%s has no ETag, no Last-Modified and no encoding, and is not to be stored", async (_name, call) => {
      const { client } = await openNew("x".repeat(5000));
      const { headers, status } = await call(client, { "Accept-Encoding": "gzip, br" });
      expect(status).toBe(200);
      for (const name of ["etag", "last-modified", "content-encoding", "location", "set-cookie", "x-powered-by"]) {
        expect(headers.get(name), name).toBeNull();
      }
      expect(headers.get("cache-control")).toContain("no-store");
    });

    it.each([
      ["CheckFileInfo", ""],
      ["GetFile", "/contents"],
    ])("%s is never answered 304", async (_name, below) => {
      const { client } = await openNew("x");
      for (const [name, value] of Object.entries(conditional)) {
        // fetch would add a Cache-Control of its own, which hides the condition.
        const answer = await rawRequest(client.address(below), ["GET", `${name}: ${value}`]);
        expect(rawStatus(answer), name).toBe(200);
      }
    });

    it("conditions of the editor's do not reach the drive, nor do its headers", async () => {
      const { client } = await openNew("x");
      await client.get({ ...conditional, Cookie: "a=b", Authorization: `Bearer ${client.session.access_token}` });
      for (const { headers } of seen("/file/content/")) {
        expect(headers).not.toHaveProperty("if-none-match");
        expect(headers).not.toHaveProperty("if-modified-since");
        expect(headers).not.toHaveProperty("cookie");
        expect(headers).not.toHaveProperty("authorization");
      }
    });

    it("HEAD tells the length and sends nothing", async () => {
      const { client } = await openNew("hello");
      const answer = await new Promise<{ status: number | undefined; length: string | undefined; body: string }>(
        (resolve, reject) => {
          const sent = request(client.address("/contents"), { method: "HEAD" }, (incoming) => {
            void text(incoming).then((body) =>
              resolve({ status: incoming.statusCode, length: incoming.headers["content-length"], body }),
            );
          });
          sent.on("error", reject).end();
        },
      );
      expect(answer).toEqual({ status: 200, length: "5", body: "" });
    });
  });
});

/** Answers downloads in the drive's place. */
function content(answer: (response: ServerResponse) => void): Intercept {
  return (incoming, response) => {
    if (incoming.method !== "GET" || incoming.url?.startsWith("/api/v4/file/content/") !== true) return false;
    answer(response);
    return true;
  };
}

/** Answers the question for a download address in the drive's place. */
function url(envelope: object): Intercept {
  return (incoming, response) => {
    if (incoming.url !== "/api/v4/file/url") return false;
    incoming.resume();
    response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(envelope));
    return true;
  };
}
