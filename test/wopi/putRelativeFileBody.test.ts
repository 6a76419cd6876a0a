import { createHash, randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  contentsOf,
  exactly,
  namedDocument,
  openedAt,
  openInFolder,
  saveAs,
  suggest,
} from "../support/namedDocument.ts";
import { rawConnection, rawStatus } from "../support/rawHttp.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import { until } from "../support/until.ts";
import { watchedOperations } from "../support/watchedDrive.ts";
import type { WopiClient } from "../support/wopiClient.ts";

const limitBytes = 4 * 1024 * 1024;

describe("PutRelativeFile: the bytes", () => {
  const at = watchedOperations({
    settings: { GRANT_HOURS: "10", MAX_FILE_MB: "4" },
    drive: { settings: { accessTokenTtlSeconds: 1_000_000, viewerSessionTimeoutSeconds: 1_000_000 } },
  });

  const openNew = (more?: Record<string, unknown>, name?: string) => openInFolder(at.bridge, more, name);

  describe("its body", () => {
    it("may be empty: the new file is an empty document", async () => {
      const { client, folder } = await openNew();
      const { Url } = namedDocument(
        await saveAs(client, { "X-WOPI-SuggestedTarget": "Empty.docx", "X-WOPI-Size": "0" }, ""),
      );
      expect((await openedAt(Url, client).check()).json()).toMatchObject({ Size: 0 });
      expect((await at.bridge.alice.info(`${folder}/Empty.docx`)).size).toBe(0);
    });

    it("is bytes, whatever its type says", async () => {
      const { client, folder } = await openNew();
      const text = '{"a": [1, 2,   3]}\n';
      const headers = { "X-WOPI-SuggestedTarget": "Body.docx", "Content-Type": "application/json" };
      namedDocument(await saveAs(client, headers, text));
      expect((await contentsOf(at.bridge, folder))["Body.docx"]).toBe(text);
    });

    it("of a conversion, with its size told, arrives whole", async () => {
      const { client } = await openNew();
      const bytes = randomBytes(3_000_000);
      const headers = {
        "X-WOPI-Override": "PUT_RELATIVE",
        "X-WOPI-SuggestedTarget": ".docx",
        "X-WOPI-FileConversion": "true",
        "X-WOPI-Size": String(bytes.length),
      };
      const answer = await client.send("POST", client.address(), headers, bytes);
      const copy = openedAt(namedDocument(answer).Url, client);
      expect((await copy.get()).bytes.equals(bytes)).toBe(true);
      const hash = createHash("sha256").update(bytes).digest("base64");
      expect((await copy.check()).json()).toMatchObject({ SHA256: hash, Size: bytes.length });
    });

    it("of no announced length arrives whole", async () => {
      const { client, folder } = await openNew();
      const headers = { "X-WOPI-Override": "PUT_RELATIVE", "X-WOPI-SuggestedTarget": "Pieces.docx" };
      const body = Readable.from(["one, ", "two, ", "three"].map((piece) => Buffer.from(piece)));
      namedDocument(await client.send("POST", client.address(), headers, body));
      expect((await contentsOf(at.bridge, folder))["Pieces.docx"]).toBe("one, two, three");
    });
  });

  describe("while the drive has a fault", () => {
    /** The write of the bytes into the new, still empty file. */
    const atTheBytes = (answer: { status: number; body: string }) => {
      at.drive.intercept = (request, response) => {
        if (request.method !== "PUT" || !request.url?.includes("/file/content?")) return false;
        request.resume();
        request.once("end", () =>
          response.writeHead(answer.status, { "Content-Type": "application/json" }).end(answer.body),
        );
        return true;
      };
    };

    it.each([
      ["no room", { status: 200, body: '{"code":40051,"msg":"Insufficient capacity"}' }, [413]],
      ["a fault of its own", { status: 500, body: "" }, [500, 503]],
      ["a lock on the new file", { status: 200, body: '{"code":40073,"data":[],"msg":"Lock conflict"}' }, [500, 503]],
    ])("at the bytes, %s, leaves no empty file behind and keeps nothing", async (_what, answer, expected) => {
      const { client, folder } = await openNew();
      atTheBytes(answer);
      expect(expected).toContain((await suggest(client, "Copy.docx")).status);
      at.drive.intercept = undefined;
      expect(await at.bridge.alice.list(folder)).toEqual(["Report.docx"]);
      expect(await readdir(at.bridge.spoolDir)).toEqual([]);
      expect(namedDocument(await suggest(client, "Copy.docx")).Name).toBe("Copy.docx");
    });

    it("at everything is never 401, 404 or 409", async () => {
      const { client, folder } = await openNew();
      at.drive.intercept = (request, response) => {
        request.resume();
        response.writeHead(500).end();
        return true;
      };
      expect([500, 503]).toContain((await suggest(client, "Copy.docx")).status);
      expect([500, 503]).toContain((await exactly(client, "Copy.docx", "true")).status);
      at.drive.intercept = undefined;
      expect(await at.bridge.alice.list(folder)).toEqual(["Report.docx"]);
    });
  });

  it("find a name in time where a hundred files bear it already", async () => {
    const { client, folder } = await openNew();
    const taken = ["Copy.docx", ...Array.from({ length: 99 }, (_, at) => `Copy (${at + 2}).docx`)];
    await Promise.all(taken.map((name) => at.bridge.alice.put(`${folder}/${name}`, "theirs")));
    at.drive.seen.length = 0;
    const { Name } = namedDocument(await suggest(client, "Copy.docx"));
    expect(Name).toMatch(/^Copy \(\d+\)\.docx$/);
    expect(await at.bridge.alice.read(`${folder}/${Name}`)).toBe("the copy");
    expect(await at.bridge.alice.list(folder)).toHaveLength(102);
    expect(at.drive.seen.filter(({ path }) => path.includes("/file/create")).length).toBeLessThan(60);
  });

  it("are not waited for without end by a drive that says of every name that it is taken", async () => {
    const { client } = await openNew();
    at.drive.intercept = (request, response) => {
      if (!request.url?.includes("/file/create")) return false;
      request.resume();
      response.writeHead(200, { "Content-Type": "application/json" }).end('{"code":40004,"msg":"Object existed"}');
      return true;
    };
    expect((await suggest(client, "Copy.docx")).status).toBe(503);
  });
});

describe("the body of PutRelativeFile, as a connection brings it", () => {
  let bridge: TestBridge;
  beforeAll(async () => {
    bridge = await testBridge({ settings: { MAX_FILE_MB: "4" } });
  });
  afterAll(() => bridge.close());

  const openNew = () => openInFolder(bridge);

  /** Begins a Save As on a socket; the caller sends what it likes and finishes or breaks off. */
  const begin = async (client: WopiClient, headers: readonly string[]) => {
    const { pathname, search } = new URL(client.address());
    const connection = await rawConnection(bridge.url);
    const lines = ["X-WOPI-Override: PUT_RELATIVE", "X-WOPI-SuggestedTarget: Cut.docx", ...headers];
    connection.socket.write([`POST ${pathname}${search} HTTP/1.1`, "Host: bridge", ...lines, "", ""].join("\r\n"));
    return connection;
  };
  const expectNothingMade = async (folder: string) => {
    await until("the spool is empty", async () => (await readdir(bridge.spoolDir)).length === 0);
    expect(await bridge.alice.list(folder)).toEqual(["Report.docx"]);
  };

  it.each([
    ["its length", [`Content-Length: ${limitBytes + 1}`]],
    ["X-WOPI-Size", ["Transfer-Encoding: chunked", `X-WOPI-Size: ${limitBytes + 1}`]],
  ])("over the limit by %s is 413 before a byte of it is sent", async (_what, headers) => {
    const { client, folder } = await openNew();
    const connection = await begin(client, [...headers, "Connection: close"]);
    await until("the answer has come", () => rawStatus(connection.received()) === 413);
    connection.socket.destroy();
    await expectNothingMade(folder);
  });

  it("that grows over the limit on the way is 413", async () => {
    const { client, folder } = await openNew();
    const connection = await begin(client, ["Transfer-Encoding: chunked", "Connection: close"]);
    for (let sent = 0; sent < 5; sent++) connection.socket.write(`100000\r\n${"x".repeat(0x100000)}\r\n`);
    connection.socket.write("0\r\n\r\n");
    expect(rawStatus(await connection.ended())).toBe(413);
    await expectNothingMade(folder);
  });

  it("that breaks off makes no file", async () => {
    const { client, folder } = await openNew();
    const connection = await begin(client, ["Content-Length: 1000"]);
    connection.socket.write("x".repeat(500));
    await until("the spool has it", async () => (await readdir(bridge.spoolDir)).length > 0);
    connection.socket.destroy();
    await expectNothingMade(folder);
  });
});
