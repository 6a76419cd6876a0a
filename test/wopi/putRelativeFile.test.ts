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
import { type OperationsStage, operationsStage } from "../support/operationsStage.ts";
import { fromUtf7 } from "../support/utf7.ts";
import type { WopiAnswer } from "../support/wopiClient.ts";

const minuteMs = 60_000;
const limitBytes = 4 * 1024 * 1024;

describe("PutRelativeFile", () => {
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
  const expectConflict = (answer: WopiAnswer, lockHeader: string) => {
    expect(answer.status).toBe(409);
    expect(answer.header("x-wopi-lock")).toBe(lockHeader);
    expect(answer.text).not.toContain("1010");
  };

  describe("with a suggested name", () => {
    it("makes a new file beside the open one, which stays as it is", async () => {
      const { client, folder } = await openNew();
      expect(namedDocument(await suggest(client, "Copy.docx")).Name).toBe("Copy.docx");
      expect(await contentsOf(bridge, folder)).toEqual({ "Report.docx": "the original", "Copy.docx": "the copy" });
    });

    it("that is taken takes another and keeps the extension, as often as it is asked", async () => {
      const { client, folder } = await openNew();
      const names = [];
      for (const text of ["one", "two", "three"])
        names.push(namedDocument(await suggest(client, "Copy.docx", text)).Name);
      expect(names).toEqual(["Copy.docx", "Copy (2).docx", "Copy (3).docx"]);
      expect(await contentsOf(bridge, folder)).toEqual({
        "Report.docx": "the original",
        "Copy.docx": "one",
        "Copy (2).docx": "two",
        "Copy (3).docx": "three",
      });
    });

    it("that is the open file's own never writes into it", async () => {
      const { client, folder } = await openNew();
      expect(namedDocument(await suggest(client, "Report.docx")).Name).toBe("Report (2).docx");
      expect((await contentsOf(bridge, folder))["Report.docx"]).toBe("the original");
    });

    it("that a locked document bears takes another name: never 409, which closes the document for everybody", async () => {
      const { client, folder } = await openNew();
      const other = await bridge.open(await put(`${folder}/Locked.docx`, "locked"));
      await other.lock("theirs");
      expect(namedDocument(await suggest(client, "Locked.docx")).Name).toBe("Locked (2).docx");
      expect((await other.put("saved", "theirs")).status).toBe(200);
    });

    it("that a folder bears takes another name", async () => {
      const { client, folder } = await openNew();
      await put(`${folder}/Copy.docx/inside.txt`, "inside");
      expect(namedDocument(await suggest(client, "Copy.docx")).Name).toBe("Copy (2).docx");
    });

    it("is not overwritten, whatever the header for the other mode says", async () => {
      const { client, folder } = await openNew();
      await put(`${folder}/Copy.docx`, "theirs");
      const headers = { "X-WOPI-SuggestedTarget": "Copy.docx", "X-WOPI-OverwriteRelativeTarget": "true" };
      expect(namedDocument(await saveAs(client, headers)).Name).toBe("Copy (2).docx");
      expect((await contentsOf(bridge, folder))["Copy.docx"]).toBe("theirs");
    });

    it.each([
      [".odt", "Report.v2.odt"],
      [".docx", "Report.v2 (2).docx"],
      [".tar.gz", "Report.v2.tar.gz"],
      [".", "Report.v2"],
      [".o/d:t", "Report.v2.o_d_t"],
      ["./../x.docx", "Report.v2._.._x.docx"],
    ])("that begins with a dot is only an extension: %s", async (suggested, expected) => {
      const { client, folder } = await openNew({}, "Report.v2.docx");
      expect(namedDocument(await suggest(client, suggested)).Name).toBe(expected);
      expect(await bridge.alice.list(folder)).toEqual([expected, "Report.v2.docx"].sort());
    });

    it.each([
      ["a/b.docx", "a_b.docx"],
      ["x/../../up.docx", "x_.._.._up.docx"],
      ["..\\up.docx", "Report.._up.docx"],
      ["what? no: *all* <of> |it|.docx", "what_ no_ _all_ _of_ _it_.docx"],
      ["a\u0000b\r\n.docx", "a_b__.docx"],
      [" .docx", "Report.docx"],
      ["  Copy.docx. ", "Copy.docx"],
      ["con.docx", "_con.docx"],
      ["\ud83d.docx", "\ufffd.docx"],
      ["\u3000", "Document"],
    ])("that may not be used is adjusted, still 200: %j", async (suggested, expected) => {
      const { client, folder } = await openNew();
      const { Name } = namedDocument(await suggest(client, suggested));
      expect(Name).toBe(expected === "Report.docx" ? "Report (2).docx" : expected);
      expect(await bridge.alice.list(folder)).toEqual([Name, "Report.docx"].sort());
    });

    it.each([
      "it's (1) & co; ~a=b, [x] {y} ^`!$@.docx",
      "100% #1 + 50%41.docx",
      "a%2Fb%2e%2e.docx",
      "C++ & D.docx",
      "under_score.docx",
      "emoji 😀🏳️‍🌈.docx",
      "تقرير ٢٠٢٦ עברית.docx",
      "evil\u202excod.docx",
      "文書 ユニコード.docx",
      "nfd e\u0301 and nfc \u00e9.docx",
    ])("that is only unusual is used to the letter: %s", async (name) => {
      const { client, folder } = await openNew();
      const { Name, Url } = namedDocument(await suggest(client, name));
      expect(Name).toBe(name);
      expect(await bridge.alice.list(folder)).toContain(name);
      expect((await openedAt(Url, client).check()).json()).toMatchObject({ BaseFileName: name });
    });

    it.each([
      ["of ASCII", `${"a".repeat(300)}.docx`],
      ["of CJK", `${"文".repeat(200)}.docx`],
      ["of emoji", `${"👩‍👩‍👧".repeat(60)}.docx`],
      ["without an extension", "x".repeat(600)],
    ])("that is very long is cut: %s", async (_name, name) => {
      const { client } = await openNew();
      const first = namedDocument(await suggest(client, name)).Name;
      const second = namedDocument(await suggest(client, name)).Name;
      for (const Name of [first, second]) {
        expect(Buffer.byteLength(Name)).toBeLessThanOrEqual(230);
        expect(Name.isWellFormed()).toBe(true);
        expect(Name.endsWith(".docx")).toBe(name.endsWith(".docx"));
      }
      expect(first).not.toBe(second);
    });

    it("that is not UTF-7 is 400, and nothing is made", async () => {
      const { client, folder } = await openNew();
      for (const value of ["C++.docx", "+A-.docx", "Gr\u00f6\u00dfe.docx"]) {
        expect((await saveAs(client, { "X-WOPI-SuggestedTarget": value })).status).toBe(400);
      }
      expect(await bridge.alice.list(folder)).toEqual(["Report.docx"]);
    });

    it("by five at once makes five files, and none is lost", async () => {
      const { client, folder, path } = await openNew();
      const others = await Promise.all(
        [1, 2, 3, 4].map((id) => bridge.open(path, { user: { id: `${id}`, name: "P" } })),
      );
      const texts = ["one", "two", "three", "four", "five"];
      const clients = [client, ...others];
      const answers = await Promise.all(texts.map((text, at) => suggest(clients[at] ?? client, "Same.docx", text)));
      const names = answers.map((answer) => namedDocument(answer).Name);
      expect(new Set(names).size).toBe(5);
      const contents = await contentsOf(bridge, folder);
      for (const [at, name] of names.entries()) expect(contents[name]).toBe(texts[at]);
      expect(Object.keys(contents)).toHaveLength(6);
    });
  });

  describe("with an exact name", () => {
    it.each([[undefined], ["false"], ["true"]])("that is free makes the file, overwrite: %s", async (overwrite) => {
      const { client, folder } = await openNew();
      expect(namedDocument(await exactly(client, "Exact größe.docx", overwrite)).Name).toBe("Exact größe.docx");
      expect((await contentsOf(bridge, folder))["Exact größe.docx"]).toBe("the copy");
    });

    it.each([[undefined], ["false"], ["False"], [""], ["1"], ["yes"]])(
      "that is taken is 409, and the other file stays as it is, overwrite: %s",
      async (overwrite) => {
        const { client, folder } = await openNew();
        await put(`${folder}/Taken größe.docx`, "theirs");
        expectConflict(await exactly(client, "Taken größe.docx", overwrite), "");
        expect(await contentsOf(bridge, folder)).toEqual({
          "Report.docx": "the original",
          "Taken größe.docx": "theirs",
        });
      },
    );

    it("that is taken is answered with one that is free, in UTF-7", async () => {
      const { client, folder } = await openNew();
      for (const name of ["Größe 文書_😀.docx", "Größe 文書_😀 (2).docx"]) await put(`${folder}/${name}`, "theirs");
      const answer = await exactly(client, "Größe 文書_😀.docx");
      const offered = answer.header("x-wopi-validrelativetarget") ?? "";
      expect(offered).toMatch(/^[\x20-\x7e]+$/);
      expect(fromUtf7(offered)).toBe("Größe 文書_😀 (3).docx");
      const again = await saveAs(client, { "X-WOPI-RelativeTarget": offered });
      expect(namedDocument(again).Name).toBe("Größe 文書_😀 (3).docx");
    });

    it.each([["true"], ["True"], ["TRUE"]])(
      "that is taken is overwritten at %s: the same file, a new version",
      async (yes) => {
        const { client, folder } = await openNew();
        const path = await put(`${folder}/Taken.docx`, "theirs");
        const before = await bridge.alice.info(path);
        const { Name, Url } = namedDocument(await exactly(client, "Taken.docx", yes));
        expect(Name).toBe("Taken.docx");
        const after = await bridge.alice.info(path);
        expect(after.id).toBe(before.id);
        expect(after.primary_entity).not.toBe(before.primary_entity);
        expect(new URL(Url).pathname).toBe(`/wopi/files/${before.id}`);
        expect(await contentsOf(bridge, folder)).toEqual({ "Report.docx": "the original", "Taken.docx": "the copy" });
      },
    );

    it.each(["", "<html>502</html>"])("that is taken by a real document is not overwritten by %j", async (body) => {
      const { client, folder } = await openNew();
      await put(`${folder}/Taken.docx`, "PK\u0003\u0004theirs");
      expect((await exactly(client, "Taken.docx", "true", body)).status).toBe(400);
      expect((await contentsOf(bridge, folder))["Taken.docx"]).toBe("PK\u0003\u0004theirs");
    });

    it("that is taken is overwritten by two at once: both are told so, and one of them is what stands there", async () => {
      const { client, folder } = await openNew();
      const path = await put(`${folder}/Taken.docx`, "theirs");
      const texts = ["by one", "by two", "by three"];
      const answers = await Promise.all(texts.map((text) => exactly(client, "Taken.docx", "true", text)));
      for (const answer of answers) namedDocument(answer);
      expect(texts).toContain(await bridge.alice.read(path));
      expect(await bridge.alice.list(folder)).toHaveLength(2);
    });

    it("of a document that is locked is 409 with that lock's id, overwrite or not, and nothing is written", async () => {
      const { client, folder } = await openNew();
      const path = await put(`${folder}/Locked.docx`, "theirs");
      const other = await bridge.open(path);
      await other.lock('{"S":"their lock"}');
      expectConflict(await exactly(client, "Locked.docx", "true"), '{"S":"their lock"}');
      expect((await exactly(client, "Locked.docx")).status).toBe(409);
      expect(await bridge.alice.read(path)).toBe("theirs");
      expect((await other.put("saved", '{"S":"their lock"}')).status).toBe(200);
    });

    it("of a document whose lock has run out a moment ago is overwritten", async () => {
      const { client, folder } = await openNew();
      const path = await put(`${folder}/Late.docx`, "theirs");
      const other = await bridge.open(path);
      await other.get();
      await other.lock("L");
      bridge.clock.advance(20 * minuteMs);
      expect((await other.put("saved", "L")).status).toBe(200);
      bridge.clock.advance(11 * minuteMs);
      namedDocument(await exactly(client, "Late.docx", "true"));
      expect(await bridge.alice.read(path)).toBe("the copy");
    });

    it.each([
      ["dav", "The document is open in a WebDAV client"],
      ["upload", "The document is being uploaded"],
    ])("of a document that %s holds in the drive is 409 that says so", async (type, reason) => {
      const { client, folder } = await openNew();
      const path = await put(`${folder}/Held.docx`, "theirs");
      const token = bridge.drive.plantLock("alice@example.com", `/${path}`, { type });
      const answer = await exactly(client, "Held.docx", "true");
      expectConflict(answer, "");
      expect(answer.header("x-wopi-lockedbyotherinterface")).toBe("true");
      expect(answer.header("x-wopi-lockfailurereason")).toBe(reason);
      expect(JSON.stringify([...answer.headers])).not.toContain(token);
      bridge.drive.forgetLocks();
      expect(await bridge.alice.read(path)).toBe("theirs");
    });

    it("that is the open file's own, which is locked, is 409 with its lock", async () => {
      const { client, path } = await openNew();
      await client.lock("mine");
      expectConflict(await exactly(client, "Report.docx", "true"), "mine");
      expect(await bridge.alice.read(path)).toBe("the original");
    });

    it("of a folder is 409, overwrite or not, and the folder stays", async () => {
      const { client, folder } = await openNew();
      await put(`${folder}/Folder.docx/inside.txt`, "inside");
      for (const overwrite of ["false", "true"]) expectConflict(await exactly(client, "Folder.docx", overwrite), "");
      expect(await bridge.alice.list(`${folder}/Folder.docx`)).toEqual(["inside.txt"]);
    });

    it.each([
      ["a slash", "a/b.docx"],
      ["a way up", "../up.docx"],
      ["a backslash", "a\\b.docx"],
      ["a colon", "a:b.docx"],
      ["a control character", "a\u0001.docx"],
      ["a line break", "a\r\nSet-Cookie: x.docx"],
      ["two dots", ".."],
      ["a dot", "."],
      ["a blank at its end", "a.docx "],
      ["a blank at its begin", "\u00a0a.docx"],
      ["a dot at its end", "a.docx."],
      ["a name of Windows'", "aux.docx"],
      ["half a character", "\udc00.docx"],
      ["more bytes than the drive can store", `${"文".repeat(76)}.docx`],
      ["far more", `${"a".repeat(4000)}.docx`],
    ])("that holds %s is 400 with a reason, and never adjusted", async (_what, name) => {
      const { client, folder } = await openNew();
      const answer = await exactly(client, name, "true");
      expect(answer.status).toBe(400);
      expect(answer.header("x-wopi-invalidfilenameerror")).toMatch(/^[\x20-\x7e]+$/);
      expect(await bridge.alice.list(folder)).toEqual(["Report.docx"]);
    });
  });

  describe("whose headers are wrong", () => {
    it.each([
      ["both names", { "X-WOPI-SuggestedTarget": ".docx", "X-WOPI-RelativeTarget": "x.docx" }, [400, 501]],
      ["no name", {}, [400]],
      ["empty names", { "X-WOPI-SuggestedTarget": "", "X-WOPI-RelativeTarget": "" }, [400]],
      ["only whether to overwrite", { "X-WOPI-OverwriteRelativeTarget": "true" }, [400]],
    ])("with %s is refused, and nothing is made", async (_what, headers, expected) => {
      const { client, folder } = await openNew();
      expect(expected).toContain((await saveAs(client, headers)).status);
      expect(await bridge.alice.list(folder)).toEqual(["Report.docx"]);
    });
  });

  describe.each<[string, Record<string, unknown>]>([
    ["by somebody who only looks", { action: "view" }],
    ["in a session without Save As", { options: { save_as: "none" } }],
  ])("%s", (_who, more) => {
    it.each<[string, Record<string, string>]>([
      ["a suggested name", { "X-WOPI-SuggestedTarget": "Copy.docx" }],
      ["an extension", { "X-WOPI-SuggestedTarget": ".odt" }],
      ["an exact name", { "X-WOPI-RelativeTarget": "Copy.docx" }],
      [
        "an exact name to overwrite",
        { "X-WOPI-RelativeTarget": "Report.docx", "X-WOPI-OverwriteRelativeTarget": "true" },
      ],
      [
        "an exact name not to overwrite",
        { "X-WOPI-RelativeTarget": "Report.docx", "X-WOPI-OverwriteRelativeTarget": "false" },
      ],
      ["an illegal name", { "X-WOPI-RelativeTarget": "../Copy.docx" }],
      ["a name that is not UTF-7", { "X-WOPI-SuggestedTarget": "+A-.docx" }],
      ["both names", { "X-WOPI-SuggestedTarget": "a.docx", "X-WOPI-RelativeTarget": "b.docx" }],
      ["no name", {}],
    ])("is 501, as CheckFileInfo says: %s", async (_what, headers) => {
      const { client, folder } = await openNew(more);
      expect((await client.check()).json()).toMatchObject({ UserCanNotWriteRelative: true });
      expect((await saveAs(client, headers)).status).toBe(501);
      expect(await contentsOf(bridge, folder)).toEqual({ "Report.docx": "the original" });
    });

    it("is 501 at a body over the limit too", async () => {
      const { client } = await openNew(more);
      const answer = await saveAs(client, { "X-WOPI-SuggestedTarget": "a.docx" }, "x".repeat(limitBytes + 1));
      expect(answer.status).toBe(501);
    });
  });
});
