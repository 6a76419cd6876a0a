import { describe, expect, it } from "vitest";
import { eventually, openPage, postForm } from "./demoEditorPage.ts";
import { demoSession } from "./demoEditorSession.ts";

const demo = demoSession();

describe("opening a document in the demo editor", () => {
  it("asks CheckFileInfo, GetFile and LOCK, in this order", async () => {
    const page = await demo.open("ann");
    expect(page.text).toBe("hello");
    expect(demo.host.operations()).toEqual(["CheckFileInfo", "GetFile", "LOCK"]);
    expect(demo.host.last("LOCK").headers["x-wopi-lock"]).toMatch(/^cool-lock[0-9a-f]{8}$/);
    expect(demo.host.last("LOCK").body.length).toBe(0);
  });

  it("carries the token in the query and as bearer, and closes each connection", async () => {
    await demo.open("ann", { ttl: "1795000000000", query: "&permission=edit&lang=de" });
    for (const call of demo.host.calls) {
      expect(call.query.get("access_token")).toBe("ann");
      expect(call.query.get("access_token_ttl")).toBe("1795000000000");
      expect(call.query.get("permission")).toBe("edit");
      expect(call.query.has("lang")).toBe(false);
      expect(call.headers["authorization"]).toBe("Bearer ann");
      expect(call.headers["connection"]?.toLowerCase()).toBe("close");
      expect(call.headers["user-agent"]).toBe("COOLWSD WOPI Agent demo");
    }
  });

  it("only checks a second user, who sees the same text", async () => {
    const ann = await demo.open("ann");
    ann.type("hello from ann");
    await ann.heard("edit");
    const bob = await demo.open("bob");
    expect(bob.text).toBe("hello from ann");
    expect(demo.host.operations()).toEqual(["CheckFileInfo", "GetFile", "LOCK", "CheckFileInfo"]);
    expect(demo.host.last("CheckFileInfo").token).toBe("bob");
    const { people } = await ann.heard("people", (message) => message.people.length === 2);
    expect(people.map(({ UserName }) => UserName)).toEqual(["ann", "bob"]);
  });

  it("knows a document by the path of its WOPISrc alone", async () => {
    await demo.open("ann");
    const elsewhere = demo.host.wopiSrc("1").replace("127.0.0.1", "localhost");
    await openPage({ editorUrl: demo.editor.url, wopiSrc: elsewhere, token: "bob" });
    expect(demo.host.operations()).toEqual(["CheckFileInfo", "GetFile", "LOCK", "CheckFileInfo"]);
    expect(demo.host.last("CheckFileInfo").headers["host"]).toMatch(/^localhost:/);
  });

  it("takes no lock for a reader and lets nothing be typed", async () => {
    demo.host.people.set("rita", { UserCanWrite: false });
    const page = await demo.open("rita");
    expect((await page.heard("access")).readOnly).toEqual({
      reason: "You may read this document, not change it.",
      canTryAgain: false,
    });
    expect(demo.host.operations()).toEqual(["CheckFileInfo", "GetFile"]);
    page.type("typed by a reader");
    await page.heard("reload");
    expect((await page.save())?.success).toBe(false);
    expect(demo.host.operations()).not.toContain("PUT");
  });

  it("does not lock where the host has no locks, and then saves without a lock header", async () => {
    demo.host.people.set("ann", { SupportsLocks: false });
    const page = await demo.open("ann");
    await page.typeAndSave("changed");
    await page.leave();
    await eventually(() => page.messages.length > 0 && demo.host.operations().includes("PUT"));
    expect(demo.host.operations()).toEqual(["CheckFileInfo", "GetFile", "PUT"]);
    expect(demo.host.last("PUT").headers).not.toHaveProperty("x-wopi-lock");
  });

  it("locks as for editing when a writer only views, and hands permission=view on to the host", async () => {
    const page = await demo.open("ann", { action: "view", query: "&permission=view" });
    expect((await page.heard("access")).readOnly?.reason).toBe("Opened for viewing.");
    expect(demo.host.operations()).toEqual(["CheckFileInfo", "GetFile", "LOCK"]);
    expect(demo.host.last("LOCK").query.get("permission")).toBe("view");
  });

  it("never locks for a writer who joins a reader, yet saves with a lock header and does not unlock", async () => {
    demo.host.people.set("rita", { UserCanWrite: false });
    const rita = await demo.open("rita");
    const ann = await demo.open("ann");
    await ann.typeAndSave("by ann");
    await rita.leave();
    await ann.leave();
    expect(demo.host.last("PUT").headers["x-wopi-lock"]).toMatch(/^cool-lock/);
    await eventually(() => demo.host.operations().length === 4);
    await demo.editor.close();
    expect(demo.host.operations()).toEqual(["CheckFileInfo", "GetFile", "CheckFileInfo", "PUT"]);
  });

  it("opens read-only with the host's reason when the lock is refused, and becomes editable on trying again", async () => {
    const refusal = { status: 409, headers: { "X-WOPI-Lock": "", "X-WOPI-LockFailureReason": "open in WebDAV" } };
    demo.host.rule = (call) => (call.operation === "LOCK" ? refusal : undefined);
    const page = await demo.open("ann");
    expect((await page.heard("access")).readOnly).toEqual({ reason: "Read-only: open in WebDAV", canTryAgain: true });
    const firstLock = demo.host.last("LOCK").headers["x-wopi-lock"];
    demo.host.rule = () => undefined;
    await page.command({ command: "tryLock" });
    await page.heard("access", ({ readOnly }) => readOnly === null);
    expect(demo.host.last("LOCK").headers["x-wopi-lock"]).toBe(firstLock);
    expect((await page.typeAndSave("now it works"))?.success).toBe(true);
  });

  it("opens with a BaseFileName alone, as a reader", async () => {
    demo.host.rule = ({ operation }) =>
      operation === "CheckFileInfo" ? { status: 200, body: { BaseFileName: "Notes.txt" } } : undefined;
    const page = await demo.open("ann");
    expect(page.text).toBe("hello");
    expect((await page.heard("access")).readOnly).not.toBeNull();
    expect(demo.host.operations()).toEqual(["CheckFileInfo", "GetFile"]);
  });

  it('takes the text "true" for a true flag', async () => {
    demo.host.people.set("ann", { UserCanWrite: "true", SupportsLocks: "true" });
    const page = await demo.open("ann");
    expect((await page.heard("access")).readOnly).toBeNull();
  });

  it.each([
    ["401 at CheckFileInfo", "CheckFileInfo", { status: 401 }, /CheckFileInfo: 401/],
    ["CheckFileInfo that is not JSON", "CheckFileInfo", { status: 200, body: "<html>" }, /Unauthorized WOPI host/],
    ["no BaseFileName", "CheckFileInfo", { status: 200, body: { Size: 5 } }, /BaseFileName/],
    ["a path as BaseFileName", "CheckFileInfo", { status: 200, body: { BaseFileName: "a/b.txt" } }, /BaseFileName/],
    ["404 at GetFile", "GetFile", { status: 404 }, /GetFile: 404/],
    ["a redirect at GetFile", "GetFile", { status: 302, headers: { Location: "/" } }, /GetFile: 302/],
  ])("says why nothing loads after %s, and locks nothing", async (_name, operation, reply, reason) => {
    demo.host.rule = (call) => (call.operation === operation ? reply : undefined);
    const page = await demo.open("ann");
    expect((await page.heard("failed")).reason).toMatch(reason);
    expect(demo.host.operations()).not.toContain("LOCK");
  });

  it("leaves the others alone when a joiner is refused", async () => {
    const ann = await demo.open("ann");
    demo.host.rule = (call) => (call.token === "mallory" ? { status: 401 } : undefined);
    const mallory = await demo.open("mallory");
    expect((await mallory.heard("failed")).reason).toMatch(/401/);
    expect((await ann.typeAndSave("still mine"))?.success).toBe(true);
  });

  it("opens anew after the document was closed, with another lock id", async () => {
    const first = await demo.open("ann");
    const firstLock = demo.host.last("LOCK").headers["x-wopi-lock"];
    await first.leave();
    await demo.open("ann");
    expect(demo.host.operations().slice(3)).toEqual(["UNLOCK", "CheckFileInfo", "GetFile", "LOCK"]);
    expect(demo.host.last("UNLOCK").headers["x-wopi-lock"]).toBe(firstLock);
    expect(demo.host.last("LOCK").headers["x-wopi-lock"]).not.toBe(firstLock);
  });

  it("shows a file that is not UTF-8 without letting anybody change it", async () => {
    demo.host.files.set("1", { name: "Old.txt", content: Buffer.from([0x47, 0xf6]), lastModifiedTime: "" });
    const page = await demo.open("ann");
    expect((await page.heard("access")).readOnly?.reason).toBe("This file is not UTF-8 text.");
    expect(demo.host.operations()).not.toContain("LOCK");
  });
});

describe("which hosts the demo editor calls", () => {
  it.each([
    "http://192.0.2.1/wopi/files/1",
    "http://127.0.0.1.example.com/wopi/files/1",
    "http://user@127.0.0.1/wopi/files/1",
    "file:///etc/passwd",
    "",
  ])("calls only this machine when it has no list: not %s", async (wopiSrc) => {
    const answer = await postForm({ editorUrl: demo.editor.url, wopiSrc, token: "ann" });
    expect(answer.status).toBe(403);
    expect(await answer.text()).toContain("Unauthorized WOPI host");
  });

  it("calls the hosts of its list and no others, not even on this machine", async () => {
    await demo.restartEditor({ wopiHosts: [demo.host.origin] });
    expect((await demo.open("ann")).text).toBe("hello");
    const other = demo.host.wopiSrc("1").replace("127.0.0.1", "localhost");
    expect((await postForm({ editorUrl: demo.editor.url, wopiSrc: other, token: "ann" })).status).toBe(403);
  });

  it("gives a page no document without an access token", async () => {
    const answer = await postForm({ editorUrl: demo.editor.url, wopiSrc: demo.host.wopiSrc("1"), token: "" });
    expect(answer.status).toBe(400);
    expect(demo.host.calls).toHaveLength(0);
  });
});

describe("the demo editor's page", () => {
  it("holds neither the token nor the host's address", async () => {
    const answer = await postForm({
      editorUrl: demo.editor.url,
      wopiSrc: demo.host.wopiSrc("1"),
      token: "secret-token",
      query: "&closebutton=1",
    });
    const html = await answer.text();
    expect(html).not.toContain("secret-token");
    expect(html).not.toContain("/wopi/files");
    expect(html).toMatch(/<button id="close" type="button">/);
    expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });

  it("tells the page shortly before its token ends, once for each token", async () => {
    const page = await demo.open("ann", { ttl: String(demo.nowMs + 3_600_000) });
    demo.nowMs += 56 * 60_000;
    const { expiresAtMs } = await page.heard("tokenExpiring");
    expect(expiresAtMs - demo.nowMs).toBe(4 * 60_000);
    page.type("autosaved at a later tick");
    await eventually(() => page.settled);
    demo.nowMs += 30_000;
    await eventually(() => demo.host.operations().includes("PUT"));
    expect(page.messages.filter(({ type }) => type === "tokenExpiring")).toHaveLength(1);
    const fresh = { accessToken: "ann-2", expiresAtMs: demo.nowMs + 3_600_000 };
    await page.command({ command: "token", ...fresh });
    await page.typeAndSave("with the fresh token");
    expect(demo.host.last("PUT").token).toBe("ann-2");
    expect(demo.host.last("PUT").query.get("access_token_ttl")).toBe(String(fresh.expiresAtMs));
    demo.nowMs += 56 * 60_000;
    await eventually(() => page.messages.filter(({ type }) => type === "tokenExpiring").length === 2);
  });
});
