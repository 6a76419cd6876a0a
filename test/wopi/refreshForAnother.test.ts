import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seenWithinMs } from "../../src/documents/activity.ts";
import { heldLock, type SavingEditor, savingEditor } from "../support/savingEditor.ts";
import { editorUrl, portalKey } from "../support/testBridge.ts";
import { editorForm, webPerson } from "../support/webPerson.ts";
import { type WopiClient, wopiOfForm } from "../support/wopiClient.ts";

const minuteMs = 60_000;
const suites = {
  onlyoffice: "/hosting/wopi/word/edit?",
  collabora: "/browser/dist/cool.html?",
  microsoft365: "/we/wordeditorframe.aspx?",
  other: "/edit?",
} as const;

let editor: SavingEditor;

async function open(suite: keyof typeof suites): Promise<void> {
  const action = editorUrl + suites[suite];
  const elsewhere = `http://127.0.0.1:10${suites[suite]}`;
  const viewer = (id: string, url: string) => ({
    id,
    type: "wopi" as const,
    display_name: id,
    exts: ["docx"],
    wopi_actions: { docx: { edit: url, view: url } },
  });
  editor = await savingEditor({
    settings: { GRANT_HOURS: "1" },
    drive: {
      settings: { accessTokenTtlSeconds: 10_000_000, viewerSessionTimeoutSeconds: 10_000_000 },
      viewers: [viewer("here", action), viewer("elsewhere", elsewhere)],
    },
  });
}

/** Opens a document as its editor does. */
async function join(path: string, more: Record<string, unknown> = {}): Promise<WopiClient> {
  const client = await editor.bridge.open(path, { viewer_id: "here", ...more });
  await client.check();
  return client;
}

/** Ann holds the lock, Ben has joined after her. */
async function both() {
  const { path } = await editor.openNew();
  const ann = await join(path, { user: { id: "ann", name: "Ann" } });
  const ben = await join(path, { user: { id: "ben", name: "Ben" } });
  expect((await ann.lock("A")).status).toBe(200);
  return { path, ann, ben, end: () => editor.bridge.endSession(ben.session.id) };
}

/** Whether the lock still stands half an hour after it was taken, with a refresh by that client in between. */
async function livesOn(by: WopiClient, asked: WopiClient): Promise<boolean> {
  editor.bridge.clock.advance(20 * minuteMs);
  await by.refresh("A");
  editor.bridge.clock.advance(20 * minuteMs);
  return (await heldLock(asked)) === "A";
}

describe("the newest joiner's token has ended, and ONLYOFFICE refreshes the lock with it", () => {
  beforeAll(() => open("onlyoffice"));
  afterAll(() => editor.close());

  it("keeps the lock of somebody who goes on in the same editor", async () => {
    const { ann, ben, end } = await both();
    await end();
    expect((await ben.refresh("A")).status).toBe(200);
    expect(await livesOn(ben, ann)).toBe(true);
  });

  it("keeps it for hours, when nothing is known of that session any more", async () => {
    const { path, ben, end } = await both();
    await end();
    let ann = await join(path);
    for (let round = 0; round < 15; round++) {
      editor.bridge.clock.advance(20 * minuteMs);
      // Whoever goes on has a fresh session by then.
      if (round % 2 === 0) ann = await join(path);
      expect((await ben.refresh("A")).status).toBe(200);
    }
    expect(await heldLock(ann)).toBe("A");
  });

  it("counts for the one who goes on: with him ends the lock", async () => {
    const { path, ann, ben, end } = await both();
    await end();
    expect((await ben.refresh("A")).status).toBe(200);
    await editor.bridge.endSession(ann.session.id);
    expect((await ben.refresh("A")).status).toBe(401);
    const next = await join(path);
    expect((await next.lock("C")).status).toBe(200);
  });

  it.each([
    ["nobody else is there", undefined],
    ["the other one only views", { action: "view" }],
    ["the other one edits in another editor", { viewer_id: "elsewhere" }],
  ])("is refused as ever when %s", async (_what, other) => {
    const { path } = await editor.openNew();
    const ben = await join(path);
    expect((await ben.lock("A")).status).toBe(200);
    if (other !== undefined) await join(path, other);
    await editor.bridge.endSession(ben.session.id);
    expect((await ben.refresh("A")).status).toBe(401);
  });

  it("takes nothing but that: no other lock id, no lock, no unlock, no content", async () => {
    const { path, ann, ben, end } = await both();
    await end();
    const wrong = await ben.refresh("B");
    expect([wrong.status, wrong.header("x-wopi-lock")]).toEqual([409, "A"]);
    const tries = [ben.lock("A"), ben.relock("A", "B"), ben.unlock("A"), ben.getLock(), ben.check(), ben.get()];
    for (const answer of await Promise.all(tries)) expect(answer.status).toBe(401);
    const below = await fetch(ben.address("/contents"), {
      method: "POST",
      headers: { "X-WOPI-Override": "REFRESH_LOCK", "X-WOPI-Lock": "A" },
    });
    expect(below.status).toBe(401);
    expect((await ann.unlock("A")).status).toBe(200);
    expect((await ben.refresh("A")).status).toBe(409);
    expect(await editor.bridge.alice.read(path)).toBe("before");
  });

  it("is not for a viewer's token, nor one of another file, nor a forged one", async () => {
    const { path, ann } = await both();
    const viewer = await join(path, { action: "view" });
    expect((await viewer.refresh("A")).status).toBe(404);
    await editor.bridge.endSession(viewer.session.id);
    expect((await viewer.refresh("A")).status).toBe(401);
    const other = await join((await editor.openNew()).path);
    await editor.bridge.endSession(other.session.id);
    for (const token of [other.session.access_token, `${ann.session.access_token.slice(0, -4)}AAAA`]) {
      const headers = { "X-WOPI-Override": "REFRESH_LOCK", "X-WOPI-Lock": "A" };
      expect((await fetch(`${ann.src}?access_token=${token}`, { method: "POST", headers })).status).toBe(401);
    }
  });

  it("ends when the other one's page is gone: an editor that died is not kept locked by it", async () => {
    const { path } = await editor.openNew();
    const ben = await join(path);
    expect((await ben.lock("A")).status).toBe(200);
    const ann = await join(path);
    // Opened in the bridge's page, of which is heard as long as it is there.
    const page = await (await fetch(ann.session.host_page_url)).text();
    const key = /"pageKey":"([^"]+)"/.exec(page)?.[1] ?? "";
    const status = () => fetch(`${editor.bridge.url}/edit/${key}/status`);
    expect((await status()).status).toBe(200);
    await editor.bridge.endSession(ben.session.id);
    expect((await ben.refresh("A")).status).toBe(200);
    editor.bridge.clock.advance(seenWithinMs);
    expect((await ben.refresh("A")).status).toBe(401);
    await status();
    expect((await ben.refresh("A")).status).toBe(200);
    await fetch(`${editor.bridge.url}/edit/${key}/closed`, { method: "POST" });
    expect((await ben.refresh("A")).status).toBe(401);
  });

  it("keeps the lock when the newest one's link was turned to view", async () => {
    const { path } = await editor.openNew();
    const api = async (method: string, below: string, body: unknown): Promise<Record<string, unknown>> => {
      const headers = { Authorization: `Bearer ${portalKey}`, "Content-Type": "application/json" };
      const answer = await fetch(`${editor.bridge.url}/api${below}`, { method, headers, body: JSON.stringify(body) });
      return (await answer.json()) as Record<string, unknown>;
    };
    const ann = await join(path);
    const link = await api("POST", "/links", { uri: editor.bridge.alice.uriOf(path), permission: "edit" });
    const visitor = webPerson(editor.bridge.url);
    const form = editorForm(await visitor.follow(await visitor.post(String(link["url"]), { name: "Gus" })));
    const gus = wopiOfForm(form);
    await gus.check();
    expect((await ann.lock("A")).status).toBe(200);
    await api("PATCH", `/links/${link["id"]}`, { permission: "view" });
    expect((await gus.refresh("A")).status).toBe(200);
    await editor.bridge.endSession(ann.session.id);
    expect((await gus.refresh("A")).status).toBe(404);
  });
});

describe.each(["collabora", "microsoft365", "other"] as const)("a refresh by an ended token, from %s", (suite) => {
  beforeAll(() => open(suite));
  afterAll(() => editor.close());

  it("is refused, whoever else edits", async () => {
    const { ben, end } = await both();
    await end();
    expect((await ben.refresh("A")).status).toBe(401);
  });
});
