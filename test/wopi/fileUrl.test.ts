import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DriveProxy, driveProxy } from "../support/driveProxy.ts";
import { linkOwner } from "../support/linkOwner.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import { editorForm, webPerson } from "../support/webPerson.ts";
import { collabora, fetchedAnswer, type WopiAnswer, type WopiClient, wopiOfForm } from "../support/wopiClient.ts";

/** The drive as the editor's server reaches it: another name than the bridge's, and below a path. */
const editorsDrive = "http://drive.internal:5212/cloud";

/** By the editor that opens the type. */
const addresses = {
  docx: "http://127.0.0.1:9/browser/0a1b2c/cool.html?",
  odt: "http://127.0.0.1:9/hosting/wopi/word/edit?",
  md: "http://127.0.0.1:9/edit?",
};

describe("FileUrl and DownloadUrl", () => {
  let bridge: TestBridge;
  let proxy: DriveProxy;
  let documents = 0;
  beforeAll(async () => {
    bridge = await testBridge({
      settings: { EDITOR_CLOUDREVE_URL: editorsDrive },
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
  afterAll(async () => {
    await bridge.close();
    await proxy.close();
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
    return ask(location.replace(editorsDrive, bridge.drive.url));
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

  it("is what the editor's next save is based on: a change in between is a conflict", async () => {
    const { path, client } = await openNew();
    const { FileUrl, LastModifiedTime } = (await client.check()).json() as Record<string, string>;
    expect((await read(FileUrl ?? "")).text).toBe("first");
    bridge.clock.advance(5_000);
    expect(await bridge.alice.put(path, "theirs")).toBe(0);
    await client.lock("A");
    const refused = await client.put("mine", "A", collabora({ timestamp: String(LastModifiedTime) }));
    expect([refused.status, refused.json()["COOLStatusCode"]]).toEqual([409, 1010]);
    expect(await bridge.alice.read(path)).toBe("theirs");
    // Read anew, it may be saved, by editors that send no time too.
    expect((await read(FileUrl ?? "")).text).toBe("theirs");
    expect((await client.put("mine", "A")).status).toBe(200);
  });

  it("sends the document itself when the drive has no address for it", async () => {
    const { client } = await openNew("from the bridge");
    const url = (await urlOf(client, "FileUrl")) ?? "";
    proxy.intercept = (request, response) => {
      if (request.url !== "/api/v4/file/url") return false;
      response.writeHead(200, { "Content-Type": "application/json" }).end('{"code":40081,"msg":"batch"}');
      return true;
    };
    const answered = await ask(url);
    proxy.intercept = undefined;
    expect([answered.status, answered.text]).toEqual([200, "from the bridge"]);
    expect(answered.header("X-WOPI-ItemVersion")).not.toBeNull();
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

  it("is not told for an old version, which the drive's address would not be", async () => {
    const { path, client } = await openNew();
    const { version } = client.session.file;
    await bridge.alice.put(path, "second");
    const old = await bridge.open(path, { action: "view", version });
    expect(await urlOf(old, "FileUrl")).toBeUndefined();
    expect((await read((await urlOf(old, "DownloadUrl")) ?? "")).text).toBe("first");
  });

  it("lets a person download the document under its name, and never show it", async () => {
    const path = 'Plan "ü" 100%.docx'.replaceAll('"', "'");
    await bridge.alice.put(path, "plan");
    const url = (await urlOf(await bridge.open(path, { action: "view" }), "DownloadUrl")) ?? "";
    const answered = await ask(url);
    expect([answered.status, answered.text]).toEqual([200, "plan"]);
    expect(answered.header("Content-Disposition")).toContain(
      `filename*=UTF-8''${encodeURIComponent(path).replace("'", "%27").replace("'", "%27")}`,
    );
    expect(answered.header("Content-Type")).toBe("application/octet-stream");
    expect(answered.header("X-Content-Type-Options")).toBe("nosniff");
    expect(answered.header("Cache-Control")).toBe("no-store");
  });
});
