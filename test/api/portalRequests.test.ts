import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { portalClient, problem } from "../support/portalClient.ts";
import { editorUrl, portalKey, type TestBridge, testBridge } from "../support/testBridge.ts";
import { wopiClient } from "../support/wopiClient.ts";

const viewer = (id: string, extension: string, disabled: boolean) => ({
  id,
  type: "wopi" as const,
  display_name: id,
  exts: [extension],
  wopi_actions: { [extension]: { view: `${editorUrl}/view?`, edit: `${editorUrl}/edit?` } },
  disabled,
});
const viewers = [
  viewer("writer", "docx", false),
  viewer("disabled-calc", "xlsx", true),
  viewer("open-writer", "odt", false),
];

describe("what portals ask for", () => {
  let bridge: TestBridge;
  const portal = portalClient(() => bridge);
  beforeAll(async () => {
    bridge = await testBridge({ drive: { viewers } });
  });
  afterAll(() => bridge.close());

  describe("a body", () => {
    const uri = "cloudreve://my/a.docx";
    const good = { uri, action: "edit" };
    const user = { id: "u", name: "U" };

    it.each<[string, unknown]>([
      ["uri", { action: "edit" }],
      ["uri", { ...good, file_id: "abc" }],
      ["uri", { ...good, uri: "https://example.org/a.docx" }],
      ["uri", { ...good, uri: 5 }],
      ["uri", { ...good, uri: `cloudreve://my/${"a".repeat(4100)}` }],
      ["file_id", { action: "edit", file_id: "a/b" }],
      ["file_id", { action: "edit", file_id: "" }],
      ["action", { uri }],
      ["action", { uri, action: "delete" }],
      ["action", { uri, action: "EDIT" }],
      ["version", { ...good, version: "../x" }],
      ["viewer_id", { ...good, viewer_id: "" }],
      ["parent_uri", { ...good, parent_uri: "file:///etc" }],
      ["user", { ...good, user: "Ümit" }],
      ["user", { ...good, user: null }],
      ["user.id", { ...good, user: { name: "U" } }],
      ["user.id", { ...good, user: { ...user, id: 7 } }],
      ["user.is_admin", { ...good, user: { ...user, is_admin: true } }],
      ["options", { ...good, options: [] }],
      ["options.print", { ...good, options: { print: "no" } }],
      ["options.watermark", { ...good, options: { watermark: "x".repeat(201) } }],
      ["options.prnit", { ...good, options: { prnit: false } }],
      ["colour", { ...good, colour: "red" }],
      ["__proto__", JSON.parse('{"uri":"cloudreve://my/a.docx","action":"edit","__proto__":{"x":1}}')],
      ["body", []],
      ["body", "just text"],
      ["body", "{bad"],
      ["body", "null"],
      ["body", "17"],
      ["body", JSON.stringify({ ...good, user: { ...user, name: "x".repeat(100_000) } })],
    ])("that is wrong in %s is 422 and the answer names it: %j", async (field, body) => {
      const answer = await portal.refused(body, 422);
      expect(answer.code).toBe("requestInvalid");
      expect(answer.errors?.map((error) => error.field)).toContain(field);
      for (const { message } of answer.errors ?? []) expect(message).not.toBe("");
      expect(answer.detail).toContain(field);
    });

    it("with several mistakes hears of all of them at once", async () => {
      const answer = await portal.refused({ uri: 5, action: "x", version: 7, colour: 1 }, 422);
      expect(answer.errors?.map((error) => error.field).sort()).toEqual(["action", "colour", "uri", "version"]);
    });

    it("hears of them in words that whoever wrote the call understands", async () => {
      const { errors } = await portal.refused(
        { uri: 5, version: "", colour: 1, user: { naem: "U" }, viewer_id: "x".repeat(200), options: { prnit: false } },
        422,
      );
      expect(Object.fromEntries((errors ?? []).map(({ field, message }) => [field, message]))).toEqual({
        uri: "must be text",
        action: "is missing",
        version: "must be a Cloudreve id",
        colour: "is not a field of this call",
        viewer_id: "must be at most 128 characters long",
        "user.id": "is missing",
        "user.naem": "is not a field of this call; did you mean name?",
        "options.prnit": "is not a field of this call; did you mean print?",
      });
    });

    it("with neither uri nor file_id hears of it beside all else", async () => {
      const { errors, detail } = await portal.refused({ action: "delete" }, 422);
      expect(errors).toEqual([
        { field: "action", message: 'must be "view" or "comment" or "review" or "edit"' },
        { field: "uri", message: "must have either uri or file_id" },
      ]);
      expect(detail).not.toMatch(/[Ii]nvalid|expected|received/);
    });

    it("of a link hears of a time that has passed beside all else", async () => {
      const sent = { permission: "fly", expires_at: "2001-01-01T00:00:00Z" };
      const { errors } = await problem(await portal.call("POST", "/links", sent));
      expect(errors).toEqual([
        { field: "permission", message: 'must be "view" or "comment" or "review" or "edit"' },
        { field: "uri", message: "must have either uri or file_id" },
        { field: "expires_at", message: "must be in the future" },
      ]);
    });

    it("that is not there is 422", async () => {
      const headers = { Authorization: `Bearer ${portalKey}` };
      const answered = await fetch(`${bridge.url}/api/sessions`, { method: "POST", headers });
      expect(answered.status).toBe(422);
    });

    it("is JSON whatever its type says", async () => {
      const { uri: real } = await portal.newFile();
      const answered = await bridge.postSession({ uri: real, action: "view" }, { "Content-Type": "text/plain" });
      expect(answered.status).toBe(201);
    });

    it("is not repeated in what is said about it", async () => {
      const answered = await bridge.postSession('{"access": "very-secret", bad');
      expect(await answered.text()).not.toContain("very-secret");
      expect(JSON.stringify(bridge.logLines)).not.toContain("very-secret");
    });
  });

  describe("a file", () => {
    it("that is not there is 404, by address and by id", async () => {
      expect((await portal.refused({ uri: "cloudreve://my/nothing.docx", action: "edit" }, 404)).code).toBe(
        "fileMissing",
      );
      expect((await portal.refused({ file_id: "zzzzzz", action: "edit" }, 404)).code).toBe("fileMissing");
      expect((await portal.refused({ uri: "cloudreve://my", action: "edit" }, 404)).code).toBe("fileMissing");
    });

    it("that is deleted, or in the trash, is 404", async () => {
      for (const forGood of [true, false]) {
        const { name, uri } = await portal.newFile();
        const { id } = await bridge.alice.info(name);
        await bridge.alice.call("DELETE", "/file", { uris: [uri], skip_soft_delete: forGood });
        await portal.refused({ uri, action: "edit" }, 404);
        await portal.refused({ file_id: id, action: "edit" }, 404);
      }
    });

    it("of somebody else is as good as not there", async () => {
      await bridge.bob.put("private.docx", "bob's");
      const { id } = await bridge.bob.info("private.docx");
      const me = (await bridge.bob.call("GET", "/user/me")).data as { id: string };
      const byId = await portal.refused({ file_id: id, action: "view" }, 404);
      const byUri = await portal.refused({ uri: `cloudreve://${me.id}@my/private.docx`, action: "view" }, 404);
      const missing = await portal.refused({ uri: "cloudreve://my/nothing.docx", action: "view" }, 404);
      expect(byId).toEqual(missing);
      expect(byUri).toEqual(missing);
    });

    it("shared by somebody else can't be opened here, and is not opened half", async () => {
      await bridge.bob.put("shared.docx", "bob's");
      const shared = await bridge.bob.call("PUT", "/share", { uri: "cloudreve://my/shared.docx" });
      const id = /\/s\/([^/]+)/.exec(String(shared.data))?.[1];
      await portal.refused({ uri: `cloudreve://${id}@share/shared.docx`, action: "view" }, 404);
    });

    it("that the owner reaches through his own share is the document itself", async () => {
      const { name, uri } = await portal.newFile();
      const shared = await bridge.alice.call("PUT", "/share", { uri });
      const id = /\/s\/([^/]+)/.exec(String(shared.data))?.[1];
      const client = wopiClient(await portal.session({ uri: `cloudreve://${id}@share/${name}` }));
      expect((await client.get()).text).toBe("text");
      expect((await client.lock("A")).status).toBe(200);
      expect(await bridge.alice.put(name, "theirs")).toBe(40073);
      expect((await client.put("after", "A")).status).toBe(200);
      expect(await bridge.alice.read(name)).toBe("after");
    });

    it("that is a folder is 422", async () => {
      await bridge.alice.put("folder.docx/inside.docx", "x");
      expect((await portal.refused({ uri: "cloudreve://my/folder.docx", action: "edit" }, 422)).code).toBe("noEditor");
    });

    it.each([
      ["no editor is set up for", "zip"],
      ["an administrator has switched the editor off for", "xlsx"],
    ])("%s is 422 with the sentence that the administrator needs", async (_name, extension) => {
      const { uri } = await portal.newFile(extension);
      const { code, detail } = await portal.refused({ uri, action: "edit" }, 422);
      expect(code).toBe("noEditor");
      expect(detail).toContain(`.${extension}`);
      expect(detail).toMatch(/administrator/);
    });

    it("for a viewer that is not there, or not for it, is 422 and names the viewer", async () => {
      const { uri } = await portal.newFile();
      for (const viewer_id of ["nobody", "open-writer", "disabled-calc"]) {
        const { detail } = await portal.refused({ uri, action: "edit", viewer_id }, 422);
        expect(detail).toContain(viewer_id);
      }
    });

    it("larger than the drive lets editors open is 422", async () => {
      const { uri } = await portal.newFile("docx", "x".repeat(100));
      bridge.drive.settings.maxEditSizeBytes = 99;
      expect((await portal.refused({ uri, action: "edit" }, 422)).code).toBe("bodyTooLarge");
      bridge.drive.settings.maxEditSizeBytes = 100;
      await portal.session({ uri });
    });
  });
});
