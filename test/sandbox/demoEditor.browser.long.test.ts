import type { Browser, Frame, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type DemoEditor, openDemoEditor } from "../../src/sandbox/demoEditor/demoEditor.ts";
import type { GuiseName } from "../../src/sandbox/demoEditor/guises.ts";
import { openBrowser } from "../support/browser.ts";
import { until } from "../support/until.ts";
import { type DemoHost, openDemoHost } from "./demoEditorHost.ts";
import { eventually } from "./demoEditorPage.ts";

let browser: Browser;
let host: DemoHost;
let editor: DemoEditor;

beforeAll(async () => {
  browser = await openBrowser();
});

afterAll(() => browser.close());

beforeEach(async () => {
  host = await openDemoHost();
  host.files.set("1", { name: "Notes.txt", content: Buffer.from("hello"), lastModifiedTime: "2026-11-20T10:00:00Z" });
  editor = await openDemoEditor({ port: 0, signs: false });
});

afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
  await editor.kill();
  await host.close();
});

/** A host page: posts the token into the editor's frame and keeps what the editor says. */
function hostPageHtml(token: string, ttl: string): string {
  const address = (editor.actions()["txt"]?.["edit"] ?? "").replaceAll(/<[^>]*>/g, "");
  const action = `${address}closebutton=1&WOPISrc=${encodeURIComponent(host.wopiSrc("1"))}`;
  return `<!doctype html><meta charset="utf-8"><body style="margin:0">
<form method="post" action="${action}" target="editor">
<input type="hidden" name="access_token" value="${token}"><input type="hidden" name="access_token_ttl" value="${ttl}"></form>
<iframe name="editor" style="border:0;width:100vw;height:100vh"></iframe>
<script>
window.heard = [];
window.say = (MessageId, Values = {}) =>
  frames[0].postMessage(JSON.stringify({ MessageId, SendTime: Date.now(), Values }), ${JSON.stringify(editor.url)});
addEventListener("message", (event) => {
  if (event.origin !== ${JSON.stringify(editor.url)}) return;
  const message = JSON.parse(event.data);
  window.heard.push(message);
});
document.forms[0].submit();
</script>`;
}

/** Opens the host page, or a portal at another origin that holds it in a frame of its own. */
async function openAs(token: string, through: "host-page" | "portal" = "host-page", ttl = "0") {
  const page = await (await browser.newContext()).newPage();
  const hostPage = host.page(`/host-page-${token}`, hostPageHtml(token, ttl));
  const frameHtml = `<!doctype html><iframe src="${hostPage}" style="width:90vw;height:90vh"></iframe>`;
  const portal = host.page(`/portal-${token}`, frameHtml).replace("127.0.0.1", "localhost");
  await page.goto(through === "portal" ? portal : hostPage);
  const frame = await eventually(() => page.frames().find((each) => each.url().startsWith(editor.url)));
  await state(frame, "saved");
  return { page, frame };
}

function heard(page: Page | Frame, messageId: string): Promise<Record<string, unknown>> {
  return page
    .waitForFunction((wanted) => {
      const all = (window as unknown as { heard: { MessageId: string; Values: Record<string, unknown> }[] }).heard;
      return all.findLast(({ MessageId }) => MessageId === wanted)?.Values;
    }, messageId)
    .then((handle) => handle.jsonValue() as Promise<Record<string, unknown>>);
}

function timesHeard(page: Page, messageId: string): Promise<number> {
  return page.evaluate((wanted) => {
    const all = (window as unknown as { heard: { MessageId: string }[] }).heard;
    return all.filter(({ MessageId }) => MessageId === wanted).length;
  }, messageId);
}

function say(page: Page | Frame, messageId: string, values: Record<string, unknown> = {}): Promise<void> {
  return page.evaluate(
    ([id, given]) => (window as unknown as { say: (id: string, values: object) => void }).say(id, given),
    [messageId, values] as const,
  );
}

/** Waits until the page's state line says exactly this. */
async function state(frame: Frame, text: string): Promise<void> {
  await frame.waitForFunction((wanted) => document.getElementById("state")?.textContent === wanted, text);
}

describe("the editor's page in a browser", () => {
  it("shows two people each other's text as they type, and saves it", async () => {
    const ann = await openAs("ann");
    const bob = await openAs("bob");
    await ann.frame.locator("#text").press("End");
    await ann.frame.locator("#text").pressSequentially(" from Ann");
    await bob.frame.waitForFunction(() =>
      (document.getElementById("text") as HTMLTextAreaElement).value.endsWith("Ann"),
    );
    await bob.frame.locator("#text").press("Control+Home");
    await bob.frame.locator("#text").pressSequentially("Bob says ");
    await ann.frame.waitForFunction(
      () => (document.getElementById("text") as HTMLTextAreaElement).value === "Bob says hello from Ann",
    );
    expect(await ann.frame.locator("#people").textContent()).toContain("bob");
    await state(bob.frame, "unsaved changes");
    await bob.frame.locator("#save").click();
    await state(ann.frame, "saved");
    expect(host.last("PUT").body.toString()).toBe("Bob says hello from Ann");
    expect(host.last("PUT").token).toBe("bob");
    expect(host.last("PUT").headers["x-cool-wopi-extendeddata"]).toBe("undefined");
  });

  it("talks with the host page once that is ready, and saves and closes for it", async () => {
    const { page, frame } = await openAs("ann");
    expect(await heard(page, "App_LoadingStatus")).toMatchObject({ Status: "Document_Loaded" });
    expect(await heard(page, "Views_List")).toMatchObject([{ UserName: "ann", ReadOnly: false, IsCurrentView: true }]);
    await say(page, "Host_PostmessageReady");
    await frame.locator("#text").fill("changed");
    expect(await heard(page, "Doc_ModifiedStatus")).toEqual({ Modified: true });
    await say(page, "Action_Save");
    await state(frame, "saved");
    expect(host.last("PUT").body.toString()).toBe("changed");
    await say(page, "Action_Save", { DontSaveIfUnmodified: true, Notify: true });
    expect(await heard(page, "Action_Save_Resp")).toEqual({ success: true, result: "unmodified", errorMsg: "" });
    expect(await timesHeard(page, "Action_Save_Resp")).toBe(1);
    await frame.locator("#text").fill("changed again");
    await frame.locator("#close").click();
    expect(await heard(page, "UI_Close")).toEqual({ EverModified: true });
    await eventually(() => host.operations().includes("UNLOCK"));
    expect(host.last("PUT").body.toString()).toBe("changed again");
    expect(host.last("PUT").headers["x-cool-wopi-isexitsave"]).toBe("true");
  });

  it("works in a frame within a frame, and hears neither a page that is not ready nor another origin", async () => {
    const { page: portal, frame } = await openAs("ann", "portal");
    await portal.evaluate((target) => {
      const close = JSON.stringify({ MessageId: "Action_Close", Values: {} });
      const ready = JSON.stringify({ MessageId: "Host_PostmessageReady", Values: {} });
      for (const message of [close, ready, close]) frames[0]?.frames[0]?.postMessage(message, target);
    }, editor.url);
    const hostPage = await eventually(() => portal.frames().find((each) => each.url().startsWith(host.origin)));
    await say(hostPage, "Action_Close");
    await say(hostPage, "Host_PostmessageReady");
    await say(hostPage, "Get_Views");
    expect(await heard(hostPage, "Get_Views_Resp")).toMatchObject([{ UserName: "ann" }]);
    expect(await frame.locator("#state").textContent()).toBe("saved");
    await say(hostPage, "Action_Close");
    await state(frame, "closed");
  });

  it("saves every letter typed just before the browser goes elsewhere", async () => {
    const { page, frame } = await openAs("ann");
    // From here on only the page's beacon gets through.
    await frame.evaluate(() => {
      window.fetch = () => new Promise<never>(() => undefined);
    });
    await frame.locator("#text").fill("typed at the last moment");
    await page.goto("about:blank");
    await eventually(() => host.operations().includes("UNLOCK"));
    expect(host.last("PUT").body.toString()).toBe("typed at the last moment");
  });

  it("asks everybody what to do when the document changed in storage", async () => {
    const ann = await openAs("ann");
    const bob = await openAs("bob");
    host.rule = ({ operation }) => (operation === "PUT" ? { status: 409 } : undefined);
    await ann.frame.locator("#text").fill("mine");
    await ann.frame.locator("#save").click();
    await bob.frame.locator("#conflict").waitFor();
    await state(bob.frame, "not saved: the document was changed in storage");
    host.rule = () => undefined;
    await ann.frame.locator("#conflict-overwrite").click();
    await state(bob.frame, "saved");
    await bob.frame.locator("#conflict").waitFor({ state: "hidden" });
    expect(host.last("PUT").headers).not.toHaveProperty("x-cool-wopi-timestamp");
  });

  it("shows why it is read-only and becomes editable on trying again", async () => {
    const refusal = { status: 409, headers: { "X-WOPI-Lock": "", "X-WOPI-LockFailureReason": "open in WebDAV" } };
    host.rule = ({ operation }) => (operation === "LOCK" ? refusal : undefined);
    const { frame } = await openAs("ann");
    expect(await frame.locator("#read-only").textContent()).toContain("open in WebDAV");
    expect(await frame.locator("#text").isEditable()).toBe(false);
    host.rule = () => undefined;
    await frame.locator("#try-lock").click();
    await frame.locator("#read-only").waitFor({ state: "hidden" });
    expect(await frame.locator("#text").isEditable()).toBe(true);
  });

  it("renames, and saves under a new name and goes on there", async () => {
    const { page, frame } = await openAs("ann");
    await frame.locator("#rename").click();
    await frame.locator("#new-name").fill("Größe");
    await frame.locator("#ask-name-ok").click();
    expect(await heard(page, "File_Rename")).toEqual({ NewName: "renamed" });
    expect(await frame.locator("#name").textContent()).toBe("renamed.txt");
    expect(host.last("RENAME_FILE").headers["x-wopi-requestedname"]).toBe("Gr+APYA3w-e");
    await frame.locator("#save-as").click();
    await frame.locator("#new-name").fill("copy");
    await frame.locator("#new-name").press("Enter");
    await frame.locator("#name").filter({ hasText: "copy.txt" }).waitFor();
    expect(host.last("PUT_RELATIVE").headers["x-wopi-suggestedtarget"]).toBe("copy.txt");
    await frame.locator("#text").fill("in the copy");
    await frame.locator("#save").click();
    await state(frame, "saved");
    expect(host.files.get("copy")?.content.toString()).toBe("in the copy");
  });

  it("leaves Save as and Share to the host page where that wants it", async () => {
    host.people.set("ann", { SaveAsPostmessage: true, EnableShare: true });
    const { page, frame } = await openAs("ann");
    await frame.locator("#share").click();
    await heard(page, "UI_Share");
    await frame.locator("#save-as").click();
    expect(await heard(page, "UI_SaveAs")).toEqual({ format: "txt" });
    await say(page, "Host_PostmessageReady");
    await say(page, "Action_SaveAs", { Filename: "copy.txt", Notify: true });
    expect(await heard(page, "Action_Save_Resp")).toMatchObject({ success: true, fileName: "copy.txt" });
  });

  it("asks the host page for a fresh token before the old one ends, and saves again with it", async () => {
    const { page, frame } = await openAs("ann", "host-page", String(Date.now() + 60_000));
    await heard(page, "App_TokenExpiring");
    await say(page, "Host_PostmessageReady");
    host.rule = (call) => (call.operation === "PUT" && call.token === "ann" ? { status: 401 } : undefined);
    await frame.locator("#text").fill("typed late");
    await frame.locator("#save").click();
    await state(frame, "not saved: your session has expired");
    await say(page, "Reset_Access_Token", { token: "ann-2", access_token_ttl: String(Date.now() + 3_600_000) });
    await state(frame, "saved");
    expect(host.last("PUT").token).toBe("ann-2");
  });

  it("tells the host page when the editor closes the session", async () => {
    const { page, frame } = await openAs("ann");
    await editor.close();
    expect(await heard(page, "Session_Closed")).toEqual({ Reason: "recycling" });
    await state(frame, "closed");
  });
});

async function restartAs(guise: GuiseName): Promise<void> {
  await editor.kill();
  editor = await openDemoEditor({ port: 0, signs: false, guise, exitDelayMs: 0 });
}

describe("Collabora's page in a browser", () => {
  beforeEach(() => restartAs("collabora"));

  it("does nothing at Save as and Export until the host gives a name", async () => {
    const { page, frame } = await openAs("ann");
    await frame.locator("#save-as").click();
    expect(await heard(page, "UI_SaveAs")).toEqual({});
    expect(await frame.locator("#ask-name").isVisible()).toBe(false);
    await frame.getByRole("button", { name: "Export as PDF" }).click();
    await until("both buttons are heard of", async () => (await timesHeard(page, "UI_SaveAs")) === 2);
    expect(await heard(page, "UI_SaveAs")).toEqual({ format: "pdf" });
    expect(host.operations()).not.toContain("PUT_RELATIVE");
    await say(page, "Host_PostmessageReady");
    await say(page, "Action_SaveAs", { Filename: "copy.txt", Notify: true });
    expect(await heard(page, "Action_Save_Resp")).toMatchObject({ success: true, fileName: "copy.txt" });
    expect(host.operations()).toContain("PUT_RELATIVE");
  });

  it("escapes the new name, and tells which button of the host was clicked", async () => {
    const { page, frame } = await openAs("ann");
    host.rule = ({ operation }) =>
      operation === "RENAME_FILE" ? { status: 200, body: { Name: "Größe 2" } } : undefined;
    await frame.locator("#rename").click();
    await frame.locator("#new-name").fill("Größe 2");
    await frame.locator("#ask-name-ok").click();
    expect(await heard(page, "File_Rename")).toEqual({ NewName: "Gr%C3%B6%C3%9Fe%202" });
    await say(page, "Host_PostmessageReady");
    await say(page, "Insert_Button", { id: "mine", label: "Mine" });
    await frame.getByRole("button", { name: "Mine" }).click();
    expect(await heard(page, "Clicked_Button")).toEqual({ Id: "mine" });
  });

  it("answers a save after Action_Close has closed the document, and was unmodified before either", async () => {
    const { page, frame } = await openAs("ann");
    await say(page, "Host_PostmessageReady");
    let answer: (reply: { status: number }) => void = () => undefined;
    const held = new Promise<{ status: number }>((resolve) => {
      answer = resolve;
    });
    host.rule = ({ operation }) => (operation === "PUT" ? held : undefined);
    await frame.locator("#text").fill("changed");
    await say(page, "Action_Save", { Notify: true });
    await eventually(() => host.operations().includes("PUT"));
    await until("it is unmodified", async () => (await heard(page, "Doc_ModifiedStatus"))["Modified"] === false);
    await say(page, "Action_Close");
    await state(frame, "closed");
    expect(await timesHeard(page, "Action_Save_Resp")).toBe(0);
    answer({ status: 200 });
    expect(await heard(page, "Action_Save_Resp")).toMatchObject({ success: true });
  });
});

describe("ONLYOFFICE's page in a browser", () => {
  beforeEach(() => restartAs("onlyoffice"));

  it("tells of the first edit once, and obeys neither Action_Save nor Action_Close", async () => {
    host.people.set("ann", { EditNotificationPostMessage: true });
    const { page, frame } = await openAs("ann");
    await say(page, "Host_PostmessageReady");
    await frame.locator("#text").fill("one");
    await heard(page, "Edit_Notification");
    await frame.locator("#text").fill("one, two");
    await say(page, "Action_Save", { Notify: true });
    await say(page, "Action_Close");
    // Its server fetches the picture, from the host of the document.
    await say(page, "Action_InsertGraphic", { url: "http://elsewhere.example/picture.png" });
    await frame.locator("#notice-text", { hasText: "may not fetch from that host" }).waitFor();
    await state(frame, "unsaved changes");
    expect(await timesHeard(page, "Edit_Notification")).toBe(1);
    expect(await timesHeard(page, "Doc_ModifiedStatus")).toBe(0);
    expect(host.operations()).not.toContain("PUT");
  });
});
