import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openBrowser } from "../support/browser.ts";
import { until } from "../support/until.ts";
import { openStage, type Stage, says, visit } from "./hostPageStage.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser?.close());

describe.each(["collabora", "onlyoffice"] as const)("the page around %s", (guise) => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage({ guise });
  });
  afterAll(() => stage?.close());

  const open = async () => {
    const context = await browser.newContext({ locale: "en-GB" });
    const session = await stage.session();
    return { session, ...(await visit(context, session.host_page_url)) };
  };

  it("is offered no command in the editor that it can't carry out", async () => {
    const { editor } = await open();
    for (const label of ["Insert picture", "Version history", "Edit"])
      expect(await editor.getByRole("button", { name: label, exact: true }).count(), label).toBe(0);
  });

  it("shows the new name of a document, and closes it", async () => {
    const { page, editor, line } = await open();
    await editor.locator("#rename").click();
    await editor.locator("#new-name").fill(`Größe 50% ${guise}`);
    await editor.locator("#ask-name-ok").click();
    await until("the title is new", async () => (await page.title()) === `Größe 50% ${guise}.txt`);
    await editor.locator("#close").click();
    await says(line, "The document is closed.");
  });

  /** What an editor says, in its own frame; the demo editor itself sends none of these. */
  const tell = async (visitor: Awaited<ReturnType<typeof open>>, MessageId: string, Values = {}) => {
    const frame = visitor.page.frames().find((one) => one.name() === "editor-frame");
    await frame?.evaluate(
      ([message, origin]) => parent.postMessage(message, origin ?? ""),
      [JSON.stringify({ MessageId, SendTime: 0, Values }), stage.bridge.url],
    );
  };

  it("says that a document needs its password, and opens it again", async () => {
    const visitor = await open();
    await tell(visitor, "UI_Cancel_Password");
    const notice = visitor.page.locator("#notice");
    await says(notice, "This document can only be opened with its password.");
    await notice.getByRole("button", { name: "Open again" }).click();
    await visitor.editor.locator("#text:not([readonly])").waitFor();
    expect(await notice.textContent()).toBe("");
  });

  it("says that the editor could not open the document", async () => {
    const visitor = await open();
    await tell(visitor, "Action_Load_Resp", { success: false, errorMsg: "no" });
    await says(visitor.line, "The editor could not open the document.");
  });

  it("survives messages that it does not know, and values that are none", async () => {
    const visitor = await open();
    await tell(visitor, "Doc_Failed");
    await tell(visitor, "constructor");
    await tell(visitor, "Action_Save_Resp", { success: true, fileName: 7 });
    await tell(visitor, "UI_SaveAs", { format: { toString: "x" } });
    await tell(visitor, "File_Rename", { NewName: "100% mine" });
    await until("the title is new", async () => (await visitor.page.title()) === "100% mine.txt");
  });
});
