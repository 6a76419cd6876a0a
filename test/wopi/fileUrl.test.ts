import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { downloadAddress, downloads } from "../support/downloadFaults.ts";
import { type DriveProxy, driveProxy, type Intercept } from "../support/driveProxy.ts";
import { linkOwner } from "../support/linkOwner.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import { editorForm, webPerson } from "../support/webPerson.ts";
import { collabora, fetchedAnswer, type WopiAnswer, type WopiClient, wopiOfForm } from "../support/wopiClient.ts";

/** By the editor that opens the type. */
const addresses = {
  docx: "http://127.0.0.1:9/browser/0a1b2c/cool.html?",
  odt: "http://127.0.0.1:9/hosting/wopi/word/edit?",
  md: "http://127.0.0.1:9/edit?",
  pptx: "http://127.0.0.1:9/p/PowerPointFrame.aspx?",
};

function said(response: ServerResponse, text: string, headers: Record<string, string> = {}, status = 200): true {
  response.writeHead(status, headers).end(text);
  return true;
}

async function listen(server: Server): Promise<string> {
  await once(server.listen(0, "127.0.0.1"), "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("FileUrl and DownloadUrl", () => {
  let bridge: TestBridge;
  let proxy: DriveProxy;
  /** The drive as the editor's server reaches it: another name than the bridge's, and below a path. */
  let front: Server;
  let atFront: Intercept | undefined;
  let editorsDrive: string;
  let storage: Server;
  let storageOrigin: string;
  let documents = 0;
  beforeAll(async () => {
    storage = createServer((_request, response) => response.setHeader("ETag", '"s3"').end("from storage"));
    storageOrigin = await listen(storage);
    front = createServer(async (request, response) => {
      if ((await atFront?.(request, response)) === true) return;
      const { range = "" } = request.headers;
      const below = (request.url ?? "").replace(/^\/cloud/, "");
      const answered = await fetch(bridge.drive.url + below, { headers: range === "" ? {} : { range } });
      response.writeHead(answered.status, Object.fromEntries(answered.headers));
      response.end(Buffer.from(await answered.arrayBuffer()));
    });
    editorsDrive = `${await listen(front)}/cloud`;
    bridge = await testBridge({
      settings: { EDITOR_CLOUDREVE_URL: editorsDrive, STORAGE_ORIGINS: storageOrigin },
      drive: {
        viewers: Object.entries(addresses).map(([extension, address]) => ({
          id: `viewer-${extension}`,
          type: "wopi",
          display_name: extension,
          exts: [extension],
          wopi_actions: { [extension]: { view: address, edit: address } },
        })),
      },
      driveAddress: async (url) => {
        proxy = await driveProxy(url);
        return proxy.url;
      },
    });
  });
  afterEach(() => {
    proxy.intercept = undefined;
    atFront = undefined;
  });
  afterAll(async () => {
    await bridge.close();
    await proxy.close();
    for (const server of [front, storage]) {
      server.closeAllConnections();
      server.close();
    }
  });

  const openNew = async (text = "first", more: Record<string, unknown> = {}, extension = "docx") => {
    const path = `file-url-${++documents}.${extension}`;
    expect(await bridge.alice.put(path, text)).toBe(0);
    return { path, client: await bridge.open(path, more) };
  };
  const visitorOf = async (link: string) => {
    const person = webPerson(bridge.url);
    return wopiOfForm(editorForm(await person.follow(await person.post(link, { name: "Eve" }))));
  };
  const urlOf = async (client: WopiClient, name: "FileUrl" | "DownloadUrl") =>
    (await client.check()).json()[name] as string | undefined;
  const ask = (url: string) => fetchedAnswer(fetch(url, { redirect: "manual" }));
  /** As an editor's server reads: it follows the redirect, to the drive as it reaches it. */
  const read = async (url: string): Promise<WopiAnswer> => {
    const answered = await ask(url);
    const location = answered.header("Location");
    if (answered.status !== 302 || location === null) return answered;
    expect(location).toContain(`${editorsDrive}/api/v4/file/content/`);
    return ask(location);
  };

  it("leads an editor's server to the drive's own address of the document", async () => {
    const { path, client } = await openNew();
    const url = (await urlOf(client, "FileUrl")) ?? "";
    const answered = await ask(url);
    expect([answered.status, answered.text]).toEqual([302, ""]);
    const version = (await bridge.alice.info(path)).primary_entity;
    expect(answered.header("X-WOPI-ItemVersion")).toBe(version);
    expect(answered.header("Location")).toContain(`/file/content/${version}/`);
    expect((await read(url)).text).toBe("first");
  });

  it("gives an editor that follows no redirect the document itself, and is not told to ONLYOFFICE", async () => {
    const { client } = await openNew("in place", {}, "md");
    const answered = await ask((await urlOf(client, "FileUrl")) ?? "");
    expect([answered.status, answered.text]).toEqual([200, "in place"]);
    expect(await urlOf((await openNew("x", {}, "odt")).client, "FileUrl")).toBeUndefined();
  });

  it("gives the content of now, however old the address", async () => {
    const { client } = await openNew();
    const url = (await urlOf(client, "FileUrl")) ?? "";
    await client.get();
    await client.lock("A");
    expect((await client.put("second", "A")).status).toBe(200);
    expect((await read(url)).text).toBe("second");
  });

  it.each([
    // Its time alone does not tell this one.
    ["in the same second", 0],
    ["later", 5_000],
  ])("is what the editor's next save is based on: a change %s is a conflict", async (_when, afterMs) => {
    const { path, client } = await openNew();
    const { FileUrl, LastModifiedTime } = (await client.check()).json() as Record<string, string>;
    expect((await read(FileUrl ?? "")).text).toBe("first");
    bridge.clock.advance(afterMs);
    expect(await bridge.alice.put(path, "theirs")).toBe(0);
    await client.lock("A");
    const refused = await client.put("mine", "A", collabora({ timestamp: String(LastModifiedTime) }));
    expect([refused.status, refused.json()["COOLStatusCode"]]).toEqual([409, 1010]);
    expect(await bridge.alice.read(path)).toBe("theirs");
    // Read anew, it may be saved, by editors that send no time too.
    expect((await read(FileUrl ?? "")).text).toBe("theirs");
    expect((await client.put("mine", "A")).status).toBe(200);
  });

  describe("sends the document itself", () => {
    const readWith = async (faults: { readonly drive?: Intercept; readonly front?: Intercept }) => {
      const { client } = await openNew("from the bridge");
      const url = (await urlOf(client, "FileUrl")) ?? "";
      proxy.intercept = faults.drive;
      atFront = faults.front;
      const answered = await ask(url);
      expect(answered.status).toBe(200);
      expect(answered.header("X-WOPI-ItemVersion")).not.toBeNull();
      expect(answered.header("Location")).toBeNull();
      return answered.text;
    };

    it("when the drive has no address for it", async () => {
      expect(await readWith({ drive: downloadAddress({ code: 40081, msg: "batch" }) })).toBe("from the bridge");
    });

    it.each<[string, Intercept]>([
      ["answers 200 with JSON, as for an address that has ended", (_request, response) => said(response, "{}")],
      ["answers 200 with another version", (_request, response) => said(response, "other", { ETag: '"other"' })],
      ["leads to a sign-in", (_request, response) => said(response, "", { Location: "http://127.0.0.1:9/" }, 302)],
      ["can't be reached from here", (request) => Boolean(request.destroy())],
    ])("when the drive, where the editor would read it, %s", async (_what, atEditors) => {
      expect(await readWith({ front: atEditors })).toBe("from the bridge");
    });

    it("when a storage has it, which must not see the access token that Collabora sends along", async () => {
      const urls = [{ url: `${storageOrigin}/bucket/key?X-Amz-Signature=s` }];
      expect(await readWith({ drive: downloadAddress({ code: 0, data: { urls } }) })).toBe("from storage");
    });
  });

  it("fails while the drive is away, and the editor asks by GetFile then", async () => {
    const { client } = await openNew();
    const url = (await urlOf(client, "FileUrl")) ?? "";
    proxy.intercept = (request) => {
      request.destroy();
      return true;
    };
    expect((await ask(url)).status).toBe(503);
  });

  it("works for nothing but this document, and is no access token", async () => {
    const mine = await openNew();
    const other = await openNew("other");
    const url = new URL((await urlOf(mine.client, "FileUrl")) ?? "");
    const token = url.searchParams.get("read") ?? "";
    const moved = url.href.replace(mine.client.session.file.id, other.client.session.file.id);
    for (const asked of [
      moved,
      url.href.slice(0, -3),
      url.href.replace(token, mine.client.session.access_token),
      url.href.replace(/\?.*/, ""),
      (await urlOf(mine.client, "DownloadUrl"))?.replace(/[^/]+$/, token) ?? "",
    ]) {
      expect([401, 410], asked).toContain((await ask(asked)).status);
    }
    expect((await ask(`${mine.client.src}/contents?access_token=${token}`)).status).toBe(401);
    expect((await fetch(url, { method: "HEAD" })).status).toBe(501);
  });

  it.each(["FileUrl", "DownloadUrl"] as const)("%s ends with the session", async (name) => {
    const { client } = await openNew();
    const url = (await urlOf(client, name)) ?? "";
    expect((await read(url)).status).toBe(200);
    await bridge.endSession(client.session.id);
    expect([401, 410]).toContain((await read(url)).status);
  });

  it("is not told where downloading is forbidden, and stops working when a link forbids it later", async () => {
    const { client } = await openNew("secret", { options: { download: false } });
    const facts = (await client.check()).json();
    expect(facts).not.toHaveProperty("FileUrl");
    expect(facts).not.toHaveProperty("DownloadUrl");
    const { path } = await openNew("shared");
    const owner = await linkOwner(bridge);
    const link = await owner.makeLink((await bridge.alice.info(path)).id, { permission: "view" });
    const visitor = await visitorOf(link);
    const urls = [(await urlOf(visitor, "FileUrl")) ?? "", (await urlOf(visitor, "DownloadUrl")) ?? ""];
    for (const url of urls) expect((await read(url)).text).toBe("shared");
    await owner.change(path, { permission: "view", no_download: "1" });
    for (const url of urls) expect([401, 410]).toContain((await read(url)).status);
  });

  it("is not told to somebody whose pages carry a watermark: the file has none", async () => {
    const facts = (await (await openNew("marked", { options: { watermark: "Eve" } })).client.check()).json();
    expect(facts).toMatchObject({ WatermarkText: "Eve" });
    expect(facts).not.toHaveProperty("FileUrl");
    expect(facts).not.toHaveProperty("DownloadUrl");
  });

  it("counts as the load of the editor's one copy, until its reader may only view", async () => {
    const { path, client } = await openNew("first", {}, "pptx");
    const owner = await linkOwner(bridge);
    const visitor = await visitorOf(await owner.makeLink((await bridge.alice.info(path)).id));
    const url = (await urlOf(visitor, "FileUrl")) ?? "";
    expect((await read(url)).text).toBe("first");
    await client.lock("A");
    expect((await client.put("second", "A")).status).toBe(200);
    await client.unlock("A");
    await bridge.alice.put(path, "theirs");
    await owner.change(path, { permission: "view" });
    expect((await read(url)).text).toBe("theirs");
    await client.lock("A");
    const refused = await client.put("mine", "A");
    expect([refused.status, refused.json()["COOLStatusCode"]]).toEqual([409, 1010]);
    expect((await read((await urlOf(client, "FileUrl")) ?? "")).text).toBe("theirs");
    expect((await client.put("mine", "A")).status).toBe(200);
  });

  it("is not told for an old version, which the drive's address would not be", async () => {
    const { path, client } = await openNew();
    const { version } = client.session.file;
    await bridge.alice.put(path, "second");
    const old = await bridge.open(path, { action: "view", version });
    expect(await urlOf(old, "FileUrl")).toBeUndefined();
    expect((await read((await urlOf(old, "DownloadUrl")) ?? "")).text).toBe("first");
  });

  describe("DownloadUrl", () => {
    const openDownload = async (path: string, text: string) => {
      expect(await bridge.alice.put(path, text)).toBe(0);
      return (await urlOf(await bridge.open(path, { action: "view" }), "DownloadUrl")) ?? "";
    };
    const get = (url: string, headers: Record<string, string> = {}) => fetchedAnswer(fetch(url, { headers }));

    it("lets a person download the document under its name, and never shows it", async () => {
      const path = "Plan 'ü' 100%.docx";
      const answered = await get(await openDownload(path, "plan"));
      expect([answered.status, answered.text]).toEqual([200, "plan"]);
      expect(answered.header("Content-Disposition")).toBe(
        `attachment; filename="Plan '?' 100%.docx"; filename*=UTF-8''Plan%20%27%C3%BC%27%20100%25.docx`,
      );
      expect(answered.header("Content-Type")).toBe("application/octet-stream");
      expect(answered.header("X-Content-Type-Options")).toBe("nosniff");
      expect(answered.header("Cache-Control")).toBe("no-store");
      expect(answered.header("Content-Security-Policy")).toBe("sandbox");
    });

    it("goes on where a download broke off, but not in another version", async () => {
      const path = `broken-off-${++documents}.docx`;
      const url = await openDownload(path, "0123456789");
      const etag = (await get(url)).header("ETag") ?? "";
      const rest = await get(url, { Range: "bytes=4-", "If-Range": etag });
      expect([rest.status, rest.text]).toEqual([206, "456789"]);
      expect(rest.header("Content-Range")).toBe("bytes 4-9/10");
      expect((await get(url, { Range: "bytes=20-" })).status).toBe(416);
      expect((await get(url, { Range: "bytes=0-1,4-5" })).status).toBe(200);
      await bridge.alice.put(path, "another text");
      const anew = await get(url, { Range: "bytes=4-", "If-Range": etag });
      expect([anew.status, anew.text]).toEqual([200, "another text"]);
    });

    it("tells a HEAD what a GET would bring, without bringing it", async () => {
      const url = await openDownload(`head-${++documents}.docx`, "0123456789");
      const seen = proxy.seen.length;
      const head = await fetch(url, { method: "HEAD" });
      expect([head.status, head.headers.get("Content-Length")]).toEqual([200, "10"]);
      expect(head.headers.get("Content-Disposition")).toContain("attachment");
      expect(proxy.seen.slice(seen).some(({ path }) => path.includes("/file/content/"))).toBe(false);
    });

    it("breaks off when the drive does: nothing is added to half a document", async () => {
      const url = await openDownload(`half-${++documents}.docx`, "0123456789");
      proxy.intercept = downloads((response, etag) => {
        response.writeHead(200, { ETag: etag, "Content-Length": "10" }).write("01234", () => response.destroy());
      });
      await expect(get(url)).rejects.toThrow();
    });

    it("says in a page, not in a file, that the drive is away or the address has ended", async () => {
      const url = await openDownload(`away-${++documents}.docx`, "text");
      proxy.intercept = (request) => {
        request.destroy();
        return true;
      };
      for (const [asked, status] of [
        [url, 503],
        [`${url}x`, 410],
      ] as const) {
        const answered = await get(asked);
        expect(answered.status).toBe(status);
        expect(answered.header("Content-Type")).toContain("text/html");
        expect(answered.header("Content-Disposition")).toBeNull();
        expect(answered.text).not.toContain("/signin");
      }
    });

    it("is open only so often at once for one session", async () => {
      const url = await openDownload(`often-${++documents}.docx`, "0123456789");
      const held: (() => void)[] = [];
      proxy.intercept = downloads((response, etag) => {
        response.writeHead(200, { ETag: etag, "Content-Length": "10" }).write("01234");
        held.push(() => response.end("56789"));
      });
      const open = await Promise.all(Array.from({ length: 8 }, () => fetch(url)));
      expect((await get(url)).status).toBe(503);
      for (const finish of held) finish();
      for (const answered of open) expect(await answered.text()).toBe("0123456789");
      proxy.intercept = undefined;
      expect((await get(url)).text).toBe("0123456789");
    });
  });
});
