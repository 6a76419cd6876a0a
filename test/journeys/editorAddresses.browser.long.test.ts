import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type DemoEditor, openDemoEditor } from "../../src/sandbox/demoEditor/demoEditor.ts";
import type { GuiseName } from "../../src/sandbox/demoEditor/guises.ts";
import { openBrowser } from "../support/browser.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import { until } from "../support/until.ts";
import { sessionSchema } from "../support/wopiClient.ts";
import { type SmallServer, serve, visitorOf } from "./hostPageStage.ts";

const minuteMs = 60_000;

let browser: Browser;
let context: BrowserContext;
let editor: DemoEditor;
let bridge: TestBridge;
let portal: SmallServer | undefined;

beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser?.close());
beforeEach(async () => {
  context = await browser.newContext({ locale: "en-GB" });
});
afterEach(async () => {
  await context.close();
  await editor.kill();
  await bridge.close();
  await portal?.close();
  portal = undefined;
});

async function stage(guise: GuiseName, portalUrl?: string): Promise<void> {
  editor = await openDemoEditor({ guise, port: 0, exitDelayMs: 0 });
  const imported = editor.actions();
  bridge = await testBridge({
    settings: {
      DISCOVERY_URLS: editor.discoveryUrl,
      PROOF_KEYS: "off",
      ...(portalUrl === undefined ? {} : { EMBED_ORIGINS: portalUrl }),
    },
    pause: async () => undefined,
    drive: {
      viewers: [
        { id: "editor", type: "wopi", display_name: "Editor", exts: Object.keys(imported), wopi_actions: imported },
      ],
    },
  });
}

async function hostPageOf(name: string, text = "first line\n"): Promise<string> {
  await bridge.alice.put(name, text);
  const answered = await bridge.postSession({ uri: bridge.alice.uriOf(name), action: "edit" });
  return sessionSchema.parse(await answered.json()).host_page_url;
}

/** Somebody who can type as soon as the editor is there. */
async function atEditor(page: Page, frames: readonly string[] = ["iframe[name=editor-frame]"]) {
  const [first = "", ...others] = frames;
  const frame = others.reduce((outer, name) => outer.frameLocator(name), page.frameLocator(first));
  await frame.locator("#text:not([readonly])").waitFor({ timeout: 25_000 });
  return visitorOf(page, frame, page.locator("#status"));
}

describe.each(["collabora", "onlyoffice"] as const)("an editor like %s", (guise) => {
  it("opens a document at the address of its discovery, on a computer and on a phone", async () => {
    await stage(guise);
    const page = await context.newPage();
    await page.goto(await hostPageOf("a.docx"));
    await atEditor(page);
    const phone = await browser.newContext({ isMobile: true, userAgent: "Mozilla/5.0 (iPhone) Mobile/15E148 Safari" });
    const small = await phone.newPage();
    await small.goto(await hostPageOf("b.docx"));
    await atEditor(small);
    const address = small.frame("editor-frame")?.url() ?? "";
    expect(address.includes("mobile=1")).toBe(guise === "onlyoffice");
    expect(page.frame("editor-frame")?.url()).not.toContain("mobile=1");
    await phone.close();
  });
});

describe("an editor that was upgraded while a page was on its way to it", () => {
  it("comes up all the same: the page reloads the frame once, at the new address", async () => {
    await stage("collabora");
    const address = await hostPageOf("a.docx");
    await editor.upgrade();
    bridge.clock.advance(minuteMs);
    const page = await context.newPage();
    const posts: string[] = [];
    page.on("request", (sent) => {
      if (sent.method() === "POST" && sent.url().startsWith(editor.url) && sent.url().includes("cool.html"))
        posts.push(sent.url());
    });
    await page.goto(address);
    const { type, save } = await atEditor(page);
    await type("after the upgrade");
    await save();
    await until("it is saved", async () => (await bridge.alice.read("a.docx")).includes("after the upgrade"));
    expect(posts).toHaveLength(2);
    expect(posts[0]).not.toBe(posts[1]);
  });

  it("comes up when the upgrade takes longer, without anybody doing anything", async () => {
    await stage("collabora");
    const address = await hostPageOf("a.docx");
    await editor.upgrade();
    // Somebody has looked just before, so the bridge does not yet look again.
    bridge.clock.advance(1_000);
    const page = await context.newPage();
    await page.goto(address);
    await until(
      "the page has asked in vain",
      () => bridge.logLines.some((line) => line["path"] === "/edit/-/address"),
      10_000,
    );
    bridge.clock.advance(minuteMs);
    await atEditor(page);
  });

  it("is not asked for by a page whose editor has come up", async () => {
    await stage("collabora");
    const page = await context.newPage();
    await page.goto(await hostPageOf("a.docx"));
    await (await atEditor(page)).type("unsaved");
    let polls = 0;
    page.on("request", (request) => {
      if (request.url().endsWith("/status")) polls++;
    });
    // With unsaved changes it asks every two seconds: longer than it waits after its frame has loaded.
    await until("the page has lived on for a while", () => polls >= 3, 15_000);
    expect(bridge.logLines.map((line) => line["path"])).not.toContain("/edit/-/address");
  });
});

describe("an old format in an editor like onlyoffice", () => {
  it("becomes a new document beside it, which is then edited in the whole page", async () => {
    await stage("onlyoffice");
    const page = await context.newPage();
    await page.goto(await hostPageOf("old.doc", "from long ago\n"));
    await page.waitForFunction(() => document.title === "old.docx");
    const { type } = await atEditor(page);
    await type("today");
    await page.close();
    await until("it is saved", async () => (await bridge.alice.read("old.docx")).includes("today"), 15_000);
    expect(await bridge.alice.read("old.docx")).toContain("from long ago");
    expect(await bridge.alice.read("old.doc")).toBe("from long ago\n");
  });

  it("is edited in a portal too, which hears of the new document", async () => {
    let hostPageUrl = "";
    const script = () => `<!doctype html><div id="document" style="height: 600px"></div><script type="module">
      import { openDocument } from "${bridge.url}/embed.js";
      window.heard = [];
      openDocument(document.getElementById("document"), {
        hostPageUrl: "${hostPageUrl}",
        on: { loaded: () => window.heard.push("loaded"), modified: () => window.heard.push("modified") },
      });
    </script>`;
    portal = await serve((_request, response) =>
      response.writeHead(200, { "Content-Type": "text/html" }).end(script()),
    );
    const portalUrl = `http://127.0.0.1:${portal.port}`;
    await stage("onlyoffice", portalUrl);
    hostPageUrl = await hostPageOf("old.doc");
    const page = await context.newPage();
    await page.goto(portalUrl);
    const { type } = await atEditor(page, ["#document iframe", "iframe[name=editor-frame]"]);
    await type("today");
    await page.waitForFunction("window.heard.includes('loaded') && window.heard.includes('modified')");
  });
});
