import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type OperationsStage, operationsStage } from "../support/operationsStage.ts";
import { operationsEditor, type SavingEditor } from "../support/savingEditor.ts";
import { collabora, type WopiClient } from "../support/wopiClient.ts";

describe("PutFile against faults", () => {
  let editor: SavingEditor<OperationsStage>;
  beforeAll(async () => {
    editor = await operationsEditor();
  });
  afterEach(() => {
    editor.proxy.intercept = undefined;
  });
  afterAll(() => editor.close());

  describe("the drive has a fault", () => {
    const nativePut = (answer: (write: (status: number, headers: Record<string, string>) => void) => void) => {
      editor.proxy.intercept = (request, response) => {
        if (request.headers["x-wopi-override"] !== "PUT") return false;
        request.resume();
        request.once("end", () => answer((status, headers) => response.writeHead(status, headers).end()));
        return true;
      };
    };

    it.each([
      ["an error of its own", 500, [500, 503]],
      ["no sign of knowing our session", 403, [500, 503]],
    ])("and answers with %s: never 401, our lock stands, the next save goes well", async (_name, status, expected) => {
      const { client, path } = await editor.openAndLock("A");
      nativePut((write) => write(status, { "X-WOPI-ServerError": "an internal path" }));
      const answer = await client.put("after", "A");
      expect(expected).toContain(answer.status);
      expect(JSON.stringify([...answer.headers]) + answer.text).not.toContain("an internal path");
      editor.proxy.intercept = undefined;
      expect((await client.getLock()).header("x-wopi-lock")).toBe("A");
      expect((await client.put("after", "A")).status).toBe(200);
      expect(await editor.bridge.alice.read(path)).toBe("after");
    });

    it("and says that the file is too large for one piece: it goes in chunks", async () => {
      const { client, path } = await editor.openAndLock("A");
      nativePut((write) => write(413, { "X-WOPI-ServerError": "File is too large" }));
      const content = "x".repeat(9_000_000);
      expect((await client.put(content, "A")).status).toBe(200);
      editor.proxy.intercept = undefined;
      expect(await editor.bridge.alice.read(path)).toBe(content);
      expect(await editor.bridge.alice.put(path, "a stranger's")).toBe(40073);
      expect((await client.put("after", "A")).status).toBe(200);
    });

    it("and says that it has stored what it has not: the editor is not told that it has", async () => {
      const { client, path } = await editor.openAndLock("A");
      nativePut((write) => write(200, { "X-WOPI-ItemVersion": "zzzz" }));
      expect((await client.put("after", "A")).status).toBeGreaterThanOrEqual(500);
      expect(await editor.bridge.alice.read(path)).toBe("before");
      // The bytes are kept, and go in once the drive tells the truth again.
      editor.proxy.intercept = undefined;
      expect(await editor.bridge.bridge.replay()).toBe(0);
      expect(await editor.bridge.alice.read(path)).toBe("after");
    });

    it("and the bytes that went in later are no second version when the editor, which was not told, closes", async () => {
      const { client, path } = await editor.openAndLock("A");
      const timestamp = String((await client.check()).json()["LastModifiedTime"]);
      nativePut((write) => write(500, {}));
      expect((await client.put("after", "A", collabora({ timestamp }))).status).toBeGreaterThanOrEqual(500);
      editor.proxy.intercept = undefined;
      expect(await editor.bridge.bridge.replay()).toBe(0);
      const placed = await client.check();
      expect((await client.put("after", "A", collabora({ timestamp, exitSave: true }))).status).toBe(200);
      expect(await editor.bridge.alice.read(path)).toBe("after");
      expect((await client.check()).json()["Version"]).toBe(placed.json()["Version"]);
    });

    it("and cuts the line in the middle of a save: not 200, and the next save goes well", async () => {
      const { client, path } = await editor.openAndLock("A");
      editor.proxy.intercept = (request, response) => {
        if (request.headers["x-wopi-override"] !== "PUT") return false;
        request.once("data", () => response.destroy());
        return true;
      };
      expect((await client.put(Buffer.alloc(3_000_000, "x"), "A")).status).toBe(503);
      editor.proxy.intercept = undefined;
      expect((await client.put("after", "A")).status).toBe(200);
      expect(await editor.bridge.alice.read(path)).toBe("after");
    });

    it("and cuts the line after it has stored the save: the same save again is no conflict with itself", async () => {
      const { client, path } = await editor.openAndLock("A");
      editor.proxy.intercept = async (request, response) => {
        if (request.headers["x-wopi-override"] !== "PUT") return false;
        const body = await buffer(request);
        const headers = { "X-WOPI-Override": "PUT", "X-WOPI-Lock": String(request.headers["x-wopi-lock"]) };
        await fetch(`${editor.bridge.drive.url}${request.url}`, { method: "POST", headers, body });
        response.destroy();
        return true;
      };
      const first = await client.put("after", "A");
      expect([200, 503]).toContain(first.status);
      expect(await editor.bridge.alice.read(path)).toBe("after");
      editor.proxy.intercept = undefined;
      expect((await client.put("after", "A")).status).toBe(200);
      expect((await client.put("and more", "A")).status).toBe(200);
      expect(await editor.bridge.alice.read(path)).toBe("and more");
    });

    it("and has lost the session that it gave: another is made", async () => {
      const { client, path } = await editor.openAndLock("A");
      let refusals = 0;
      editor.proxy.intercept = (request, response) => {
        if (request.headers["x-wopi-override"] === undefined || ++refusals > 1) return false;
        request.resume();
        response.writeHead(403, { "X-WOPI-ServerError": "invalid access token" }).end();
        return true;
      };
      expect((await client.put("after", "A")).status).toBe(200);
      expect(await editor.bridge.alice.read(path)).toBe("after");
    });
  });

  it("takes millions of bytes of any kind, and gives them back as they were", async () => {
    const { client } = await editor.openAndLock("A");
    const bytes = randomBytes(5_000_000);
    expect((await client.put(bytes, "A")).status).toBe(200);
    expect((await client.get()).bytes.equals(bytes)).toBe(true);
  });

  it("keeps nothing in the spool of what the drive has taken or the editor must keep", async () => {
    expect(await editor.bridge.bridge.replay()).toBe(0);
    const { client } = await editor.openAndLock("A");
    await client.put(randomBytes(2_000_000), "A");
    await client.put("refused", "B");
    expect(await readdir(editor.bridge.spoolDir)).toEqual([]);
  });

  it("says 404 for a file that is deleted, and does not bring it back", async () => {
    const { client, path, folder } = await editor.openAndLock("A");
    await client.unlock("A");
    expect(await editor.bridge.alice.remove(path)).toBe(0);
    expect((await client.put("after", "A")).status).toBe(404);
    expect(await editor.bridge.alice.list(folder)).toEqual([]);
  });

  it("goes to the document and not to what has taken its place", async () => {
    const { client, path, folder } = await editor.openAndLock("A");
    await client.unlock("A");
    await editor.bridge.alice.rename(path, "Renamed.docx");
    await editor.bridge.alice.put(path, "an impostor");
    expect((await client.lock("A")).status).toBe(200);
    expect((await client.put("after", "A")).status).toBe(200);
    expect(await editor.bridge.alice.read(`${folder}/Renamed.docx`)).toBe("after");
    expect(await editor.bridge.alice.read(path)).toBe("an impostor");
    await client.unlock("A");
    expect((await client.put("late", "A")).status).toBe(200);
    expect(await editor.bridge.alice.read(`${folder}/Renamed.docx`)).toBe("late");
  });
});

describe("PutFile and the account's room", () => {
  it("tells the editor when the drive has no room, keeps the document and the lock", async () => {
    const bridge = await operationsStage({
      drive: {
        accounts: [
          { email: "alice@example.com", password: "drive-password-1", nickname: "Alice", quotaBytes: 10_000 },
          { email: "bob@example.com", password: "drive-password-1", nickname: "Bob" },
        ],
      },
    });
    await bridge.alice.put("a.docx", "before");
    const client: WopiClient = await bridge.open("a.docx");
    await client.get();
    await client.lock("A");
    expect((await client.put("x".repeat(20_000), "A")).status).toBe(413);
    expect(await bridge.alice.read("a.docx")).toBe("before");
    expect((await client.getLock()).header("x-wopi-lock")).toBe("A");
    expect((await client.put("short", "A")).status).toBe(200);
    await bridge.close();
  });
});
