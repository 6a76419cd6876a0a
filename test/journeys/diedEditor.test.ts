import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type DemoEditor, openDemoEditor } from "../../src/sandbox/demoEditor/demoEditor.ts";
import { type DemoPage, openPage } from "../sandbox/demoEditorPage.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import { until } from "../support/until.ts";
import { type Session, sessionSchema } from "../support/wopiClient.ts";

const documentName = "Plan.txt";
const minuteMs = 60_000;

let bridge: TestBridge;
let editor: DemoEditor;

async function start(namesServer = true): Promise<void> {
  let now: () => number = Date.now;
  editor = await openDemoEditor({ guise: "collabora", port: 0, namesServer, now: () => now() });
  bridge = await testBridge({
    store: "file",
    settings: { DISCOVERY_URLS: editor.discoveryUrl, PROOF_KEYS: "off" },
    pause: async () => undefined,
    drive: {
      viewers: [
        { id: "collabora", type: "wopi", display_name: "Collabora", exts: ["txt"], wopi_actions: editor.actions() },
      ],
    },
  });
  now = bridge.clock.now;
  await bridge.alice.put(documentName, "first line\n");
}
beforeEach(() => start());
afterEach(async () => {
  await editor.kill();
  await bridge.close();
});

interface Opened {
  readonly page: DemoPage;
  readonly session: Session;
  /** As the page around the editor asks every few seconds. */
  status(): Promise<Record<string, unknown>>;
  closed(): Promise<void>;
}

/** Somebody opens the document: the page around the editor, and the editor's in it. */
async function open(name: string, session?: Session): Promise<Opened> {
  const asked = { uri: bridge.alice.uriOf(documentName), action: "edit", user: { id: name.toLowerCase(), name } };
  const opened = session ?? sessionSchema.parse(await (await bridge.postSession(asked)).json());
  const host = await (await fetch(opened.host_page_url)).text();
  const pageKey = /"pageKey":"([^"]+)"/.exec(host)?.[1] ?? "";
  const page = await editorPage(opened);
  const at = (what: string) => `${bridge.url}/edit/${pageKey}/${what}`;
  const around: Opened = {
    page,
    session: opened,
    status: async () => (await (await fetch(at("status"))).json()) as Record<string, unknown>,
    closed: async () => void (await fetch(at("closed"), { method: "POST" })),
  };
  await around.status();
  return around;
}

function editorPage(session: Session): Promise<DemoPage> {
  const url = new URL(session.action_url);
  const wopiSrc = url.searchParams.get("WOPISrc") ?? "";
  url.searchParams.delete("WOPISrc");
  return openPage({
    editorUrl: editor.url,
    pageUrl: `${url.href}${url.search === "" ? "?" : "&"}`,
    wopiSrc,
    token: session.access_token,
    ttl: String(session.access_token_ttl),
  });
}

/** Somebody at an editor that has opened the document anew. */
async function sessionOfAnotherOpening() {
  return bridge.open(documentName, { user: { id: "cem", name: "Cem" } });
}

async function dieAndStartAgain(): Promise<void> {
  await editor.crash();
  await editor.restart();
}

const isWritable = async (page: DemoPage): Promise<boolean> => (await page.heard("access")).readOnly === null;
const stored = (): Promise<string> => bridge.alice.read(documentName);
const givenUp = () => bridge.logLines.filter(({ event }) => event === "lockTakenOver");

/** The bridge asks in the background which start of the editor's server has the document, and its lock. */
async function serverIsKnown(): Promise<void> {
  await until("the start of the server is recorded", async () => {
    const rows = (await bridge.storedText()).split("\n").filter((line) => line.includes('"serverId"'));
    return rows.some((row) => row.startsWith("lock:")) && rows.some((row) => row.startsWith("activity:"));
  });
}

describe("after the editor's server was killed", () => {
  it("the next person opens and edits the document at once, while pages of the dead one are still open", async () => {
    await open("Ann");
    await serverIsKnown();
    await dieAndStartAgain();
    const ben = await open("Ben");
    expect(await isWritable(ben.page)).toBe(true);
    expect(await ben.page.typeAndSave("first line\nfrom Ben\n")).toMatchObject({ success: true });
    expect(await stored()).toBe("first line\nfrom Ben\n");
    expect(givenUp()).toMatchObject([{ by: "bridge:serverEnded", from: { name: "Ann" } }]);
    expect(await bridge.alice.list()).toHaveLength(1);
  });

  it("the page is told so, and no more once its editor has opened the document anew", async () => {
    const ann = await open("Ann");
    await serverIsKnown();
    expect(await ann.status()).toMatchObject({ editor_stopped: false });
    await dieAndStartAgain();
    bridge.clock.advance(10_000);
    expect(await ann.status()).toMatchObject({ editor_stopped: true, locked_by: null });
    const again = await editorPage(ann.session);
    expect(await isWritable(again)).toBe(true);
    await until("the page is served again", async () => (await ann.status())["editor_stopped"] === false);
  });

  it("the drive's lock goes with the last page of the dead editor", async () => {
    const ann = await open("Ann");
    await serverIsKnown();
    await dieAndStartAgain();
    await bridge.bridge.sweep();
    expect(await bridge.alice.put(documentName, "a stranger's")).toBe(40073);
    await ann.closed();
    await until("the drive is free", async () => (await bridge.alice.put(documentName, "a stranger's")) === 0);
  });

  it("an editor that names no start of its server locks out nobody for longer than a minute", async () => {
    await editor.kill();
    await bridge.close();
    await start(false);
    const ann = await open("Ann");
    await dieAndStartAgain();
    await ann.closed();
    const ben = await open("Ben");
    expect(await isWritable(ben.page)).toBe(false);
    expect(await ben.status()).toMatchObject({ locked_by: "Ann" });
    bridge.clock.advance(minuteMs);
    await ben.page.command({ command: "tryLock" });
    await ben.page.heard("access", ({ readOnly }) => readOnly === null);
    expect(await ben.status()).toMatchObject({ locked_by: null });
    expect(givenUp()).toMatchObject([{ by: "bridge:leftByAll" }]);
  });
});

describe("a living editor", () => {
  it("keeps its lock when its first page is closed and somebody edits on in another session", async () => {
    const ann = await open("Ann");
    const ben = await open("Ben");
    await serverIsKnown();
    await ann.page.leave();
    await ann.closed();
    bridge.clock.advance(minuteMs);
    await ben.status();
    const stranger = await sessionOfAnotherOpening();
    expect((await stranger.lock("another opening")).status).toBe(409);
    await bridge.bridge.sweep();
    expect(await ben.page.typeAndSave("first line\nfrom Ben\n")).toMatchObject({ success: true });
    expect(givenUp()).toEqual([]);
  });

  it("keeps its lock while it is saved under, however quiet its pages are", async () => {
    const ann = await open("Ann");
    await serverIsKnown();
    await ann.closed();
    bridge.clock.advance(40_000);
    expect(await ann.page.typeAndSave("first line\nfrom Ann\n")).toMatchObject({ success: true });
    bridge.clock.advance(40_000);
    const stranger = await sessionOfAnotherOpening();
    expect((await stranger.lock("another opening")).status).toBe(409);
    expect(givenUp()).toEqual([]);
  });

  it("loses nothing even when it was taken for dead: what it saves late is in a copy", async () => {
    const ann = await open("Ann");
    await serverIsKnown();
    await ann.closed();
    bridge.clock.advance(minuteMs);
    const stranger = await sessionOfAnotherOpening();
    expect((await stranger.lock("another opening")).status).toBe(200);
    expect(await ann.page.typeAndSave("first line\nfrom Ann, late\n")).toMatchObject({ success: false });
    expect(await stored()).toBe("first line\n");
    const names = (await bridge.alice.list()).filter((name) => name !== documentName);
    expect(names).toHaveLength(1);
    expect(await bridge.alice.read(String(names[0]))).toBe("first line\nfrom Ann, late\n");
    expect(await ann.status()).toMatchObject({ not_saved: { kept_in: "copy" } });
  });
});
