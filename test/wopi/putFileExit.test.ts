import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { suggest } from "../support/namedDocument.ts";
import type { OperationsStage } from "../support/operationsStage.ts";
import { expectRefusal, operationsEditor, type SavingEditor } from "../support/savingEditor.ts";
import { collabora } from "../support/wopiClient.ts";

describe("PutFile as an editor's last", () => {
  let editor: SavingEditor<OperationsStage>;
  beforeAll(async () => {
    editor = await operationsEditor();
  });
  afterEach(() => {
    editor.proxy.intercept = undefined;
  });
  afterAll(() => editor.close());

  describe("the exit save", () => {
    const exit = collabora({ exitSave: true, timestamp: "2020-01-01T00:00:00Z" });
    const copies = async (folder: string): Promise<string[]> =>
      (await editor.bridge.alice.list(folder)).filter((name) => name !== "Report.docx");
    /** Somebody else's content is in the document, the editor's is older. */
    const openBehind = async (more: Record<string, unknown> = { user: { id: "e", name: "Eve" } }) => {
      const opened = await editor.openAndLock("A", "before", more);
      editor.bridge.drive.forgetLocks();
      expect(await editor.bridge.alice.put(opened.path, "theirs")).toBe(0);
      return opened;
    };

    it("that goes well makes no copy", async () => {
      const { client, path, folder, timestamp } = await editor.openAndLock("A");
      expect((await client.put("the end", "A", collabora({ exitSave: true, timestamp }))).status).toBe(200);
      expect(await editor.bridge.alice.read(path)).toBe("the end");
      expect(await copies(folder)).toEqual([]);
    });

    it("refused for a change in storage becomes a copy beside the document, named after person and minute", async () => {
      const { client, path, folder } = await openBehind();
      expectRefusal(await client.put("mine", "A", exit), "A", "change");
      const minute = new Date(editor.bridge.clock.now()).toISOString().slice(0, 16).replace("T", " ").replace(":", ".");
      expect(await copies(folder)).toEqual([`Report (conflict, Eve, ${minute}).docx`]);
      expect(await editor.bridge.alice.read(`${folder}/Report (conflict, Eve, ${minute}).docx`)).toBe("mine");
      expect(await editor.bridge.alice.read(path)).toBe("theirs");
    });

    it("in the old spelling of the header counts as well", async () => {
      const { client, folder } = await openBehind();
      await client.put("mine", "A", { "X-LOOL-WOPI-IsExitSave": "true" });
      expect(await copies(folder)).toHaveLength(1);
    });

    it("under a lock that another has taken over becomes a copy", async () => {
      const { client, path, folder } = await editor.openAndLock("A");
      await client.relock("A", "B");
      expectRefusal(await client.put("mine", "A", exit), "B", "lock");
      const [copy] = await copies(folder);
      expect(await editor.bridge.alice.read(`${folder}/${copy}`)).toBe("mine");
      expect(await editor.bridge.alice.read(path)).toBe("before");
    });

    it.each(["dav", "upload", "viewer"])(
      "while %s holds the document in the drive becomes a copy: nobody will try again",
      async (type) => {
        const { client, path, folder } = await editor.openAndLock("A");
        editor.bridge.drive.forgetLocks();
        editor.bridge.drive.plantLock("alice@example.com", `/${path}`, { type });
        const answer = await client.put("mine", "A", exit);
        expectRefusal(answer, "", "lock");
        expect(answer.header("x-wopi-lockedbyotherinterface")).toBe("true");
        const [copy] = await copies(folder);
        expect(await editor.bridge.alice.read(`${folder}/${copy}`)).toBe("mine");
        expect(await editor.bridge.alice.read(path)).toBe("before");
        editor.bridge.drive.forgetLocks();
      },
    );

    it("late, while something else holds the document in the drive, becomes a copy too", async () => {
      const { client, path, folder, timestamp } = await editor.openAndLock("A");
      await client.unlock("A");
      editor.bridge.drive.plantLock("alice@example.com", `/${path}`, { type: "dav" });
      expectRefusal(await client.put("mine", "A", collabora({ exitSave: true, timestamp })), "", "lock");
      expect(await copies(folder)).toHaveLength(1);
      editor.bridge.drive.forgetLocks();
    });

    it("without a lock at all becomes a copy", async () => {
      const { client, path, folder } = await editor.openNew();
      expectRefusal(await client.put("mine", undefined, exit), "", "lock");
      expect(await copies(folder)).toHaveLength(1);
      expect(await editor.bridge.alice.read(path)).toBe("before");
    });

    it("sent again after its answer was lost makes no second copy of the same content", async () => {
      const { client, folder } = await openBehind();
      await client.put("mine", "A", exit);
      await client.put("mine", "A", exit);
      expect(await copies(folder)).toHaveLength(1);
      await client.put("mine, and a little more", "A", exit);
      expect(await copies(folder)).toHaveLength(2);
    });

    it("of what the person has saved to a new file makes no copy beside that, unless it is changed", async () => {
      const { client, folder } = await openBehind();
      expect((await suggest(client, "Mine.docx", "mine")).status).toBe(200);
      expectRefusal(await client.put("mine", "A", exit), "A", "change");
      expect(await copies(folder)).toEqual(["Mine.docx"]);
      expect(await editor.bridge.alice.put(`${folder}/Mine.docx`, "worked on")).toBe(0);
      expectRefusal(await client.put("mine", "A", exit), "A", "change");
      expect(await copies(folder)).toHaveLength(2);
    });

    it("of what stands in the document already makes no copy", async () => {
      const { client, folder } = await editor.openAndLock("A");
      await client.put("same", "A");
      await client.relock("A", "B");
      expectRefusal(await client.put("same", "A", exit), "B", "lock");
      expect(await copies(folder)).toEqual([]);
    });

    it("of a document with a very long name becomes a copy that the drive's disk can hold", async () => {
      const folder = "long name";
      const path = `${folder}/${"ä".repeat(112)}.docx`;
      expect(await editor.bridge.alice.put(path, "before")).toBe(0);
      const client = await editor.bridge.open(path, { user: { id: "l", name: "文".repeat(60) } });
      expectRefusal(await client.put("mine", undefined, exit), "", "lock");
      const [copy = ""] = (await editor.bridge.alice.list(folder)).filter((name) => name.includes("conflict"));
      expect(copy).toMatch(/\.docx$/);
      expect(Buffer.byteLength(copy)).toBeLessThanOrEqual(230);
      expect(await editor.bridge.alice.read(`${folder}/${copy}`)).toBe("mine");
    });

    it("by a person with a dangerous name stays in the folder", async () => {
      const { client, folder } = await openBehind({ user: { id: "x", name: '../../Eve/\\:*?"<>| 😀' } });
      await client.put("mine", "A", exit);
      const [copy] = await copies(folder);
      expect(copy).toMatch(/^Report \(conflict, .*Eve.*😀, .*\)\.docx$/u);
    });

    it.each([
      ["an ordinary save", collabora({ timestamp: "2020-01-01T00:00:00Z" })],
      ["an autosave", collabora({ autosave: true, timestamp: "2020-01-01T00:00:00Z" })],
    ])("is what makes copies: %s does not, for its user can still choose", async (_name, headers) => {
      const { client, folder } = await openBehind();
      expectRefusal(await client.put("mine", "A", headers), "A", "change");
      expect(await copies(folder)).toEqual([]);
    });
  });
});
