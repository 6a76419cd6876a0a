import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LinkOwner, linkOwner } from "../support/linkOwner.ts";
import { portalClient } from "../support/portalClient.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import { editorForm, type WebPerson, webPerson } from "../support/webPerson.ts";
import { collabora, wopiOfForm } from "../support/wopiClient.ts";

const dayMs = 24 * 3_600_000;

let bridge: TestBridge;
let owner: LinkOwner;

beforeAll(async () => {
  bridge = await testBridge({ store: "file", drive: { settings: { accessTokenTtlSeconds: 90 * 24 * 3600 } } });
  owner = await linkOwner(bridge);
});
afterAll(() => bridge.close());

/** A colleague on a browser of his own, at the editor. */
async function come(url: string, fields: Record<string, string> = {}, person = webPerson(bridge.url)) {
  const page = await person.follow(await person.post(url, fields));
  return { person, page, editor: wopiOfForm(editorForm(page)) };
}

async function newFile(on: TestBridge): Promise<string> {
  await on.alice.put("later.txt", "text");
  return "later.txt";
}

async function document(name: string, text = "owner's text"): Promise<string> {
  await bridge.alice.put(name, text);
  return (await bridge.alice.info(name)).id;
}

describe("a colleague with a link", () => {
  it("sees what it is and whose it is before anything else", async () => {
    const url = await owner.makeLink(await document("door.txt"), { note: "Please check the figures" });
    const door = await webPerson(bridge.url).get(url);
    expect(door.status).toBe(200);
    for (const words of ["door.txt", "Alice", "Please check the figures"]) expect(door.text).toContain(words);
  });

  it("types a name, edits the owner's file and saves into it under that name", async () => {
    const url = await owner.makeLink(await document("edit.txt"));
    const { editor } = await come(url, { name: "Chloé" });
    const info = (await editor.check()).json();
    expect(info).toMatchObject({ UserFriendlyName: "Chloé", UserCanWrite: true, IsAnonymousUser: false });
    expect(info["UserId"]).not.toBe(info["OwnerId"]);
    await editor.get();
    await editor.lock("lock-1");
    expect((await editor.put("colleague's text", "lock-1")).status).toBe(200);
    expect(await bridge.alice.read("edit.txt")).toBe("colleague's text");
    expect((await owner.linkPageOf("edit.txt")).text).toContain("Chloé");
  });

  it("is the same person in every document and after coming back, and straight in the second time", async () => {
    const first = await come(await owner.makeLink(await document("one.txt")), { name: "Ben" });
    const url = await owner.makeLink(await document("two.txt"));
    const second = await come(url, { name: "Ben" }, first.person);
    const again = await first.person.follow(await first.person.get(url));
    const ids = await Promise.all(
      [first.editor, second.editor, wopiOfForm(editorForm(again))].map(async (editor) => {
        return (await editor.check()).json()["UserId"];
      }),
    );
    expect(new Set(ids).size).toBe(1);
  });

  it("is asked for a name where the link wants one, and is an anonymous guest where it does not", async () => {
    const fileId = await document("guest.txt");
    const asking = await webPerson(bridge.url).post(await owner.makeLink(fileId), { name: "  " });
    expect(asking.status).toBe(422);
    const { editor } = await come(await owner.makeLink(fileId, { ask_name: "" }));
    expect((await editor.check()).json()).toMatchObject({ IsAnonymousUser: true, UserFriendlyName: "Guest" });
  });

  it("needs the password, once on this browser", async () => {
    const url = await owner.makeLink(await document("secret.txt"), { password: "correct horse" });
    const person = webPerson(bridge.url);
    expect((await person.get(url)).text).toContain('name="password"');
    expect((await person.post(url, { name: "Dora" })).status).toBe(403);
    expect((await person.post(url, { name: "Dora", password: "wrong" })).status).toBe(403);
    expect((await person.post(url, { name: "Dora", password: "correct horse" })).status).toBe(303);
    expect((await person.get(url)).text).toContain('id="editor-form"');
    const another = await webPerson(bridge.url).get(url);
    expect(another.status).toBe(200);
    expect(another.text).not.toContain('id="editor-form"');
  });

  it("learns nothing before the password, by the page or by a chat's preview: no name, no owner, no note", async () => {
    const wishes = { password: "correct horse", note: "Salaries of the board", permission: "view", expires_in: "7" };
    const url = await owner.makeLink(await document("behind-door.txt"), wishes);
    const answers = [
      await webPerson(bridge.url).get(url),
      await webPerson(bridge.url).post(url, { name: "Eve" }),
      await webPerson(bridge.url).post(url, { name: "Eve", password: "wrong" }),
      await webPerson(bridge.url).post(url, { password: "wrong" }),
    ];
    for (const { text } of answers) expect(text).not.toMatch(/behind-door|Alice|Salaries|View document|<time/);
    expect(answers[0]?.text).toContain('<meta property="og:title" content="Shared document">');
  });

  it("shows a chat's preview the name and the owner where there is no password", async () => {
    const { text } = await webPerson(bridge.url).get(await owner.makeLink(await document("R&D plan.txt")));
    expect(text).toContain('<meta property="og:title" content="R&amp;D plan.txt">');
    expect(text).toContain('<meta property="og:description" content="Alice has invited you to edit this document.">');
    const picture = await fetch(/"og:image" content="([^"]+)"/.exec(text)?.[1] ?? "");
    expect([picture.status, picture.headers.get("Content-Type")]).toEqual([200, "image/png"]);
  });

  it("is with the editor by one request when the browser was here before", async () => {
    const url = await owner.makeLink(await document("at-once.txt"));
    const person = webPerson(bridge.url);
    await person.follow(await person.post(url, { name: "Dora" }));
    const before = bridge.logLines.length;
    const page = await person.get(url);
    expect([page.status, page.location]).toEqual([200, undefined]);
    expect((await wopiOfForm(editorForm(page)).check()).status).toBe(200);
    expect(page.text).toContain('"isReopenable":true');
    expect(page.headers.get("Content-Security-Policy")).toContain("frame-ancestors 'self'");
    const paths = bridge.logLines.slice(before).flatMap(({ path }) => (typeof path === "string" ? [path] : []));
    expect(paths.filter((path) => /^\/(l|edit)\//.test(path))).toEqual(["/l/-"]);
  });

  it("is led to the bridge's own name first when the browser came by another one", async () => {
    const url = await owner.makeLink(await document("other-name.txt"));
    const person = webPerson(bridge.url);
    await person.follow(await person.post(url, { name: "Dora" }));
    const page = await person.get(url.replace("127.0.0.1", "localhost"));
    expect([page.status, page.location]).toEqual([
      303,
      expect.stringMatching(new RegExp(`^${bridge.url}/edit/.*#/l/`)),
    ]);
    expect((await person.get(page.location ?? "")).text).toContain('"isReopenable":false');
  });

  it("is told plainly when the link was revoked, has expired, was never there", async () => {
    const fileId = await document("ended.txt");
    const revoked = await owner.makeLink(fileId);
    await owner.revoke("ended.txt");
    const expired = await owner.makeLink(fileId, { expires_in: "1" });
    bridge.clock.advance(dayMs + 1);
    const unknown = `${bridge.url}/l/${"A".repeat(32)}`;
    const answers = await Promise.all([revoked, expired, unknown].map((url) => webPerson(bridge.url).get(url)));
    expect(answers.map(({ status }) => status)).toEqual([410, 410, 404]);
    expect(new Set(answers.map(({ text }) => /<h1>([^<]*)/.exec(text)?.[1])).size).toBe(3);
    for (const { text } of answers) expect(text).not.toContain("ended.txt");
  });

  it("is told when the file is in the trash", async () => {
    const url = await owner.makeLink(await document("trashed.txt"));
    await bridge.alice.call("DELETE", "/file", { uris: [bridge.alice.uriOf("trashed.txt")] });
    const gone = await webPerson(bridge.url).get(url);
    expect(gone.status).toBe(404);
    expect(gone.text).not.toMatch(/stack|Error:|undefined/);
  });

  it("can't tell from the answer how close a secret was", async () => {
    const url = await owner.makeLink(await document("close.txt"));
    const near = await webPerson(bridge.url).get(`${url.slice(0, -1)}${url.endsWith("A") ? "B" : "A"}`);
    const far = await webPerson(bridge.url).get(`${bridge.url}/l/x`);
    const plain = (text: string) => text.replaceAll(/\/l\/[\w-]+|%2Fl%2F[\w-]+|nonce="[^"]*"/g, "");
    expect([near.status, plain(near.text)]).toEqual([far.status, plain(far.text)]);
  });

  it("keeps the secret out of the store and out of the log", async () => {
    const url = await owner.makeLink(await document("hidden.txt"), { password: "correct horse" });
    const secret = url.slice(url.lastIndexOf("/") + 1);
    await come(url, { name: "Finn", password: "correct horse" });
    expect(JSON.stringify(bridge.logLines)).not.toContain(secret);
    expect(JSON.stringify(bridge.logLines)).not.toContain("correct horse");
    expect(await bridge.storedText()).not.toContain(secret);
    expect(await bridge.storedText()).not.toContain("correct horse");
  });
});

describe("an owner", () => {
  it("revokes a link: the open session's next save is refused and kept beside, under the colleague's name", async () => {
    const url = await owner.makeLink(await document("revoke.txt"));
    const { editor, page } = await come(url, { name: "Gus" });
    await editor.get();
    await editor.lock("lock-1");
    await owner.revoke("revoke.txt");
    const save = await editor.put("unsaved work", "lock-1", collabora({}));
    expect(save.status).toBe(401);
    expect(await bridge.alice.read("revoke.txt")).toBe("owner's text");
    const copy = (await bridge.alice.list()).find((name) => name.startsWith("revoke (conflict, Gus, "));
    expect(await bridge.alice.read(copy ?? "")).toBe("unsaved work");
    expect((await statusOf(page)).ended).toBe("linkRevoked");
    expect((await statusOf(page)).not_saved).toMatchObject({ kept_in: "copy", copy_name: copy, by: "Gus" });
  });

  it("gets the drive's lock back at once when only the revoked session held it", async () => {
    const url = await owner.makeLink(await document("locked.txt"));
    const { editor } = await come(url, { name: "Hal" });
    await editor.lock("lock-1");
    expect(await bridge.alice.put("locked.txt", "owner again")).toBe(40073);
    await owner.revoke("locked.txt");
    expect(await bridge.alice.put("locked.txt", "owner again")).toBe(0);
  });

  it("leaves the lock to the others who edit when one link of two is revoked", async () => {
    const fileId = await document("shared.txt");
    const first = await come(await owner.makeLink(fileId), { name: "Ida" });
    await first.editor.check();
    await first.editor.lock("lock-1");
    const second = await come(await owner.makeLink(fileId, { note: "for Jan alone" }), { name: "Jan" });
    await second.editor.check();
    await owner.revoke("shared.txt", "for Jan alone");
    expect(await bridge.alice.put("shared.txt", "x")).toBe(40073);
    expect((await first.editor.put("saved", "lock-1")).status).toBe(200);
  });

  it("turns an edit link into a view link: the open session reads on, and its work is kept beside", async () => {
    const url = await owner.makeLink(await document("narrow.txt"));
    const { editor } = await come(url, { name: "Kim" });
    await editor.lock("lock-1");
    await owner.change("narrow.txt", { permission: "view" });
    expect((await editor.check()).json()["UserCanWrite"]).toBe(false);
    expect((await editor.get()).text).toBe("owner's text");
    expect((await editor.put("late work", "lock-1", collabora({}))).status).toBe(404);
    const copy = (await bridge.alice.list()).find((name) => name.startsWith("narrow (conflict, Kim, "));
    expect(await bridge.alice.read(copy ?? "")).toBe("late work");
  });

  it("opens an own document without a link, with a button to share it", async () => {
    const fileId = await document("own.txt");
    const page = await owner.person.follow(await owner.person.get(`/open?file_id=${fileId}`));
    const info = (await wopiOfForm(editorForm(page)).check()).json();
    expect(info).toMatchObject({ UserFriendlyName: "Alice", EnableShare: true, UserId: info["OwnerId"] });
  });

  it("sees the link that the editor's Share button has made, and ends what it opened by revoking it", async () => {
    const fileId = await document("by-button.txt");
    const opened = await owner.person.follow(await owner.person.get(`/open?file_id=${fileId}`));
    const shared = await wopiOfForm(editorForm(opened)).post("GET_SHARE_URL", { "X-WOPI-UrlType": "ReadWrite" });
    const url = String(shared.json()["ShareUrl"]);
    const { editor } = await come(url, { name: "Nia" });
    expect((await editor.check()).json()).toMatchObject({ UserFriendlyName: "Nia", UserCanWrite: true });
    expect((await editor.post("GET_SHARE_URL", { "X-WOPI-UrlType": "ReadOnly" })).status).toBe(501);
    const listed = await owner.linkPageOf("by-button.txt");
    expect(listed.text).toContain("Share button of the editor");
    expect(listed.text).toContain(`value="${url}"`);
    await owner.revoke("by-button.txt");
    expect((await editor.check()).status).toBe(401);
    expect((await webPerson(bridge.url).get(url)).status).toBe(410);
  });

  it("makes one link, however often the page that follows is loaded, and copies its address again there", async () => {
    const fileId = await document("reload.txt");
    const made = await owner.person.post("/share", { permission: "edit", file_id: fileId });
    expect(made.status).toBe(303);
    const pages = [await owner.person.follow(made), await owner.person.follow(made)];
    const later = await owner.person.get(new URL(pages[0]?.url ?? "").pathname);
    const addresses = [...pages, later].map(({ text }) => /value="([^"]*\/l\/[\w-]+)"/.exec(text)?.[1]);
    expect(new Set(addresses).size).toBe(1);
    expect((await webPerson(bridge.url).get(addresses[0] ?? "")).text).toContain("reload.txt");
    expect(pages[0]?.text).toContain("Your link is ready");
    expect(later.text).not.toContain("Your link is ready");
  });

  it("finds links by name and state, and keeps the place in the list when one is changed there", async () => {
    await owner.makeLink(await document("ZEBRA plan.txt"));
    const id = idIn((await owner.linkPageOf("ZEBRA plan.txt")).url);
    const listed = async (query: string) => (await owner.person.get(`/links?${query}`)).text.includes("ZEBRA plan.txt");
    expect(await listed("q=zebra&state=active")).toBe(true);
    expect(await listed("q=giraffe")).toBe(false);
    expect(await listed("state=expired")).toBe(false);
    const place = { q: "zebra", state: "all", page: "1" };
    const sent = await owner.person.post(`/links/${id}/expiry`, { ...place, expires_in: "7" });
    expect([sent.status, sent.location]).toEqual([303, `${bridge.url}/links?q=zebra&changed=1#link-${id}`]);
    for (const wrong of [{}, { expires_in: "8" }]) await owner.person.post(`/links/${id}/expiry`, wrong);
    bridge.clock.advance(7 * dayMs);
    expect(await listed("q=zebra&state=expired")).toBe(true);
    await owner.person.post(`/links/${id}/expiry`, { ...place, expires_in: "" });
    expect(await listed("q=zebra&state=active")).toBe(true);
    const revoked = await owner.person.post(`/links/${id}/revoke`, place);
    expect(revoked.location).toBe(`${bridge.url}/links?q=zebra&changed=1#link-${id}`);
    expect(await listed("q=zebra&state=revoked")).toBe(true);
    // There is no way back from that, nor with anything but the form's own choices.
    expect((await owner.person.post(`/links/${id}/expiry`, { expires_in: "" })).status).toBe(410);
  });

  it("sees several links to one document together, by its name now, and when it is gone", async () => {
    const fileId = await document("first name.txt");
    await owner.makeLink(fileId, { note: "for the board" });
    await owner.makeLink(fileId, { note: "for the press" });
    await bridge.alice.rename("first name.txt", "second name.txt");
    const list = (await owner.person.get("/links?q=first+name")).text;
    expect(list.match(/second name\.txt<\/bdi>/g)).toHaveLength(1);
    for (const note of ["for the board", "for the press"]) expect(list).toContain(note);
    expect((await owner.person.get("/links?q=second")).text).toContain("for the press");
    await bridge.alice.call("DELETE", "/file", { uris: [bridge.alice.uriOf("second name.txt")] });
    expect((await owner.person.get("/links?q=second")).text).toContain("Document not found");
    expect((await owner.linkPageOf("second name.txt")).text).toContain("in the trash");
  });

  it("sees and revokes the links that a portal made to own documents, and nobody else does", async () => {
    await document("by-portal.txt");
    const uri = bridge.alice.uriOf("by-portal.txt");
    const made = await portalClient(() => bridge).json("POST", "/links", 201, { uri, permission: "edit" });
    expect((await owner.person.get("/links?q=by-portal")).text).toContain("Created by the portal");
    const bob = await linkOwner(bridge, "bob@example.com");
    expect((await bob.person.get("/links")).text).not.toContain("by-portal.txt");
    expect((await bob.person.post(`/links/${String(made["id"])}/revoke`)).status).toBe(404);
    expect((await owner.person.post(`/links/${String(made["id"])}/revoke`)).status).toBe(303);
    expect((await webPerson(bridge.url).get(String(made["url"]))).status).toBe(410);
  });

  it("finds only own links", async () => {
    await owner.makeLink(await document("mine.txt"));
    const path = new URL((await owner.linkPageOf("mine.txt")).url).pathname;
    const bob = await linkOwner(bridge, "bob@example.com");
    expect((await bob.person.get("/links")).text).not.toContain("mine.txt");
    expect((await bob.person.get(path)).status).toBe(404);
    expect((await bob.person.post(`${path}/revoke`)).status).toBe(404);
    expect((await owner.person.get(path)).text).toContain("mine.txt");
  });

  it("can't share somebody else's file", async () => {
    const fileId = await document("private.txt");
    const bob = await linkOwner(bridge, "bob@example.com");
    expect((await bob.person.get(`/share?file_id=${fileId}`)).status).toBe(404);
    expect((await bob.person.post("/share", { file_id: fileId, permission: "edit" })).status).toBe(404);
  });
});

describe("a link whose owner does not come back", () => {
  it("says that the owner's sign-in has ended, and opens again once the owner has signed in anew", async () => {
    const later = await testBridge({ store: "file" });
    const url = await (await linkOwner(later)).makeLink((await later.alice.info(await newFile(later))).id);
    later.clock.advance(15 * dayMs);
    const door = await webPerson(later.url).get(url);
    expect(door.status).toBe(401);
    expect(door.text).not.toContain("later.txt");
    await linkOwner(later);
    expect((await webPerson(later.url).get(url)).status).toBe(200);
    await later.close();
  });

  it("opens after weeks, since the owner's sign-in is renewed meanwhile", async () => {
    const later = await testBridge({ store: "file" });
    const url = await (await linkOwner(later)).makeLink((await later.alice.info(await newFile(later))).id);
    for (let week = 0; week < 3; week++) {
      later.clock.advance(7 * dayMs);
      await later.bridge.keepAlive();
    }
    expect((await webPerson(later.url).get(url)).status).toBe(200);
    await later.close();
  });
});

describe("restrictions of a link", () => {
  it("reach the editor, the watermark with the visitor's name", async () => {
    const wishes = { no_download: "1", no_print: "1", no_copy: "1", watermark: "1", permission: "view" };
    const { editor } = await come(await owner.makeLink(await document("strict.txt"), wishes), { name: "Lea" });
    const expected = { DisablePrint: true, DisableExport: true, DisableCopy: true, WatermarkText: "Lea" };
    expect((await editor.check()).json()).toMatchObject({ ...expected, UserCanWrite: false });
  });

  it("leave the button to save where the link may edit", async () => {
    const { editor } = await come(await owner.makeLink(await document("nodl.txt"), { no_download: "1" }), {
      name: "Mo",
    });
    expect((await editor.check()).json()).not.toHaveProperty("HideSaveOption");
  });
});

const idIn = (url: string): string => new URL(url).pathname.split("/").at(-1) ?? "";

interface Status {
  readonly ended: string | null;
  readonly not_saved: Record<string, unknown> | null;
}

/** What the open host page hears. */
async function statusOf(page: Awaited<ReturnType<WebPerson["get"]>>): Promise<Status> {
  const key = /"pageKey":"([\w-]+)"/.exec(page.text)?.[1];
  return (await (await fetch(`${bridge.url}/edit/${key}/status`)).json()) as Status;
}
