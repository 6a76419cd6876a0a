import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { downloadAddress, downloads } from "../support/downloadFaults.ts";
import { driveProxy } from "../support/driveProxy.ts";
import { operationsStage } from "../support/operationsStage.ts";
import { rawConnection } from "../support/rawHttp.ts";
import { until } from "../support/until.ts";
import { watchedDrive, watchedOperations } from "../support/watchedDrive.ts";

/** As behind a proxy of the operator's: the drive's own name is not what the bridge calls it. */
const drive = {
  siteUrls: ["https://cloud.example.org"],
  settings: { entityUrlTtlSeconds: 60, entityUrlCacheMarginSeconds: 0 },
};

describe("GetFile and where its bytes come from", () => {
  let documents = 0;
  const at = watchedOperations({ drive });

  const openNew = async (content: string | Buffer, more: Record<string, unknown> = {}) => {
    const name = `get-${++documents}.docx`;
    expect(await at.bridge.alice.put(name, content)).toBe(0);
    return { name, client: await at.bridge.open(name, more) };
  };
  const seen = (part: string) => at.drive.seen.filter(({ path }) => path.includes(part));

  describe("where the bytes come from", () => {
    it("the drive's download address, called where the bridge reaches the drive, whatever site it names", async () => {
      const { client } = await openNew("by address");
      expect((await client.get()).text).toBe("by address");
      expect(seen("/api/v4/file/content/").length).toBe(1);
      expect(seen("/contents").length).toBe(0);
    });

    it("the native session, when the download address answers 200 with JSON where the document should be", async () => {
      const { client } = await openNew("the document");
      at.drive.intercept = downloads((response) => {
        response.writeHead(200, { "Content-Type": "application/json" }).end('{"code":40005,"msg":"expired"}');
      });
      const answer = await client.get();
      expect(answer.text).toBe("the document");
      expect(answer.header("content-type")).toBe("application/octet-stream");
    });

    it("the native session, when the download address has really run out", async () => {
      const { client } = await openNew("the document");
      at.drive.intercept = (incoming) => {
        // The address is handed out, and dead before it is used.
        if (incoming.url?.includes("/file/content/") === true) at.bridge.clock.advance(90_000);
        return false;
      };
      const answer = await client.get();
      expect(answer.text).toBe("the document");
      expect(seen("/contents").length).toBe(1);
    });

    it("the native session, also for a range of it", async () => {
      const { client } = await openNew("0123456789");
      at.drive.intercept = downloads((response) => response.writeHead(200).end('{"code":40071}'));
      const answer = await client.get({ Range: "bytes=2-4" });
      expect(answer.status).toBe(206);
      expect(answer.text).toBe("234");
      expect(answer.header("content-range")).toBe("bytes 2-4/10");
    });

    it.each([302, 403, 404, 500])("the native session, when the download address answers %i", async (status) => {
      const { client } = await openNew("the document");
      at.drive.intercept = downloads((response) =>
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
      at.drive.intercept = downloadAddress(envelope);
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
      at.drive.intercept = downloadAddress({
        code: 0,
        data: { urls: [{ url: `${origin}/bucket/key?X-Amz-Signature=s` }] },
      });
      expect((await client.get()).text).toBe("from the drive");
      expect(asked).toEqual([]);
    });

    it("that is allowed is called as the address says, without the account's credential", async () => {
      gives('"s3-etag"');
      const allowing = await operationsStage({
        settings: { STORAGE_ORIGINS: origin },
        driveAddress: async (address) => {
          const between = await driveProxy(address);
          between.intercept = downloadAddress({
            code: 0,
            data: { urls: [{ url: `${origin}/bucket/key?X-Amz-Signature=s` }] },
          });
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
});

describe("a connection that ends", () => {
  let documents = 0;
  const at = watchedDrive({ drive });

  const openNew = async (content: string) => {
    const name = `get-${++documents}.docx`;
    expect(await at.bridge.alice.put(name, content)).toBe(0);
    return { name, client: await at.bridge.open(name) };
  };

  it("on the editor's side ends the one to the drive", async () => {
    const { client } = await openNew("ignored");
    let upstreamClosed = false;
    at.drive.intercept = downloads((response, etag) => {
      response.writeHead(200, { ETag: etag, "Content-Length": "1000000000" });
      response.write(Buffer.alloc(64 * 1024));
      response.on("close", () => {
        upstreamClosed = true;
      });
    });
    const { pathname, search } = new URL(client.address("/contents"));
    const connection = await rawConnection(at.bridge.url);
    connection.socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: bridge\r\n\r\n`);
    await until("the first bytes arrive", () => connection.received().length > 1000);
    connection.socket.destroy();
    await until("the drive's side is closed", () => upstreamClosed);
  });

  it("on the editor's side ends a question that the drive has not answered yet", async () => {
    const { client } = await openNew("ignored");
    let upstream: "none" | "open" | "closed" = "none";
    at.drive.intercept = downloads((response) => {
      upstream = "open";
      response.on("close", () => {
        upstream = "closed";
      });
    });
    const { pathname, search } = new URL(client.address("/contents"));
    const connection = await rawConnection(at.bridge.url);
    connection.socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: bridge\r\n\r\n`);
    await until("the drive is asked", () => upstream === "open");
    connection.socket.destroy();
    await until("the drive's side is closed", () => upstream === "closed");
  });

  it("on the drive's side, in the middle, never looks like a whole document", async () => {
    const { client } = await openNew("ignored");
    at.drive.intercept = downloads((response, etag) => {
      response.writeHead(200, { ETag: etag, "Content-Length": "100000" });
      response.write(Buffer.alloc(50_000), () => response.destroy());
    });
    await expect(client.get()).rejects.toThrow();
  });

  it("leaves the bridge ready for the next call", async () => {
    const { client } = await openNew("still here");
    expect((await client.get()).text).toBe("still here");
  });
});
