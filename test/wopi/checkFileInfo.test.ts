import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type OperationsStage, operationsStage } from "../support/operationsStage.ts";
import type { WopiAnswer, WopiClient } from "../support/wopiClient.ts";

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
  SupportsAddActivities: "boolean",
  FileExtension: "string",
  FileNameMaxLength: "number",
  LastModifiedTime: "string",
  SHA256: "string",
  UniqueContentId: "string",
  BreadcrumbDocName: "string",
  DownloadUrl: "string",
  HostEditUrl: "string",
  FileVersionUrl: "string",
  FileVersionPostMessage: "boolean",
  PostMessageOrigin: "string",
  ClosePostMessage: "boolean",
  EnableShare: "boolean",
  FileSharingPostMessage: "boolean",
  FileSharingUrl: "string",
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
  let bridge: OperationsStage;
  let documents = 0;
  beforeAll(async () => {
    bridge = await operationsStage();
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

    it("is led to our page that edits only when she has signed in here", async () => {
      const { name, client } = await openNew();
      const owner = await bridge.openAsOwner(name);
      const { id } = await bridge.alice.info(name);
      expect(await info(owner)).toMatchObject({ HostEditUrl: `http://bridge.example/open?file_id=${id}` });
      // A portal's pages are its own, and there is no page of ours that only shows a document.
      expect(await info(client)).not.toHaveProperty("HostEditUrl");
      expect(await info(owner)).not.toHaveProperty("HostViewUrl");
    });

    it("is led to the document's versions only when she has signed in here", async () => {
      const { name, client } = await openNew();
      const owner = await info(await bridge.openAsOwner(name));
      const { id } = await bridge.alice.info(name);
      expect(owner["FileVersionUrl"]).toBe(`http://bridge.example/versions/${id}`);
      expect(owner["FileVersionPostMessage"]).toBe(true);
      for (const property of ["FileVersionUrl", "FileVersionPostMessage"]) {
        expect(await info(client)).not.toHaveProperty(property);
      }
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
      const user = { id: "u1", name: "A" };
      const there = await info(await bridge.open(name, { user }, { portal: "other" }));
      expect(there["UserId"]).not.toBe(here["UserId"]);
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
      SupportsAddActivities: [over("ADD_ACTIVITIES")],
    };

    const roles: readonly [string, Record<string, unknown>][] = [
      ["the owner", {}],
      ["a colleague who edits", { user: { id: "c", name: "Colleague" } }],
      ["the owner who only looks", { action: "view" }],
      ["a colleague who only looks", { action: "view", user: { id: "c", name: "Colleague" } }],
    ];

    it.each(roles)("to %s: what is true is never 501, what is false is refused", async (_who, more) => {
      const { client } = await openNew(more);
      const facts = await info(client);
      const flags = Object.keys(facts).filter((name) => name.startsWith("Supports"));
      expect(flags.length).toBeGreaterThan(4);
      for (const flag of flags) {
        for (const call of promised[flag] ?? []) {
          const answer = await call(client);
          if (facts[flag] === true) expect(answer.status, flag).not.toBe(501);
          else expect([404, 501], flag).toContain(answer.status);
        }
        if (facts[flag] === true) expect(promised, `nobody has tried ${flag}`).toHaveProperty(flag);
      }
    });

    it.each(roles)("to %s: what he may is done, what he may not is refused and changes nothing", async (_who, more) => {
      const { client, name } = await openNew(more);
      const facts = await info(client);
      const before = await bridge.alice.info(name);
      const isWriter = facts["UserCanWrite"] === true;
      expect(facts["UserCanRename"]).toBe(isWriter);
      expect(facts["UserCanNotWriteRelative"]).toBe(!isWriter);
      if (!isWriter) expect(facts["SupportsDeleteFile"]).toBe(false);
      const rename = { "X-WOPI-RequestedName": `renamed ${name}` };
      expect((await client.lock("flag")).status).toBe(isWriter ? 200 : 404);
      expect((await client.put("flagged", "flag")).status).toBe(isWriter ? 200 : 404);
      expect((await client.unlock("flag")).status).toBe(isWriter ? 200 : 404);
      expect((await client.post("PUT_RELATIVE", { "X-WOPI-SuggestedTarget": ".md" }, "x")).status).toBe(
        isWriter ? 200 : 501,
      );
      expect((await client.post("RENAME_FILE", rename)).status).toBe(isWriter ? 200 : 404);
      if (!isWriter) expect(await bridge.alice.info(name)).toEqual(before);
      expect((await client.post("DELETE")).status).toBe(facts["SupportsDeleteFile"] === true ? 200 : 404);
    });

    it("is the same promise after a save, a rename, Save As and a kept text", async () => {
      const { client, name } = await openNew();
      const flags = async () =>
        Object.fromEntries(Object.entries(await info(client)).filter(([flag]) => /^(Supports|UserCan)/.test(flag)));
      const before = await flags();
      await client.lock("flag");
      await client.put("saved", "flag");
      await client.post("RENAME_FILE", { "X-WOPI-RequestedName": `renamed ${name}`, "X-WOPI-Lock": "flag" });
      await client.post("PUT_RELATIVE", { "X-WOPI-SuggestedTarget": ".md" }, "x");
      await client.post("PUT_USER_INFO", {}, "kept");
      expect(await flags()).toEqual(before);
      await client.unlock("flag");
    });

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

  it("of a file that was deleted says 404, of one in the trash too", async () => {
    const { client, name } = await openNew();
    expect(await bridge.alice.remove(name)).toBe(0);
    expect((await client.check()).status).toBe(404);
    const other = await openNew();
    await bridge.alice.call("DELETE", "/file", { uris: [bridge.alice.uriOf(other.name)] });
    expect((await other.client.check()).status).toBe(404);
  });
});
