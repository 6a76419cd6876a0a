import type { Browser, BrowserContext, Frame, FrameLocator, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openBrowser } from "../support/browser.ts";
import { drivePassword, portalKey } from "../support/testBridge.ts";
import { until } from "../support/until.ts";
import {
  openStage,
  type SmallServer,
  type Stage,
  says,
  serve,
  type Visitor,
  visit,
  visitorOf,
} from "./hostPageStage.ts";

let browser: Browser;
let stage: Stage;
let context: BrowserContext;
let documents = 0;

beforeAll(async () => {
  stage = await openStage();
  browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
  await stage?.close();
});
beforeEach(async () => {
  context = await browser.newContext({ locale: "en-GB" });
});
afterEach(() => context.close());

async function api(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
  const answered = await fetch(`${stage.bridge.url}/api${path}`, {
    method,
    headers: { Authorization: `Bearer ${portalKey}`, "Content-Type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!answered.ok) throw new Error(`${method} ${path}: ${answered.status} ${await answered.text()}`);
  return answered.status === 204 ? {} : ((await answered.json()) as Record<string, unknown>);
}

async function document(): Promise<string> {
  const name = `plan-${++documents}.txt`;
  await stage.bridge.alice.put(name, "first line\n");
  return name;
}

/** Gus opens a document by a link. */
async function byLink(name: string, more: Record<string, unknown> = {}) {
  const uri = stage.bridge.alice.uriOf(name);
  const { id, url } = await api("POST", "/links", { uri, permission: "edit", ...more });
  const page = await context.newPage();
  await page.goto(String(url));
  await page.getByLabel("Your name").fill("Gus");
  await page.getByRole("button", { name: "Open document" }).click();
  const visitor = visitorOf(page, page.frameLocator("iframe[name=editor-frame]"), page.locator("#status"));
  await visitor.editor.locator("#text:not([readonly])").waitFor();
  return { id: String(id), url: String(url), name, ...visitor };
}

const editorsIn = (page: Page): Promise<number> => page.locator("iframe[name=editor-frame]").count();
const gone = (page: Page) => until("the editor is taken away", async () => (await editorsIn(page)) === 0, 15_000);
const noteOf = (page: Page | FrameLocator): Locator => page.locator("#frame-holder .end");

async function copyOf(name: string): Promise<string> {
  const stem = name.replace(".txt", " (conflict, ");
  const copies = (await stage.bridge.alice.list()).filter((other) => other.startsWith(stem));
  expect(copies).toHaveLength(1);
  return copies[0] ?? "";
}

/** The page stays as it is, whatever happens to it. */
async function staysEnded(page: Page): Promise<void> {
  await page.evaluate(() => {
    for (const MessageId of ["App_LoadingStatus", "UI_Close", "App_TokenExpiring", "File_Rename"]) {
      postMessage(JSON.stringify({ MessageId, Values: { Status: "Document_Loaded", NewName: "new" } }), "*");
    }
    dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
    dispatchEvent(new Event("online"));
    window.document.dispatchEvent(new Event("visibilitychange"));
    // Messages are heard in the order they were sent: once this one has come, the others have too.
    return new Promise((resolve) => {
      addEventListener("message", ({ data }) => data === "last" && resolve(undefined));
      postMessage("last", "*");
    });
  });
  expect(await editorsIn(page)).toBe(0);
}

async function unsaved({ type, line }: Visitor, text: string): Promise<void> {
  await type(text);
  await says(line, "Unsaved changes");
}

describe("an open page whose session ends", () => {
  it("hands over what is unsaved, takes the editor away, and names the copy: the portal ended it", async () => {
    const session = await stage.session({ user: { id: "gus", name: "Gus" } });
    const visitor = await visit(context, session.host_page_url);
    const { page, line } = visitor;
    await unsaved(visitor, "while it was revoked");
    await stage.bridge.endSession(session.id);
    await gone(page);
    const copy = await copyOf(session.file.name);
    await says(line, `This session was ended. Your last changes are in the copy “${copy}” beside the document.`);
    expect(await noteOf(page).getByRole("heading").textContent()).toBe("This session was ended.");
    expect(await noteOf(page).textContent()).toContain(copy);
    // It can't be opened again, and nothing says that it could.
    expect(await page.getByRole("button").count()).toBe(0);
    expect(await stage.bridge.alice.read(copy)).toBe("first line\nwhile it was revoked");
    expect(await stage.bridge.alice.read(session.file.name)).toBe("first line\n");
    await staysEnded(page);
  });

  it("goes at once when nothing was unsaved, also for who only read", async () => {
    const name = await document();
    const writer = await byLink(name);
    const uri = stage.bridge.alice.uriOf(name);
    const reader = await stage.session({ uri, action: "view", user: { id: "ria", name: "Ria" } });
    const page = await context.newPage();
    await page.goto(reader.host_page_url);
    await says(page.locator("#status"), "View only");
    await api("DELETE", `/links/${writer.id}`);
    await stage.bridge.endSession(reader.id);
    for (const [one, end] of [
      [writer.page, "The link to this document was revoked.There are no unsaved changes."],
      [page, "This session was ended."],
    ] as const) {
      await one.bringToFront();
      await gone(one);
      expect(await noteOf(one).textContent()).toBe(end);
    }
    expect((await stage.bridge.alice.list()).filter((other) => other.startsWith(name.replace(".txt", " ")))).toEqual(
      [],
    );
  });

  it("does not let the revoked type on or read on, while a colleague edits on undisturbed", async () => {
    const name = await document();
    const gus = await byLink(name);
    const session = await stage.session({ uri: stage.bridge.alice.uriOf(name), user: { id: "ann", name: "Ann" } });
    const ann = await visit(context, session.host_page_url);
    await unsaved(gus, "by Gus");
    await until("Ann sees it", async () => (await ann.editor.locator("#text").inputValue()).includes("by Gus"));
    await api("DELETE", `/links/${gus.id}`);
    await gus.page.bringToFront();
    await gone(gus.page);
    await ann.page.bringToFront();
    await until("Gus has left", async () => !(await ann.editor.locator("body").textContent())?.includes("Gus,"));
    await ann.type(", and Ann");
    await ann.save();
    await until("Ann's save is in", async () => (await stage.bridge.alice.read(name)).endsWith("by Gus, and Ann"));
  });

  it("opens to view when the link was turned to view, by the address of the link", async () => {
    const gus = await byLink(await document());
    await unsaved(gus, "too late");
    await api("PATCH", `/links/${gus.id}`, { permission: "view" });
    await gone(gus.page);
    await says(gus.line, /^You can now only view this document\. Your last changes are in the copy “.*Gus.*”/);
    await staysEnded(gus.page);
    await gus.page.getByRole("button", { name: "Open for viewing" }).click();
    await gus.editor.locator("#text[readonly]").waitFor();
    const reads = async () => (await gus.editor.locator("#text").inputValue()) === "first line\n";
    await until("the document as it is stored is read", reads);
    expect(gus.page.url()).toBe(gus.url);
    // And that ends as well.
    await api("DELETE", `/links/${gus.id}`);
    await gone(gus.page);
    await says(gus.line, /^The link to this document was revoked\./);
  });

  it("says that the link has run out, and offers nothing that would not work", async () => {
    // Shorter than a sign-in at the drive, which lives on the same clock.
    const lifeMs = 30 * 60_000;
    const expires_at = new Date(stage.bridge.clock.now() + lifeMs).toISOString();
    const gus = await byLink(await document(), { expires_at });
    await unsaved(gus, "at the last moment");
    stage.bridge.clock.advance(lifeMs);
    await gone(gus.page);
    await says(gus.line, /^The link to this document has expired\. Your last changes are in the copy “/);
    expect(await gus.page.getByRole("button").count()).toBe(0);
    await staysEnded(gus.page);
  });

  it("says that what was unsaved is kept when the drive is away, and makes it a copy later", async () => {
    const gus = await byLink(await document());
    await unsaved(gus, "no drive");
    await stage.bridge.stopDrive();
    try {
      await api("DELETE", `/links/${gus.id}`);
      await gone(gus.page);
      await says(gus.line, /revoked\. Your last changes are kept safely and will be added as a copy/);
    } finally {
      await stage.bridge.startDrive();
    }
    await until("the replay has placed it", async () => (await stage.bridge.bridge.replay()) === 0);
    expect(await copyOf(gus.name)).toContain("Gus");
    expect(await stage.bridge.alice.read(gus.name)).toBe("first line\n");
  });

  it("goes within five seconds though the editor does not answer", async () => {
    const gus = await byLink(await document());
    await unsaved(gus, "never answered");
    const editor = gus.page.frames().find((frame) => frame.name() === "editor-frame") as Frame;
    await editor.evaluate(() => {
      // Deaf from here on.
      window.addEventListener("message", (event) => event.stopImmediatePropagation(), true);
      WebSocket.prototype.send = () => undefined;
    });
    await api("DELETE", `/links/${gus.id}`);
    await gone(gus.page);
    await says(gus.line, /revoked\. Your last changes (are|did)/);
  });

  it("ends in all windows of somebody who signs out everywhere, and opens after signing in again", async () => {
    const name = await document();
    const { id } = await stage.bridge.alice.info(name);
    const signIn = async (page: Page) => {
      await page.getByLabel("Email").fill("alice@example.com");
      await page.getByLabel("Password").fill(drivePassword);
      await page.getByRole("button", { name: "Sign in" }).click();
    };
    const page = await context.newPage();
    await page.goto(`${stage.bridge.url}/open?file_id=${id}`);
    await signIn(page);
    const alice = visitorOf(page, page.frameLocator("iframe[name=editor-frame]"), page.locator("#status"));
    await alice.editor.locator("#text:not([readonly])").waitFor();
    await unsaved(alice, "before she went");
    const elsewhere = await (await browser.newContext({ locale: "en-GB" })).newPage();
    await elsewhere.goto(stage.bridge.url);
    await signIn(elsewhere);
    // Signing out in one window leaves the others, and what is open there.
    await elsewhere.locator("summary", { hasText: "Alice" }).click();
    await elsewhere.getByRole("button", { name: "Sign out", exact: true }).click();
    await elsewhere.getByText("You are signed out.").waitFor();
    await elsewhere.goto(stage.bridge.url);
    await signIn(elsewhere);
    expect(await editorsIn(page)).toBe(1);
    await elsewhere.locator("summary", { hasText: "Alice" }).click();
    await elsewhere.getByRole("button", { name: "Sign out everywhere" }).click();
    await elsewhere.getByText("Links you have shared still work.").waitFor();
    await gone(page);
    await says(alice.line, /^You signed out everywhere\. Your last changes are in the copy “.*Alice.*”/);
    await page.getByRole("button", { name: "Open again" }).click();
    await signIn(page);
    await alice.editor.locator("#text:not([readonly])").waitFor();
    await elsewhere.context().close();
  });

  it("is noticed at once when a hidden tab is looked at again", async () => {
    const session = await stage.session({ user: { id: "gus", name: "Gus" } });
    const { page, line } = await visit(context, session.host_page_url);
    await says(line, "No changes yet");
    await page.evaluate(() => {
      Object.defineProperty(window.document, "hidden", { configurable: true, get: () => true });
      window.document.dispatchEvent(new Event("visibilitychange"));
    });
    // The poll that was planned while it was visible is the last for a minute.
    await page.waitForResponse((response) => response.url().endsWith("/status"), { timeout: 15_000 });
    await stage.bridge.endSession(session.id);
    await page.evaluate(() => {
      Object.defineProperty(window.document, "hidden", { configurable: true, get: () => false });
      window.document.dispatchEvent(new Event("visibilitychange"));
    });
    await until("the editor is taken away", async () => (await editorsIn(page)) === 0, 3000);
  });

  it("fits a phone and a desk, in both languages", async () => {
    for (const lang of ["en-GB", "zh-CN"]) {
      const session = await stage.session({ user: { id: "gus", name: "Gus" }, lang });
      const visitor = await visit(context, session.host_page_url);
      await visitor.type("unsaved");
      await until("it is noticed", async () => /nsaved|未保存/.test((await visitor.line.textContent()) ?? ""));
      await stage.bridge.endSession(session.id);
      await gone(visitor.page);
      for (const [width, height] of [
        [1280, 800],
        [390, 844],
      ] as const) {
        await visitor.page.setViewportSize({ width, height });
        const { scrollWidth } = await visitor.page.evaluate(() => ({
          scrollWidth: window.document.documentElement.scrollWidth,
        }));
        expect(scrollWidth).toBe(width);
        const box = await noteOf(visitor.page).boundingBox();
        expect((box?.x ?? -1) >= 0 && (box?.x ?? 0) + (box?.width ?? 0) <= width).toBe(true);
        const shots = process.env["SCREENSHOTS"];
        if (shots !== undefined) await visitor.page.screenshot({ path: `${shots}/ended-${lang}-${width}.png` });
      }
    }
  });

  it("opens anew by the link when it has run out by itself", async () => {
    const gus = await byLink(await document());
    // The page can't renew it: nobody looks at the clock for that long.
    await gus.page.route("**/renew", (route) => route.abort());
    stage.bridge.clock.advance(10 * 3_600_000);
    await gone(gus.page);
    await says(gus.line, "This session has expired. There are no unsaved changes.");
    await gus.page.getByRole("button", { name: "Open again" }).click();
    await gus.editor.locator("#text:not([readonly])").waitFor();
  });
});

describe("a portal whose session ends", () => {
  let server: SmallServer;
  let portal: Stage;
  let origin: string;

  beforeAll(async () => {
    server = await serve((_request, response) => {
      response.setHeader("Content-Type", "text/html").end(`<!doctype html><meta charset="utf-8">
<body style="margin:0"><main style="height:600px"></main>
<script type="module">
import { openDocument } from "${portal.bridge.url}/embed.js";
window.heard = [];
const on = Object.fromEntries(
  ["loaded", "modified", "saved", "saveFailed", "closed", "expired"].map((name) => [
    name, (detail) => window.heard.push([name, detail, document.querySelector("main iframe") !== null])]));
const session = JSON.parse(decodeURIComponent(location.hash.slice(1)));
window.opened = openDocument(document.querySelector("main"), { session, on });
</script>`);
    });
    origin = `http://localhost:${server.port}`;
    portal = await openStage({ settings: { EMBED_ORIGINS: origin } });
  });
  afterAll(async () => {
    await portal?.close();
    await server?.close();
  });

  it("opens the document to view when its link was turned to view, in the same page", async () => {
    const name = "plan-of-portal.txt";
    await portal.bridge.alice.put(name, "first line\n");
    const headers = { Authorization: `Bearer ${portalKey}`, "Content-Type": "application/json" };
    const links = `${portal.bridge.url}/api/links`;
    const body = JSON.stringify({ uri: portal.bridge.alice.uriOf(name), permission: "edit", ask_name: false });
    const made = await fetch(links, { method: "POST", headers, body });
    const { id, url } = (await made.json()) as { id: string; url: string };
    // The portal frames the page of the link's session, and what follows the # is not there.
    const entered = await fetch(url, { method: "POST", redirect: "manual", headers: { Origin: portal.bridge.url } });
    const host_page_url = (entered.headers.get("Location") ?? "").split("#")[0];
    const page = await context.newPage();
    await page.goto(`${origin}/#${encodeURIComponent(JSON.stringify({ host_page_url }))}`);
    const host = page.frameLocator("main iframe");
    const editor = host.frameLocator("iframe[name=editor-frame]");
    await editor.locator("#text:not([readonly])").waitFor();
    await fetch(`${links}/${id}`, { method: "PATCH", headers, body: JSON.stringify({ permission: "view" }) });
    await host.getByRole("button", { name: "Open for viewing" }).click({ timeout: 15_000 });
    await editor.locator("#text[readonly]").waitFor();
    await says(host.locator("#status"), "View only");
    await fetch(`${links}/${id}`, { method: "DELETE", headers });
    await noteOf(host).getByText("The link to this document was revoked.").waitFor({ timeout: 15_000 });
    expect(await host.locator("iframe").count()).toBe(0);
    const heard = await page.evaluate(() => (window as unknown as { heard: [string, { reason: string }][] }).heard);
    const ends = heard.filter(([event]) => event === "expired").map(([, { reason }]) => reason);
    expect(ends).toEqual(["lostEditing", "linkRevoked"]);
  });

  it("hears that, then where the last changes are; its questions are answered, and its frame stays", async () => {
    const session = await portal.session({ user: { id: "gus", name: "Gus" } });
    const page = await context.newPage();
    await page.goto(`${origin}/#${encodeURIComponent(JSON.stringify(session))}`);
    const host = page.frameLocator("main iframe");
    const visitor = visitorOf(page, host.frameLocator("iframe[name=editor-frame]"), host.locator("#status"));
    await visitor.editor.locator("#text:not([readonly])").waitFor();
    await unsaved(visitor, "in the portal");
    await portal.bridge.endSession(session.id);
    await until("the editor is taken away", async () => (await host.locator("iframe").count()) === 0, 15_000);
    const heard = await page.evaluate(
      () => (window as unknown as { heard: [string, Record<string, unknown>, boolean][] }).heard,
    );
    const names = heard.map(([name]) => name);
    expect(names).toEqual(["loaded", "modified", "expired", "saveFailed", "modified"]);
    expect(heard[2]?.[1]).toEqual({ reason: "revoked" });
    expect(heard[3]?.[1]).toMatchObject({ keptIn: "copy", copyName: expect.stringContaining("Gus") });
    const ask = (what: "save" | "close") =>
      page.evaluate((name) => {
        const { opened } = window as unknown as { opened: Record<string, () => Promise<unknown>> };
        return opened[name]?.();
      }, what);
    expect(await ask("save")).toEqual({ saved: false, reason: "ended" });
    expect(await page.locator("main iframe").count()).toBe(1);
    expect(await noteOf(host).textContent()).toContain("This session was ended.");
    expect(await ask("close")).toBe(true);
    expect(await page.locator("main iframe").count()).toBe(0);
  });
});
