import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { OperationsStage } from "../support/operationsStage.ts";
import { expectRefusal, operationsEditor, type SavingEditor } from "../support/savingEditor.ts";
import { collabora, type WopiClient } from "../support/wopiClient.ts";

describe("PutFile", () => {
  let editor: SavingEditor<OperationsStage>;
  beforeAll(async () => {
    editor = await operationsEditor();
  });
  afterEach(() => {
    editor.proxy.intercept = undefined;
  });
  afterAll(() => editor.close());

  const versionOf = async (path: string): Promise<string> => (await editor.bridge.alice.info(path)).primary_entity;

  describe("the table", () => {
    it("locked, the same id: writes, and answers with the new version and its time", async () => {
      const { client, path } = await editor.openAndLock("A");
      const before = await versionOf(path);
      const answer = await client.put("after", "A");
      expect(answer.status).toBe(200);
      expect(await editor.bridge.alice.read(path)).toBe("after");
      expect(answer.header("x-wopi-itemversion")).toBe(await versionOf(path));
      expect(answer.header("x-wopi-itemversion")).not.toBe(before);
      expect(answer.header("x-wopi-lock")).toBeNull();
      expect(answer.header("content-type")).toMatch(/^application\/json/);
      const { updated_at } = await editor.bridge.alice.info(path);
      expect(answer.json()).toEqual({
        LastModifiedTime: `${new Date(updated_at).toISOString().slice(0, 19)}.0000000Z`,
      });
    });

    it.each([
      ["another id", "B"],
      ["no id", undefined],
      ["an empty id", ""],
      ["the id in another case", "a"],
    ])("locked, %s: 409 with the current id, and nothing is written", async (_name, lockId) => {
      const { client, path } = await editor.openAndLock("A");
      const before = await versionOf(path);
      expectRefusal(await client.put("after", lockId), "A", "lock");
      expect(await versionOf(path)).toBe(before);
      expect(await editor.bridge.alice.read(path)).toBe("before");
    });

    it.each([
      ["no id", undefined],
      ["an empty id", ""],
      ["any id", "whatever"],
    ])("not locked, empty, %s: writes, for that is how new files are filled", async (_name, lockId) => {
      const { client, path } = await editor.openNew("");
      await client.get();
      expect((await client.put("filled", lockId)).status).toBe(200);
      expect(await editor.bridge.alice.read(path)).toBe("filled");
    });

    it.each([
      ["no id", undefined],
      ["an empty id", ""],
    ])("not locked, not empty, %s: 409 with an empty lock, and nothing is written", async (_name, lockId) => {
      const { client, path } = await editor.openNew();
      await client.get();
      expectRefusal(await client.put("after", lockId), "", "lock");
      expect(await editor.bridge.alice.read(path)).toBe("before");
    });

    it("not locked, not empty, an id, but nothing known of the editor's copy: 409 with an empty lock", async () => {
      const { client, path } = await editor.openNew();
      expectRefusal(await client.put("after", "A"), "", "lock");
      expect(await editor.bridge.alice.read(path)).toBe("before");
    });

    it("the size that counts is the stored one, not the body's", async () => {
      const { client, path } = await editor.openNew();
      expectRefusal(await client.put(""), "", "lock");
      expect(await editor.bridge.alice.read(path)).toBe("before");
    });

    it("a body of no bytes empties a text: that is legal under the lock", async () => {
      const path = "emptied/Notes.txt";
      expect(await editor.bridge.alice.put(path, "before")).toBe(0);
      const client = await editor.bridge.open(path);
      expect((await client.lock("A")).status).toBe(200);
      expect((await client.put("", "A")).status).toBe(200);
      expect((await editor.bridge.alice.info(path)).size).toBe(0);
      expect((await client.check()).json()["Size"]).toBe(0);
    });

    it("each save gives another version, within one second too", async () => {
      const { client } = await editor.openAndLock("A");
      const versions = new Set<string | null>();
      for (let turn = 0; turn < 5; turn++)
        versions.add((await client.put(`${turn}`, "A")).header("x-wopi-itemversion"));
      expect(versions.size).toBe(5);
    });

    it("bytes that stand there already get a new version like any other save", async () => {
      const { client, path } = await editor.openAndLock("A");
      const versions = [];
      for (const text of ["same", "same", "also", "same"]) {
        const saved = await client.put(text, "A");
        expect(saved.status).toBe(200);
        expect(await versionOf(path)).toBe(saved.header("x-wopi-itemversion"));
        versions.push(await versionOf(path));
      }
      expect(new Set(versions).size).toBe(4);
    });

    it("bytes that stand there already get none when the editor says that nothing was changed", async () => {
      const { client, path, timestamp } = await editor.openAndLock("A", "as it was");
      const before = await versionOf(path);
      for (const prefix of ["COOL", "LOOL"]) {
        const headers = { [`X-${prefix}-WOPI-Timestamp`]: timestamp, [`X-${prefix}-WOPI-IsModifiedByUser`]: "false" };
        const saved = await client.put("as it was", "A", headers);
        expect([saved.status, saved.header("x-wopi-itemversion")]).toEqual([200, before]);
        expect(saved.json()).toEqual({ LastModifiedTime: timestamp });
      }
      expect(await versionOf(path)).toBe(before);
    });

    it("bytes sent again by an editor that does not know of its last save get none", async () => {
      const { client, path, timestamp } = await editor.openAndLock("A");
      editor.bridge.clock.advance(5_000);
      const first = await client.put("same", "A", collabora({ timestamp }));
      const again = await client.put("same", "A", collabora({ timestamp }));
      expect([again.status, again.json()]).toEqual([200, first.json()]);
      expect(await versionOf(path)).toBe(first.header("x-wopi-itemversion"));
      const { LastModifiedTime } = first.json();
      const heard = await client.put("same", "A", collabora({ timestamp: String(LastModifiedTime) }));
      expect(heard.header("x-wopi-itemversion")).not.toBe(first.header("x-wopi-itemversion"));
    });

    it("the same bytes under a wrong lock are refused all the same", async () => {
      const { client } = await editor.openAndLock("A");
      await client.put("same", "A");
      expectRefusal(await client.put("same", "B"), "A", "lock");
    });

    it("a reader's save is 404, with the right lock id too", async () => {
      const { client, path } = await editor.openAndLock("A");
      const reader = await editor.bridge.open(path, { action: "view" });
      for (const lockId of ["A", "B", undefined]) expect((await reader.put("after", lockId)).status).toBe(404);
      expect(await editor.bridge.alice.read(path)).toBe("before");
      expect((await client.put("after", "A")).status).toBe(200);
    });

    it.each([
      ["a lock id of 1025 characters", "x".repeat(1025)],
      ["a lock id with a tab", "a\tb"],
    ])("%s is 400, and nothing is written", async (_name, lockId) => {
      const { client, path } = await editor.openAndLock("A");
      expect((await client.put("after", lockId)).status).toBe(400);
      expect(await editor.bridge.alice.read(path)).toBe("before");
    });

    it("a lock id of 1024 characters is as good as any", async () => {
      const lockId = "y".repeat(1024);
      const { client } = await editor.openAndLock(lockId);
      expect((await client.put("after", lockId)).status).toBe(200);
    });

    it("eight at once are all answered, and the document is one of them, whole", async () => {
      const { client, path } = await editor.openAndLock("A");
      const texts = Array.from({ length: 8 }, (_, index) => `${index}:`.repeat(5000));
      const answers = await Promise.all(texts.map((text) => client.put(text, "A")));
      for (const { status } of answers) expect(status).toBe(200);
      // One whose body ends after a later one's is in that one, and is told its version.
      const versions = answers.map((answer) => answer.header("x-wopi-itemversion"));
      expect(versions).not.toContain(null);
      expect(versions).toContain((await client.check()).json()["Version"]);
      expect(texts).toContain(await editor.bridge.alice.read(path));
    });
  });

  describe("changed in storage", () => {
    const openThenForeign = async () => {
      const opened = await editor.openNew();
      const timestamp = String((await opened.client.check()).json()["LastModifiedTime"]);
      await opened.client.get();
      expect(await editor.bridge.alice.put(opened.path, "theirs")).toBe(0);
      expect((await opened.client.lock("A")).status).toBe(200);
      return { ...opened, timestamp };
    };

    it("since the editor loaded it: 409 with 1010 in both spellings, and theirs stays", async () => {
      const { client, path, timestamp } = await openThenForeign();
      expectRefusal(await client.put("mine", "A", collabora({ timestamp })), "A", "change");
      expect(await editor.bridge.alice.read(path)).toBe("theirs");
    });

    it("is seen by the version, also without any header of Collabora's", async () => {
      const { client, path } = await openThenForeign();
      expectRefusal(await client.put("mine", "A"), "A", "change");
      expect(await editor.bridge.alice.read(path)).toBe("theirs");
    });

    it("is seen by the version, even if the time that the editor sends is the new one", async () => {
      const { client, path } = await openThenForeign();
      // A user who joined has asked for the file's facts: the editor knows the new time, its copy is still the old.
      const joiner = await editor.bridge.open(path, { user: { id: "j", name: "Joiner" } });
      const timestamp = String((await joiner.check()).json()["LastModifiedTime"]);
      expectRefusal(await client.put("mine", "A", collabora({ timestamp })), "A", "change");
      expectRefusal(await joiner.put("mine", "A", collabora({ timestamp })), "A", "change");
      expect(await editor.bridge.alice.read(path)).toBe("theirs");
    });

    it.each<[string, (client: WopiClient) => Promise<unknown>]>([
      ["a part of it", (client) => client.get({ Range: "bytes=0-1" })],
      ["its last byte", (client) => client.get({ Range: "bytes=-1" })],
      ["what does not fit", (client) => client.get({ "X-WOPI-MaxExpectedSize": "1" })],
    ])("is not over once somebody has asked for %s: the editor's copy is still the old one", async (_name, ask) => {
      const { client, path } = await openThenForeign();
      await ask(client);
      expectRefusal(await client.put("mine", "A"), "A", "change");
      expect(await editor.bridge.alice.read(path)).toBe("theirs");
    });

    it("can be overwritten by the user's word: Collabora leaves the time out then", async () => {
      const { client, path } = await openThenForeign();
      expect((await client.put("mine", "A", collabora({}))).status).toBe(200);
      expect(await editor.bridge.alice.read(path)).toBe("mine");
    });

    it("is not overwritten by an editor that never sends a time", async () => {
      const { client, path } = await openThenForeign();
      const onlyOffice = { "X-LOOL-WOPI-IsModifiedByUser": "true", "X-LOOL-WOPI-IsAutosave": "false" };
      expectRefusal(await client.put("mine", "A", onlyOffice), "A", "change");
      expect(await editor.bridge.alice.read(path)).toBe("theirs");
    });

    it("is over once the editor has loaded the new content", async () => {
      const { client, path } = await openThenForeign();
      await client.get();
      expect((await client.put("mine", "A")).status).toBe(200);
      expect(await editor.bridge.alice.read(path)).toBe("mine");
    });

    it("is over after an overwrite: the next save needs no word", async () => {
      const { client, timestamp } = await openThenForeign();
      const forced = await client.put("mine", "A", collabora({}));
      const next = String(forced.json()["LastModifiedTime"]);
      expect((await client.put("mine again", "A", collabora({ timestamp: next }))).status).toBe(200);
      // And the time is no more than a time: an old one changes nothing.
      expect((await client.put("mine once more", "A", collabora({ timestamp }))).status).toBe(200);
    });

    it("by the editor's own other user is no change: one copy, two tokens", async () => {
      const { client, path } = await editor.openAndLock("A", "before", { user: { id: "1", name: "One" } });
      const second = await editor.bridge.open(path, { user: { id: "2", name: "Two" } });
      await second.check();
      expect((await client.put("by one", "A")).status).toBe(200);
      expect((await second.put("by two", "A")).status).toBe(200);
      expect((await client.put("by one again", "A")).status).toBe(200);
      expect(await editor.bridge.alice.read(path)).toBe("by one again");
    });

    it("while nothing is known of the copy: the time decides, in the editor's spelling of it", async () => {
      for (const header of ["X-COOL-WOPI-Timestamp", "X-LOOL-WOPI-Timestamp"]) {
        const { client, path } = await editor.openNew();
        const timestamp = String((await client.check()).json()["LastModifiedTime"]);
        await client.lock("A");
        const old = new Date(Date.parse(timestamp) - 5000).toISOString();
        expectRefusal(await client.put("mine", "A", { [header]: old }), "A", "change");
        const micro = timestamp.replace("Z", ".000000Z");
        expect((await client.put("mine", "A", { [header]: micro })).status).toBe(200);
        expect(await editor.bridge.alice.read(path)).toBe("mine");
      }
    });

    it("is no rename, also while nothing is known of the copy but the time", async () => {
      const { client, path, folder } = await editor.openNew();
      const timestamp = String((await client.check()).json()["LastModifiedTime"]);
      editor.bridge.clock.advance(5_000);
      expect(await editor.bridge.alice.rename(path, "Renamed.docx")).toBe(0);
      await client.lock("A");
      const answer = await client.put("mine", "A", collabora({ timestamp }));
      expect(answer.status).toBe(200);
      expect(await editor.bridge.alice.read(`${folder}/Renamed.docx`)).toBe("mine");
    });

    it("while nothing is known of the copy, not even a time: an unbroken lock is enough", async () => {
      const { client, path } = await editor.openNew();
      await client.lock("A");
      expect((await client.put("mine", "A")).status).toBe(200);
      const { client: other, path: otherPath } = await editor.openNew();
      await other.lock("A");
      const none = { "X-LOOL-WOPI-Timestamp": "1970-01-01T00:00:00.000000Z" };
      expect((await other.put("mine", "A", none)).status).toBe(200);
      expect(await editor.bridge.alice.read(path)).toBe("mine");
      expect(await editor.bridge.alice.read(otherPath)).toBe("mine");
    });
  });
});
