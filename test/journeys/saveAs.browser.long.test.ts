import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { wordsIn } from "../../src/words/words.ts";
import { openBrowser } from "../support/browser.ts";
import { until } from "../support/until.ts";
import { openStage, type SmallServer, type Stage, says, serve, visit } from "./hostPageStage.ts";

let browser: Browser;
let stage: Stage;
let context: BrowserContext;
let server: SmallServer;
let portal: string;
/** What a page says on its console or throws; the pages of this file say nothing. */
let complaints: string[];

/** The title of this portal becomes what it hears of a new file. */
function portalPage(bridgeUrl: string): string {
  return `<!doctype html><meta charset="utf-8"><title>Portal</title>
<body style="margin:0"><main style="height:600px"></main>
<script type="module">
import { openDocument } from "${bridgeUrl}/embed.js";
const session = JSON.parse(decodeURIComponent(location.hash.slice(1)));
const on = { savedAs: (detail) => { document.title = JSON.stringify(detail); } };
openDocument(document.querySelector("main"), { session, on });
</script>`;
}

beforeAll(async () => {
  server = await serve((_request, response) => {
    response.setHeader("Content-Type", "text/html").end(portalPage(stage.bridge.url));
  });
  portal = `http://localhost:${server.port}`;
  stage = await openStage({ guise: "collabora", settings: { EMBED_ORIGINS: portal } });
  browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
  await stage?.close();
  await server?.close();
});
beforeEach(async () => {
  complaints = [];
  context = await browser.newContext({ locale: "en-GB" });
  context.on("weberror", (error) => complaints.push(String(error.error())));
});
afterEach(async () => {
  await context.close();
  expect(complaints).toEqual([]);
});

const open = async (more?: Record<string, unknown>) => {
  const session = await stage.session(more);
  const visitor = await visit(context, session.host_page_url);
  const { page, editor } = visitor;
  return {
    session,
    ...visitor,
    dialog: page.locator("#save-as"),
    field: page.locator("#save-as-name"),
    notice: page.locator("#notice"),
    saveAs: () => editor.locator("#save-as").click(),
    exportAs: () => editor.getByRole("button", { name: "Export as PDF" }).click(),
  };
};

const stemOf = (name: string): string => name.replace(/\.[^.]+$/, "");
const focused = (page: Page): Promise<string> => page.evaluate(() => document.activeElement?.id ?? "");

describe("Save As in Collabora", () => {
  it("asks for a name, makes the file beside the document, says so, and stays with the document", async () => {
    const { session, page, editor, dialog, field, notice, line, type, saveAs } = await open();
    await type("new words");
    await says(line, "Unsaved changes");
    await saveAs();
    await dialog.waitFor();
    expect(await page.locator("#save-as-title").textContent()).toBe("Save as");
    expect(await page.locator("#save-as-extension").textContent()).toBe(".txt");
    expect(await field.inputValue()).toBe(stemOf(session.file.name));
    const name = `Grüße & 100% ${session.file.name}`;
    await field.fill(stemOf(name));
    await page.keyboard.press("Enter");
    await dialog.waitFor({ state: "hidden" });
    await says(notice, `Saved as “${name}” in this document's folder.`);
    expect(await stage.bridge.alice.read(name)).toContain("new words");
    // The editor had moved on to the new file; the page has brought the document back, with what was typed.
    await editor.locator("#text:not([readonly])").waitFor();
    expect(await editor.locator("#name").textContent()).toBe(session.file.name);
    expect(await editor.locator("#text").inputValue()).toContain("new words");
    expect(await page.title()).toBe(session.file.name);
    await type(" and more");
    await editor.locator("#save").click();
    await until("the document is saved", async () =>
      (await stage.bridge.alice.read(session.file.name)).includes("and more"),
    );
    expect(await stage.bridge.alice.read(name)).not.toContain("and more");
  });

  it("opens the new file from there in a tab of its own, more than once", async () => {
    const { page, dialog, field, notice, saveAs } = await open();
    await saveAs();
    await dialog.waitFor();
    await field.fill("Opened twice");
    await page.keyboard.press("Enter");
    const link = notice.getByRole("link", { name: "Open" });
    await link.waitFor();
    for (const _ of [1, 2]) {
      const [tab] = await Promise.all([context.waitForEvent("page"), link.click()]);
      await tab.frameLocator("iframe[name=editor-frame]").locator("#text:not([readonly])").waitFor();
      expect(await tab.title()).toBe("Opened twice.txt");
      await tab.close();
    }
    await notice.getByRole("button", { name: "Dismiss" }).click();
    await notice.waitFor({ state: "hidden" });
  });

  it("exports into the drive, in the format that the editor names", async () => {
    const { session, page, dialog, notice, exportAs } = await open();
    await exportAs();
    await dialog.waitFor();
    expect(await page.locator("#save-as-title").textContent()).toBe("Save as PDF");
    expect(await page.locator("#save-as-extension").textContent()).toBe(".pdf");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    const name = `${stemOf(session.file.name)}.pdf`;
    await says(notice, `Saved as “${name}”`);
    expect(await stage.bridge.alice.read(name)).toBe("first line\n");
  });

  it("gives a taken name a number, and says under which name the file lies there", async () => {
    const { session, page, dialog, notice, saveAs } = await open();
    await saveAs();
    await dialog.waitFor();
    await page.keyboard.press("Enter");
    await says(notice, `Saved as “${stemOf(session.file.name)} (2).txt”`);
    expect(await stage.bridge.alice.read(session.file.name)).toBe("first line\n");
  });

  it("says what is wrong with a name while nothing is sent, and is silent once it is right", async () => {
    const { page, dialog, field, saveAs } = await open();
    await saveAs();
    await dialog.waitFor();
    const error = page.locator("#save-as-error");
    for (const [typed, sentence] of [
      ["", wordsIn.en.editorPage.nameEmpty],
      ["a/b", wordsIn.en.editorPage.nameForbiddenCharacter],
      ["Report.", wordsIn.en.editorPage.nameDotOrSpaceAtEnd],
      ["con", wordsIn.en.editorPage.nameReserved],
      ["x".repeat(300), wordsIn.en.editorPage.nameTooLong],
    ] as const) {
      await field.fill(typed);
      await page.keyboard.press("Enter");
      expect(await error.textContent()).toBe(sentence);
      expect(await field.getAttribute("aria-invalid")).toBe("true");
      expect(await focused(page)).toBe("save-as-name");
    }
    await field.fill("fine");
    expect(await error.textContent()).toBe("");
    expect(await field.getAttribute("aria-invalid")).toBeNull();
  });

  it("makes nothing when it is cancelled, and the editor has the focus again", async () => {
    const { page, dialog, field, notice, saveAs, editor } = await open();
    for (const cancel of [
      () => page.keyboard.press("Escape"),
      () => page.getByRole("button", { name: "Cancel" }).click(),
    ]) {
      await saveAs();
      await dialog.waitFor();
      await field.fill("Never made");
      expect(await focused(page)).toBe("save-as-name");
      await cancel();
      await dialog.waitFor({ state: "hidden" });
      await until("the text has the focus", () =>
        editor.locator("#text").evaluate((element) => element === document.activeElement),
      );
    }
    expect(await notice.textContent()).toBe("");
    await expect(stage.bridge.alice.read("Never made.txt")).rejects.toThrow();
  });

  it("tells why it was not made", async () => {
    const { page, dialog, field, notice, saveAs } = await open({ user: { id: "anna", name: "Anna" } });
    await saveAs();
    await dialog.waitFor();
    await field.fill("Too late");
    await stage.bridge.stopDrive();
    await page.keyboard.press("Enter");
    await says(notice, "“Too late.txt” was not saved: the drive is not responding.");
    await stage.bridge.startDrive();
  });

  it("brings the document back after the editor's own Save to new file", async () => {
    const { session, editor, line, notice, type } = await open();
    await type("mine");
    await says(line, "Unsaved changes");
    stage.bridge.drive.forgetLocks();
    expect(await stage.bridge.alice.put(session.file.name, "somebody else's")).toBe(0);
    await editor.locator("#save").click();
    await editor.locator("#conflict-save-as").click();
    await editor.locator("#new-name").fill("Mine kept.txt");
    await editor.locator("#ask-name-ok").click();
    await says(notice, "Saved as “Mine kept.txt”");
    expect(await stage.bridge.alice.read("Mine kept.txt")).toContain("mine");
    await until("the editor shows the document", async () =>
      (await editor.locator("#text").inputValue()).startsWith("somebody else's"),
    );
    expect(await editor.locator("#name").textContent()).toBe(session.file.name);
  });

  it("tells the portal", async () => {
    const session = await stage.session({ user: { id: "anna", name: "Anna" } });
    const page = await context.newPage();
    await page.goto(`${portal}/#${encodeURIComponent(JSON.stringify(session))}`);
    const host = page.frameLocator("main iframe");
    await host.frameLocator("iframe[name=editor-frame]").locator("#text:not([readonly])").waitFor();
    await host.frameLocator("iframe[name=editor-frame]").locator("#save-as").click();
    await host.locator("#save-as-name").fill("For the portal");
    await host.locator("#save-as-name").press("Enter");
    await until("the portal hears of it", async () => (await page.title()) !== "Portal");
    const { id } = await stage.bridge.alice.info("For the portal.txt");
    expect(JSON.parse(await page.title())).toEqual({ name: "For the portal.txt", fileId: id });
  });

  it("is not offered where the right is missing", async () => {
    const { editor, dialog } = await open({ options: { save_as: "none" } });
    expect(await editor.locator("#save-as").isHidden()).toBe(true);
    expect(await dialog.count()).toBe(0);
  });

  it("closes its question when the session ends", async () => {
    const { session, dialog, line, saveAs } = await open({ user: { id: "anna", name: "Anna" } });
    await saveAs();
    await dialog.waitFor();
    await stage.bridge.endSession(session.id);
    await says(line, /^This session was ended\./, 20_000);
    await dialog.waitFor({ state: "hidden" });
  });

  it("asks in the page's language, and fits a phone", async () => {
    const { page, dialog, saveAs } = await open({ lang: "zh-CN" });
    await page.setViewportSize({ width: 390, height: 700 });
    await saveAs();
    await dialog.waitFor();
    expect(await page.locator("#save-as-title").textContent()).toBe(wordsIn["zh-CN"].editorPage.saveAs);
    const box = await dialog.boundingBox();
    expect(box?.x).toBeGreaterThanOrEqual(16);
    expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(374);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
  });

  it("shows the document's new name decoded", async () => {
    const { page, editor } = await open();
    await editor.locator("#rename").click();
    await editor.locator("#new-name").fill("Grüße 100%");
    await editor.locator("#ask-name-ok").click();
    await until("the title is new", async () => (await page.title()) === "Grüße 100%.txt");
  });

  it("answers a wish for a new document by saying where they are made", async () => {
    const { editor, notice } = await open();
    await editor.getByRole("button", { name: "New document" }).click();
    await says(notice, wordsIn.en.editorPage.noNewDocuments);
  });
});
