import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { linkOwner } from "../support/linkOwner.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import { editorForm, type WebAnswer, type WebPerson, webPerson } from "../support/webPerson.ts";
import { collabora, type WopiClient, wopiOfForm } from "../support/wopiClient.ts";

let bridge: TestBridge;
let url: string;
let fileId: string;
let visitor: WebPerson;
let page: WebAnswer;
let editor: WopiClient;

beforeAll(async () => {
  bridge = await testBridge();
  await bridge.alice.put("shown.txt", "only to be read");
  fileId = (await bridge.alice.info("shown.txt")).id;
  url = await (await linkOwner(bridge)).makeLink(fileId, { permission: "view" });
});
afterAll(() => bridge.close());

beforeEach(async () => {
  visitor = webPerson(bridge.url);
  page = await visitor.follow(await visitor.post(url, { name: "Eve", permission: "edit", action: "edit" }));
  editor = wopiOfForm(editorForm(page));
});

/** Whatever was tried: the owner's file is as it was, nothing new is beside it, and the owner can write. */
async function expectUntouched(): Promise<void> {
  expect(await bridge.alice.read("shown.txt")).toBe("only to be read");
  expect(await bridge.alice.list()).toEqual(["shown.txt"]);
  const before = (await bridge.alice.info("shown.txt")).primary_entity;
  expect(await bridge.alice.put("shown.txt", "only to be read")).toBe(0);
  expect((await bridge.alice.info("shown.txt")).primary_entity).not.toBe(before);
}

const writes: readonly [string, () => Promise<{ status: number }>][] = [
  ["LOCK", () => editor.lock("lock-1")],
  ["LOCK with an old lock", () => editor.relock("lock-1", "lock-2")],
  ["REFRESH_LOCK", () => editor.refresh("lock-1")],
  ["UNLOCK", () => editor.unlock("lock-1")],
  ["PUT", () => editor.put("written", "lock-1")],
  ["PUT without a lock", () => editor.put("written")],
  ["PUT as Collabora's overwrite", () => editor.put("written", "lock-1", collabora({}))],
  ["PUT as an exit save", () => editor.put("written", "lock-1", collabora({ exitSave: true }))],
  ["PUT_RELATIVE", () => editor.post("PUT_RELATIVE", { "X-WOPI-SuggestedTarget": ".txt" }, "written")],
  [
    "PUT_RELATIVE over itself",
    () => {
      const headers = { "X-WOPI-RelativeTarget": "shown.txt", "X-WOPI-OverwriteRelativeTarget": "true" };
      return editor.post("PUT_RELATIVE", headers, "written");
    },
  ],
  ["RENAME_FILE", () => editor.post("RENAME_FILE", { "X-WOPI-RequestedName": "renamed" })],
  ["DELETE", () => editor.post("DELETE")],
  ["PUT on the file itself", () => editor.post("PUT", { "X-WOPI-Lock": "lock-1" }, "written")],
  ["COBALT", () => editor.post("COBALT", {}, "written")],
  ["an override in lower case", () => editor.post("put_relative", { "X-WOPI-SuggestedTarget": ".txt" }, "written")],
];

describe("a link to view", () => {
  it("shows the document, and tells the editor that it can't be changed", async () => {
    expect((await editor.get()).text).toBe("only to be read");
    expect((await editor.check()).json()).toMatchObject({
      UserCanWrite: false,
      UserCanRename: false,
      UserCanNotWriteRelative: true,
      SupportsDeleteFile: false,
    });
  });

  it.each(writes)("lets nothing be written by %s", async (_operation, attempt) => {
    const { status } = await attempt();
    expect([404, 501]).toContain(status);
    await expectUntouched();
  });

  it("gives no more when the editor's address is turned into the one to edit", async () => {
    const form = editorForm(page);
    const edit = wopiOfForm({ ...form, actionUrl: form.actionUrl.replace("/view?", "/edit?") });
    expect((await edit.check()).json()["UserCanWrite"]).toBe(false);
    expect((await edit.put("written", "lock-1")).status).toBe(404);
    await expectUntouched();
  });

  it("gives no more after renewal", async () => {
    const key = /"pageKey":"([\w-]+)"/.exec(page.text)?.[1];
    const renewed = await fetch(`${bridge.url}/edit/${key}/renew`, { method: "POST", body: '{"permission":"edit"}' });
    const { access_token: accessToken } = (await renewed.json()) as { access_token: string };
    const again = wopiOfForm({ ...editorForm(page), accessToken });
    expect((await again.put("written", "lock-1")).status).toBe(404);
    await expectUntouched();
  });

  it("holds no token that the drive itself would take", async () => {
    const { accessToken } = editorForm(page);
    const native = `${bridge.drive.url}/api/v4/file/wopi/${fileId}`;
    const put = await fetch(`${native}/contents?access_token=${accessToken}`, {
      method: "POST",
      headers: { "X-WOPI-Override": "PUT" },
      body: "written",
    });
    expect(put.ok).toBe(false);
    const rest = await fetch(`${bridge.drive.url}/api/v4/file/content?uri=cloudreve%3A%2F%2Fmy%2Fshown.txt`, {
      method: "PUT",
      headers: { Authorization: `Bearer ${accessToken}` },
      body: "written",
    });
    expect(((await rest.json()) as { code: number }).code).not.toBe(0);
    await expectUntouched();
  });

  it("is no key to the API and no sign-in on the pages", async () => {
    const { accessToken } = editorForm(page);
    const secret = url.slice(url.lastIndexOf("/") + 1);
    for (const key of [accessToken, secret]) {
      const answered = await bridge.postSession(
        { file_id: fileId, action: "edit" },
        { Authorization: `Bearer ${key}` },
      );
      expect(answered.status).toBe(401);
    }
    for (const path of [`/open?file_id=${fileId}`, `/share?file_id=${fileId}`, "/links", "/"]) {
      expect((await visitor.get(path)).location).toContain("/signin?");
    }
    const share = await visitor.post("/share", { file_id: fileId, permission: "edit" });
    expect(share.location).toContain("/signin?");
  });

  it.each([
    ["another file", (claims: Record<string, unknown>) => ({ ...claims, f: "someOtherFile" })],
    ["a permission of its own", (claims: Record<string, unknown>) => ({ ...claims, permission: "edit" })],
  ])("has a token that can't be altered to name %s", async (_what, alter) => {
    const form = editorForm(page);
    const [head = "", body = "", signature = ""] = form.accessToken.split(".");
    const claims = JSON.parse(Buffer.from(body, "base64url").toString()) as Record<string, unknown>;
    const altered = Buffer.from(JSON.stringify(alter(claims))).toString("base64url");
    const unsigned = Buffer.from('{"alg":"none"}').toString("base64url");
    for (const accessToken of [`${head}.${altered}.${signature}`, `${unsigned}.${altered}.`]) {
      expect((await wopiOfForm({ ...form, accessToken }).check()).status).toBe(401);
    }
  });
});
