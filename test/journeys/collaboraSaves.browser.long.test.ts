import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openBrowser } from "../support/browser.ts";
import { until } from "../support/until.ts";
import { openStage, type SmallServer, type Stage, says, serve, visit, visitorOf } from "./hostPageStage.ts";

type PortalWindow = Window & {
  heard: string[];
  opened: { save(): Promise<unknown>; close(): Promise<boolean> };
};

let browser: Browser;
let stage: Stage;
let server: SmallServer;
let context: BrowserContext;
let portal: string;

/** A portal that writes down what it hears. */
function portalPage(bridgeUrl: string): string {
  return `<!doctype html><meta charset="utf-8"><title>Portal</title>
<body style="margin:0"><main style="height:600px"></main>
<script type="module">
import { openDocument } from "${bridgeUrl}/embed.js";
window.heard = [];
const on = {
  modified: ({ modified }) => window.heard.push(modified ? "modified" : "unmodified"),
  renamed: ({ name }) => window.heard.push("renamed " + name),
};
for (const name of ["saved", "saveFailed", "closed"]) on[name] = () => window.heard.push(name);
const session = JSON.parse(decodeURIComponent(location.hash.slice(1)));
window.opened = openDocument(document.querySelector("main"), { session, on });
</script>`;
}

beforeAll(async () => {
  server = await serve((_request, response) => {
    response.setHeader("Content-Type", "text/html").end(portalPage(stage.bridge.url));
  });
  portal = `http://localhost:${server.port}`;
  // The demo editor warns from five minutes before a token's end on: here it would at once.
  const settings = { EMBED_ORIGINS: portal, GRANT_HOURS: "0.05" };
  stage = await openStage({ guise: "collabora", clockRuns: true, settings });
  browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
  await stage?.close();
  await server?.close();
});
beforeEach(async () => {
  context = await browser.newContext({ locale: "en-GB" });
});
afterEach(() => context.close());

async function embed(more: Record<string, unknown> = {}) {
  const session = await stage.session({ user: { id: "anna", name: "Anna" }, ...more });
  const page = await context.newPage();
  await page.goto(`${portal}/#${encodeURIComponent(JSON.stringify(session))}`);
  const host = page.frameLocator("main iframe");
  const visitor = visitorOf(page, host.frameLocator("iframe[name=editor-frame]"), host.locator("#status"));
  await visitor.editor.locator("#text:not([readonly])").waitFor();
  return { session, ...visitor };
}

const heardBy = (page: Page): Promise<string[]> => page.evaluate(() => (window as unknown as PortalWindow).heard);
const hears = (page: Page, name: string): Promise<void> =>
  until(`the portal hears ${name}`, async () => (await heardBy(page)).includes(name), 20_000);

describe("a save in Collabora", () => {
  it("is one only when it is in the drive, and the portal hears so in this order", async () => {
    const { page, type, save, line } = await embed();
    await type("from the portal");
    await hears(page, "modified");
    await save();
    await hears(page, "unmodified");
    expect(await heardBy(page)).toEqual(["modified", "saved", "unmodified"]);
    await says(line, /^Saved/);
  });

  it("that does not reach the drive leaves the document unsaved until it does", async () => {
    const { page, session, type, save, editor } = await embed();
    await type("kept");
    await hears(page, "modified");
    await stage.bridge.stopDrive();
    try {
      await save();
      await hears(page, "saveFailed");
      await editor.locator("#state", { hasText: "not saved" }).waitFor();
      expect(await heardBy(page)).toEqual(["modified", "saveFailed"]);
    } finally {
      await stage.bridge.startDrive();
    }
    await save();
    await hears(page, "unmodified");
    expect(await heardBy(page)).toEqual(["modified", "saveFailed", "saved", "unmodified"]);
    expect(await stage.bridge.alice.read(session.file.name)).toContain("kept");
  });

  it("is not waited for without end when the person has undone the changes", async () => {
    const session = await stage.session();
    const { page, line } = await visit(context, session.host_page_url);
    const editor = page.frames().find((frame) => frame.url().startsWith(stage.editor.url));
    const say = (isModified: boolean) =>
      editor?.evaluate((Modified) => {
        parent.postMessage(JSON.stringify({ MessageId: "Doc_ModifiedStatus", Values: { Modified } }), "*");
      }, isModified);
    await says(line, "No changes yet");
    await say(true);
    await says(line, "Unsaved changes");
    await say(false);
    await page.waitForResponse((response) => response.url().endsWith("/status"));
    expect(await line.textContent()).toContain("Unsaved changes");
    stage.bridge.clock.advance(31_000);
    await says(line, "No changes yet");
  });

  it("is told before the document closes, however fast it is closed", async () => {
    const { page, session, type, save, editor } = await embed();
    await type("and closed");
    await hears(page, "modified");
    await save();
    await editor.locator("#close").click();
    await hears(page, "closed");
    expect(await heardBy(page)).toEqual(["modified", "saved", "unmodified", "closed"]);
    expect(await stage.bridge.alice.read(session.file.name)).toContain("and closed");
  });

  it("is told before the portal's own close", async () => {
    const { page, type } = await embed();
    await type("closed by the portal");
    await hears(page, "modified");
    expect(await page.evaluate(() => (window as unknown as PortalWindow).opened.close())).toBe(true);
    const heard = await heardBy(page);
    // The editor's word, or the bridge's, may come first.
    expect([heard[0], heard.slice(1, 3).sort(), ...heard.slice(3)]).toEqual([
      "modified",
      ["saved", "unmodified"],
      "closed",
    ]);
  });

  it("does not hold up the close while the bridge is away", async () => {
    const { page, editor } = await embed();
    await context.setOffline(true);
    const beganMs = Date.now();
    await editor.locator("#close").click();
    await hears(page, "closed");
    expect(Date.now() - beganMs).toBeLessThan(5000);
  });

  it("is not needed for another person's new name to reach the page and its portal", async () => {
    const first = await embed();
    const uri = stage.bridge.alice.uriOf(first.session.file.name);
    const second = await embed({ uri, user: { id: "ben", name: "Ben" } });
    await second.editor.locator("#rename").click();
    await second.editor.locator("#new-name").fill("Grüße 100%");
    await second.editor.locator("#ask-name-ok").click();
    for (const { page } of [second, first]) await hears(page, "renamed Grüße 100%.txt");
    await says(first.line, "No changes yet");
    expect(await heardBy(first.page)).toEqual(["renamed Grüße 100%.txt"]);
    expect(await heardBy(second.page)).toEqual(["renamed Grüße 100%.txt"]);
  });

  it("is not accompanied by a warning that the session ends, which a renewal has moved", async () => {
    const { editor, type, save, line } = await embed();
    await type("later");
    await save();
    await says(line, /^Saved/);
    expect(await editor.locator("#notice-text").textContent()).not.toContain("session expires");
  });
});
