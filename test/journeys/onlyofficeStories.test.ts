import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type DemoEditor, openDemoEditor } from "../../src/sandbox/demoEditor/demoEditor.ts";
import { eventually, openPage } from "../sandbox/demoEditorPage.ts";
import { portalKey, type TestBridge, testBridge } from "../support/testBridge.ts";
import { type Session, sessionSchema } from "../support/wopiClient.ts";

const exitDelayMs = 5_000;
const documentName = "Plan.txt";

let bridge: TestBridge;
let editor: DemoEditor;

beforeEach(async () => {
  let now: () => number = Date.now;
  editor = await openDemoEditor({ guise: "onlyoffice", port: 0, exitDelayMs, now: () => now() });
  bridge = await testBridge({
    settings: { DISCOVERY_URLS: editor.discoveryUrl },
    pause: async () => undefined,
    drive: {
      viewers: [
        { id: "onlyoffice", type: "wopi", display_name: "ONLYOFFICE", exts: ["txt"], wopi_actions: editor.actions() },
      ],
    },
  });
  now = bridge.clock.now;
  await bridge.alice.put(documentName, "first line\n");
});
afterEach(async () => {
  await editor.kill();
  await bridge.close();
});

async function sessionOf(name: string): Promise<Session> {
  const wanted = { uri: bridge.alice.uriOf(documentName), action: "edit", user: { id: name.toLowerCase(), name } };
  return sessionSchema.parse(await (await bridge.postSession(wanted)).json());
}

/** Opens the editor's page as the host page does, by a form. */
async function openWith(session: Session) {
  const url = new URL(session.action_url);
  const wopiSrc = wopiSrcOf(session);
  for (const name of ["wopisrc", "WOPISrc"]) url.searchParams.delete(name);
  const pageUrl = url.search === "" ? `${url.href}?` : `${url.href}&`;
  const ttl = String(session.access_token_ttl);
  return openPage({ editorUrl: editor.url, pageUrl, wopiSrc, token: session.access_token, ttl });
}

function wopiSrcOf(session: Session): string {
  const { searchParams } = new URL(session.action_url);
  return searchParams.get("wopisrc") ?? searchParams.get("WOPISrc") ?? "";
}

type Page = Awaited<ReturnType<typeof openWith>>;

/** Types, leaves, and waits until the editor has sent its last save and unlocked. */
async function typeAndLeave(page: Page, text: string): Promise<void> {
  page.type(text);
  await eventually(() => page.settled);
  await leave(page);
}

async function leave(page: Page): Promise<void> {
  await page.leave();
  bridge.clock.advance(exitDelayMs);
  await eventually(() => editor.documentCount === 0);
}

/** How often the editor has read or written the content. */
function contentCalls(method: "GET" | "POST"): number {
  return bridge.logLines.filter((line) => line["method"] === method && /\/contents$/.test(String(line["path"]))).length;
}

/** The document as it lies in the drive. */
function stored(): Promise<string> {
  return bridge.alice.read(documentName);
}

/** The owner takes the lock from whoever holds it. */
async function takeOver(): Promise<void> {
  const { id } = await bridge.alice.info(documentName);
  const answer = await fetch(`${bridge.url}/api/files/${id}/lock`, {
    method: "DELETE",
    headers: { Authorization: `Bearer ${portalKey}` },
  });
  expect(answer.status).toBe(200);
}

describe("an exit save that the bridge can't place in the document", () => {
  it("is not shown at the next opening in place of the file, nor saved under the next person's name", async () => {
    const ann = await openWith(await sessionOf("Ann"));
    ann.type("first line\nfrom Ann, on her way out\n");
    await eventually(() => ann.settled);
    // Another lock than the editor's holds the file by now: the bridge puts her text beside the document.
    await takeOver();
    await leave(ann);
    expect(await bridge.alice.list()).toHaveLength(2);

    const ben = await openWith(await sessionOf("Ben"));
    expect(ben.text).toBe(await stored());
    await leave(ben);
    expect(await stored()).toBe("first line\n");
  });

  it("is not shown while it waits for a drive that was away", async () => {
    const ann = await openWith(await sessionOf("Ann"));
    ann.type("first line\nfrom Ann, while the drive was away\n");
    await eventually(() => ann.settled);
    await bridge.stopDrive();
    await leave(ann);
    await bridge.startDrive();

    const ben = await openWith(await sessionOf("Ben"));
    expect(contentCalls("GET")).toBe(2);
    await leave(ben);
    expect(await bridge.bridge.replay()).toBe(0);
    expect(await stored()).toBe("first line\nfrom Ann, while the drive was away\n");
    expect(contentCalls("POST")).toBe(1);
  });
});

describe("a person whose session was revoked", () => {
  it("gets no change into the document through somebody else's save", async () => {
    const session = await sessionOf("Ann");
    const ann = await openWith(session);
    ann.type("first line\nby Ann, who may no longer\n");
    await eventually(() => ann.settled);
    await bridge.endSession(session.id);
    await leave(ann);

    const ben = await openWith(await sessionOf("Ben"));
    expect(ben.text).toBe("first line\n");
    await typeAndLeave(ben, `${ben.text}from Ben\n`);
    expect(await stored()).toBe("first line\nfrom Ben\n");
  });
});

describe("a lock under which somebody edits", () => {
  it("outlives the session of whoever came last, and the work goes into the document", async () => {
    const ann = await openWith(await sessionOf("Ann"));
    const session = await sessionOf("Ben");
    const ben = await openWith(session);
    await bridge.endSession(session.id);
    ann.type("first line\nfrom Ann, who stays long\n");
    await eventually(() => ann.settled);
    for (let minutes = 0; minutes < 50; minutes += 10) {
      const before = refreshes();
      bridge.clock.advance(10 * 60_000);
      await eventually(() => refreshes() > before);
    }
    // The drive's own lock stands with the editor's.
    expect(await bridge.alice.put(documentName, "a stranger's")).toBe(40073);
    await ben.leave();
    await leave(ann);
    expect(await stored()).toBe("first line\nfrom Ann, who stays long\n");
  });
});

describe("somebody who joins an editor whose document was changed in the drive meanwhile", () => {
  it("makes nobody's work overwrite the other's", async () => {
    const ann = await openWith(await sessionOf("Ann"));
    ann.type("first line\nfrom Ann\n");
    await eventually(() => ann.settled);
    bridge.drive.forgetLocks();
    bridge.clock.advance(60_000);
    expect(await bridge.alice.put(documentName, "first line\nfrom the drive\n")).toBe(0);

    // The editor reads nothing anew: Ben gets Ann's text, although his session began after the change.
    const ben = await openWith(await sessionOf("Ben"));
    expect(ben.text).toBe("first line\nfrom Ann\n");
    await typeAndLeaveAfter(ann, ben, `${ben.text}from Ben\n`);

    expect(await stored()).toBe("first line\nfrom the drive\n");
    const copy = (await bridge.alice.list()).find((name) => name !== documentName);
    expect(await bridge.alice.read(copy ?? "")).toBe("first line\nfrom Ann\nfrom Ben\n");
  });
});

/** The first one leaves; the last one types, and leaves for good. */
async function typeAndLeaveAfter(first: Page, last: Page, text: string): Promise<void> {
  await first.leave();
  await typeAndLeave(last, text);
}

function refreshes(): number {
  return bridge.logLines.filter(({ operation }) => operation === "REFRESH_LOCK").length;
}
