import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { OperationsStage } from "../support/operationsStage.ts";
import { heldLock, operationsEditor, type SavingEditor } from "../support/savingEditor.ts";
import type { WopiAnswer, WopiClient } from "../support/wopiClient.ts";

describe("lock operations", () => {
  let editor: SavingEditor<OperationsStage>;
  beforeAll(async () => {
    editor = await operationsEditor();
  });
  afterEach(() => {
    editor.proxy.intercept = undefined;
  });
  afterAll(() => editor.close());

  describe("the table", () => {
    type Request = [string, (client: WopiClient) => Promise<WopiAnswer>];
    const lockA: Request = ["LOCK A", (client) => client.lock("A")];
    const refreshA: Request = ["REFRESH_LOCK A", (client) => client.refresh("A")];
    const unlockA: Request = ["UNLOCK A", (client) => client.unlock("A")];
    const relockAC: Request = ["LOCK C instead of A", (client) => client.relock("A", "C")];
    const getLock: Request = ["GET_LOCK", (client) => client.getLock()];

    /** What stands before, the request, its status and lock header (null = not there), what stands after. */
    const rows: readonly [string, Request, number, string | null, string][] = [
      ["", lockA, 200, null, "A"],
      ["", refreshA, 409, "", ""],
      ["", unlockA, 409, "", ""],
      ["", relockAC, 409, "", ""],
      ["", getLock, 200, "", ""],
      ["A", lockA, 200, null, "A"],
      ["A", refreshA, 200, null, "A"],
      ["A", unlockA, 200, null, ""],
      ["A", relockAC, 200, null, "C"],
      ["A", getLock, 200, "A", "A"],
      ["B", lockA, 409, "B", "B"],
      ["B", refreshA, 409, "B", "B"],
      ["B", unlockA, 409, "B", "B"],
      ["B", relockAC, 409, "B", "B"],
      ["B", getLock, 200, "B", "B"],
      ["C", relockAC, 409, "C", "C"],
    ];

    it.each(rows)("locked by %j: %s", async (before, [, send], status, lockHeader, after) => {
      const { client, path } = await editor.openNew();
      if (before !== "") expect((await client.lock(before)).status).toBe(200);
      const answer = await send(client);
      expect(answer.status).toBe(status);
      expect(answer.header("x-wopi-lock")).toBe(lockHeader);
      expect(answer.bytes.length).toBe(0);
      expect(await heldLock(client)).toBe(after);
      expect(await editor.othersCanSave(path)).toBe(after === "");
    });

    it("names the version on each 200, and gives a reason in plain ASCII on each 409", async () => {
      const { client } = await editor.openNew();
      const { version } = client.session.file;
      for (const [, send] of [lockA, refreshA, relockAC]) {
        expect((await send(client)).header("x-wopi-itemversion")).toBe(version);
      }
      for (const [, send] of [lockA, refreshA, unlockA, relockAC]) {
        expect((await send(client)).header("x-wopi-lockfailurereason")).toMatch(/^[\x20-\x7e]+$/);
      }
      expect((await client.unlock("C")).header("x-wopi-itemversion")).toBe(version);
    });
  });

  describe("lock ids", () => {
    it.each(["LOCK", "REFRESH_LOCK", "UNLOCK"])("%s without one, or with an empty one, is 400", async (override) => {
      const { client } = await editor.openNew();
      await client.lock("A");
      expect((await client.post(override)).status).toBe(400);
      expect((await client.post(override, { "X-WOPI-Lock": "" })).status).toBe(400);
      expect(await heldLock(client)).toBe("A");
    });

    it.each(["LOCK", "REFRESH_LOCK", "UNLOCK"])("%s with one of 1025 characters is 400", async (override) => {
      const { client } = await editor.openNew();
      expect((await client.post(override, { "X-WOPI-Lock": "x".repeat(1025) })).status).toBe(400);
      expect(await heldLock(client)).toBe("");
    });

    it("an old lock of 1025 characters is 400, an empty one counts as absent", async () => {
      const { client } = await editor.openNew();
      expect((await client.relock("x".repeat(1025), "A")).status).toBe(400);
      expect((await client.relock("", "A")).status).toBe(200);
      expect(await heldLock(client)).toBe("A");
    });

    it("replacing a lock without a new one is 400 and leaves the old one", async () => {
      const { client } = await editor.openNew();
      await client.lock("A");
      expect((await client.post("LOCK", { "X-WOPI-OldLock": "A" })).status).toBe(400);
      expect(await heldLock(client)).toBe("A");
    });

    it("of 1024 characters and of any printable ones come back byte for byte", async () => {
      const { client } = await editor.openNew();
      const ids = [
        "x".repeat(1024),
        '{"S":"5f3e", "F":4, "E":[1,2]}',
        "a  b\\c\"d'e;f,g=h%41+&#<>~!",
        "cool-lock12ab34cd",
        "%00%0d%0aX-Other: 1",
      ];
      let held = ids[0] ?? "";
      expect((await client.lock(held)).status).toBe(200);
      for (const id of ids) {
        expect((await client.relock(held, id)).status, id).toBe(200);
        expect(await heldLock(client)).toBe(id);
        expect((await client.lock("other")).header("x-wopi-lock")).toBe(id);
        held = id;
      }
      expect((await client.unlock(held)).status).toBe(200);
    });

    it("that differ in case or in a blank inside are different", async () => {
      const { client } = await editor.openNew();
      await client.lock("Lock a b");
      for (const id of ["lock a b", "LOCK A B", "Lock  a b", "Lock a", "Lock a b "]) {
        // Blanks at the end are cut by HTTP itself.
        expect((await client.refresh(id)).status, id).toBe(id.trim() === "Lock a b" ? 200 : 409);
      }
    });

    it("may be the same for two documents: what is done to one does nothing to the other", async () => {
      const one = await editor.openNew();
      const two = await editor.openNew();
      await one.client.lock("same");
      await two.client.lock("same");
      expect((await one.client.unlock("same")).status).toBe(200);
      expect(await editor.othersCanSave(one.path)).toBe(true);
      expect(await editor.othersCanSave(two.path)).toBe(false);
      expect((await two.client.put("mine", "same")).status).toBe(200);
      expect((await two.client.unlock("same")).status).toBe(200);
      expect(await editor.othersCanSave(two.path)).toBe(true);
    });
  });

  describe("who", () => {
    it("only looks gets 404 for every lock operation, and changes nothing", async () => {
      const { client, path } = await editor.openNew();
      const reader = await editor.bridge.open(path, { action: "view" });
      await client.lock("A");
      for (const call of [
        () => reader.lock("A"),
        () => reader.lock("B"),
        () => reader.refresh("A"),
        () => reader.unlock("A"),
        () => reader.relock("A", "B"),
        () => reader.post("LOCK"),
      ]) {
        expect((await call()).status).toBe(404);
      }
      expect(await heldLock(client)).toBe("A");
    });

    it("else edits shares the lock by its id: it stands on the file, not on a person", async () => {
      const { client, path } = await editor.openNew("before", { user: { id: "1", name: "One" } });
      const second = await editor.bridge.open(path, { user: { id: "2", name: "Two" } });
      expect(second.src).toBe(client.src);
      await client.lock("shared");
      expect((await second.lock("own")).header("x-wopi-lock")).toBe("shared");
      expect((await second.lock("shared")).status).toBe(200);
      expect((await second.put("by two", "shared")).status).toBe(200);
      expect((await client.put("by one", "shared")).status).toBe(200);
      expect((await second.unlock("shared")).status).toBe(200);
      expect((await client.unlock("shared")).status).toBe(409);
    });

    it("locks first among thirty has it; the others are told whose it is", async () => {
      const { client, path } = await editor.openNew();
      const ids = Array.from({ length: 30 }, (_, index) => `editor-${index}`);
      const answers = await Promise.all(ids.map((id) => client.lock(id)));
      const winners = ids.filter((_, index) => answers[index]?.status === 200);
      expect(winners).toHaveLength(1);
      for (const answer of answers.filter(({ status }) => status !== 200)) {
        expect(answer.status).toBe(409);
        expect(answer.header("x-wopi-lock")).toBe(winners[0]);
      }
      expect(await heldLock(client)).toBe(winners[0]);
      expect(await editor.othersCanSave(path)).toBe(false);
    });

    it("unlocks first among ten has unlocked; for the others there is nothing left", async () => {
      const { client, path } = await editor.openNew();
      await client.lock("A");
      const answers = await Promise.all(Array.from({ length: 10 }, () => client.unlock("A")));
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(answers.filter(({ status }) => status === 409)).toHaveLength(9);
      expect(await editor.othersCanSave(path)).toBe(true);
    });

    it("saves, refreshes and asks all at once meets no false conflict", async () => {
      const { client } = await editor.openNew();
      await client.lock("A");
      const calls = Array.from({ length: 8 }, (_, index) => [
        client.put(`save ${index}`, "A"),
        client.lock("A"),
        client.refresh("A"),
        client.getLock(),
        client.check(),
      ]).flat();
      for (const { status } of await Promise.all(calls)) expect(status).toBe(200);
    });
  });

  it("on a deleted file say 404", async () => {
    const { client, path } = await editor.openNew();
    await editor.bridge.alice.remove(path);
    expect((await client.lock("A")).status).toBe(404);
  });
});
