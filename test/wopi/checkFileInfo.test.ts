import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import { collabora, type WopiAnswer, type WopiClient } from "../support/wopiClient.ts";

/** Reference wopi.md sections 6 and 12: what each property must be. One that is not here must be looked up first. */
const types: Readonly<Record<string, "string" | "number" | "boolean" | "object">> = {
  BaseFileName: "string",
  OwnerId: "string",
  Size: "number",
  UserId: "string",
  Version: "string",
  UserFriendlyName: "string",
  IsAnonymousUser: "boolean",
  UserInfo: "string",
  UserCanWrite: "boolean",
  ReadOnly: "boolean",
  UserCanNotWriteRelative: "boolean",
  UserCanRename: "boolean",
  SupportsUpdate: "boolean",
  SupportsLocks: "boolean",
  SupportsGetLock: "boolean",
  SupportsExtendedLockLength: "boolean",
  SupportsRename: "boolean",
  SupportsDeleteFile: "boolean",
  SupportsUserInfo: "boolean",
  FileExtension: "string",
  FileNameMaxLength: "number",
  LastModifiedTime: "string",
  SHA256: "string",
  UniqueContentId: "string",
  BreadcrumbDocName: "string",
  PostMessageOrigin: "string",
  ClosePostMessage: "boolean",
  EditModePostMessage: "boolean",
  EditNotificationPostMessage: "boolean",
  IsAdminUser: "boolean",
  UserExtraInfo: "object",
  DisablePrint: "boolean",
  HidePrintOption: "boolean",
  DisableExport: "boolean",
  HideExportOption: "boolean",
  HideSaveOption: "boolean",
  DisableCopy: "boolean",
  CopyPasteRestrictions: "string",
  WatermarkText: "string",
};
const urlProperties = /(Url|URL)$/;

const info = async (client: WopiClient): Promise<Record<string, unknown>> => {
  const answer = await client.check();
  expect(answer.status, answer.text).toBe(200);
  return answer.json();
};

describe("CheckFileInfo", () => {
  let bridge: TestBridge;
  let documents = 0;
  beforeAll(async () => {
    bridge = await testBridge({ settings: { PORTAL_KEYS: "test:test-portal-key,other:other-portal-key" } });
  });
  afterAll(() => bridge.close());

  const openNew = async (more: Record<string, unknown> = {}, text = "some text", name = `doc-${++documents}.docx`) => {
    expect(await bridge.alice.put(name, text)).toBe(0);
    return { name, client: await bridge.open(name, more) };
  };

  describe("its form", () => {
    const fullUser = { id: "u", name: "Ümit", email: "u@example.com", avatar_url: "https://portal.example/u.png" };
    const options = { print: false, download: false, copy: false, watermark: "Ümit, confidential" };

    it.each([
      ["as little as possible", {}],
      ["everything said", { user: fullUser, options }],
      ["a viewer", { action: "view" }],
    ])("holds only properties that the protocol knows, each of its type, never null: %s", async (_name, more) => {
      const { client } = await openNew(more);
      for (const [property, value] of Object.entries(await info(client))) {
        expect(value, property).not.toBeNull();
        expect(types, `${property} is not in the table`).toHaveProperty(property);
        expect(typeof value, property).toBe(types[property]);
        if (typeof value === "string") expect(value, `${property} is empty`).not.toBe("");
        if (urlProperties.test(property)) expect(URL.canParse(String(value)), property).toBe(true);
      }
    });

    it("is JSON in UTF-8, of a true length, and not to be stored by anybody", async () => {
      const { client } = await openNew({ user: { id: "u", name: "Ümit 文" } });
      const answer = await client.check();
      expect(answer.header("content-type")).toMatch(/^application\/json(; charset=utf-8)?$/);
      expect(answer.header("content-length")).toBe(String(answer.bytes.length));
      expect(answer.header("cache-control")).toContain("no-store");
    });

    it("has the five that the protocol demands, right for the file", async () => {
      const { client, name } = await openNew({}, "twelve bytes");
      const drive = await bridge.alice.info(name);
      const facts = await info(client);
      expect(facts).toMatchObject({ BaseFileName: name, Size: 12, Version: drive.primary_entity });
      expect(facts["OwnerId"]).toMatch(/^[A-Za-z0-9]+$/);
      expect(facts["UserId"]).toMatch(/^[A-Za-z0-9]+$/);
    });

    it("gives the size of an empty file as the number 0", async () => {
      const { client } = await openNew({}, "");
      expect((await info(client))["Size"]).toBe(0);
    });

    it("gives Collabora what it takes the absence of for an error or for a no", async () => {
      const facts = await info((await openNew()).client);
      expect(facts["IsAdminUser"]).toBe(false);
      expect(facts).toHaveProperty("UserCanNotWriteRelative");
    });

    it("names our host page's origin for messages: no path, no slash, no wildcard", async () => {
      const facts = await info((await openNew()).client);
      expect(facts["PostMessageOrigin"]).toBe(new URL(bridge.url).origin);
    });

    it("gives the extension with its dot", async () => {
      const facts = await info((await openNew({}, "x", "Report.v2.docx")).client);
      expect(facts["FileExtension"]).toBe(".docx");
    });

    it("gives a hash that is the content's, when it gives one", async () => {
      const { client } = await openNew();
      await client.lock("hash");
      await client.put("hello", "hash");
      expect((await info(client))["SHA256"]).toBe("LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=");
      await client.unlock("hash");
      await bridge.alice.put(client.session.file.name, "something else");
      expect((await info(client))["SHA256"]).toBeUndefined();
    });
  });

  describe("the person", () => {
    it("is the owner when the portal names nobody", async () => {
      const { client } = await openNew();
      const facts = await info(client);
      expect(facts["UserId"]).toBe(facts["OwnerId"]);
      expect(facts["UserFriendlyName"]).toBe("Alice");
    });

    it("is named as the portal names him, with a stable id of his own, and is not anonymous", async () => {
      const { client, name } = await openNew({ user: { id: "u1", name: "Ümit & Co" } });
      const first = await info(client);
      const again = await info(await bridge.open(name, { user: { id: "u1", name: "Ümit, renamed" } }));
      const other = await info(await bridge.open(name, { user: { id: "u2", name: "Ümit & Co" } }));
      expect(first["UserFriendlyName"]).toBe("Ümit & Co");
      expect(first["IsAnonymousUser"]).toBe(false);
      expect(again["UserId"]).toBe(first["UserId"]);
      expect(other["UserId"]).not.toBe(first["UserId"]);
      expect(first["UserId"]).not.toBe(first["OwnerId"]);
      expect(other["OwnerId"]).toBe(first["OwnerId"]);
    });

    it("can't pass for the owner by giving the owner's id", async () => {
      const { client, name } = await openNew();
      const { OwnerId } = await info(client);
      const facts = await info(await bridge.open(name, { user: { id: OwnerId, name: "Mallory" } }));
      expect(facts["UserId"]).not.toBe(OwnerId);
    });

    it("of one portal is not the person of the same id at another portal", async () => {
      const { name, client } = await openNew({ user: { id: "u1", name: "A" } });
      const here = await info(client);
      const body = { uri: bridge.alice.uriOf(name), action: "edit", user: { id: "u1", name: "A" } };
      const answered = await bridge.postSession(body, { Authorization: "Bearer other-portal-key" });
      const session = (await answered.json()) as { action_url: string; access_token: string };
      const src = new URL(session.action_url).searchParams.get("WOPISrc");
      const there = (await (await fetch(`${src}?access_token=${session.access_token}`)).json()) as { UserId: string };
      expect(there.UserId).not.toBe(here["UserId"]);
    });

    it("gets an id that editors can take: letters and digits, whatever the portal's holds", async () => {
      const { client } = await openNew({ user: { id: "a|b/c d@é.example 😀", name: "X" } });
      expect((await info(client))["UserId"]).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
    });

    it("is shown with his picture and mail address", async () => {
      const user = { id: "u", name: "U", email: "u@example.com", avatar_url: "https://portal.example/u.png" };
      const { client } = await openNew({ user });
      const facts = await info(client);
      expect(facts["UserExtraInfo"]).toEqual({ avatar: "https://portal.example/u.png", mail: "u@example.com" });
    });
  });

  describe("rights", () => {
    it("of an editor: may write", async () => {
      expect(await info((await openNew()).client)).toMatchObject({ UserCanWrite: true, ReadOnly: false });
    });

    it("of a viewer: may not write, whatever the file allows", async () => {
      expect(await info((await openNew({ action: "view" })).client)).toMatchObject({ UserCanWrite: false });
    });

    it("are answered for each token by itself", async () => {
      const { name, client } = await openNew();
      const viewer = await bridge.open(name, { action: "view" });
      const [one, two] = await Promise.all([info(client), info(viewer)]);
      expect([one["UserCanWrite"], two["UserCanWrite"]]).toEqual([true, false]);
    });

    it("forbid printing, downloading, copying and mark the pages as the portal says", async () => {
      const none = await info((await openNew()).client);
      for (const name of ["DisablePrint", "DisableExport", "DisableCopy", "WatermarkText", "CopyPasteRestrictions"]) {
        expect(none, name).not.toHaveProperty(name);
      }
      const options = { print: false, download: false, copy: false, watermark: "confidential" };
      expect(await info((await openNew({ options })).client)).toMatchObject({
        DisablePrint: true,
        DisableExport: true,
        DisableCopy: true,
        CopyPasteRestrictions: "CurrentDocumentOnly",
        WatermarkText: "confidential",
      });
    });

    it("are not touched by options that allow", async () => {
      const options = { print: true, download: true, copy: true };
      const facts = await info((await openNew({ options })).client);
      for (const name of ["DisablePrint", "DisableExport", "DisableCopy"]) expect(facts).not.toHaveProperty(name);
    });
  });

  describe("a flag is a promise", () => {
    const over = (override: string) => (client: WopiClient) => client.post(override, { "X-WOPI-Lock": "flag" }, "x");
    /** What each flag promises; a flag that is not here must never be true. */
    const promised: Readonly<Record<string, readonly ((client: WopiClient) => Promise<WopiAnswer>)[]>> = {
      SupportsUpdate: [(client) => client.put("x", "flag")],
      SupportsLocks: [
        (client) => client.lock("flag"),
        (client) => client.unlock("flag"),
        (client) => client.refresh("flag"),
        (client) => client.relock("flag", "flag-2"),
      ],
      SupportsGetLock: [(client) => client.getLock()],
      SupportsExtendedLockLength: [(client) => client.lock("x".repeat(1024))],
      SupportsRename: [over("RENAME_FILE")],
      SupportsDeleteFile: [over("DELETE")],
      SupportsUserInfo: [over("PUT_USER_INFO")],
    };

    it.each(["edit", "view"])(
      "what is true is never answered 501, what is false changes nothing: %s",
      async (action) => {
        const { client } = await openNew({ action });
        const facts = await info(client);
        const flags = Object.keys(facts).filter((name) => name.startsWith("Supports"));
        expect(flags.length).toBeGreaterThan(4);
        for (const flag of flags) {
          for (const call of promised[flag] ?? []) {
            const answer = await call(client);
            if (facts[flag] === true) expect(answer.status, flag).not.toBe(501);
            else expect(answer.status, flag).toBe(501);
          }
          if (facts[flag] === true) expect(promised, `nobody has tried ${flag}`).toHaveProperty(flag);
        }
      },
    );

    it("Save As is either allowed or answered 501 in every form, header mistakes included", async () => {
      const { client } = await openNew();
      const facts = await info(client);
      const forms: Record<string, string>[] = [
        { "X-WOPI-SuggestedTarget": ".docx" },
        { "X-WOPI-RelativeTarget": "x.docx" },
        { "X-WOPI-SuggestedTarget": ".docx", "X-WOPI-RelativeTarget": "x.docx" },
        {},
      ];
      for (const headers of forms) {
        const { status } = await client.post("PUT_RELATIVE", headers, "x");
        if (facts["UserCanNotWriteRelative"] === true) expect(status).toBe(501);
        else expect([200, 400, 409, 501]).toContain(status);
      }
    });
  });

  describe("version and time", () => {
    const text = (tag: number) => `content number ${tag}`;

    it("move with each save, and are the same in every answer", async () => {
      const { client } = await openNew();
      const before = await info(client);
      expect((await client.get()).header("x-wopi-itemversion")).toBe(before["Version"]);
      await client.lock("v");
      const seen = new Set([before["Version"]]);
      for (const tag of [1, 2, 3]) {
        const saved = await client.put(text(tag), "v");
        const after = await info(client);
        expect(saved.header("x-wopi-itemversion")).toBe(after["Version"]);
        expect(saved.json()["LastModifiedTime"]).toBe(after["LastModifiedTime"]);
        expect((await client.get()).header("x-wopi-itemversion")).toBe(after["Version"]);
        expect(seen).not.toContain(after["Version"]);
        seen.add(after["Version"]);
      }
      await client.unlock("v");
    });

    it("stand still while only locks move", async () => {
      const { client } = await openNew();
      const before = await info(client);
      for (const call of [
        () => client.lock("a"),
        () => client.refresh("a"),
        () => client.relock("a", "b"),
        () => client.unlock("b"),
      ]) {
        const answer = await call();
        expect(answer.header("x-wopi-itemversion")).toBe(before["Version"]);
        const after = await info(client);
        expect(after["Version"]).toBe(before["Version"]);
        expect(after["LastModifiedTime"]).toBe(before["LastModifiedTime"]);
      }
    });

    it("the time is UTC in whole seconds, and for each reader the same", async () => {
      const { client, name } = await openNew();
      const { LastModifiedTime } = await info(client);
      expect(LastModifiedTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      const reader = await bridge.open(name, { action: "view", user: { id: "r", name: "R" } });
      expect((await info(reader))["LastModifiedTime"]).toBe(LastModifiedTime);
    });
  });

  describe("names", () => {
    const names = [
      "it's (1) & co; ~a=b, [x] {y} ^`!$@.docx",
      "100% #1 + 50%41.docx",
      "a%2Fb%2e%2e.docx",
      "a+b c.docx",
      "emoji 😀🏳️‍🌈.docx",
      "تقرير ٢٠٢٦ עברית.docx",
      "文書 ユニコード.docx",
      "nfd e\u0301 and nfc \u00e9.docx",
      ".leading dot.docx",
      "  blanks  inside .docx",
      `${"ä".repeat(112)}.docx`,
    ];

    it.each(names)("%s is shown, read, locked, saved and read back", async (name) => {
      expect(await bridge.alice.put(name, "first")).toBe(0);
      const client = await bridge.open(name, { user: { id: "n", name } });
      expect(await info(client)).toMatchObject({ BaseFileName: name, UserFriendlyName: name, FileExtension: ".docx" });
      expect((await client.get()).text).toBe("first");
      expect((await client.lock("name")).status).toBe(200);
      expect((await client.put("second", "name")).status).toBe(200);
      expect((await client.unlock("name")).status).toBe(200);
      expect(await bridge.alice.read(name)).toBe("second");
    });

    it("an upper-case extension finds its editor", async () => {
      const { client } = await openNew({}, "x", "SHOUTING.DOCX");
      expect((await info(client))["FileExtension"]).toBe(".DOCX");
    });
  });

  describe("an old version", () => {
    const openOld = async (more: Record<string, unknown> = {}) => {
      const { name, client: live } = await openNew({}, "the first");
      const { primary_entity: version } = await bridge.alice.info(name);
      await bridge.alice.put(name, "the second one");
      return { name, live, version, old: await bridge.open(name, { version, action: "view", ...more }) };
    };

    it("is another document to editors, with its own version, size and bytes", async () => {
      const { live, old, version } = await openOld();
      expect(old.src).not.toBe(live.src);
      expect(await info(old)).toMatchObject({ Version: version, Size: 9 });
      expect((await old.get()).text).toBe("the first");
      expect((await old.get()).header("x-wopi-itemversion")).toBe(version);
      expect((await live.get()).text).toBe("the second one");
    });

    it("can't be written, even when the portal asked to edit it", async () => {
      const { old, name } = await openOld({ action: "edit" });
      expect(old.session.permission).toBe("view");
      expect(await info(old)).toMatchObject({ UserCanWrite: false, ReadOnly: true });
      expect((await old.put("x")).status).toBe(404);
      expect((await old.put("x", "lock")).status).toBe(404);
      expect((await old.lock("lock")).status).toBe(404);
      expect(await bridge.alice.read(name)).toBe("the second one");
    });

    it("asked for to edit is opened with the editor's viewing address", async () => {
      const { old } = await openOld({ action: "edit" });
      expect(new URL(old.session.action_url).pathname).toBe("/view");
    });

    it("that is the current one is the live document", async () => {
      const { name, live } = await openOld();
      const { primary_entity: version } = await bridge.alice.info(name);
      const same = await bridge.open(name, { version });
      expect(same.src).toBe(live.src);
      expect(same.session.permission).toBe("edit");
    });

    it("stays readable when the file is renamed", async () => {
      const { old, name, version } = await openOld();
      expect(await bridge.alice.rename(name, `renamed ${name}`)).toBe(0);
      expect(await info(old)).toMatchObject({ Version: version, BaseFileName: `renamed ${name}` });
      expect((await old.get()).text).toBe("the first");
    });

    it("is not opened by the live document's token, nor the other way round", async () => {
      const { old, live } = await openOld();
      const crossed = await fetch(`${old.src}?access_token=${live.session.access_token}`);
      expect(crossed.status).toBe(401);
      const back = await fetch(`${live.src}?access_token=${old.session.access_token}`);
      expect(back.status).toBe(401);
    });
  });

  it("of a file that was deleted says 404, of one in the trash too", async () => {
    const { client, name } = await openNew();
    expect(await bridge.alice.remove(name)).toBe(0);
    expect((await client.check()).status).toBe(404);
    const other = await openNew();
    await bridge.alice.call("DELETE", "/file", { uris: [bridge.alice.uriOf(other.name)] });
    expect((await other.client.check()).status).toBe(404);
  });
});

describe("LastModifiedTime and the drive's own clock", () => {
  let bridge: TestBridge;
  beforeAll(async () => {
    bridge = await testBridge();
  });
  afterAll(() => bridge.close());

  it("stays what it was when the file is renamed in the drive, and the new name shows at once", async () => {
    await bridge.alice.put("before.docx", "text");
    const client = await bridge.open("before.docx");
    const before = await info(client);
    bridge.clock.advance(5_000);
    expect(await bridge.alice.rename("before.docx", "after.docx")).toBe(0);
    const after = await info(client);
    expect(after["BaseFileName"]).toBe("after.docx");
    expect(after["LastModifiedTime"]).toBe(before["LastModifiedTime"]);
    expect(after["Version"]).toBe(before["Version"]);
  });

  it("after a save and a rename is what the save was told", async () => {
    await bridge.alice.put("saved.docx", "text");
    const client = await bridge.open("saved.docx");
    await client.lock("t");
    const saved = await client.put("more text", "t");
    await client.unlock("t");
    bridge.clock.advance(5_000);
    await bridge.alice.rename("saved.docx", "saved 2.docx");
    expect((await info(client))["LastModifiedTime"]).toBe(saved.json()["LastModifiedTime"]);
  });

  it("is not moved by somebody who leafs through old versions after a rename", async () => {
    const versions: string[] = [];
    for (const text of ["1", "2", "3", "4", "5", "6"]) {
      await bridge.alice.put("live.docx", text);
      versions.push((await bridge.alice.info("live.docx")).primary_entity);
    }
    const live = await bridge.open("live.docx");
    const before = await info(live);
    bridge.clock.advance(5_000);
    await bridge.alice.rename("live.docx", "live 2.docx");
    for (const version of versions.slice(0, -1)) {
      await info(await bridge.open("live 2.docx", { version, action: "view" }));
    }
    expect((await info(live))["LastModifiedTime"]).toBe(before["LastModifiedTime"]);
  });

  it("of an old version stays what it was when the live document is saved", async () => {
    await bridge.alice.put("kept.docx", "the first");
    const { primary_entity: version } = await bridge.alice.info("kept.docx");
    await bridge.alice.put("kept.docx", "the second");
    const old = await bridge.open("kept.docx", { version, action: "view" });
    const before = await info(old);
    bridge.clock.advance(5_000);
    const live = await bridge.open("kept.docx");
    await live.lock("k");
    await live.put("the third", "k");
    await live.unlock("k");
    expect((await info(old))["LastModifiedTime"]).toBe(before["LastModifiedTime"]);
  });

  it("moves with a change that others make, and lets the next save compare with it", async () => {
    await bridge.alice.put("moving.docx", "text");
    const client = await bridge.open("moving.docx");
    const before = await info(client);
    bridge.clock.advance(5_000);
    await bridge.alice.put("moving.docx", "their text");
    const after = await info(client);
    expect(after["LastModifiedTime"]).not.toBe(before["LastModifiedTime"]);
    await client.get();
    await client.lock("m");
    const saved = await client.put("mine", "m", collabora({ timestamp: String(after["LastModifiedTime"]) }));
    expect(saved.status).toBe(200);
  });
});
