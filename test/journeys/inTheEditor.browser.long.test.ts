import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openBrowser } from "../support/browser.ts";
import { until } from "../support/until.ts";
import { openStage, type SmallServer, type Stage, says, serve, visit } from "./hostPageStage.ts";

interface Heard {
  readonly name: string;
  readonly detail: Record<string, unknown>;
}

let browser: Browser;
let stage: Stage;
let server: SmallServer;
let portal: string;

/** A portal that opens what `#` says, with these options. */
function portalPage(bridgeUrl: string): string {
  return `<!doctype html><meta charset="utf-8"><title>Portal</title>
<body style="margin:0"><main style="height:600px"></main>
<script type="module">
import { openDocument } from "${bridgeUrl}/embed.js";
window.heard = [];
const { session, statusLine, events } = JSON.parse(decodeURIComponent(location.hash.slice(1)));
const on = Object.fromEntries(events.map((name) => [name, (detail) => window.heard.push({ name, detail })]));
window.opened = openDocument(document.querySelector("main"), { session, on, statusLine });
</script>`;
}

beforeAll(async () => {
  server = await serve((_request, response) => {
    response.setHeader("Content-Type", "text/html").end(portalPage(stage.bridge.url));
  });
  portal = `http://localhost:${server.port}`;
  stage = await openStage({ settings: { EMBED_ORIGINS: portal } });
  browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
  await stage?.close();
  await server?.close();
});

const person = (id: string) => ({ user: { id, name: id[0]?.toUpperCase() + id.slice(1) } });

async function embed(wish: { session: unknown; statusLine?: string; events: readonly string[] }) {
  const page = await (await browser.newContext({ locale: "en-GB" })).newPage();
  await page.goto(`${portal}/#${encodeURIComponent(JSON.stringify(wish))}`);
  return { page, host: page.frameLocator("main iframe") };
}
const heardBy = (page: Page): Promise<Heard[]> => page.evaluate(() => (window as unknown as { heard: Heard[] }).heard);
const lastOf = async (page: Page, name: string) => (await heardBy(page)).findLast((one) => one.name === name)?.detail;

/** Asked at once when the network is back, in place of the next time. */
async function askNow(page: Page): Promise<void> {
  await page.context().setOffline(true);
  await page.context().setOffline(false);
}

describe("who is in a document", () => {
  it("is told to the portal and shown in the page, and somebody who leaves is gone", async () => {
    const session = await stage.session(person("anna"));
    const uri = stage.bridge.alice.uriOf(session.file.name);
    const anna = await embed({ session, events: ["presence"] });
    await until("Anna is there alone", async () => {
      const people = (await lastOf(anna.page, "presence"))?.["people"] as { own: boolean }[] | undefined;
      return people?.length === 1 && people[0]?.own === true;
    });
    const bens = await stage.session({ uri, ...person("ben") });
    const ben = await visit(await browser.newContext({ locale: "en-GB" }), bens.host_page_url);
    await askNow(ben.page);
    const count = ben.page.locator("#people summary");
    await says(count, "2 people here");
    await count.click();
    await says(ben.page.locator("#people ul"), /Ben \(you\): editing since .*Anna: editing since/);
    await ben.page.keyboard.press("Escape");
    expect(await ben.page.locator("#people ul").isVisible()).toBe(false);
    await askNow(anna.page);
    await until("Anna's portal hears of Ben", async () =>
      JSON.stringify(await lastOf(anna.page, "presence")).includes('"Ben"'),
    );
    // The portal shows them.
    expect(await anna.host.locator("#people").isVisible()).toBe(false);
    await ben.page.close();
    await until("Ben is gone", async () => {
      await askNow(anna.page);
      return !JSON.stringify(await lastOf(anna.page, "presence")).includes('"Ben"');
    });
  });
});

describe("a portal that opens a session's page twice", () => {
  it("hears that the ticket was used, at once, and can close", async () => {
    const session = await stage.session();
    await embed({ session, events: ["loaded"] });
    await until("it is used", async () => (await fetch(session.host_page_url, { method: "HEAD" })).status === 410);
    const second = await embed({ session, events: ["failed", "closed"] });
    await until("the portal hears it", async () => (await lastOf(second.page, "failed"))?.["code"] === "ticketUsed");
    await says(second.host.locator("h1"), /already been used|used/);
    const close = () => (window as unknown as { opened: { close(): Promise<boolean> } }).opened.close();
    expect(await second.page.evaluate(close)).toBe(true);
    expect(await second.page.locator("iframe").count()).toBe(0);
  });
});

describe("a portal that shows the state itself", () => {
  it("is shown no line while all is well, and trouble only if it does not listen", async () => {
    const events = ["loaded"];
    const { page, host } = await embed({ session: await stage.session(), statusLine: "none", events });
    await until("it is loaded", async () => (await lastOf(page, "loaded")) !== undefined);
    expect(await host.locator("#line").isVisible()).toBe(false);
    await stage.bridge.stopDrive();
    try {
      const editor = host.frameLocator("iframe[name=editor-frame]");
      await editor.locator("#text").fill("typed");
      await editor.locator("#save").click();
      await says(host.locator("#status"), /Not saved since/);
      expect(await host.locator("#line").isVisible()).toBe(true);
      // Now it listens.
      await page.evaluate(() => {
        const { opened } = window as unknown as { opened: { on(name: string, handler: () => void): () => void } };
        (window as unknown as { off: () => void }).off = opened.on("saveFailed", () => undefined);
      });
      await host.locator("#line").waitFor({ state: "hidden" });
      await page.evaluate(() => (window as unknown as { off: () => void }).off());
      await host.locator("#line").waitFor({ state: "visible" });
    } finally {
      await stage.bridge.startDrive();
    }
  });

  it("may have the line below the document", async () => {
    const { host } = await embed({ session: await stage.session(), statusLine: "bottom", events: ["loaded"] });
    await says(host.locator("#status"), "No changes yet");
    const line = await host.locator("#line").boundingBox();
    const frame = await host.locator("#frame-holder").boundingBox();
    expect(line?.y ?? 0).toBeGreaterThan(frame?.y ?? 0);
  });
});

describe("a document in a tab of its own", () => {
  it("leads back to its portal, from its line and when it is closed", async () => {
    const session = await stage.session();
    const back = encodeURIComponent(`${portal}/list?x=1`);
    const { page, editor } = await visit(await browser.newContext(), `${session.host_page_url}#close=${back}`);
    const home = page.locator("#home");
    expect([await home.textContent(), await home.getAttribute("href")]).toEqual(["Back", `${portal}/list?x=1`]);
    await editor.locator("#close").click();
    await says(page.locator(".end"), "The document is closed.");
    await page.locator(".end").getByRole("link", { name: "Back", exact: true }).click();
    await page.waitForURL(`${portal}/list?x=1`);
  });

  it("leads a guest nowhere", async () => {
    const session = await stage.session(person("guest"));
    const evil = encodeURIComponent("https://evil.example/");
    const { page } = await visit(await browser.newContext(), `${session.host_page_url}#close=${evil}`);
    expect(await page.locator("#home").isVisible()).toBe(false);
  });
});
