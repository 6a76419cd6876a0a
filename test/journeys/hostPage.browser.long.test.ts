import type { Browser, BrowserContext } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { wordsIn } from "../../src/words/words.ts";
import { openBrowser } from "../support/browser.ts";
import { until } from "../support/until.ts";
import { openStage, type Stage, says, visit } from "./hostPageStage.ts";

let browser: Browser;
let stage: Stage;
let context: BrowserContext;
/** What a page says on its console or throws; the pages of this file say nothing. */
let complaints: string[];

beforeAll(async () => {
  stage = await openStage();
  browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
  await stage?.close();
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

const open = async (more?: Record<string, unknown>, hash = "") => {
  const session = await stage.session(more);
  return { session, ...(await visit(context, session.host_page_url + hash)) };
};

describe("the line above the editor", () => {
  it("follows a change into the drive, and says when it was saved", async () => {
    const { line, type, save } = await open();
    await says(line, "No changes yet");
    await type("second line");
    await says(line, "Unsaved changes");
    await save();
    await says(line, /^Saved \d\d:\d\d$/);
    expect(await line.getAttribute("role")).toBe("status");
  });

  it("says by whom it was saved when it was somebody else", async () => {
    const anna = await open({ user: { id: "anna", name: "Anna" } });
    const ben = await open({
      uri: stage.bridge.alice.uriOf(anna.session.file.name),
      user: { id: "ben", name: "Ben" },
    });
    await ben.type("by Ben");
    await ben.save();
    await says(ben.line, /^Saved \d\d:\d\d$/);
    await says(anna.line, /^Saved \d\d:\d\d by Ben$/);
  });

  it("says that a save is kept while the drive is away, and then that it has arrived", async () => {
    const { session, line, type, save } = await open();
    await type("kept line");
    await says(line, "Unsaved changes");
    await stage.bridge.stopDrive();
    await save();
    await says(
      line,
      /^Not saved since \d\d:\d\d, but kept safely: the drive is not responding\. Saving will be retried/,
    );
    await stage.bridge.startDrive();
    await until("the replay has placed it", async () => (await stage.bridge.bridge.replay()) === 0);
    await says(line, /saved \d\d:\d\d$/i);
    expect(await stage.bridge.alice.read(session.file.name)).toContain("kept line");
  });

  it("says that access was withdrawn, and then in which copy the unsaved work is", async () => {
    const { session, line, type } = await open({ user: { id: "anna", name: "Anna" } });
    await type("too late");
    await says(line, "Unsaved changes");
    await stage.bridge.endSession(session.id);
    await says(line, /^This session was ended\. Your last changes are in the copy “.*Anna.*” beside/);
    expect(await stage.bridge.alice.read(session.file.name)).toBe("first line\n");
  });

  it("says that there is no network, and that it is back", async () => {
    const { line, type } = await open();
    await context.setOffline(true);
    await says(line, "No connection. Trying again.");
    await context.setOffline(false);
    await says(line, "No changes yet");
    await type("typed");
    await says(line, "Unsaved changes");
  });

  it("takes two rem at most, on a phone and in both languages, and covers nothing of the editor", async () => {
    const { page, line } = await open({ lang: "zh-CN" });
    await says(line, wordsIn["zh-CN"].editorPage.untouched);
    await page.setViewportSize({ width: 360, height: 640 });
    const long = Object.values(wordsIn).map(({ editorPage: words }) =>
      Object.values(words).reduce((longest, text) => (text.length > longest.length ? text : longest)),
    );
    for (const text of ["x", ...long]) {
      await line.evaluate((element, written) => {
        element.textContent = written;
      }, text);
      const box = await line.boundingBox();
      const frame = await page.locator("iframe").boundingBox();
      expect(box?.height).toBeLessThanOrEqual(32);
      expect(frame?.y).toBe(box?.height);
      expect((frame?.y ?? 0) + (frame?.height ?? 0)).toBe(640);
      expect(frame?.width).toBe(360);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
    }
  });
});

describe("the page around the editor", () => {
  it("takes the document's new name into its title, with the extension", async () => {
    const { page, editor } = await open();
    await editor.locator("#rename").click();
    await editor.locator("#new-name").fill("Budget");
    await editor.locator("#ask-name-ok").click();
    await page.waitForFunction(() => document.title === "Budget.txt");
  });

  it("is left by the editor's close button, and says so", async () => {
    const { page, editor, line } = await open();
    await editor.locator("#close").click();
    await says(line, wordsIn.en.editorPage.closed);
    expect(await page.locator("iframe").count()).toBe(0);
    // Its address has been used: a reload would open nothing.
    expect(await page.getByRole("button").count()).toBe(0);
  });

  it("takes the address under which a reload opens the document anew, and offers that once it is closed", async () => {
    const { page, editor, session } = await open({}, "#/open?file_id=Abc123");
    expect(page.url()).toBe(`${stage.bridge.url}/open?file_id=Abc123`);
    await editor.locator("#close").click();
    await page.getByRole("button", { name: "Open again" }).waitFor();
    expect(session.host_page_url).not.toBe(page.url());
  });

  it("asks before it is left with unsaved changes, and not without", async () => {
    const { page, type, line, save } = await open();
    const asked: string[] = [];
    page.on("dialog", (dialog) => {
      asked.push(dialog.type());
      void dialog.dismiss();
    });
    await type("unsaved");
    await says(line, "Unsaved changes");
    await page.close({ runBeforeUnload: true });
    await until("it asks", () => asked.length === 1);
    await save();
    await says(line, /^Saved/);
    const closed = page.waitForEvent("close");
    await page.close({ runBeforeUnload: true });
    await closed;
    expect(asked).toEqual(["beforeunload"]);
  });

  it("opens the owner's sharing in a window of its own, and nobody else's", async () => {
    const owner = await open();
    const opening = context.waitForEvent("page");
    await owner.editor.locator("#share").click();
    const popup = await opening;
    // The bridge asks for a sign-in first, which keeps where the visitor wanted to go.
    await popup.waitForURL((url) => decodeURIComponent(url.href).includes(`/share?file_id=${owner.session.file.id}`));
    expect(await popup.evaluate(() => window.opener === null)).toBe(true);
    const guest = await open({ user: { id: "ben", name: "Ben" } });
    expect(await guest.editor.locator("#share").isVisible()).toBe(false);
  });

  it("hears the editor's frame alone: no other window, and no other frame of the editor's origin", async () => {
    const { page, line } = await open();
    const close = JSON.stringify({ MessageId: "UI_Close" });
    await page.evaluate((message) => window.postMessage(message, "*"), close);
    await page.evaluate((address) => {
      const other = document.createElement("iframe");
      other.name = "other";
      other.src = address;
      document.body.append(other);
    }, `${stage.editor.url}/hosting/capabilities`);
    await until("the other frame is there", () => page.frame("other")?.url().startsWith(stage.editor.url) === true);
    await page.frame("other")?.evaluate((message) => parent.postMessage(message, "*"), close);
    await page.evaluate(() => window.postMessage({ source: "cloudreve-office-bridge", type: "close" }, "*"));
    // Messages are heard in the order they were sent: once this one has come, the others have too.
    await page.evaluate(
      () =>
        new Promise((resolve) => {
          addEventListener("message", ({ data }) => data === "last" && resolve(undefined));
          window.postMessage("last", "*");
        }),
    );
    await says(line, "No changes yet");
    expect(await page.locator("iframe[name=editor-frame]").count()).toBe(1);
  });

  it("tells nothing to a page of the bridge's own origin, which may frame it and is no portal", async () => {
    const session = await stage.session();
    const page = await context.newPage();
    await page.goto(`${stage.bridge.url}/healthz`);
    await page.evaluate((address) => {
      const frame = document.createElement("iframe");
      frame.name = "document";
      frame.src = address;
      Object.assign(window, { said: [] });
      addEventListener("message", ({ data }) => (window as unknown as { said: unknown[] }).said.push(data));
      document.body.append(frame);
    }, session.host_page_url);
    const host = page.frameLocator("iframe[name=document]");
    await says(host.locator("#status"), "No changes yet");
    await page.evaluate(() => {
      for (const type of ["hello", "save", "close"]) {
        frames[0]?.postMessage({ source: "cloudreve-office-bridge", type, id: 1 }, "*");
      }
    });
    await host.frameLocator("iframe").locator("#text").fill("typed");
    await says(host.locator("#status"), "Unsaved changes");
    expect(await page.evaluate(() => (window as unknown as { said: unknown[] }).said)).toEqual([]);
  });

  it("tells the bridge when its window goes away", async () => {
    const { page } = await open();
    const told = () =>
      stage.bridge.logLines.filter(({ path, status }) => String(path).endsWith("/closed") && status === 204).length;
    const before = told();
    await page.goto("about:blank");
    await until("the bridge is told", () => told() > before);
  });
});

describe("a document that does not come", () => {
  it("is explained after fifteen seconds, by what the editor has not done", async () => {
    const silent = await openStage({ editAddress: "http://127.0.0.1:9/editor/edit?" });
    try {
      const page = await context.newPage();
      await page.clock.install();
      await page.goto((await silent.session()).host_page_url);
      const line = page.locator("#status");
      await says(line, "Loading document-1.txt …");
      await page.clock.fastForward(16_000);
      await says(line, /^The editor at http:\/\/127\.0\.0\.1:9 is not responding/);
    } finally {
      await silent.close();
    }
  });
});
