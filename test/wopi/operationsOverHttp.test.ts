import { readdir } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { namedDocument, openAsOwner } from "../support/namedDocument.ts";
import { rawRequest, rawStatus } from "../support/rawHttp.ts";
import { expectRefusal, heldLock, type SavingEditor, savingEditor } from "../support/savingEditor.ts";

const minuteMs = 60_000;

/** What of the operations can only be seen through the server: bytes of headers, bodies, HEAD, log lines, restarts. */
describe("operations over HTTP", () => {
  let editor: SavingEditor;
  beforeAll(async () => {
    editor = await savingEditor({ store: "file", settings: { GRANT_HOURS: "200", MAX_FILE_MB: "1" } });
  });
  afterEach(() => {
    editor.proxy.intercept = undefined;
  });
  afterAll(() => editor.close());

  describe("lock ids", () => {
    it.each([
      ["UTF-8", Buffer.from("schlö§el").toString("latin1")],
      ["latin1", "schl\u00f6ssel"],
      ["a tab", "a\tb"],
    ])("that are not ASCII are 400: %s", async (_name, id) => {
      const { client } = await editor.openNew();
      const answer = await rawRequest(client.address(), ["POST", "X-WOPI-Override: LOCK", `X-WOPI-Lock: ${id}`]);
      expect(rawStatus(answer)).toBe(400);
      expect(await heldLock(client)).toBe("");
    });
  });

  it("a save is not stored twice when the editor hung up before the answer and sends it again", async () => {
    const { client, path } = await editor.openAndLock("A");
    const hangUp = new AbortController();
    editor.proxy.intercept = (request) => {
      if (request.method === "POST" && request.url?.includes("/contents")) hangUp.abort();
      return false;
    };
    const headers = { "X-WOPI-Override": "PUT", "X-WOPI-Lock": "A" };
    const sent = fetch(client.address("/contents"), { method: "POST", headers, body: "same", signal: hangUp.signal });
    await expect(sent).rejects.toThrow("aborted");
    editor.proxy.intercept = undefined;
    const again = await client.put("same", "A");
    expect(again.status).toBe(200);
    const { data } = await editor.bridge.alice.call(
      "GET",
      `/file/info?uri=${encodeURIComponent(editor.bridge.alice.uriOf(path))}&extended=true`,
    );
    const { entities } = (data as { extended_info: { entities: { id: string }[] } }).extended_info;
    // As it was when opened, and the save.
    expect(entities).toHaveLength(2);
    expect(entities[0]?.id).toBe(again.header("x-wopi-itemversion"));
  });

  describe("the drive's own lock", () => {
    it("never shows its token to an editor", async () => {
      const { client, path } = await editor.openNew();
      await client.lock("A");
      const refused = await editor.bridge.alice.call("POST", "/file/rename", {
        uri: editor.bridge.alice.uriOf(path),
        new_name: "x.docx",
      });
      const [{ token }] = refused.data as [{ token: string }];
      expect(token.length).toBeGreaterThan(20);
      const answers = [
        await client.lock("A"),
        await client.lock("B"),
        await client.refresh("A"),
        await client.refresh("B"),
        await client.getLock(),
        await client.relock("A", "C"),
        await client.put("saved", "C"),
        await client.put("saved", "B"),
        await client.put("saved"),
        await client.check(),
        await client.get(),
        await client.unlock("A"),
        await client.unlock("C"),
      ];
      for (const { headers, text } of answers) expect(JSON.stringify([...headers]) + text).not.toContain(token);
      expect(JSON.stringify(editor.bridge.logLines)).not.toContain(token);
    });
  });

  describe("PutFile, changed in storage", () => {
    it("is not over once somebody has asked for its head: the editor's copy is still the old one", async () => {
      const { client, path } = await editor.openNew();
      await client.get();
      expect(await editor.bridge.alice.put(path, "theirs")).toBe(0);
      expect((await client.lock("A")).status).toBe(200);
      await fetch(client.address("/contents"), { method: "HEAD" });
      expectRefusal(await client.put("mine", "A"), "A", "change");
      expect(await editor.bridge.alice.read(path)).toBe("theirs");
    });
  });

  describe("CheckFileInfo", () => {
    it("is JSON in UTF-8, of a true length, and not to be stored by anybody", async () => {
      const { client } = await editor.openNew("some text", { user: { id: "u", name: "Ümit 文" } });
      const answer = await client.check();
      expect(answer.header("content-type")).toMatch(/^application\/json(; charset=utf-8)?$/);
      expect(answer.header("content-length")).toBe(String(answer.bytes.length));
      expect(answer.header("cache-control")).toContain("no-store");
    });
  });

  describe("DeleteFile", () => {
    it("with a body and a token in the header alone is done as well", async () => {
      const { folder, path } = await editor.openNew();
      const client = await openAsOwner(editor.bridge, path);
      const answered = await fetch(client.src, {
        method: "POST",
        headers: { "X-WOPI-Override": "DELETE", Authorization: `Bearer ${client.session.access_token}` },
        body: "x".repeat(100_000),
      });
      expect(answered.status).toBe(200);
      expect(await editor.bridge.alice.list(folder)).toEqual([]);
    });
  });

  describe("RenameFile", () => {
    it("is not what the body says, however large it is", async () => {
      const { client, path, folder } = await editor.openAndLock("A");
      const { alice, spoolDir } = editor.bridge;
      const before = await alice.info(path);
      const body = "x".repeat(5 * 1024 * 1024);
      const rename = (name: string, lock: Record<string, string> = {}) =>
        client.post("RENAME_FILE", { "X-WOPI-RequestedName": name, ...lock }, body);
      namedDocument(await rename("Summary", { "X-WOPI-Lock": "A" }));
      expect(await alice.info(`${folder}/Summary.docx`)).toMatchObject({
        primary_entity: before.primary_entity,
        size: before.size,
      });
      expect(await readdir(spoolDir)).toEqual([]);
      // A refusal has to wait for no body either.
      expect((await rename(".")).status).toBe(400);
      expect((await rename("Other", { "X-WOPI-Lock": "B" })).status).toBe(409);
    });
  });

  describe("a restart of the bridge", () => {
    it("keeps the lock and the drive's: the same id still saves and unlocks", async () => {
      const { client, path } = await editor.openNew();
      await client.lock("A");
      await editor.bridge.restart();
      expect(await editor.othersCanSave(path)).toBe(false);
      expect(await heldLock(client)).toBe("A");
      expect((await client.lock("B")).header("x-wopi-lock")).toBe("A");
      expect((await client.put("after the restart", "A")).status).toBe(200);
      expect((await client.unlock("A")).status).toBe(200);
      expect(await editor.othersCanSave(path)).toBe(true);
    });

    it("gives back what ran out meanwhile", async () => {
      const { client, path } = await editor.openNew();
      await client.lock("A");
      editor.bridge.clock.advance(15 * minuteMs);
      await client.put("saved", "A");
      await editor.bridge.restart();
      editor.bridge.clock.advance(16 * minuteMs);
      expect(await editor.othersCanSave(path)).toBe(false);
      await editor.bridge.bridge.sweep();
      expect(await editor.othersCanSave(path)).toBe(true);
    });
  });
});
