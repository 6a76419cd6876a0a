import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type DriveProxy, driveProxy } from "../support/driveProxy.ts";
import { contentsOf, namedDocument, openedAt } from "../support/namedDocument.ts";
import { type OperationsStage, operationsStage } from "../support/operationsStage.ts";
import { utf7 } from "../support/utf7.ts";
import { collabora, type WopiAnswer, type WopiClient } from "../support/wopiClient.ts";

const minuteMs = 60_000;
const longLives = { viewerSessionTimeoutSeconds: 1_000_000 };

describe("RenameFile", () => {
  let bridge: OperationsStage;
  let proxy: DriveProxy;
  let documents = 0;
  beforeAll(async () => {
    bridge = await operationsStage({
      settings: { GRANT_HOURS: "200" },
      drive: { settings: longLives },
      pause: async () => undefined,
      driveAddress: async (url) => {
        proxy = await driveProxy(url);
        return proxy.url;
      },
    });
  });
  afterEach(() => {
    proxy.intercept = undefined;
  });
  afterAll(async () => {
    await bridge.close();
    await proxy.close();
  });

  /** A document in a folder of its own, opened to edit; the editor has its facts and its bytes. */
  const openNew = async (name = "Report.docx", more: Record<string, unknown> = {}) => {
    const folder = `rename ${++documents}`;
    const path = `${folder}/${name}`;
    expect(await bridge.alice.put(path, "before")).toBe(0);
    const client = await bridge.open(path, more);
    const facts = (await client.check()).json();
    await client.get();
    return { folder, path, client, facts };
  };
  const openAndLock = async (lockId: string, name?: string) => {
    const opened = await openNew(name);
    expect((await opened.client.lock(lockId)).status).toBe(200);
    return opened;
  };
  const rename = (client: WopiClient, name: string, headers: Record<string, string> = {}) =>
    client.post("RENAME_FILE", { "X-WOPI-RequestedName": utf7(name), ...headers });
  const nameOf = async (client: WopiClient) => (await client.check()).json()["BaseFileName"];
  const expectIllegal = (answer: WopiAnswer) => {
    expect(answer.status).toBe(400);
    expect(answer.header("x-wopi-invalidfilenameerror")).toMatch(/^[\x20-\x7e]+$/);
  };
  /** Whether anybody at the drive may write the path. */
  const isOpenToOthers = async (path: string, text: string) => (await bridge.alice.put(path, text)) === 0;
  const at = (path: string, name: string) => `${path.slice(0, path.lastIndexOf("/"))}/${name}`;

  describe("the new name", () => {
    it("comes without the extension and is answered without it; the file keeps its own", async () => {
      const { client, folder, facts } = await openNew();
      expect(namedDocument(await rename(client, "Summary")).Name).toBe("Summary");
      expect(await contentsOf(bridge, folder)).toEqual({ "Summary.docx": "before" });
      expect((await client.check()).json()).toMatchObject({
        BaseFileName: "Summary.docx",
        FileExtension: ".docx",
        Version: facts["Version"],
      });
    });

    it.each([
      ["Summary.docx", "Summary"],
      ["Summary.DOCX", "Summary"],
      ["v1.2 final", "v1.2 final"],
      ["Summary.odt", "Summary.odt"],
      ["Summary docx", "Summary docx"],
      ["Summary.docx.docx", "Summary.docx"],
      [".hidden", ".hidden"],
    ])("%s makes %s: the extension is there once, whoever has sent it", async (asked, name) => {
      const { client, folder } = await openNew();
      expect(namedDocument(await rename(client, asked)).Name).toBe(name);
      expect(await bridge.alice.list(folder)).toEqual([`${name}.docx`]);
    });

    it("keeps an extension in capitals as it is", async () => {
      const { client, folder } = await openNew("SHOUTING.DOCX");
      expect(namedDocument(await rename(client, "whispering.docx")).Name).toBe("whispering");
      expect(await bridge.alice.list(folder)).toEqual(["whispering.DOCX"]);
    });

    it.each([
      "Bericht Größe & Co (1)",
      "it's a~=b, [x] {y} ^`!$@;",
      "100% #1 + 50%41",
      "a%2Fb",
      "C++ & under_score",
      "emoji 😀🏳️‍🌈",
      "تقرير ٢٠٢٦ עברית",
      "文書 ユニコード",
      "文".repeat(75),
    ])("is used to the letter: %s", async (name) => {
      const { client, folder } = await openAndLock("A");
      expect(namedDocument(await rename(client, name, { "X-WOPI-Lock": "A" })).Name).toBe(name);
      expect(await bridge.alice.list(folder)).toEqual([`${name}.docx`]);
      expect(await nameOf(client)).toBe(`${name}.docx`);
      expect((await client.put("after", "A")).status).toBe(200);
      expect(await contentsOf(bridge, folder)).toEqual({ [`${name}.docx`]: "after" });
    });

    it("that differs in capitals alone is another name", async () => {
      const { client, folder } = await openAndLock("A");
      expect(namedDocument(await rename(client, "REPORT")).Name).toBe("REPORT");
      expect(await bridge.alice.list(folder)).toEqual(["REPORT.docx"]);
      expect((await client.put("after", "A")).status).toBe(200);
    });

    it("that it has already changes nothing", async () => {
      const { client, path, facts } = await openAndLock("A");
      const before = await bridge.alice.info(path);
      bridge.clock.advance(5_000);
      const answer = namedDocument(await rename(client, "Report.docx"));
      expect(answer).toMatchObject({ Name: "Report", LastModifiedTime: facts["LastModifiedTime"] });
      expect(await bridge.alice.info(path)).toEqual(before);
      expect(await isOpenToOthers(path, "theirs")).toBe(false);
    });
  });

  describe("a name that can't be had", () => {
    it.each(["file", "folder"])("because a %s bears it becomes one like it that is free", async (what) => {
      const { client, path, folder } = await openAndLock("A");
      await bridge.alice.put(what === "file" ? at(path, "Taken.docx") : at(path, "Taken.docx/inside.txt"), "theirs");
      const answer = namedDocument(await rename(client, "Taken", { "X-WOPI-Lock": "A" }));
      expect(answer.Name).toBe("Taken (2)");
      expect(await bridge.alice.list(folder)).toEqual(["Taken (2).docx", "Taken.docx"]);
      expect(await isOpenToOthers(at(path, "Taken (2).docx"), "past the lock")).toBe(false);
      expect((await client.put("after", "A")).status).toBe(200);
      expect(await bridge.alice.read(at(path, "Taken (2).docx"))).toBe("after");
    });

    it("because others bear it and those like it becomes the first that none bears, and stays that", async () => {
      const { client, path, folder } = await openAndLock("A");
      for (const name of ["Taken.docx", "Taken (2).docx", "Taken (4).docx"])
        await bridge.alice.put(at(path, name), "x");
      expect(namedDocument(await rename(client, "Taken")).Name).toBe("Taken (3)");
      const before = await bridge.alice.info(at(path, "Taken (3).docx"));
      expect(namedDocument(await rename(client, "Taken")).Name).toBe("Taken (3)");
      expect(await bridge.alice.info(at(path, "Taken (3).docx"))).toEqual(before);
      expect(await bridge.alice.list(folder)).toHaveLength(4);
      expect(await isOpenToOthers(at(path, "Taken (3).docx"), "past the lock")).toBe(false);
    });

    it.each([
      ["a slash", "a/b", "a_b"],
      ["a way up", "../up", ".._up"],
      ["a backslash", "a\\b", "a_b"],
      ["a question mark", "what?", "what_"],
      ["a control character", "a\u0001b", "a_b"],
      ["a line break", "a\r\nSet-Cookie: x", "a__Set-Cookie_ x"],
      ["a blank at its end", "a ", "a"],
      ["a dot at its end", "a.", "a"],
      ["a blank at its begin", "\u00a0a", "a"],
      ["a name of Windows'", "nul", "_nul"],
      ["half a character", "a\ud83d", "a\ufffd"],
      ["more bytes than the drive can store with the extension", "文".repeat(76), "文".repeat(75)],
      ["far more", "a".repeat(4000), "a".repeat(225)],
    ])("since it holds %s becomes one like it that can", async (_what, asked, name) => {
      const { client, folder } = await openAndLock("A");
      expect(namedDocument(await rename(client, asked, { "X-WOPI-Lock": "A" })).Name).toBe(name);
      expect(await bridge.alice.list(folder)).toEqual([`${name}.docx`]);
      expect((await client.put("after", "A")).status).toBe(200);
    });

    it.each([
      ["a dot", "."],
      ["two dots", ".."],
      ["only blanks", "\u3000"],
      ["nothing but the extension", ".docx"],
    ])("since it holds %s is 400 with a reason: nothing is left of it", async (_what, name) => {
      const { client, folder } = await openAndLock("A");
      expectIllegal(await rename(client, name, { "X-WOPI-Lock": "A" }));
      expect(await bridge.alice.list(folder)).toEqual(["Report.docx"]);
      expect((await client.put("after", "A")).status).toBe(200);
    });

    it.each<[string, Record<string, string>]>([
      ["not there", {}],
      ["empty", { "X-WOPI-RequestedName": "" }],
      ["not UTF-7", { "X-WOPI-RequestedName": "C++" }],
      ["raw bytes", { "X-WOPI-RequestedName": "Gr\u00f6\u00dfe" }],
    ])("because its header is %s is 400", async (_what, headers) => {
      const { client, folder } = await openNew();
      expect((await client.post("RENAME_FILE", headers)).status).toBe(400);
      expect(await bridge.alice.list(folder)).toEqual(["Report.docx"]);
    });
  });

  describe("the lock", () => {
    it.each([
      ["another id", "B"],
      ["the id in another case", "a"],
    ])("of the request is %s: 409 with the one that stands, and nothing is renamed", async (_what, lockId) => {
      const { client, folder } = await openAndLock("A");
      const answer = await rename(client, "Summary", { "X-WOPI-Lock": lockId });
      expect(answer.status).toBe(409);
      expect(answer.header("x-wopi-lock")).toBe("A");
      expect(await bridge.alice.list(folder)).toEqual(["Report.docx"]);
    });

    it.each<[string, Record<string, string>]>([
      ["the right one", { "X-WOPI-Lock": "A" }],
      ["not sent, as Collabora did until lately", {}],
      ["empty", { "X-WOPI-Lock": "" }],
    ])("of the request is %s: renamed, and the same lock stands", async (_what, headers) => {
      const { client, path } = await openAndLock("A");
      namedDocument(await rename(client, "Summary", headers));
      expect((await client.getLock()).header("x-wopi-lock")).toBe("A");
      expect((await client.put("after", "A")).status).toBe(200);
      expect(await bridge.alice.read(at(path, "Summary.docx"))).toBe("after");
    });

    it.each([
      ["stale", "whatever"],
      ["too long to be one", "x".repeat(1025)],
      ["empty", ""],
    ])("does not stand: renamed, though the request brings one that is %s", async (_what, lockId) => {
      const { client, path } = await openNew();
      namedDocument(await rename(client, "Summary", { "X-WOPI-Lock": lockId }));
      expect((await client.getLock()).header("x-wopi-lock")).toBe("");
      expect(await isOpenToOthers(at(path, "Summary.docx"), "theirs")).toBe(true);
    });

    it("has run out a moment ago, and the drive does not know yet: renamed, and the drive is told", async () => {
      const { client, path } = await openAndLock("A");
      bridge.clock.advance(20 * minuteMs);
      expect((await client.put("saved", "A")).status).toBe(200);
      bridge.clock.advance(11 * minuteMs);
      namedDocument(await rename(client, "Summary", { "X-WOPI-Lock": "A" }));
      expect(await isOpenToOthers(at(path, "Summary.docx"), "theirs")).toBe(true);
    });

    it("moves along in the drive: a stranger's save is refused at the new path", async () => {
      const { client, path } = await openAndLock("A");
      namedDocument(await rename(client, "Summary", { "X-WOPI-Lock": "A" }));
      expect(await bridge.alice.put(at(path, "Summary.docx"), "past the lock")).toBe(40073);
      expect(await bridge.alice.rename(at(path, "Summary.docx"), "Other.docx")).toBe(40073);
      expect((await client.unlock("A")).status).toBe(200);
      expect(await isOpenToOthers(at(path, "Summary.docx"), "theirs")).toBe(true);
    });

    it("is held by something else in the drive: 400 that says so, never 409", async () => {
      const { client, path, folder } = await openNew();
      bridge.drive.plantLock("alice@example.com", `/${path}`, { type: "dav" });
      const answer = await rename(client, "Summary");
      expectIllegal(answer);
      expect(answer.header("x-wopi-invalidfilenameerror")).toMatch(/WebDAV/);
      expect(await bridge.alice.list(folder)).toEqual(["Report.docx"]);
      bridge.drive.forgetLocks();
    });
  });

  describe("the open document", () => {
    it("keeps its time, so that the next save meets no false conflict", async () => {
      const { client, path, facts } = await openAndLock("A");
      bridge.clock.advance(5_000);
      const { LastModifiedTime } = namedDocument(await rename(client, "Summary"));
      expect(LastModifiedTime).toBe(facts["LastModifiedTime"]);
      expect((await client.check()).json()["LastModifiedTime"]).toBe(LastModifiedTime);
      expect((await client.put("after", "A", collabora({ timestamp: LastModifiedTime }))).status).toBe(200);
      expect(await bridge.alice.read(at(path, "Summary.docx"))).toBe("after");
    });

    it("keeps its time through saves and renames by turns", async () => {
      const { client } = await openAndLock("A");
      let timestamp = "";
      for (const name of ["One", "Two", "Three"]) {
        bridge.clock.advance(5_000);
        const saved = await client.put(`text of ${name}`, "A", collabora(timestamp === "" ? {} : { timestamp }));
        expect(saved.status).toBe(200);
        bridge.clock.advance(5_000);
        timestamp = namedDocument(await rename(client, name)).LastModifiedTime;
        expect(timestamp).toBe(saved.json()["LastModifiedTime"]);
      }
    });

    it("is opened anew by the address of the answer: the same file, the same rights", async () => {
      const { client, facts } = await openNew("Report.docx", { user: { id: "g", name: "Guest" } });
      const { Url } = namedDocument(await rename(client, "Summary"));
      const again = openedAt(Url, client);
      expect(again.src).toBe(client.src);
      expect((await again.check()).json()).toEqual({
        ...facts,
        BaseFileName: "Summary.docx",
        BreadcrumbDocName: "Summary.docx",
      });
    });

    it("is never what has taken the old path: that is not read, not locked, not written", async () => {
      const { client, path } = await openAndLock("A");
      namedDocument(await rename(client, "Summary", { "X-WOPI-Lock": "A" }));
      expect(await isOpenToOthers(path, "an impostor")).toBe(true);
      expect(await nameOf(client)).toBe("Summary.docx");
      expect((await client.get()).text).toBe("before");
      expect((await client.put("after", "A")).status).toBe(200);
      expect((await client.lock("A")).status).toBe(200);
      expect(await isOpenToOthers(path, "still an impostor")).toBe(true);
      expect((await client.unlock("A")).status).toBe(200);
      expect((await client.lock("C")).status).toBe(200);
      expect(await isOpenToOthers(path, "an impostor to the end")).toBe(true);
      expect((await client.put("after all", "C")).status).toBe(200);
      expect(await bridge.alice.read(path)).toBe("an impostor to the end");
      expect(await bridge.alice.read(at(path, "Summary.docx"))).toBe("after all");
    });

    it("may be renamed back and forth under one lock", async () => {
      const { client, path } = await openAndLock("A");
      for (const name of ["Summary", "Report", "Summary"]) namedDocument(await rename(client, name));
      expect((await client.put("after", "A")).status).toBe(200);
      expect(await bridge.alice.read(at(path, "Summary.docx"))).toBe("after");
    });

    it("may be saved at the same moment: both are done", async () => {
      const { client, folder } = await openAndLock("A");
      const [saved, renamed] = await Promise.all([
        client.put("after", "A"),
        rename(client, "Summary", { "X-WOPI-Lock": "A" }),
      ]);
      expect([saved.status, renamed.status]).toEqual([200, 200]);
      expect(await contentsOf(bridge, folder)).toEqual({ "Summary.docx": "after" });
    });
  });

  describe("others who have it open", () => {
    const useIt = async (other: WopiClient, path: string, text: string) => {
      expect(await nameOf(other)).toBe("Summary.docx");
      expect((await other.lock("A")).status).toBe(200);
      expect((await other.get()).status).toBe(200);
      expect((await other.put(text, "A")).status).toBe(200);
      expect(await bridge.alice.read(at(path, "Summary.docx"))).toBe(text);
    };

    it("go on under the same lock: another person at the same account", async () => {
      const { client, path } = await openAndLock("A");
      const other = await bridge.open(path, { user: { id: "o", name: "Other" } });
      await other.check();
      namedDocument(await rename(client, "Summary"));
      await useIt(other, path, "by the other");
      expect((await client.put("by the first", "A")).status).toBe(200);
    });

    it("go on through another account's session, which knows the old path, where something else is now", async () => {
      const { client, path } = await openNew();
      const { accessToken, refreshToken } = bridge.alice;
      // Through tokens that a portal hands on: another account to the bridge, the same person to the drive.
      const user = { id: "portal", name: "Portal" };
      const other = await bridge.open(path, { user }, { tokens: { accessToken, refreshToken } });
      expect((await other.lock("A")).status).toBe(200);
      namedDocument(await rename(client, "Summary", { "X-WOPI-Lock": "A" }));
      expect(await isOpenToOthers(path, "an impostor")).toBe(true);
      await useIt(other, path, "by the other");
      expect((await other.unlock("A")).status).toBe(200);
      expect(await bridge.alice.read(path)).toBe("an impostor");
      expect(await isOpenToOthers(path, "nobody's")).toBe(true);
      expect(await isOpenToOthers(at(path, "Summary.docx"), "free again")).toBe(true);
    });

    it("who only look get 404, whatever else is wrong, and see the new name of others", async () => {
      const { client, path } = await openNew();
      const reader = await bridge.open(path, { action: "view" });
      for (const headers of [{ "X-WOPI-RequestedName": "Mine" }, { "X-WOPI-RequestedName": "a/b" }, {}]) {
        expect((await reader.post("RENAME_FILE", headers)).status).toBe(404);
      }
      expect(await nameOf(reader)).toBe("Report.docx");
      namedDocument(await rename(client, "Summary"));
      expect(await nameOf(reader)).toBe("Summary.docx");
      expect((await reader.get()).text).toBe("before");
    });
  });

  it("of a file that is gone is 404, in the trash too", async () => {
    const { client, path } = await openNew();
    expect(await bridge.alice.remove(path)).toBe(0);
    expect((await rename(client, "Summary")).status).toBe(404);
    const other = await openNew();
    await bridge.alice.call("DELETE", "/file", { uris: [bridge.alice.uriOf(other.path)] });
    expect((await rename(other.client, "Summary")).status).toBe(404);
    expect((await other.client.post("RENAME_FILE")).status).toBe(404);
  });

  describe("while the drive has a fault", () => {
    const failAt = (method: string, path: string, status = 500) => {
      proxy.intercept = (request, response) => {
        if (request.method !== method || !request.url?.includes(path)) return false;
        request.resume();
        response.writeHead(status).end();
        return true;
      };
    };

    it("at the rename: nothing is renamed, and the lock stands here and there", async () => {
      const { client, path } = await openAndLock("A");
      failAt("POST", "/file/rename");
      expect([500, 503]).toContain((await rename(client, "Summary", { "X-WOPI-Lock": "A" })).status);
      proxy.intercept = undefined;
      expect(await nameOf(client)).toBe("Report.docx");
      expect(await isOpenToOthers(path, "past the lock")).toBe(false);
      expect((await client.put("after", "A")).status).toBe(200);
    });

    it("behind the rename: the editor hears of the new name, and the next save goes there", async () => {
      const { client, path } = await openAndLock("A");
      failAt("PUT", "/file/viewerSession");
      expect(namedDocument(await rename(client, "Summary", { "X-WOPI-Lock": "A" })).Name).toBe("Summary");
      proxy.intercept = undefined;
      expect(await isOpenToOthers(path, "an impostor")).toBe(true);
      expect((await client.put("after", "A")).status).toBe(200);
      expect(await bridge.alice.read(at(path, "Summary.docx"))).toBe("after");
      expect(await bridge.alice.read(path)).toBe("an impostor");
    });

    it("at the lock to be taken again: the next save takes it, and sees who came between", async () => {
      const { client, path } = await openAndLock("A");
      let renamed = false;
      proxy.intercept = (request, response) => {
        renamed ||= request.url?.includes("/file/rename") === true;
        if (!renamed || request.headers["x-wopi-override"] !== "LOCK") return false;
        response.writeHead(500).end();
        return true;
      };
      expect(namedDocument(await rename(client, "Summary", { "X-WOPI-Lock": "A" })).Name).toBe("Summary");
      proxy.intercept = undefined;
      expect(await isOpenToOthers(at(path, "Summary.docx"), "theirs")).toBe(true);
      const answer = await client.put("mine", "A");
      expect(answer.status).toBe(409);
      expect(answer.json()).toMatchObject({ COOLStatusCode: 1010 });
      expect(await bridge.alice.read(at(path, "Summary.docx"))).toBe("theirs");
    });
  });
});

describe("RenameFile and the hour that an access token lives", () => {
  it("lets those go on who were opened with an access token alone, after its end", async () => {
    const bridge = await operationsStage();
    await bridge.alice.put("Report.docx", "before");
    const client = await bridge.open("Report.docx");
    const { accessToken } = bridge.alice;
    const other = await bridge.open("Report.docx", {}, { tokens: { accessToken } });
    await other.get();
    namedDocument(await client.post("RENAME_FILE", { "X-WOPI-RequestedName": "Summary" }));
    bridge.clock.advance(61 * minuteMs);
    expect((await other.check()).json()).toMatchObject({ BaseFileName: "Summary.docx" });
    expect((await other.lock("A")).status).toBe(200);
    expect((await other.put("by the other", "A")).status).toBe(200);
    expect((await client.get()).text).toBe("by the other");
    await bridge.close();
  });
});
