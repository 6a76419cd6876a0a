import { createHash, randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { downloads } from "../support/downloadFaults.ts";
import { rawRequest, rawStatus } from "../support/rawHttp.ts";
import { watchedDrive, watchedOperations } from "../support/watchedDrive.ts";
import type { WopiClient } from "../support/wopiClient.ts";

const sha = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

/** As behind a proxy of the operator's: the drive's own name is not what the bridge calls it. */
const drive = {
  siteUrls: ["https://cloud.example.org"],
  settings: { entityUrlTtlSeconds: 60, entityUrlCacheMarginSeconds: 0 },
};

describe("GetFile", () => {
  let documents = 0;
  const at = watchedOperations({ drive });

  const openNew = async (content: string | Buffer, more: Record<string, unknown> = {}) => {
    const name = `get-${++documents}.docx`;
    expect(await at.bridge.alice.put(name, content)).toBe(0);
    return { name, client: await at.bridge.open(name, more) };
  };

  describe("the bytes", () => {
    it("come whole, with their version, length and a type that promises nothing", async () => {
      const { client, name } = await openNew("hello, world");
      const answer = await client.get();
      expect(answer.status).toBe(200);
      expect(answer.text).toBe("hello, world");
      expect(answer.header("x-wopi-itemversion")).toBe((await at.bridge.alice.info(name)).primary_entity);
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
      const reader = await at.bridge.open(name, { action: "view" });
      expect((await reader.get()).text).toBe("locked");
    });

    it("are the new ones at once when somebody else has saved", async () => {
      const { client, name } = await openNew("old");
      await client.get();
      await at.bridge.alice.put(name, "new");
      const answer = await client.get();
      expect(answer.text).toBe("new");
      expect(answer.header("x-wopi-itemversion")).toBe((await at.bridge.alice.info(name)).primary_entity);
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

  it("says 404 for a file that is deleted", async () => {
    const { client, name } = await openNew("x");
    expect(await at.bridge.alice.remove(name)).toBe(0);
    const answer = await client.get();
    expect(answer.status).toBe(404);
    expect(answer.bytes.length).toBe(0);
  });
});

describe("GetFile over HTTP", () => {
  let documents = 0;
  const at = watchedDrive({ drive });

  const openNew = async (content: string) => {
    const name = `get-${++documents}.docx`;
    expect(await at.bridge.alice.put(name, content)).toBe(0);
    return { name, client: await at.bridge.open(name) };
  };
  const seen = (part: string) => at.drive.seen.filter(({ path }) => path.includes(part));

  it("streams the bytes: the first arrive before the last have left the drive", async () => {
    const { client } = await openNew("ignored");
    let finish = () => undefined as unknown;
    at.drive.intercept = downloads((response, etag) => {
      response.writeHead(200, { ETag: etag, "Content-Length": "200000" });
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

    it("a question for the head alone is not served: it would count as the document having been loaded", async () => {
      const { client } = await openNew("hello");
      expect((await fetch(client.address("/contents"), { method: "HEAD" })).status).toBe(501);
    });
  });
});
