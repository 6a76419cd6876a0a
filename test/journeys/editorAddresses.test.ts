import { afterEach, describe, expect, it } from "vitest";
import { type DemoEditor, openDemoEditor } from "../../src/sandbox/demoEditor/demoEditor.ts";
import type { GuiseName } from "../../src/sandbox/demoEditor/guises.ts";
import { linkOwner } from "../support/linkOwner.ts";
import { contentsOf, namedDocument, suggest } from "../support/namedDocument.ts";
import { type TestBridge, type TestBridgeOptions, testBridge } from "../support/testBridge.ts";
import { editorForm, type WebAnswer, type WebPerson, webPerson } from "../support/webPerson.ts";
import { type Session, sessionSchema, type WopiClient, wopiClient } from "../support/wopiClient.ts";

const phone = { "User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Mobile/15E148 Safari/604.1" };
const minuteMs = 60_000;

let editor: DemoEditor;
let bridge: TestBridge;
afterEach(async () => {
  await editor.kill();
  await bridge.close();
});

/** An editor that is known to Cloudreve by what an administrator imported once, and to the bridge by discovery. */
async function stage(guise: GuiseName, options: TestBridgeOptions = {}): Promise<void> {
  editor = await openDemoEditor({ guise, port: 0 });
  const imported = editor.actions();
  bridge = await testBridge({
    ...options,
    settings: { DISCOVERY_URLS: editor.discoveryUrl, PROOF_KEYS: "off" },
    drive: {
      viewers: [
        { id: "editor", type: "wopi", display_name: "Editor", exts: Object.keys(imported), wopi_actions: imported },
      ],
    },
  });
}

async function opened(name: string, more: Record<string, unknown> = {}, text = "text"): Promise<Session> {
  await bridge.alice.put(name, text);
  const answered = await bridge.postSession({ uri: bridge.alice.uriOf(name), action: "edit", ...more });
  expect(answered.status).toBe(201);
  return sessionSchema.parse(await answered.json());
}

const pageOf = (session: Session, headers?: Record<string, string>, person: WebPerson = webPerson(bridge.url)) =>
  person.get(session.host_page_url, headers);
const addressOn = (page: WebAnswer): URL => new URL(editorForm(page).actionUrl);
/** What the open page asks when nothing came up in its frame. */
async function freshAddress(page: WebAnswer): Promise<string | null> {
  const key = /"pageKey":"([^"]+)"/.exec(page.text)?.[1] ?? "";
  const answered = await webPerson(bridge.url).post(`/edit/${key}/address`);
  expect(answered.status).toBe(200);
  return (JSON.parse(answered.text) as { action_url: string | null }).action_url;
}
/** The editor's server; ONLYOFFICE's addresses call the WOPI source otherwise than this client expects. */
const editorOf = (session: Session): WopiClient => wopiClient(session, `${bridge.url}/wopi/files/${session.file.id}`);
const isServed = async (address: URL): Promise<boolean> => {
  const form = { access_token: "x", access_token_ttl: "0" };
  return (await fetch(address, { method: "POST", body: new URLSearchParams(form) })).status !== 404;
};
const hashOf = ({ pathname }: URL): string => pathname.split("/")[2] ?? "";

describe("an editor that was upgraded, as Collabora is, with a new hash in its paths", () => {
  it("opens the next document at its new address, whatever Cloudreve once imported", async () => {
    await stage("collabora");
    const before = new URL((await opened("a.docx")).action_url);
    await editor.upgrade();
    await bridge.bridge.lookAtEditors();
    const after = new URL((await opened("b.docx")).action_url);
    expect(hashOf(after)).not.toBe(hashOf(before));
    expect([await isServed(before), await isServed(after)]).toEqual([false, true]);
  });

  it("is at its new address for owners, guests and portals alike", async () => {
    await stage("collabora");
    await bridge.alice.put("a.odt", "text");
    const fileId = (await bridge.alice.info("a.odt")).id;
    const owner = await linkOwner(bridge);
    const link = await owner.makeLink(fileId, { permission: "view" });
    await opened("other.docx");
    await editor.upgrade();
    await bridge.bridge.lookAtEditors();
    const guest = webPerson(bridge.url);
    const pages = [
      await owner.person.follow(await owner.person.get(`/open?file_id=${fileId}`)),
      await guest.follow(await guest.post(link, { name: "Eve" })),
      await pageOf(await opened("a.odt", { action: "view" })),
    ];
    // The discovery has `edit` alone for odt: that is where it is viewed, too.
    const expected = new URL(editor.actions()["odt"]?.["edit"] ?? "").pathname;
    expect(pages.map((page) => addressOn(page).pathname)).toEqual([expected, expected, expected]);
  });

  it("is found by a page that was opened before and stays silent, once", async () => {
    await stage("collabora");
    const page = await pageOf(await opened("a.docx"));
    expect(await freshAddress(page)).toBeNull();
    await editor.upgrade();
    bridge.clock.advance(minuteMs);
    const address = await freshAddress(page);
    expect(hashOf(new URL(address ?? ""))).toBe(hashOf(new URL(editor.actions()["docx"]?.["edit"] ?? "")));
    expect(await freshAddress(page)).toBeNull();
  });

  it("is found by a page whose session was opened before the upgrade, and its page after", async () => {
    await stage("collabora");
    const session = await opened("a.docx");
    await editor.upgrade();
    await bridge.bridge.lookAtEditors();
    const address = addressOn(await pageOf(session));
    expect(await isServed(address)).toBe(true);
    expect(address.searchParams.get("WOPISrc")).toContain(session.file.id);
  });

  it("gives no address to a page whose session has ended", async () => {
    await stage("collabora");
    const session = await opened("a.docx");
    const page = await pageOf(session);
    await bridge.endSession(session.id);
    await editor.upgrade();
    bridge.clock.advance(minuteMs);
    expect(await freshAddress(page)).toBeNull();
  });

  it("that is away opens documents at the last address known", async () => {
    await stage("collabora");
    const first = new URL((await opened("a.docx")).action_url);
    await editor.crash();
    await bridge.bridge.lookAtEditors();
    expect(bridge.logLines).toContainEqual(
      expect.objectContaining({ failure: "editorUnreachable", said: expect.stringContaining(editor.discoveryUrl) }),
    );
    const session = await opened("b.docx");
    expect(new URL(session.action_url).pathname).toBe(first.pathname);
    expect((await pageOf(session)).status).toBe(200);
  });
});

describe("an editor with an address for each purpose, as ONLYOFFICE is", () => {
  it("gets phones its pages for phones, though a portal's server opened the session", async () => {
    await stage("onlyoffice");
    const edit = await opened("a.docx");
    expect(edit.action_url).toContain("/word/edit?");
    expect(new URL(edit.action_url).searchParams.has("mobile")).toBe(false);
    const onPhone = addressOn(await pageOf(edit, phone));
    expect([onPhone.pathname, onPhone.searchParams.get("mobile")]).toEqual(["/hosting/wopi/word/edit", "1"]);
    const view = addressOn(await pageOf(await opened("b.docx", { action: "view" }), phone));
    expect([view.pathname, view.searchParams.get("mobile")]).toEqual(["/hosting/wopi/word/view", "1"]);
    const onComputer = addressOn(await pageOf(await opened("c.docx")));
    expect(onComputer.searchParams.has("mobile")).toBe(false);
  });

  it("keeps language and theme when a phone asks", async () => {
    await stage("onlyoffice");
    const address = addressOn(await pageOf(await opened("a.docx", { lang: "de-DE", theme: "dark" }), phone));
    expect(address.searchParams.get("ui")).toBe("de-DE");
    expect(address.searchParams.get("thm")).toBe("2");
  });

  it("shows a document without toolbars where a portal embeds it to view, and edits it as ever", async () => {
    await stage("onlyoffice");
    const shown = addressOn(await pageOf(await opened("a.docx", { action: "view", embedded: true })));
    expect([shown.pathname, shown.searchParams.get("embed")]).toEqual(["/hosting/wopi/word/view", "1"]);
    const edited = new URL((await opened("b.docx", { embedded: true })).action_url);
    expect(edited.searchParams.has("embed")).toBe(false);
  });

  it("leaves to view what it can't edit", async () => {
    await stage("onlyoffice");
    const session = await opened("scan.pdf");
    expect(session.permission).toBe("view");
    expect(session.action_url).toContain("/pdf/view?");
    expect((await editorOf(session).check()).json()).toMatchObject({ UserCanWrite: false });
  });

  it("shows an earlier version where there is one", async () => {
    await stage("onlyoffice");
    await opened("a.docx", {}, "first");
    const version = (await bridge.alice.info("a.docx")).primary_entity;
    const session = await opened("a.docx", { version }, "second");
    expect([session.permission, new URL(session.action_url).pathname]).toEqual(["view", "/hosting/wopi/word/view"]);
  });

  it("makes a newer format of an old one beside it, and leads on to that", async () => {
    await stage("onlyoffice");
    const page = await pageOf(await opened("folder/old.doc"));
    const address = addressOn(page);
    expect(address.pathname).toBe("/hosting/wopi/convert-and-edit/doc/docx");
    expect(page.text).toMatch(/<form id="editor-form"[^>]* target="_self"/);
    expect(page.headers.get("Content-Security-Policy")).toContain(`form-action ${editor.url} 'self'`);
    const form = { access_token: editorForm(page).accessToken, access_token_ttl: "0" };
    const converted = await fetch(address, {
      method: "POST",
      body: new URLSearchParams(form),
      redirect: "manual",
    });
    expect(converted.status).toBe(302);
    const next = await webPerson(bridge.url).get(converted.headers.get("Location") ?? "");
    expect(addressOn(next).pathname).toBe("/hosting/wopi/word/edit");
    expect(next.text).toMatch(/<form id="editor-form"[^>]* target="editor-frame"/);
    expect(Object.keys(await contentsOf(bridge, "folder")).sort()).toEqual(["old.doc", "old.docx"]);
  });

  it("shows an old format to whoever may make no file beside it, and to a link's guests", async () => {
    await stage("onlyoffice");
    const session = await opened("old.doc", { options: { save_as: "none" } });
    expect([session.permission, new URL(session.action_url).pathname]).toEqual(["view", "/hosting/wopi/word/view"]);
    const link = await (await linkOwner(bridge)).makeLink(session.file.id);
    const guest = webPerson(bridge.url);
    const page = await guest.follow(await guest.post(link, { name: "Eve" }));
    expect(addressOn(page).pathname).toBe("/hosting/wopi/word/view");
  });

  it("opens what was saved under another extension where that is edited", async () => {
    await stage("onlyoffice");
    const client = editorOf(await opened("a.docx", { lang: "de-DE" }));
    const sheet = namedDocument(await suggest(client, "Table.csv"));
    const person = webPerson(bridge.url);
    const edit = addressOn(await person.get(sheet.HostEditUrl));
    expect([edit.pathname, edit.searchParams.get("ui")]).toEqual(["/hosting/wopi/cell/edit", "de-DE"]);
    expect(addressOn(await person.get(sheet.HostViewUrl)).pathname).toBe("/hosting/wopi/cell/view");
    const pdf = namedDocument(await suggest(client, "Print.pdf"));
    expect(addressOn(await person.get(pdf.HostEditUrl)).pathname).toBe("/hosting/wopi/pdf/view");
  });
});

describe("a portal that names no language", () => {
  const german = { "Accept-Language": "de-AT, en;q=0.5" };

  it("gets each person's own, for the page and the editor alike, and the address stays", async () => {
    await stage("collabora");
    const page = await pageOf(await opened("a.docx"), german);
    expect(page.text).toContain('<html lang="de">');
    expect(addressOn(page).searchParams.get("lang")).toBe("de-AT");
    const key = /"pageKey":"([^"]+)"/.exec(page.text)?.[1] ?? "";
    const again = await webPerson(bridge.url).post(`/edit/${key}/address`, {}, german);
    expect(JSON.parse(again.text)).toEqual({ action_url: null });
  });

  it("keeps the one that it does name", async () => {
    await stage("collabora");
    const page = await pageOf(await opened("a.docx", { lang: "fr" }), german);
    expect([page.text.includes('<html lang="fr">'), addressOn(page).searchParams.get("lang")]).toEqual([true, "fr-FR"]);
  });
});
