import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openBrowser } from "../support/browser.ts";
import { until } from "../support/until.ts";
import { wopiClient } from "../support/wopiClient.ts";
import { openStage, type SmallServer, type Stage, says, serve, visitorOf } from "./hostPageStage.ts";

/** What a portal's page was told, in order. */
interface Heard {
  readonly name: string;
  readonly detail: Record<string, unknown>;
}
type PortalWindow = Window & {
  heard: Heard[];
  opened: { save(): Promise<{ saved: boolean; reason?: string }>; close(): Promise<boolean> };
};

let browser: Browser;
let stage: Stage;
let server: SmallServer;
let context: BrowserContext;
/** Another site than the bridge's. */
let listed: string;
/** The same server, under a name that the bridge does not know. */
let unlisted: string;

/** The page of a portal, as short as it can be. */
function portalPage(bridgeUrl: string): string {
  return `<!doctype html><meta charset="utf-8"><title>Portal</title>
<body style="margin:0"><main style="height:600px"></main>
<script type="module">
import { openDocument } from "${bridgeUrl}/embed.js";
window.heard = [];
const names = ["loaded", "modified", "saved", "saveFailed", "renamed", "commented", "closed", "expired"];
const on = Object.fromEntries(names.map((name) => [name, (detail) => window.heard.push({ name, detail })]));
const session = JSON.parse(decodeURIComponent(location.hash.slice(1)));
window.opened = openDocument(document.querySelector("main"), { session, on });
</script>`;
}

beforeAll(async () => {
  server = await serve((_request, response) => {
    response.setHeader("Content-Type", "text/html").end(portalPage(stage.bridge.url));
  });
  listed = `http://localhost:${server.port}`;
  unlisted = `http://127.0.0.1:${server.port}`;
  stage = await openStage({ settings: { EMBED_ORIGINS: listed } });
  browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
  await stage?.close();
  await server?.close();
});
beforeEach(async () => {
  context = await browser.newContext();
});
afterEach(() => context.close());

async function embed(portal = listed, inContext = context) {
  const session = await stage.session({ user: { id: "anna", name: "Anna" } });
  const page = await inContext.newPage();
  await page.goto(`${portal}/#${encodeURIComponent(JSON.stringify(session))}`);
  const host = page.frameLocator("main iframe");
  const visitor = visitorOf(page, host.frameLocator("iframe[name=editor-frame]"), host.locator("#status"));
  return { session, host, ...visitor };
}

async function open(inContext = context) {
  const visitor = await embed(listed, inContext);
  await visitor.editor.locator("#text:not([readonly])").waitFor();
  return visitor;
}

const heardBy = (page: Page): Promise<Heard[]> => page.evaluate(() => (window as unknown as PortalWindow).heard);
const namesOf = (heard: Heard[]): string[] => heard.map(({ name }) => name);

async function hears(page: Page, name: string): Promise<Heard> {
  await until(`the portal hears ${name}`, async () => namesOf(await heardBy(page)).includes(name));
  return (await heardBy(page)).findLast((one) => one.name === name) as Heard;
}

describe("a portal of another origin", () => {
  it("hears that the document is loaded, modified, saved and closed", async () => {
    const { page, type, save, editor } = await open();
    expect((await hears(page, "loaded")).detail).toEqual({});
    await type("from the portal");
    expect((await hears(page, "modified")).detail).toEqual({ modified: true });
    await save();
    const { detail } = await hears(page, "saved");
    expect(detail["by"]).toBe("Anna");
    expect(new Date(String(detail["at"])).toISOString()).toBe(detail["at"]);
    await editor.locator("#close").click();
    await hears(page, "closed");
    const heard = await heardBy(page);
    expect(namesOf(heard)).toEqual(["loaded", "modified", "modified", "saved", "closed"]);
    expect(heard.findLast(({ name }) => name === "modified")?.detail).toEqual({ modified: false });
    expect(await page.locator("iframe").count()).toBe(0);
  });

  it("gives the frame the document's name and all the room, and the clipboard", async () => {
    const { page, session } = await open();
    const frame = page.locator("main iframe");
    expect(await frame.getAttribute("title")).toBe(session.file.name);
    expect(await frame.getAttribute("allow")).toContain("clipboard-write");
    expect(await frame.getAttribute("sandbox")).toBeNull();
    expect((await frame.boundingBox())?.height).toBe(600);
  });

  it("saves and closes by what openDocument answers, and nothing typed is lost", async () => {
    const { page, type, session } = await open();
    await type("one");
    expect(await page.evaluate(() => (window as unknown as PortalWindow).opened.save())).toEqual({ saved: true });
    expect(await stage.bridge.alice.read(session.file.name)).toBe("first line\none");
    await type(" two");
    expect(await page.evaluate(() => (window as unknown as PortalWindow).opened.close())).toBe(true);
    expect(await stage.bridge.alice.read(session.file.name)).toBe("first line\none two");
    expect(await page.locator("iframe").count()).toBe(0);
    expect(namesOf(await heardBy(page)).filter((name) => name === "closed")).toHaveLength(1);
  });

  it("is told no, and keeps the frame, when what is unsaved can't be saved", async () => {
    const { page, type } = await open();
    await type("unsaved");
    await hears(page, "modified");
    await stage.bridge.stopDrive();
    try {
      expect(await page.evaluate(() => (window as unknown as PortalWindow).opened.close())).toBe(false);
      expect((await hears(page, "saveFailed")).detail).toEqual({
        reason: "driveUnreachable",
        keptIn: "spool",
        copyName: null,
      });
      expect(await page.locator("main iframe").count()).toBe(1);
    } finally {
      await stage.bridge.startDrive();
    }
  });

  it("hears of a new name and of the session's end", async () => {
    const { page, editor, session } = await open();
    await editor.locator("#rename").click();
    await editor.locator("#new-name").fill("Renamed");
    await editor.locator("#ask-name-ok").click();
    expect((await hears(page, "renamed")).detail).toEqual({ name: "Renamed.txt" });
    await stage.bridge.endSession(session.id);
    // Asked at once when the network is back, in place of the next time.
    await context.setOffline(true);
    await context.setOffline(false);
    expect((await hears(page, "expired")).detail).toEqual({ reason: "revoked" });
  });
});

describe("a portal whose editor reports comments", () => {
  it("hears each of them once, from anybody's editor, with who is mentioned", async () => {
    const { page, session } = await open();
    const ben = await stage.bridge.open(session.file.name, { user: { id: "ben", name: "Ben" } });
    const mentioned = String((await wopiClient(session).check()).json()["UserId"]);
    const comment = (Id: string, ContentAction: string) => ({
      Type: "Comment",
      Id,
      Data: { ContentId: Id, ContentAction, People: [{ Type: "WOPI", Id: mentioned }] },
    });
    // Twice what it holds, as after an answer that was lost.
    const Activities = [comment("first", "Add"), comment("second", "Delete")];
    for (let sent = 0; sent < 2; sent++) {
      expect((await ben.post("ADD_ACTIVITIES", {}, JSON.stringify({ Activities }))).status).toBe(200);
    }
    await context.setOffline(true);
    await context.setOffline(false);
    await hears(page, "commented");
    const told = (await heardBy(page)).filter(({ name }) => name === "commented").map(({ detail }) => detail);
    const detail = { at: expect.any(String), by: "Ben", mentioned: [{ id: mentioned, name: "Anna" }] };
    expect(told).toEqual([
      { ...detail, action: "added" },
      { ...detail, action: "deleted" },
    ]);
    // The next answer holds them too.
    const next = page.waitForResponse((response) => response.url().endsWith("/status") && response.ok());
    await context.setOffline(true);
    await context.setOffline(false);
    await next;
    expect((await heardBy(page)).filter(({ name }) => name === "commented")).toHaveLength(2);
  });
});

describe("a page of an origin that is not listed", () => {
  it("can't frame the document", async () => {
    const refusing = context.waitForEvent("console", (message) => message.text().includes("frame-ancestors"));
    const { page, editor } = await embed(unlisted);
    expect((await refusing).type()).toBe("error");
    expect(await editor.locator("#text").count()).toBe(0);
    expect(await heardBy(page)).toEqual([]);
  });

  it("gets no message when it opens the document in a window, whatever it says", async () => {
    const session = await stage.session();
    const page = await context.newPage();
    await page.goto(`${unlisted}/#${encodeURIComponent(JSON.stringify({ host_page_url: "about:blank" }))}`);
    const opening = context.waitForEvent("page");
    await page.evaluate((url) => {
      const all = window as unknown as { said: unknown[]; opened_: Window | null };
      all.said = [];
      addEventListener("message", (event) => all.said.push(event.data));
      all.opened_ = window.open(url);
    }, session.host_page_url);
    const popup = await opening;
    const line = popup.locator("#status");
    await says(line, "No changes yet");
    await page.evaluate(() => {
      const { opened_ } = window as unknown as { opened_: Window };
      for (const type of ["hello", "save", "close"]) {
        opened_.postMessage({ source: "cloudreve-office-bridge", type, id: 1 }, "*");
      }
    });
    await popup.frameLocator("iframe").locator("#text").fill("typed");
    await says(line, "Unsaved changes");
    expect(await page.evaluate(() => (window as unknown as { said: unknown[] }).said)).toEqual([]);
  });
});

/** Whether a cookie that the bridge's frame sets is there afterwards. */
function keepsCookie(page: Page): Promise<boolean> {
  const frame = page.frames().find((one) => one.url().startsWith(stage.bridge.url));
  if (frame === undefined) throw new Error("the bridge's page is not there");
  return frame.evaluate(() => {
    // biome-ignore lint/suspicious/noDocumentCookie: whether it is kept is the question
    document.cookie = "probe=1; SameSite=None; Secure; path=/";
    return document.cookie.includes("probe=1");
  });
}

describe("a browser that blocks third-party cookies", () => {
  it("opens, edits and saves a document in a frame of another site", async () => {
    const strict = await openBrowser(["--test-third-party-cookie-phaseout"]);
    try {
      const blocking = await strict.newContext();
      const first = await blocking.newPage();
      await first.goto(`${stage.bridge.url}/healthz`);
      expect(await keepsCookie(first)).toBe(true);
      const { page, type, save, line, session } = await open(blocking);
      expect(await keepsCookie(page)).toBe(false);
      await type("without cookies");
      await save();
      await says(line, /^Saved/);
      expect((await hears(page, "saved")).detail["by"]).toBe("Anna");
      expect(await stage.bridge.alice.read(session.file.name)).toContain("without cookies");
    } finally {
      await strict.close();
    }
  });
});
