import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openBrowser } from "../support/browser.ts";
import { freePorts, type RunningCommand, run } from "../support/childProcess.ts";
import { driveAccount } from "../support/driveAccount.ts";
import { until } from "../support/until.ts";
import { wopiClient } from "../support/wopiClient.ts";
import { openStage, type SmallServer, type Stage, says, serve, visitorOf } from "./hostPageStage.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser?.close());

/** Keeps every text of a frame's element, from now on. */
async function keepTexts(page: Page, frameUrl: string, selector: string): Promise<() => Promise<string[]>> {
  const frame = page.frames().find((one) => one.url().startsWith(frameUrl));
  if (frame === undefined) throw new Error(`no frame of ${frameUrl}`);
  await frame.evaluate((wanted) => {
    const element = document.querySelector(wanted) as HTMLElement;
    const texts = [`${element.className}: ${element.textContent}`];
    Object.assign(window, { [`texts ${wanted}`]: texts });
    new MutationObserver(() => texts.push(`${element.className}: ${element.textContent}`)).observe(element, {
      childList: true,
      subtree: true,
      attributes: true,
    });
  }, selector);
  return () =>
    frame.evaluate((wanted) => (window as unknown as Record<string, string[]>)[`texts ${wanted}`] ?? [], selector);
}

describe("a session longer than its token", () => {
  const tokenLifeMs = 36_000;
  let dir: string;
  let sandbox: RunningCommand;
  let urls: { bridge: string; drive: string; editor: string; portal: string };

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "bridge-renewal-"));
    const [port, drivePort, editorPort, portalPort] = await freePorts(4);
    const at = (one: number | undefined) => `http://127.0.0.1:${one}`;
    urls = { bridge: at(port), drive: at(drivePort), editor: at(editorPort), portal: at(portalPort) };
    sandbox = run("src/sandbox/main.ts", {
      PORT: String(port),
      DRIVE_PORT: String(drivePort),
      EDITOR_PORT: String(editorPort),
      PORTAL_PORT: String(portalPort),
      SANDBOX_DIR: dir,
      GRANT_HOURS: String(tokenLifeMs / 3_600_000),
    });
    await sandbox.printed(`Open ${urls.portal} in a browser.`);
  });
  afterAll(async () => {
    await sandbox?.end("SIGTERM");
    await rm(dir, { recursive: true, force: true });
  });

  it("saves after the first token's end, and shows nobody an error", { timeout: 60_000 }, async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const renewals: number[] = [];
    page.on("response", (response) => {
      if (response.url().endsWith("/renew")) renewals.push(response.status());
    });
    await page.goto(urls.portal);
    await page.getByRole("button", { name: "Edit Welcome.md" }).click();
    const openedAtMs = Date.now();
    const host = page.frameLocator("iframe[name=document]");
    const { editor, line, type, save } = visitorOf(
      page,
      host.frameLocator("iframe[name=editor-frame]"),
      host.locator("#status"),
    );
    await editor.locator("#text:not([readonly])").waitFor();
    const lineTexts = await keepTexts(page, `${urls.bridge}/edit/`, "#status");
    const editorTexts = await keepTexts(page, `${urls.editor}/`, "#state");
    await until("the first token has ended", () => Date.now() > openedAtMs + tokenLifeMs + 2000, tokenLifeMs + 10_000);
    await type("after the first token");
    await save();
    await says(line, /^Saved/);
    const stranger = await driveAccount(urls.drive, "alice@example.com", "sandbox-password");
    expect(await stranger.read("Welcome.md")).toMatch(/after the first token$/);
    expect(await page.locator("#events").textContent()).toMatch(/^saved .* · modified · loaded$/);
    expect(renewals.length).toBeGreaterThan(0);
    // An editor that warns as soon as it has a token does not make the page ask without end.
    expect(renewals.length).toBeLessThan(8);
    expect(renewals.every((status) => status === 200)).toBe(true);
    const shown = [...(await lineTexts()), ...(await editorTexts())];
    expect(shown.filter((text) => /trouble|not saved|expired|lost/i.test(text))).toEqual([]);
    await context.close();
  });
});

describe("an editor that takes a token only with the form", () => {
  let stage: Stage;
  let office: SmallServer;
  let posts: { token: string; expiresAtMs: number }[];

  // Each test moves the bridge's clock, but not the drive's.
  beforeEach(async () => {
    posts = [];
    office = await serve(async (request, response) => {
      let body = "";
      for await (const chunk of request) body += chunk;
      const form = new URLSearchParams(body);
      if (request.method === "POST") {
        posts.push({ token: form.get("access_token") ?? "", expiresAtMs: Number(form.get("access_token_ttl")) });
      }
      response.setHeader("Content-Type", "text/html").end(`<!doctype html><script>
        window.heard = [];
        addEventListener("message", ({ data }) => window.heard.push(JSON.parse(data).MessageId));
        window.say = (MessageId, Values = {}) => parent.postMessage(JSON.stringify({ MessageId, Values }), "*");
        window.say("App_LoadingStatus", { DocumentLoadedTime: 1 });
      </script>`);
    });
    stage = await openStage({
      editAddress: `http://127.0.0.1:${office.port}/hosting/wopi/word/edit?`,
      settings: { GRANT_HOURS: "1" },
    });
  });
  afterEach(async () => {
    await stage?.close();
    await office?.close();
  });

  async function open() {
    posts.length = 0;
    const context = await browser.newContext({ locale: "en-GB" });
    const page = await context.newPage();
    await page.clock.install();
    const session = await stage.session();
    await page.goto(session.host_page_url);
    const line = page.locator("#status");
    await says(line, "No changes yet");
    const editor = () => {
      const frame = page.frames().find((one) => one.url().includes("/hosting/wopi/"));
      if (frame === undefined) throw new Error("no editor");
      return frame;
    };
    const say = (id: string) =>
      editor().evaluate((wanted) => (window as unknown as { say: (id: string) => void }).say(wanted), id);
    /** Both clocks: the bridge's and the page's. */
    const pass = async (minutes: number) => {
      stage.bridge.clock.advance(minutes * 60_000);
      await page.clock.fastForward(minutes * 60_000);
    };
    return { context, page, session, line, say, pass };
  }

  it("is loaded anew with the fresh token, without a step in the history", async () => {
    const { context, page, session, line, pass } = await open();
    const before = await page.evaluate(() => history.length);
    await pass(41);
    await until("it is posted again", () => posts.length === 2);
    expect(posts[1]?.token).not.toBe(posts[0]?.token);
    expect(posts[1]?.expiresAtMs).toBe(session.access_token_ttl + 41 * 60_000);
    await says(line, "No changes yet");
    expect(await page.evaluate(() => history.length)).toBe(before);
    await context.close();
  });

  it("is left alone after an edit and its save, since it reports no second edit: until the next save", async () => {
    const { context, session, line, say, pass } = await open();
    const client = wopiClient(session);
    expect((await client.lock("lock-1")).status).toBe(200);
    await say("Edit_Notification");
    await says(line, "Unsaved changes");
    stage.bridge.clock.advance(1_000);
    expect((await client.put("the first save", "lock-1")).status).toBe(200);
    await says(line, /^Saved/);
    await pass(41);
    await says(line, /^Saved/);
    expect(posts).toHaveLength(1);
    stage.bridge.clock.advance(30_000);
    expect((await client.put("the second save", "lock-1")).status).toBe(200);
    await pass(1);
    await until("it is posted again", () => posts.length === 2);
    await context.close();
  });

  it("is loaded anew two minutes before its token ends, should nobody save", async () => {
    const { context, session, line, say, pass } = await open();
    const client = wopiClient(session);
    expect((await client.lock("lock-1")).status).toBe(200);
    await say("Edit_Notification");
    stage.bridge.clock.advance(1_000);
    expect((await client.put("the only save", "lock-1")).status).toBe(200);
    await says(line, /^Saved/);
    await pass(41);
    await pass(14);
    await says(line, /^Saved/);
    expect(posts).toHaveLength(1);
    await pass(3);
    await until("it is posted again", () => posts.length === 2);
    await context.close();
  });

  it("is left alone while something is unsaved, which the line says, and loaded anew after the save", async () => {
    const { context, session, line, say, pass } = await open();
    await say("Edit_Notification");
    await says(line, "Unsaved changes");
    await pass(41);
    await says(line, /^Save your changes before \d\d:\d\d\. The editor then reloads/);
    expect(posts).toHaveLength(1);
    const client = wopiClient(session);
    expect((await client.lock("lock-1")).status).toBe(200);
    // The page's own clock has gone on meanwhile.
    stage.bridge.clock.advance(30_000);
    expect((await client.put("saved text", "lock-1")).status).toBe(200);
    await until("it is posted again", () => posts.length === 2);
    expect(posts[1]?.token).not.toBe(posts[0]?.token);
    await says(line, /^Saved/);
    await context.close();
  });
});
