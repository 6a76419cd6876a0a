import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { namedDocument, openedAt } from "../support/namedDocument.ts";
import type { OperationsStage } from "../support/operationsStage.ts";
import { heldLock, operationsEditor, type SavingEditor } from "../support/savingEditor.ts";
import type { WopiAnswer, WopiClient } from "../support/wopiClient.ts";

const minuteMs = 60_000;

describe("the drive's lock around a locked document", () => {
  let editor: SavingEditor<OperationsStage>;
  beforeAll(async () => {
    editor = await operationsEditor();
  });
  afterEach(() => {
    editor.proxy.intercept = undefined;
  });
  afterAll(() => editor.close());

  describe("the drive's own lock", () => {
    it("stands as long as the editor's: nobody else saves, renames or deletes", async () => {
      const { client, path } = await editor.openNew();
      await client.lock("A");
      expect(await editor.othersCanSave(path)).toBe(false);
      expect(await editor.bridge.alice.rename(path, "other.docx")).toBe(40073);
      expect(await editor.bridge.alice.remove(path)).not.toBe(0);
      expect(await editor.bridge.alice.read(path)).toBe("before");
      await client.unlock("A");
      expect(await editor.othersCanSave(path)).toBe(true);
    });

    it("has no gap when one lock replaces another", async () => {
      const { client, path } = await editor.openNew();
      await client.lock("A");
      await client.relock("A", "B");
      expect(await editor.othersCanSave(path)).toBe(false);
      expect((await client.unlock("A")).status).toBe(409);
      expect(await editor.othersCanSave(path)).toBe(false);
      await client.unlock("B");
      expect(await editor.othersCanSave(path)).toBe(true);
    });

    it.each([
      ["upload", "The document is being uploaded"],
      ["dav", "The document is open in a WebDAV client"],
      ["viewer", "The document is open in Cloudreve's own editor"],
      ["somethingNew", "The document is locked in Cloudreve"],
    ])("held by %s makes LOCK a 409 that says so, and takes no lock here", async (type, reason) => {
      const { client, path } = await editor.openNew();
      const token = editor.bridge.drive.plantLock("alice@example.com", `/${path}`, { type });
      const answer = await client.lock("A");
      expect(answer.status).toBe(409);
      expect(answer.header("x-wopi-lock")).toBe("");
      expect(answer.header("x-wopi-lockedbyotherinterface")).toBe("true");
      expect(answer.header("x-wopi-lockfailurereason")).toBe(reason);
      expect(JSON.stringify([...answer.headers])).not.toContain(token);
      expect(await heldLock(client)).toBe("");
      editor.bridge.drive.forgetLocks();
      expect((await client.lock("A")).status).toBe(200);
      expect(await editor.othersCanSave(path)).toBe(false);
    });

    it("that the drive forgot is taken again by the next refresh, however it is sent", async () => {
      const { client, path } = await editor.openNew();
      await client.lock("A");
      for (const refresh of [() => client.lock("A"), () => client.refresh("A"), () => client.relock("A", "A")]) {
        editor.bridge.drive.forgetLocks();
        expect((await refresh()).status).toBe(200);
        expect(await editor.othersCanSave(path)).toBe(false);
      }
    });

    it("can't be taken over by sending its token as a lock id", async () => {
      const { client, path } = await editor.openNew();
      const token = editor.bridge.drive.plantLock("alice@example.com", `/${path}`, { type: "dav" });
      expect((await client.lock(token)).status).toBe(409);
      expect((await client.put("stolen", token)).status).toBe(409);
      expect((await client.unlock(token)).status).toBe(409);
      expect(await editor.othersCanSave(path)).toBe(false);
      expect(await editor.bridge.alice.read(path)).toBe("before");
      editor.bridge.drive.forgetLocks();
    });

    it("that can't be given back now is given back by the sweep", async () => {
      const { client, path } = await editor.openNew();
      await client.lock("A");
      editor.proxy.intercept = (request, response) => {
        if (request.headers["x-wopi-override"] !== "UNLOCK") return false;
        response.destroy();
        return true;
      };
      expect((await client.unlock("A")).status).toBe(200);
      expect(await heldLock(client)).toBe("");
      expect(await editor.othersCanSave(path)).toBe(false);
      editor.proxy.intercept = undefined;
      await editor.bridge.bridge.sweep();
      expect(await editor.othersCanSave(path)).toBe(true);
    });

    it("that is given back is forgotten: the sweep asks the drive for nothing", async () => {
      const { client } = await editor.openNew();
      await editor.bridge.bridge.sweep();
      await client.lock("A");
      await client.unlock("A");
      editor.proxy.seen.length = 0;
      await editor.bridge.bridge.sweep();
      expect(editor.proxy.seen).toEqual([]);
    });

    it("that the drive can't give for a fault of its own leaves no lock here", async () => {
      const { client, path } = await editor.openNew();
      editor.proxy.intercept = (request, response) => {
        if (request.headers["x-wopi-override"] !== "LOCK") return false;
        response.writeHead(500, { "X-WOPI-ServerError": "an internal path" }).end();
        return true;
      };
      const answer = await client.lock("A");
      expect(answer.status).toBe(500);
      expect(JSON.stringify([...answer.headers]) + answer.text).not.toContain("an internal path");
      editor.proxy.intercept = undefined;
      expect(await heldLock(client)).toBe("");
      expect(await editor.othersCanSave(path)).toBe(true);
    });

    it("is asked for once more when a short lock of the drive's own was in the way", async () => {
      const { client, path } = await editor.openNew();
      editor.bridge.drive.plantLock("alice@example.com", `/${path}`, { type: "rename" });
      let refused = 0;
      editor.proxy.intercept = (request) => {
        if (request.headers["x-wopi-override"] === "LOCK" && ++refused === 2) editor.bridge.drive.forgetLocks();
        return false;
      };
      expect((await client.lock("A")).status).toBe(200);
    });
  });

  describe("thirty minutes", () => {
    it("are the life of a lock without a refresh, here and in the drive", async () => {
      const { client, path } = await editor.openNew();
      await client.lock("A");
      editor.bridge.clock.advance(29 * minuteMs);
      expect(await heldLock(client)).toBe("A");
      expect(await editor.othersCanSave(path)).toBe(false);
      editor.bridge.clock.advance(2 * minuteMs);
      expect(await heldLock(client)).toBe("");
      expect((await client.refresh("A")).header("x-wopi-lock")).toBe("");
      expect((await client.unlock("A")).status).toBe(409);
      await editor.bridge.bridge.sweep();
      expect(await editor.othersCanSave(path)).toBe(true);
    });

    it.each<[string, (client: WopiClient) => Promise<WopiAnswer>]>([
      ["REFRESH_LOCK", (client) => client.refresh("A")],
      ["LOCK again", (client) => client.lock("A")],
      ["UnlockAndRelock", (client) => client.relock("A", "A")],
    ])("begin anew with %s, here and in the drive", async (_name, refresh) => {
      const { client, path } = await editor.openNew();
      await client.lock("A");
      for (let times = 0; times < 3; times++) {
        editor.bridge.clock.advance(20 * minuteMs);
        await editor.bridge.bridge.sweep();
        expect((await refresh(client)).status).toBe(200);
        expect(await editor.othersCanSave(path)).toBe(false);
      }
      expect(await heldLock(client)).toBe("A");
    });

    it("over, the file is free for another editor at once", async () => {
      const { client, path } = await editor.openNew();
      await client.lock("A");
      editor.bridge.clock.advance(31 * minuteMs);
      expect((await client.lock("B")).status).toBe(200);
      expect((await client.refresh("A")).header("x-wopi-lock")).toBe("B");
      expect(await editor.othersCanSave(path)).toBe(false);
    });

    it("over, the sweep gives the drive's lock back, which saves had made to live longer", async () => {
      const { client, path } = await editor.openNew();
      await client.lock("A");
      editor.bridge.clock.advance(20 * minuteMs);
      expect((await client.put("saved", "A")).status).toBe(200);
      editor.bridge.clock.advance(9 * minuteMs);
      await editor.bridge.bridge.sweep();
      expect(await editor.othersCanSave(path)).toBe(false);
      editor.bridge.clock.advance(2 * minuteMs);
      expect(await editor.othersCanSave(path)).toBe(false);
      await editor.bridge.bridge.sweep();
      expect(await editor.othersCanSave(path)).toBe(true);
    });

    it("over for two files, one that the drive won't give back does not keep the other", async () => {
      const two = [await editor.openNew(), await editor.openNew()];
      for (const { client } of two) {
        await client.lock("A");
        editor.bridge.clock.advance(10 * minuteMs);
      }
      for (const { client } of two) await client.put("saved", "A");
      editor.bridge.clock.advance(29 * minuteMs);
      const ids = two.map(({ client }) => client.session.file.id);
      const [stuckId] = [...ids].sort();
      editor.proxy.intercept = (request, response) => {
        const isStuck = request.url?.includes(`/wopi/${stuckId}?`) === true;
        if (!isStuck || request.headers["x-wopi-override"] !== "UNLOCK") return false;
        response.writeHead(500).end();
        return true;
      };
      await editor.bridge.bridge.sweep().catch(() => undefined);
      for (const { path, client } of two)
        expect(await editor.othersCanSave(path)).toBe(client.session.file.id !== stuckId);
      editor.proxy.intercept = undefined;
      await editor.bridge.bridge.sweep();
      for (const { path } of two) expect(await editor.othersCanSave(path)).toBe(true);
    });
  });

  describe("a file that Cloudreve has no viewer for", () => {
    /** Made by its owner with Save As, and opened in the same editor. */
    const openBare = async () => {
      const { client, folder } = await editor.openNew();
      const owner = await editor.bridge.openAsOwner(`${folder}/${client.session.file.name}`);
      const saved = await owner.post("PUT_RELATIVE", { "X-WOPI-RelativeTarget": "Plan.wopitestx" }, "plan");
      return { path: `${folder}/Plan.wopitestx`, client: openedAt(namedDocument(saved).Url, owner) };
    };

    it("is locked by us, saved under that lock and given back", async () => {
      const { client, path } = await openBare();
      expect((await client.get()).text).toBe("plan");
      const locked = await client.lock("A");
      expect([locked.status, locked.header("x-wopi-itemversion")]).toEqual([
        200,
        (await editor.bridge.alice.info(path)).primary_entity,
      ]);
      const refused = await client.lock("B");
      expect([refused.status, refused.header("x-wopi-lock")]).toEqual([409, "A"]);
      expect((await client.put("plan 2", "B")).status).toBe(409);
      expect((await client.put("plan 2", "A")).status).toBe(200);
      expect((await client.refresh("A")).status).toBe(200);
      expect((await client.put("plan 3", "A")).status).toBe(200);
      expect((await client.relock("A", "C")).status).toBe(200);
      expect((await client.unlock("C")).status).toBe(200);
      expect(await editor.bridge.alice.read(path)).toBe("plan 3");
    });

    it("is not saved over what somebody else has written meanwhile", async () => {
      const { client, path } = await openBare();
      await client.get();
      await client.lock("A");
      expect((await client.put("plan 2", "A")).status).toBe(200);
      expect(await editor.bridge.alice.put(path, "theirs")).toBe(0);
      const refused = await client.put("plan 3", "A");
      expect([refused.status, refused.json()["COOLStatusCode"]]).toEqual([409, 1010]);
      expect(await editor.bridge.alice.read(path)).toBe("theirs");
    });

    it("is not saved over when it can't be told what the editor has loaded", async () => {
      const { client, path } = await openBare();
      await client.lock("A");
      expect((await client.put("plan 2", "A")).status).toBe(409);
      expect(await editor.bridge.alice.read(path)).toBe("plan");
    });

    it("that is written between our look and our save keeps what was written", async () => {
      const { client, path } = await openBare();
      await client.get();
      await client.lock("A");
      editor.proxy.intercept = async (request) => {
        if (request.method === "PUT" && request.url?.includes("/file/content")) {
          editor.proxy.intercept = undefined;
          await editor.bridge.alice.put(path, "theirs");
        }
        return false;
      };
      expect((await client.put("plan 2", "A")).status).toBe(409);
      expect(await editor.bridge.alice.read(path)).toBe("theirs");
    });
  });
});
