import { describe, expect, it } from "vitest";
import { type Json, portalClient, problem } from "../support/portalClient.ts";
import { watchedDrive } from "../support/watchedDrive.ts";
import { collabora, type WopiClient, wopiClient } from "../support/wopiClient.ts";

describe("what a portal asks about a file", () => {
  const portal = portalClient(() => at.bridge);
  const at = watchedDrive({
    pause: async () => undefined,
  });

  const iso = (ms: number) => new Date(ms).toISOString();
  const person = (name: string) => ({ id: expect.stringMatching(/^p[0-9a-f]{20}$/), name });
  const activityOf = (id: string) => portal.json("GET", `/files/${id}/activity`, 200);
  const takeOver = (id: string) => portal.json("DELETE", `/files/${id}/lock`, 200);
  /** A document, and somebody who has loaded it. */
  const document = async (text = "text") => {
    const { name } = await portal.newFile("docx", text);
    const { id } = await at.bridge.alice.info(name);
    return { name, id };
  };
  const editor = async (id: string, who: string, action = "edit"): Promise<WopiClient> => {
    const client = wopiClient(await portal.session({ file_id: id, action, user: { id: who, name: who } }));
    await client.check();
    await client.get();
    return client;
  };
  const copiesOf = async (name: string) => {
    const stem = name.slice(0, name.lastIndexOf("."));
    return (await at.bridge.alice.list()).filter((other) => other.startsWith(`${stem} (conflict`));
  };
  /** The drive refuses what a request of this kind asks for. */
  const refuseNative = (override: string, method = "POST") => {
    at.drive.intercept = (request, response) => {
      const isIt = request.headers["x-wopi-override"] === override && request.method === method;
      if (isIt) response.destroy();
      return isIt;
    };
  };

  describe("what goes on with it", () => {
    it("is nothing while nobody touches it", async () => {
      const { name, id } = await document();
      const { primary_entity: version } = await at.bridge.alice.info(name);
      expect(await activityOf(id)).toEqual({
        file: { id, name, size: 4, version },
        open: [],
        lock: null,
        last_save: null,
        last_failed_save: null,
        waiting_saves: 0,
        comments: [],
      });
    });

    it("tells who has it open, to do what, since when and how lately", async () => {
      const { id } = await document();
      const openedAt = iso(at.bridge.clock.now());
      const ada = await editor(id, "Ada");
      const vera = await editor(id, "Vera", "view");
      at.bridge.clock.advance(60_000);
      await ada.check();
      const { open } = await activityOf(id);
      expect(open).toHaveLength(2);
      expect(open).toContainEqual({
        person: person("Ada"),
        permission: "edit",
        opened_at: openedAt,
        seen_at: iso(at.bridge.clock.now()),
      });
      expect(open).toContainEqual({
        person: person("Vera"),
        permission: "view",
        opened_at: openedAt,
        seen_at: openedAt,
      });
      await portal.end(ada.session.id);
      expect((await activityOf(id))["open"]).toEqual([expect.objectContaining({ person: person("Vera") })]);
      at.bridge.clock.advance(10 * 60_000);
      expect((await activityOf(id))["open"]).toEqual([]);
      await vera.check();
      expect((await activityOf(id))["open"]).toHaveLength(1);
    });

    it("tells who holds the lock and until when, never the lock itself", async () => {
      const { id } = await document();
      const ada = await editor(id, "Ada");
      await ada.lock("a-lock-id-of-the-editor");
      const activity = await activityOf(id);
      expect(activity["lock"]).toEqual({
        held_by: person("Ada"),
        expires_at: iso(at.bridge.clock.now() + 30 * 60_000),
      });
      expect(JSON.stringify(activity)).not.toContain("a-lock-id-of-the-editor");
      await ada.unlock("a-lock-id-of-the-editor");
      expect((await activityOf(id))["lock"]).toBeNull();
    });

    it("tells of the last save", async () => {
      const { id } = await document();
      const ada = await editor(id, "Ada");
      await ada.lock("A");
      const saved = await ada.put("after", "A");
      const version = saved.header("x-wopi-itemversion");
      expect(await activityOf(id)).toMatchObject({
        file: { size: 5, version },
        last_save: { at: iso(at.bridge.clock.now()), person: person("Ada"), version },
        last_failed_save: null,
      });
    });

    it("tells where a save is that did not reach the document", async () => {
      const { name, id } = await document();
      const ada = await editor(id, "Ada");
      await ada.lock("A");
      const timestamp = String((await ada.check()).json()["LastModifiedTime"]);
      await ada.unlock("A");
      await at.bridge.alice.put(name, "changed from elsewhere");
      await ada.put("Ada's last words", "A", collabora({ timestamp, exitSave: true }));
      const [copy] = await copiesOf(name);
      expect((await activityOf(id))["last_failed_save"]).toEqual({
        at: iso(at.bridge.clock.now()),
        person: person("Ada"),
        why: "changedInStorage",
        kept_in: "copy",
        copy_name: copy,
      });
    });

    it("counts the saves that wait for the drive, of this file alone", async () => {
      const { name, id } = await document();
      const quiet = await document();
      const ada = await editor(id, "Ada");
      await ada.lock("A");
      refuseNative("PUT");
      expect((await ada.put("kept", "A")).status).toBeGreaterThanOrEqual(500);
      expect(await activityOf(id)).toMatchObject({ waiting_saves: 1, last_failed_save: { kept_in: "spool" } });
      expect((await activityOf(quiet.id))["waiting_saves"]).toBe(0);
      at.drive.intercept = undefined;
      expect(await at.bridge.bridge.replay()).toBe(0);
      expect((await activityOf(id))["waiting_saves"]).toBe(0);
      expect(await at.bridge.alice.read(name)).toBe("kept");
    });
  });

  describe("its versions", () => {
    it("come with who saved each, and with the copies beside it", async () => {
      const { id, name } = await document("first");
      const first = (await at.bridge.alice.info(name)).primary_entity;
      const ada = await editor(id, "Ada");
      await ada.lock("A");
      expect((await ada.put("second", "A")).status).toBe(200);
      const timestamp = String((await ada.check()).json()["LastModifiedTime"]);
      await ada.unlock("A");
      await at.bridge.alice.put(name, "third");
      await ada.lock("A");
      expect((await ada.put("fourth", "A", collabora({ timestamp, exitSave: true }))).status).toBe(409);
      await ada.unlock("A");
      const answer = (await portal.json("GET", `/files/${id}/versions`, 200)) as Record<"versions" | "copies", Json[]>;
      expect(answer.versions).toMatchObject([
        { is_current: true, saved_by: null, through: null, size: 5, name: null },
        { is_current: false, saved_by: person("Ada"), through: "portal", size: 6, restored_from: null },
        { is_current: false, saved_by: null, version: first },
      ]);
      expect(answer.copies).toMatchObject([{ person: person("Ada"), kind: "conflict", why: "changedInStorage" }]);
      expect(await copiesOf(name)).toEqual([answer.copies[0]?.["name"]]);
    });
  });

  describe("is for the file's owner alone:", () => {
    const refused = async (id: string, headers: Record<string, string> = {}) => {
      for (const [method, below] of [
        ["GET", "activity"],
        ["GET", "versions"],
        ["DELETE", "lock"],
      ]) {
        const answered = await portal.call(method ?? "", `/files/${id}/${below}`, undefined, headers);
        expect(answered.status).toBe(404);
        expect((await problem(answered)).code).toBe("fileMissing");
      }
    };

    it("somebody else's file is as good as not there, and his lock stays", async () => {
      await at.bridge.bob.put("bobs.docx", "bob's");
      const { id } = await at.bridge.bob.info("bobs.docx");
      const asBob = { "X-Cloudreve-Token": at.bridge.bob.accessToken };
      const bob = wopiClient(await portal.session({ file_id: id }, asBob));
      await bob.lock("B");
      await refused(id);
      expect((await bob.getLock()).header("x-wopi-lock")).toBe("B");
      expect(await portal.json("GET", `/files/${id}/activity`, 200, undefined, asBob)).toMatchObject({
        lock: { held_by: { name: "Bob" } },
      });
      expect(await portal.json("DELETE", `/files/${id}/lock`, 200, undefined, asBob)).toMatchObject({
        taken_over: true,
      });
    });

    it.each(["nothing", "__proto__", "a%2Fb", "%00", "..%2F..", "x".repeat(500)])(
      "a file that never was is 404: %s",
      async (id) => refused(id),
    );

    it("so is one that was deleted", async () => {
      const { name, id } = await document();
      await at.bridge.alice.remove(name);
      await refused(id);
    });
  });

  describe("a lock that is taken over", () => {
    it("is named with who held it, is gone, and there is none the second time", async () => {
      const { name, id } = await document();
      const ada = await editor(id, "Ada");
      await ada.lock("A");
      expect(await at.bridge.alice.put(name, "theirs")).toBe(40073);
      expect(await takeOver(id)).toEqual({ taken_over: true, from: person("Ada") });
      expect((await ada.getLock()).header("x-wopi-lock")).toBe("");
      expect(await at.bridge.alice.put(name, "theirs")).toBe(0);
      expect(await takeOver(id)).toEqual({ taken_over: false, from: null });
    });

    it("leaves the loser's work beside the document, whatever the loser tries", async () => {
      const { name, id } = await document();
      const ada = await editor(id, "Ada");
      await ada.lock("A");
      const time = String((await ada.check()).json()["LastModifiedTime"]);
      await takeOver(id);
      const bea = await editor(id, "Bea");
      expect((await bea.lock("B")).status).toBe(200);
      expect((await bea.put("from Bea", "B")).status).toBe(200);

      const lost = await ada.put("from Ada", "A", collabora({ timestamp: time }));
      expect(lost.status).toBe(409);
      expect(lost.header("x-wopi-lock")).toBe("B");
      const [copy] = await copiesOf(name);
      expect(copy).toMatch(/\(conflict, Ada, /);
      expect(await at.bridge.alice.read(copy ?? "")).toBe("from Ada");
      expect((await activityOf(id))["last_failed_save"]).toMatchObject({ kept_in: "copy", copy_name: copy });

      // "Overwrite", the lock again, its refresh, its exchange, the same content again.
      expect((await ada.put("from Ada", "A", collabora({}))).status).toBe(409);
      expect((await ada.lock("A")).status).toBe(409);
      expect((await ada.refresh("A")).status).toBe(409);
      expect((await ada.relock("A", "A2")).status).toBe(409);
      expect((await ada.put("from Ada", "A", collabora({ timestamp: time, exitSave: true }))).status).toBe(409);
      expect(await copiesOf(name)).toEqual([copy]);
      expect(await at.bridge.alice.read(name)).toBe("from Bea");
      expect((await bea.put("Bea goes on", "B")).status).toBe(200);
      expect(await at.bridge.alice.read(name)).toBe("Bea goes on");
    });

    it("is not taken again by its old id when nobody else has locked, and a save under it is no late save", async () => {
      const { name, id } = await document();
      const ada = await editor(id, "Ada");
      await ada.lock("A");
      await takeOver(id);
      for (const again of [
        await ada.lock("A"),
        await ada.refresh("A"),
        await ada.put("from Ada", "A", collabora({})),
      ]) {
        expect(again.status).toBe(409);
        expect(again.header("x-wopi-lock")).toBe("");
      }
      expect(await at.bridge.alice.read(name)).toBe("text");
      expect(await copiesOf(name)).toHaveLength(1);
    });

    it.each([
      ["a lock of its own", "A-anew"],
      ["the lock that ONLYOFFICE makes of the file's id", "A"],
    ])("does not keep the loser from opening the document anew and going on, under %s", async (_what, lockId) => {
      const { name, id } = await document();
      const ada = await editor(id, "Ada");
      await ada.lock("A");
      await takeOver(id);
      at.bridge.clock.advance(1);
      const again = await editor(id, "Ada");
      expect((await again.lock(lockId)).status).toBe(200);
      expect((await again.put("on top", lockId)).status).toBe(200);
      expect(await at.bridge.alice.read(name)).toBe("on top");
    });

    it("gets another content of the loser's into another copy", async () => {
      const { name, id } = await document();
      const ada = await editor(id, "Ada");
      await ada.lock("A");
      await takeOver(id);
      await ada.put("first", "A");
      await ada.put("second", "A");
      const copies = await copiesOf(name);
      expect((await Promise.all(copies.map((copy) => at.bridge.alice.read(copy)))).sort()).toEqual(["first", "second"]);
    });

    it("is taken over even when the drive does not give its own back, which the sweep makes up for", async () => {
      const { name, id } = await document();
      const ada = await editor(id, "Ada");
      await ada.lock("A");
      refuseNative("UNLOCK");
      expect(await takeOver(id)).toMatchObject({ taken_over: true });
      at.drive.intercept = undefined;
      expect((await ada.put("from Ada", "A")).status).toBe(409);
      expect(await at.bridge.alice.read(name)).toBe("text");
      await at.bridge.bridge.sweep();
      expect(await at.bridge.alice.put(name, "theirs")).toBe(0);
    });

    it("is noted with who asked and whose it was", async () => {
      const { id } = await document();
      const ada = await editor(id, "Ada");
      await ada.lock("A-in-the-log");
      await takeOver(id);
      expect(at.bridge.logLines.at(-1)).toMatchObject({
        portal: "test",
        file: id,
        takenOverFrom: ada.session.id,
      } as Json);
      expect(JSON.stringify(at.bridge.logLines)).not.toContain("A-in-the-log");
    });
  });
});
