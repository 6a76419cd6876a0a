import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openBrowser } from "../support/browser.ts";
import { openStage, type SmallServer, type Stage, says, serve } from "./hostPageStage.ts";

let browser: Browser;
let context: BrowserContext;
let portal: SmallServer;
let portalUrl: string;
/** Whose editor comes up, and whose does not. */
let stage: Stage;
let silent: Stage;

/** A portal's page: a document in a frame if its address names one, else a button that opens one in a tab. */
const portalPage = (bridgeUrl: string) => `<!doctype html><meta charset="utf-8"><title>Portal</title>
<meta name="viewport" content="width=device-width"><body style="margin:0"><main style="height:600px"></main>
<button>Open</button><p id="told"></p>
<script type="module">
import { openDocument } from "${bridgeUrl}/embed.js";
window.withSession = Promise.withResolvers();
const session = location.hash === "" ? undefined : JSON.parse(decodeURIComponent(location.hash.slice(1)));
if (session !== undefined) openDocument(document.querySelector("main"), { session });
const told = (text) => { document.querySelector("#told").textContent = text; };
window.openTab = () => openDocument(null, { ownTab: true, session: window.withSession.promise })
  .then(() => told("opened"), (error) => told(error.name + ": " + error.message));
document.querySelector("button").addEventListener("click", window.openTab);
window.ready = true;
</script>`;

type PortalWindow = Window & {
  withSession: { resolve(session: unknown): void; reject(error: Error): void };
  ready: boolean;
};

beforeAll(async () => {
  portal = await serve((request, response) => {
    const { bridge } = request.url === "/silent" ? silent : stage;
    response.setHeader("Content-Type", "text/html").end(portalPage(bridge.url));
  });
  portalUrl = `http://localhost:${portal.port}`;
  const settings = { EMBED_ORIGINS: portalUrl };
  stage = await openStage({ settings });
  silent = await openStage({ settings, editAddress: "http://127.0.0.1:9/editor/edit?" });
  browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
  await stage?.close();
  await silent?.close();
  await portal?.close();
});
beforeEach(async () => {
  context = await browser.newContext();
});
afterEach(() => context.close());

async function atPortal(path = "/"): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${portalUrl}${path}`);
  await page.waitForFunction(() => (window as unknown as PortalWindow).ready);
  return page;
}

const inFrame = async (of: Stage, path: string) => {
  const session = encodeURIComponent(JSON.stringify(await of.session()));
  const page = await atPortal(`${path}#${session}`);
  return { page, host: page.frameLocator("main iframe") };
};

describe("a document in a portal's frame whose editor does not come up", () => {
  it("can be opened in its own tab, as often as one likes", async () => {
    const { page, host } = await inFrame(silent, "/silent");
    const link = host.getByRole("link", { name: "Open in its own tab" });
    expect(await link.count()).toBe(0);
    await link.waitFor({ timeout: 30_000 });
    for (let tabs = 0; tabs < 2; tabs++) {
      const opening = context.waitForEvent("page");
      await link.click();
      const tab = await opening;
      await says(tab.locator("#status"), /document-\d+\.txt/);
      expect(new URL(tab.url()).origin).toBe(silent.bridge.url);
      expect(await tab.evaluate(() => window.opener)).toBeNull();
      await tab.close();
    }
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 700 });
      expect((await link.boundingBox())?.width).toBeLessThanOrEqual(width);
    }
  }, 60_000);

  it("offers no tab while the editor is there", async () => {
    const { host } = await inFrame(stage, "/");
    await host.frameLocator("iframe").locator("#text:not([readonly])").waitFor();
    expect(await host.getByRole("link", { name: "Open in its own tab" }).count()).toBe(0);
  });
});

describe("a portal that opens a document in its own tab", () => {
  it("leads the tab there once the session has come, and the page has no hold on the portal", async () => {
    const page = await atPortal();
    const opening = context.waitForEvent("page");
    await page.getByRole("button").click();
    const tab = await opening;
    const session = await stage.session();
    await page.evaluate((it) => (window as unknown as PortalWindow).withSession.resolve(it), session);
    await tab.frameLocator("iframe").locator("#text:not([readonly])").waitFor();
    await says(page.locator("#told"), "opened");
    expect(await tab.evaluate(() => window.opener)).toBeNull();
  });

  it("is left with no tab when there is no session", async () => {
    const page = await atPortal();
    const opening = context.waitForEvent("page");
    await page.getByRole("button").click();
    const tab = await opening;
    const closing = tab.waitForEvent("close");
    await page.evaluate(() => (window as unknown as PortalWindow).withSession.reject(new Error("no session")));
    await closing;
    await says(page.locator("#told"), "Error: no session");
  });

  it("is told that the browser blocked the tab", async () => {
    const page = await atPortal();
    await page.evaluate(() => {
      window.open = () => null;
      document.querySelector("button")?.click();
    });
    await says(page.locator("#told"), "NotAllowedError: The browser blocked the document's tab");
    expect(context.pages()).toHaveLength(1);
  });
});
