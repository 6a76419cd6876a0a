import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  contentsOf,
  namedDocument,
  openAsOwner,
  openedAt,
  openInFolder,
  saveAs,
  suggest,
} from "../support/namedDocument.ts";
import { type OperationsStage, operationsStage } from "../support/operationsStage.ts";
import { collabora } from "../support/wopiClient.ts";

describe("PutRelativeFile: what becomes of the two files", () => {
  let bridge: OperationsStage;
  beforeAll(async () => {
    bridge = await operationsStage({
      settings: { GRANT_HOURS: "10", MAX_FILE_MB: "4" },
      drive: { settings: { accessTokenTtlSeconds: 1_000_000, viewerSessionTimeoutSeconds: 1_000_000 } },
    });
  });
  afterAll(() => bridge.close());

  const openNew = (more?: Record<string, unknown>, name?: string) => openInFolder(bridge, more, name);
  const put = async (path: string, text: string) => {
    expect(await bridge.alice.put(path, text)).toBe(0);
    return path;
  };

  describe("and the open file", () => {
    it("may be locked by anybody: its lock is not asked for and not touched", async () => {
      const { client, folder, path } = await openNew();
      const other = await bridge.open(path, { user: { id: "o", name: "Other" } });
      await other.get();
      await other.lock("theirs");
      namedDocument(await suggest(client, "Copy.docx"));
      const withWrongLock = { "X-WOPI-RelativeTarget": "Copy 2.docx", "X-WOPI-Lock": "not theirs" };
      namedDocument(await saveAs(client, withWrongLock));
      expect((await client.getLock()).header("x-wopi-lock")).toBe("theirs");
      expect(await bridge.alice.put(path, "past the lock")).toBe(40073);
      expect((await other.put("saved", "theirs")).status).toBe(200);
      expect((await contentsOf(bridge, folder))["Report.docx"]).toBe("saved");
    });

    it("may be held by something else in the drive", async () => {
      const { client, path } = await openNew();
      bridge.drive.plantLock("alice@example.com", `/${path}`, { type: "dav" });
      namedDocument(await suggest(client, "Copy.docx"));
      bridge.drive.forgetLocks();
    });

    it("keeps version, time and handshake: its next save meets no conflict", async () => {
      const { client, path } = await openNew();
      const before = (await client.check()).json();
      await client.get();
      await client.lock("mine");
      bridge.clock.advance(5_000);
      const { LastModifiedTime } = namedDocument(await suggest(client, "Copy.docx"));
      // Collabora takes the time of the answer for the open file's.
      expect(LastModifiedTime).toBe(before["LastModifiedTime"]);
      expect((await client.check()).json()).toMatchObject({ Version: before["Version"], LastModifiedTime });
      const saved = await client.put("saved", "mine", collabora({ timestamp: LastModifiedTime }));
      expect(saved.status).toBe(200);
      expect(await bridge.alice.read(path)).toBe("saved");
    });

    it.each(["Bericht Größe & Co (1).docx", "100% #1 + 50%41.docx", "no extension", "😀 文書.docx", "תקציב.docx"])(
      "may be called anything: %s",
      async (name) => {
        const folder = `${name} #ä%20+`;
        await put(`${folder}/${name}.docx`, "the original");
        const client = await openAsOwner(bridge, `${folder}/${name}.docx`);
        expect(namedDocument(await suggest(client, ".odt")).Name).toBe(`${name}.odt`);
        expect((await contentsOf(bridge, folder))[`${name}.odt`]).toBe("the copy");
      },
    );

    it("gives its name of today to an extension alone", async () => {
      const { client, folder, path } = await openNew();
      expect(await bridge.alice.rename(path, "Renamed.docx")).toBe(0);
      expect(namedDocument(await suggest(client, ".odt")).Name).toBe("Renamed.odt");
      expect(await bridge.alice.list(folder)).toEqual(["Renamed.docx", "Renamed.odt"]);
    });

    it("that is gone makes it a 404", async () => {
      const { client, path, folder } = await openNew();
      expect(await bridge.alice.remove(path)).toBe(0);
      expect((await suggest(client, "Copy.docx")).status).toBe(404);
      expect(await bridge.alice.list(folder)).toEqual([]);
    });
  });

  describe("its answer", () => {
    it("is JSON in UTF-8 with absolute addresses, the token in the editor's alone", async () => {
      const { client } = await openNew();
      const answer = await suggest(client, "文書.docx");
      expect(answer.header("content-type")).toMatch(/^application\/json/);
      const document = namedDocument(answer);
      expect(Object.keys(document).sort()).toEqual(["HostEditUrl", "HostViewUrl", "LastModifiedTime", "Name", "Url"]);
      expect(document.Url).toMatch(
        new RegExp(`^${bridge.url}/wopi/files/[A-Za-z0-9]+\\?access_token=[A-Za-z0-9._~-]+$`),
      );
      for (const url of [document.HostEditUrl, document.HostViewUrl]) {
        expect(url).toMatch(new RegExp(`^${bridge.url}/edit/[A-Za-z0-9_-]+$`));
      }
      expect(document.Url.length).toBeLessThan(600);
    });

    it("opens the new file and not the old: facts, bytes, lock, save", async () => {
      const { client, folder, path } = await openNew();
      const copy = openedAt(namedDocument(await suggest(client, "Copy.docx")).Url, client);
      expect(copy.src).not.toBe(client.src);
      expect((await copy.check()).json()).toMatchObject({ BaseFileName: "Copy.docx", UserCanWrite: true });
      expect((await copy.get()).text).toBe("the copy");
      expect((await copy.lock("C")).status).toBe(200);
      expect((await copy.put("the copy, saved", "C")).status).toBe(200);
      expect((await copy.unlock("C")).status).toBe(200);
      expect(await contentsOf(bridge, folder)).toEqual({
        "Report.docx": "the original",
        "Copy.docx": "the copy, saved",
      });
      expect(await bridge.alice.read(path)).toBe("the original");
    });

    it("holds a token that is good for the new file alone", async () => {
      const { client } = await openNew();
      const copy = openedAt(namedDocument(await suggest(client, "Copy.docx")).Url, client);
      for (const [one, other] of [
        [client, copy],
        [copy, client],
      ] as const) {
        const crossed = `${one.src}?access_token=${other.session.access_token}`;
        expect((await client.send("GET", crossed, {})).status).toBe(401);
      }
    });

    it("can be saved as once more, and in turn", async () => {
      const { client, folder } = await openNew();
      const copy = openedAt(namedDocument(await suggest(client, "Copy.docx")).Url, client);
      const second = openedAt(namedDocument(await suggest(copy, ".odt", "of the copy")).Url, client);
      expect((await second.get()).text).toBe("of the copy");
      expect(await bridge.alice.list(folder)).toEqual(["Copy.docx", "Copy.odt", "Report.docx"]);
    });

    it("works for a kind of file that no editor of the drive opens: it can be looked at and locked", async () => {
      const { client } = await openNew();
      const pdf = openedAt(namedDocument(await suggest(client, ".pdf", "%PDF-1.7")).Url, client);
      expect((await pdf.check()).status).toBe(200);
      expect((await pdf.get()).text).toBe("%PDF-1.7");
      expect((await pdf.lock("P")).status).toBe(200);
      expect((await pdf.lock("Q")).header("x-wopi-lock")).toBe("P");
    });

    it("keeps the person, the options and the owner of the open file", async () => {
      const options = { print: false, copy: false, watermark: "confidential" };
      const { client } = await openNew({ user: { id: "g", name: "Guest Größe" }, options });
      const facts = (await client.check()).json();
      const copy = openedAt(namedDocument(await suggest(client, "Copy.docx")).Url, client);
      expect((await copy.check()).json()).toMatchObject({
        UserId: facts["UserId"],
        OwnerId: facts["OwnerId"],
        UserFriendlyName: "Guest Größe",
        DisablePrint: true,
        DisableCopy: true,
        WatermarkText: "confidential",
      });
    });
  });
});
