import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { OperationsStage } from "../support/operationsStage.ts";
import { expectRefusal, operationsEditor, type SavingEditor } from "../support/savingEditor.ts";
import { collabora } from "../support/wopiClient.ts";

const minuteMs = 60_000;

describe("PutFile when a lock is gone", () => {
  let editor: SavingEditor<OperationsStage>;
  beforeAll(async () => {
    editor = await operationsEditor();
  });
  afterEach(() => {
    editor.proxy.intercept = undefined;
  });
  afterAll(() => editor.close());

  describe("the drive has forgotten our lock", () => {
    it("and nobody came between: writes, and holds it again", async () => {
      const { client, path } = await editor.openAndLock("A");
      editor.bridge.drive.forgetLocks();
      expect((await client.put("after", "A")).status).toBe(200);
      expect(await editor.bridge.alice.put(path, "theirs")).toBe(40073);
      expect(await editor.bridge.alice.read(path)).toBe("after");
    });

    it("and somebody saved meanwhile: 409 with 1010, and theirs stays", async () => {
      const { client, path, timestamp } = await editor.openAndLock("A");
      editor.bridge.drive.forgetLocks();
      expect(await editor.bridge.alice.put(path, "theirs")).toBe(0);
      expectRefusal(await client.put("mine", "A", collabora({ timestamp })), "A", "change");
      expect(await editor.bridge.alice.read(path)).toBe("theirs");
    });

    it.each([
      ["upload", "The document is being uploaded"],
      ["dav", "The document is open in a WebDAV client"],
      ["viewer", "The document is open in Cloudreve's own editor"],
    ])("and %s holds it now: 409 that says so, nothing is written, and our lock stands", async (type, reason) => {
      const { client, path } = await editor.openAndLock("A");
      editor.bridge.drive.forgetLocks();
      const token = editor.bridge.drive.plantLock("alice@example.com", `/${path}`, { type });
      const answer = await client.put("mine", "A");
      expectRefusal(answer, "", "lock");
      expect(answer.header("x-wopi-lockedbyotherinterface")).toBe("true");
      expect(answer.header("x-wopi-lockfailurereason")).toBe(reason);
      expect(JSON.stringify([...answer.headers]) + answer.text).not.toContain(token);
      expect(await editor.bridge.alice.read(path)).toBe("before");
      expect((await client.getLock()).header("x-wopi-lock")).toBe("A");
      editor.bridge.drive.forgetLocks();
      expect((await client.put("mine", "A")).status).toBe(200);
    });
  });

  describe("the late save", () => {
    it("after the lock ran out, with nothing changed: writes, and leaves no lock behind", async () => {
      const { client, path } = await editor.openAndLock("A");
      editor.bridge.clock.advance(31 * minuteMs);
      expect((await client.put("late", "A")).status).toBe(200);
      expect(await editor.bridge.alice.read(path)).toBe("late");
      expect((await client.getLock()).header("x-wopi-lock")).toBe("");
      expect(await editor.bridge.alice.put(path, "theirs")).toBe(0);
    });

    it("is not kept off by our own lock in the drive, which an earlier save made to live longer", async () => {
      const { client, path } = await editor.openAndLock("A");
      editor.bridge.clock.advance(20 * minuteMs);
      expect((await client.put("in time", "A")).status).toBe(200);
      editor.bridge.clock.advance(11 * minuteMs);
      expect((await client.put("late", "A")).status).toBe(200);
      expect(await editor.bridge.alice.read(path)).toBe("late");
      expect(await editor.bridge.alice.put(path, "theirs")).toBe(0);
    });

    it("after the lock ran out and somebody saved: 409 with 1010", async () => {
      const { client, path } = await editor.openAndLock("A");
      editor.bridge.clock.advance(31 * minuteMs);
      await editor.bridge.bridge.sweep();
      expect(await editor.bridge.alice.put(path, "theirs")).toBe(0);
      expectRefusal(await client.put("late", "A"), "", "change");
      expect(await editor.bridge.alice.read(path)).toBe("theirs");
    });

    it("after the lock ran out and somebody saved can still be written by the user's word", async () => {
      const { client, path } = await editor.openAndLock("A");
      editor.bridge.clock.advance(31 * minuteMs);
      await editor.bridge.bridge.sweep();
      expect(await editor.bridge.alice.put(path, "theirs")).toBe(0);
      expect((await client.put("late", "A", collabora({}))).status).toBe(200);
      expect(await editor.bridge.alice.read(path)).toBe("late");
    });

    it("after the lock ran out and another editor took one: 409 with that one", async () => {
      const { client, path } = await editor.openAndLock("A");
      editor.bridge.clock.advance(31 * minuteMs);
      expect((await client.lock("B")).status).toBe(200);
      expectRefusal(await client.put("late", "A"), "B", "lock");
      expect(await editor.bridge.alice.read(path)).toBe("before");
    });

    it("after the unlock counts too: an editor that unlocks too early loses nothing", async () => {
      const { client, path } = await editor.openAndLock("A");
      await client.unlock("A");
      expect((await client.put("late", "A")).status).toBe(200);
      expect(await editor.bridge.alice.read(path)).toBe("late");
    });

    it("while something else holds the file in the drive: 409 that says so", async () => {
      const { client, path } = await editor.openAndLock("A");
      await client.unlock("A");
      editor.bridge.drive.plantLock("alice@example.com", `/${path}`, { type: "dav" });
      const answer = await client.put("late", "A");
      expectRefusal(answer, "", "lock");
      expect(answer.header("x-wopi-lockedbyotherinterface")).toBe("true");
      expect(await editor.bridge.alice.read(path)).toBe("before");
      editor.bridge.drive.forgetLocks();
    });

    it("of a session that a reader opened first, which never locks: every save is taken", async () => {
      const { path, client: reader } = await editor.openNew("before", { action: "view" });
      await reader.check();
      await reader.get();
      const writer = await editor.bridge.open(path, { user: { id: "w", name: "Writer" } });
      let timestamp = String((await writer.check()).json()["LastModifiedTime"]);
      for (const text of ["first save", "second save"]) {
        const answer = await writer.put(text, "lool-lock12345678", collabora({ timestamp }));
        expect(answer.status).toBe(200);
        timestamp = String(answer.json()["LastModifiedTime"]);
        expect(await editor.bridge.alice.read(path)).toBe(text);
      }
    });
  });
});
