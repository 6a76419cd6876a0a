import { describe, expect, it } from "vitest";
import { suiteOf } from "../../src/editors/suites.ts";
import type { HostReply } from "./demoEditorHost.ts";
import { type DemoPage, eventually, postForm } from "./demoEditorPage.ts";
import { demoSession } from "./demoEditorSession.ts";

const demo = demoSession({ guise: "onlyoffice" });

const forceSaving = { docs_api_config: JSON.stringify({ editorConfig: { customization: { forcesave: true } } }) };

function answerSaves(reply: HostReply | undefined): void {
  demo.host.rule = (call) => (call.operation === "PUT" ? reply : undefined);
}

function callsOf(operation: string): number {
  return demo.host.operations().filter((each) => each === operation).length;
}

function setVersion(version: string): void {
  const file = demo.host.files.get("1");
  if (file !== undefined) file.version = version;
}

async function type(page: DemoPage, text: string): Promise<void> {
  page.type(text);
  await eventually(() => page.settled);
}

/** The last one leaves, and the seconds pass after which the editor takes the document for finished. */
async function leaveForGood(page: DemoPage): Promise<void> {
  const before = callsOf("UNLOCK");
  await page.leave();
  demo.nowMs += 5_000;
  await eventually(() => callsOf("UNLOCK") === before + 1);
}

/** Posts the form of a host page; its page never connects. */
function postOnly(token: string, action: "edit" | "view" = "edit", form: Record<string, string> = {}) {
  const pageUrl = (demo.editor.actions()["txt"]?.[action] ?? "").replaceAll(/<[^>]*>/g, "");
  return postForm({ editorUrl: demo.editor.url, pageUrl, wopiSrc: demo.host.wopiSrc("1"), token, form });
}

describe("ONLYOFFICE's discovery", () => {
  it("has an address per action, by which the suite is known, with placeholders", () => {
    const { txt = {} } = demo.editor.actions();
    expect(txt["edit"]).toContain("/hosting/wopi/word/edit?<rs=DC_LLCC&>");
    expect(txt["view"]).toContain("/hosting/wopi/word/view?");
    expect(suiteOf((txt["edit"] ?? "").replaceAll(/<[^>]*>/g, "")).name).toBe("onlyoffice");
  });

  it("offers phones, embedding, new, old and form documents", async () => {
    const actions = demo.editor.actions();
    const names = new Set(Object.values(actions).flatMap((byName) => Object.keys(byName)));
    expect([...names].sort()).toEqual(
      ["convert", "edit", "editnew", "embedview", "formedit", "formsubmit", "mobileEdit", "mobileView", "view"].sort(),
    );
    expect(Object.keys(actions["doc"] ?? {})).not.toContain("edit");
    expect(await (await fetch(demo.editor.discoveryUrl)).text()).toContain('name="convert" ext="doc" targetext="docx"');
  });
});

describe("opening a document in ONLYOFFICE", () => {
  it("asks CheckFileInfo and LOCK as the page is posted, and GetFile as it connects", async () => {
    await postOnly("ann");
    expect(demo.host.operations()).toEqual(["CheckFileInfo", "LOCK"]);
    expect((await demo.open("bob")).text).toBe("hello");
    expect(demo.host.operations()).toEqual(["CheckFileInfo", "LOCK", "CheckFileInfo", "LOCK", "GetFile"]);
  });

  it("leaves the lock of a page that never connects", async () => {
    await postOnly("ann");
    demo.nowMs += 3_600_000;
    await demo.editor.close();
    expect(demo.host.operations()).toEqual(["CheckFileInfo", "LOCK"]);
  });

  it("sends the token in the query alone, and the names of the address in lower case", async () => {
    await demo.open("ann", { query: "&Permission=edit&UI=de" });
    expect(demo.host.last("GetFile").headers).not.toHaveProperty("authorization");
    expect(demo.host.last("GetFile").query.get("permission")).toBe("edit");
    expect(demo.host.last("GetFile").query.has("Permission")).toBe(false);
  });

  it("locks with the same id at every opening, after a crash too", async () => {
    await leaveForGood(await demo.open("ann"));
    const first = demo.host.last("LOCK").headers["x-wopi-lock"];
    await demo.crashAndRestart();
    await demo.open("bob");
    expect(demo.host.last("LOCK").headers["x-wopi-lock"]).toBe(first);
  });

  it("shares one text among all editors of a file, whatever Version the host tells a newcomer", async () => {
    setVersion("1");
    const ann = await demo.open("ann");
    const bob = await demo.open("bob");
    setVersion("2");
    const carl = await demo.open("carl");
    await type(ann, "hello from ann");
    await eventually(() => bob.text === "hello from ann" && carl.text === "hello from ann");
    expect(callsOf("GetFile")).toBe(1);
  });

  it("gives viewers a document of their own, without a lock", async () => {
    const ann = await demo.open("ann");
    const viewer = await demo.open("vera", { action: "view" });
    await type(ann, "hello from ann");
    expect(viewer.text).toBe("hello");
    expect(callsOf("LOCK")).toBe(1);
    expect(callsOf("GetFile")).toBe(2);
  });

  it("opens read-only for somebody whose lock the host refuses", async () => {
    const refusal = { status: 409, headers: { "X-WOPI-LockFailureReason": "open in WebDAV" } };
    demo.host.rule = (call) => (call.operation === "LOCK" ? refusal : undefined);
    const page = await demo.open("ann");
    expect((await page.heard("access")).readOnly).toEqual({ reason: "Read-only: open in WebDAV", canTryAgain: false });
  });

  it("says why nothing opens when CheckFileInfo is refused", async () => {
    demo.host.rule = () => ({ status: 401 });
    const page = await demo.open("ann");
    expect((await page.heard("failed")).reason).toContain("401");
    expect(demo.host.operations()).toEqual(["CheckFileInfo"]);
  });

  it("reads only the properties it knows", async () => {
    const unknown = { HideSaveOption: true, EnableShare: true, SaveAsPostmessage: true };
    demo.host.people.set("ann", { ...unknown, FileSharingPostMessage: false, ClosePostMessage: true });
    const info = await (await demo.open("ann")).heard("info");
    expect(info).toMatchObject({ hidesSave: false, enableShare: false, saveAsByMessage: false, closesByMessage: true });
    demo.host.people.set("bob", { FileSharingPostMessage: true, FileVersionPostMessage: true });
    const other = await (await demo.open("bob")).heard("info");
    expect(other.enableShare).toBe(true);
    expect(other.buttons.map(({ message }) => message)).toEqual(["UI_FileVersions"]);
  });

  it("hears four messages, and no Action_Save and no Action_Close among them", async () => {
    const { host } = await (await demo.open("ann")).heard("info");
    expect([...host.hears].sort()).toEqual(["Action_InsertGraphic", "Blur_Focus", "Grab_Focus"]);
    expect(host.tells).not.toContain("Doc_ModifiedStatus");
    expect(host.tells).toContain("Edit_Notification");
  });

  it("converts an old format beside the file and goes on where the host edits the new one", async () => {
    demo.host.files.set("1", { name: "Old.doc", content: Buffer.from("old"), lastModifiedTime: "" });
    const pageUrl = (demo.editor.actions()["doc"]?.["convert"] ?? "").replaceAll(/<[^>]*>/g, "");
    const wopiSrc = demo.host.wopiSrc("1");
    const answer = await postForm({ editorUrl: demo.editor.url, pageUrl, wopiSrc, token: "ann" });
    expect(demo.host.operations()).toEqual(["CheckFileInfo", "GetFile", "PUT_RELATIVE"]);
    expect(demo.host.last("PUT_RELATIVE").headers).toMatchObject({
      "x-wopi-suggestedtarget": ".docx",
      "x-wopi-fileconversion": "true",
    });
    expect(answer.status).toBe(302);
    expect(answer.headers.get("location")).toBe(`${demo.host.origin}/edit/copy`);
  });
});

describe("ONLYOFFICE's docs_api_config", () => {
  it("is merged before the editor's own values, and permissions of the host stay", async () => {
    const posted = {
      document: { permissions: { download: false, edit: false }, key: "mine" },
      editorConfig: { mode: "view", customization: { forcesave: true } },
    };
    demo.host.people.set("ann", { DisablePrint: true });
    await postOnly("ann", "edit", { docs_api_config: JSON.stringify(posted) });
    expect(demo.editor.pageConfigs[0]).toEqual({
      document: { permissions: { download: false, edit: true, print: false }, key: "1" },
      editorConfig: { mode: "edit", customization: { forcesave: true } },
    });
  });

  it("is passed over when it is no JSON", async () => {
    expect((await postOnly("ann", "edit", { docs_api_config: "{forcesave" })).status).toBe(200);
    expect(demo.editor.pageConfigs[0]?.editorConfig).toEqual({ mode: "edit" });
  });
});

describe("saving in ONLYOFFICE", () => {
  it("waits for the seconds after the last one left, with the old header names and the editors' ids", async () => {
    const page = await demo.open("ann");
    await type(page, "changed");
    demo.nowMs += 6 * 60_000;
    await page.leave();
    expect(callsOf("PUT")).toBe(0);
    demo.nowMs += 5_000;
    await eventually(() => callsOf("UNLOCK") === 1);
    const { headers, body } = demo.host.last("PUT");
    expect(body.toString()).toBe("changed");
    expect(headers).toMatchObject({
      "x-lool-wopi-isexitsave": "true",
      "x-lool-wopi-timestamp": expect.any(String),
      "x-wopi-lock": demo.host.last("LOCK").headers["x-wopi-lock"],
      "x-wopi-editors": "id-of-ann",
    });
    expect(Object.keys(headers).filter((name) => name.startsWith("x-cool"))).toEqual([]);
  });

  it("goes on in the same document for somebody who comes within those seconds", async () => {
    const ann = await demo.open("ann");
    await type(ann, "unsaved");
    await ann.leave();
    const bob = await demo.open("bob");
    expect(bob.text).toBe("unsaved");
    demo.nowMs += 60_000;
    await bob.save();
    expect(callsOf("PUT") + callsOf("UNLOCK")).toBe(0);
  });

  it("stores nothing at Save, and the page stays modified", async () => {
    const page = await demo.open("ann");
    expect((await page.typeAndSave("changed"))?.success).toBe(true);
    expect(callsOf("PUT")).toBe(0);
    expect((await page.heard("state")).modified).toBe(true);
  });

  it("stores at Save where the host has asked for forced saves", async () => {
    const page = await demo.open("ann", { form: forceSaving });
    await page.typeAndSave("changed");
    expect(demo.host.last("PUT").body.toString()).toBe("changed");
    expect(demo.host.last("PUT").headers["x-lool-wopi-isexitsave"]).toBe("false");
    await page.heard("state", ({ modified }) => !modified);
  });

  it("swallows the refusal of a forced save, tries it no more, and sends the text once more at the end", async () => {
    const page = await demo.open("ann", { form: forceSaving });
    answerSaves({ status: 409, body: { COOLStatusCode: 1010 } });
    expect((await page.typeAndSave("changed"))?.success).toBe(true);
    expect(page.messages.some((message) => message.type === "conflict")).toBe(false);
    await page.heard("state", ({ modified, problem }) => !modified && problem === null);
    demo.nowMs += 10 * 60_000;
    await eventually(() => callsOf("REFRESH_LOCK") === 1);
    expect(callsOf("PUT")).toBe(1);
    answerSaves(undefined);
    await leaveForGood(page);
    expect(demo.host.last("PUT").headers["x-lool-wopi-isexitsave"]).toBe("true");
  });

  it("refreshes the lock by the newest joiner's token, although that one is refused", async () => {
    await demo.open("ann");
    await demo.open("bob");
    demo.host.rule = (call) => (call.token === "bob" ? { status: 401 } : undefined);
    demo.nowMs += 10 * 60_000;
    await eventually(() => callsOf("REFRESH_LOCK") > 0);
    demo.nowMs += 10 * 60_000;
    await eventually(() => callsOf("REFRESH_LOCK") > 3);
    const refreshes = demo.host.calls.filter(({ operation }) => operation === "REFRESH_LOCK");
    expect(new Set(refreshes.map(({ token }) => token))).toEqual(new Set(["bob"]));
  });
});

describe("an exit save that ONLYOFFICE could not place", () => {
  it.each([401, 404, 409, 413, 500, 503])(
    "is kept after %d, and opened instead of the file for everybody",
    async (status) => {
      setVersion("1");
      const ann = await demo.open("ann");
      await type(ann, "refused");
      answerSaves({ status });
      await leaveForGood(ann);
      expect(callsOf("PUT")).toBe(1);
      const file = demo.host.files.get("1");
      if (file !== undefined) file.content = Buffer.from("newer in the drive");
      expect((await demo.open("bob")).text).toBe("refused");
      expect((await demo.open("vera", { action: "view" })).text).toBe("refused");
      expect(callsOf("GetFile")).toBe(1);
    },
  );

  it("is saved under the next person's name, who typed nothing", async () => {
    setVersion("1");
    const ann = await demo.open("ann");
    await type(ann, "refused");
    answerSaves({ status: 401 });
    await leaveForGood(ann);
    answerSaves(undefined);
    await leaveForGood(await demo.open("bob"));
    expect(demo.host.last("PUT").token).toBe("bob");
    expect(demo.host.last("PUT").body.toString()).toBe("refused");
  });

  it("outlives a crash of the editor", async () => {
    setVersion("1");
    const ann = await demo.open("ann");
    await type(ann, "refused");
    answerSaves({ status: 500 });
    await leaveForGood(ann);
    await demo.crashAndRestart();
    expect((await demo.open("bob")).text).toBe("refused");
  });

  it("is forgotten for good once CheckFileInfo names another Version", async () => {
    setVersion("1");
    const ann = await demo.open("ann");
    await type(ann, "refused");
    answerSaves({ status: 500 });
    await leaveForGood(ann);
    setVersion("2");
    expect((await demo.open("bob")).text).toBe("hello");
  });

  it("is no matter of forced saves", async () => {
    setVersion("1");
    const ann = await demo.open("ann", { form: forceSaving });
    answerSaves({ status: 500 });
    await ann.typeAndSave("forced and refused");
    answerSaves(undefined);
    await leaveForGood(ann);
    expect(demo.host.last("PUT").body.toString()).toBe("forced and refused");
    await leaveForGood(await demo.open("bob"));
    expect(callsOf("PUT")).toBe(2);
  });
});

describe("an exit save that was answered 200 under an unchanged Version", () => {
  it("is opened from the editor's cache, and not sent again", async () => {
    setVersion("1");
    const ann = await demo.open("ann");
    await type(ann, "laid aside by the host");
    answerSaves({ status: 200 });
    await leaveForGood(ann);
    const bob = await demo.open("bob");
    expect(bob.text).toBe("laid aside by the host");
    await leaveForGood(bob);
    expect(callsOf("PUT")).toBe(1);
    expect(callsOf("GetFile")).toBe(1);
  });
});

describe("a document with a FileUrl", () => {
  it("is read there, without a token, and by GetFile not even when that fails", async () => {
    const path = "/wopi/files/1/direct/contents";
    demo.host.people.set("ann", { FileUrl: `${demo.host.origin}${path}` });
    expect((await demo.open("ann")).text).toBe("hello");
    expect(demo.host.last("GetFile")).toMatchObject({ target: path, token: "" });
    expect(demo.host.last("GetFile").headers.authorization).toBeUndefined();
    demo.host.rule = ({ target }) => (target === path ? { status: 401 } : undefined);
    await demo.restartEditor({});
    const before = callsOf("GetFile");
    expect((await (await demo.open("ann")).heard("failed")).reason).toContain("FileUrl");
    expect(callsOf("GetFile")).toBe(before + 1);
  });
});
