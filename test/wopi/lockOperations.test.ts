import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type DriveProxy, driveProxy } from "../support/driveProxy.ts";
import { rawRequest, rawStatus } from "../support/rawHttp.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import type { WopiAnswer, WopiClient } from "../support/wopiClient.ts";

const minuteMs = 60_000;
/** Tokens and sessions of the drive outlive every clock that is moved here. */
const longLives = { accessTokenTtlSeconds: 1_000_000, viewerSessionTimeoutSeconds: 1_000_000 };

describe("lock operations", () => {
  let bridge: TestBridge;
  let proxy: DriveProxy;
  let documents = 0;
  beforeAll(async () => {
    bridge = await testBridge({
      settings: { GRANT_HOURS: "200" },
      drive: { settings: longLives },
      driveAddress: async (url) => {
        proxy = await driveProxy(url);
        return proxy.url;
      },
    });
  });
  afterEach(() => {
    proxy.intercept = undefined;
  });
  afterAll(async () => {
    await bridge.close();
    await proxy.close();
  });

  const openNew = async (more: Record<string, unknown> = {}) => {
    const name = `lock-${++documents}.docx`;
    expect(await bridge.alice.put(name, "text")).toBe(0);
    return { name, client: await bridge.open(name, more) };
  };
  const heldNow = async (client: WopiClient): Promise<string | null> => {
    const answer = await client.getLock();
    expect(answer.status).toBe(200);
    return answer.header("x-wopi-lock");
  };
  const isOpenToOthers = async (name: string): Promise<boolean> => {
    const code = await bridge.alice.put(name, "theirs");
    expect([0, 40073]).toContain(code);
    return code === 0;
  };

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
      const { client, name } = await openNew();
      if (before !== "") expect((await client.lock(before)).status).toBe(200);
      const answer = await send(client);
      expect(answer.status).toBe(status);
      expect(answer.header("x-wopi-lock")).toBe(lockHeader);
      expect(answer.bytes.length).toBe(0);
      expect(await heldNow(client)).toBe(after);
      expect(await isOpenToOthers(name)).toBe(after === "");
    });

    it("names the version on each 200, and gives a reason in plain ASCII on each 409", async () => {
      const { client } = await openNew();
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
      const { client } = await openNew();
      await client.lock("A");
      expect((await client.post(override)).status).toBe(400);
      expect((await client.post(override, { "X-WOPI-Lock": "" })).status).toBe(400);
      expect(await heldNow(client)).toBe("A");
    });

    it.each(["LOCK", "REFRESH_LOCK", "UNLOCK"])("%s with one of 1025 characters is 400", async (override) => {
      const { client } = await openNew();
      expect((await client.post(override, { "X-WOPI-Lock": "x".repeat(1025) })).status).toBe(400);
      expect(await heldNow(client)).toBe("");
    });

    it("an old lock of 1025 characters is 400, an empty one counts as absent", async () => {
      const { client } = await openNew();
      expect((await client.relock("x".repeat(1025), "A")).status).toBe(400);
      expect((await client.relock("", "A")).status).toBe(200);
      expect(await heldNow(client)).toBe("A");
    });

    it("replacing a lock without a new one is 400 and leaves the old one", async () => {
      const { client } = await openNew();
      await client.lock("A");
      expect((await client.post("LOCK", { "X-WOPI-OldLock": "A" })).status).toBe(400);
      expect(await heldNow(client)).toBe("A");
    });

    it("of 1024 characters and of any printable ones come back byte for byte", async () => {
      const { client } = await openNew();
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
        expect(await heldNow(client)).toBe(id);
        expect((await client.lock("other")).header("x-wopi-lock")).toBe(id);
        held = id;
      }
      expect((await client.unlock(held)).status).toBe(200);
    });

    it("that differ in case or in a blank inside are different", async () => {
      const { client } = await openNew();
      await client.lock("Lock a b");
      for (const id of ["lock a b", "LOCK A B", "Lock  a b", "Lock a", "Lock a b "]) {
        // Blanks at the end are cut by HTTP itself.
        expect((await client.refresh(id)).status, id).toBe(id.trim() === "Lock a b" ? 200 : 409);
      }
    });

    it.each([
      ["UTF-8", Buffer.from("schlö§el").toString("latin1")],
      ["latin1", "schl\u00f6ssel"],
      ["a tab", "a\tb"],
    ])("that are not ASCII are 400: %s", async (_name, id) => {
      const { client } = await openNew();
      const answer = await rawRequest(client.address(), ["POST", "X-WOPI-Override: LOCK", `X-WOPI-Lock: ${id}`]);
      expect(rawStatus(answer)).toBe(400);
      expect(await heldNow(client)).toBe("");
    });

    it("may be the same for two documents: what is done to one does nothing to the other", async () => {
      const one = await openNew();
      const two = await openNew();
      await one.client.lock("same");
      await two.client.lock("same");
      expect((await one.client.unlock("same")).status).toBe(200);
      expect(await isOpenToOthers(one.name)).toBe(true);
      expect(await isOpenToOthers(two.name)).toBe(false);
      expect((await two.client.put("mine", "same")).status).toBe(200);
      expect((await two.client.unlock("same")).status).toBe(200);
      expect(await isOpenToOthers(two.name)).toBe(true);
    });
  });

  describe("who", () => {
    it("only looks gets 404 for every lock operation, and changes nothing", async () => {
      const { client, name } = await openNew();
      const reader = await bridge.open(name, { action: "view" });
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
      expect(await heldNow(client)).toBe("A");
    });

    it("else edits shares the lock by its id: it stands on the file, not on a person", async () => {
      const { client, name } = await openNew({ user: { id: "1", name: "One" } });
      const second = await bridge.open(name, { user: { id: "2", name: "Two" } });
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
      const { client, name } = await openNew();
      const ids = Array.from({ length: 30 }, (_, index) => `editor-${index}`);
      const answers = await Promise.all(ids.map((id) => client.lock(id)));
      const winners = ids.filter((_, index) => answers[index]?.status === 200);
      expect(winners).toHaveLength(1);
      for (const answer of answers.filter(({ status }) => status !== 200)) {
        expect(answer.status).toBe(409);
        expect(answer.header("x-wopi-lock")).toBe(winners[0]);
      }
      expect(await heldNow(client)).toBe(winners[0]);
      expect(await isOpenToOthers(name)).toBe(false);
    });

    it("unlocks first among ten has unlocked; for the others there is nothing left", async () => {
      const { client, name } = await openNew();
      await client.lock("A");
      const answers = await Promise.all(Array.from({ length: 10 }, () => client.unlock("A")));
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(answers.filter(({ status }) => status === 409)).toHaveLength(9);
      expect(await isOpenToOthers(name)).toBe(true);
    });

    it("saves, refreshes and asks all at once meets no false conflict", async () => {
      const { client } = await openNew();
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

  describe("the drive's own lock", () => {
    it("stands as long as the editor's: nobody else saves, renames or deletes", async () => {
      const { client, name } = await openNew();
      await client.lock("A");
      expect(await isOpenToOthers(name)).toBe(false);
      expect(await bridge.alice.rename(name, "other.docx")).toBe(40073);
      expect(await bridge.alice.remove(name)).not.toBe(0);
      expect(await bridge.alice.read(name)).toBe("text");
      await client.unlock("A");
      expect(await isOpenToOthers(name)).toBe(true);
    });

    it("has no gap when one lock replaces another", async () => {
      const { client, name } = await openNew();
      await client.lock("A");
      await client.relock("A", "B");
      expect(await isOpenToOthers(name)).toBe(false);
      expect((await client.unlock("A")).status).toBe(409);
      expect(await isOpenToOthers(name)).toBe(false);
      await client.unlock("B");
      expect(await isOpenToOthers(name)).toBe(true);
    });

    it.each([
      ["upload", "The document is being uploaded"],
      ["dav", "The document is open in a WebDAV client"],
      ["viewer", "The document is open in Cloudreve's own editor"],
      ["somethingNew", "The document is locked in Cloudreve"],
    ])("held by %s makes LOCK a 409 that says so, and takes no lock here", async (type, reason) => {
      const { client, name } = await openNew();
      const token = bridge.drive.plantLock("alice@example.com", `/${name}`, { type });
      const answer = await client.lock("A");
      expect(answer.status).toBe(409);
      expect(answer.header("x-wopi-lock")).toBe("");
      expect(answer.header("x-wopi-lockedbyotherinterface")).toBe("true");
      expect(answer.header("x-wopi-lockfailurereason")).toBe(reason);
      expect(JSON.stringify([...answer.headers])).not.toContain(token);
      expect(await heldNow(client)).toBe("");
      bridge.drive.forgetLocks();
      expect((await client.lock("A")).status).toBe(200);
      expect(await isOpenToOthers(name)).toBe(false);
    });

    it("that the drive forgot is taken again by the next refresh, however it is sent", async () => {
      const { client, name } = await openNew();
      await client.lock("A");
      for (const refresh of [() => client.lock("A"), () => client.refresh("A"), () => client.relock("A", "A")]) {
        bridge.drive.forgetLocks();
        expect((await refresh()).status).toBe(200);
        expect(await isOpenToOthers(name)).toBe(false);
      }
    });

    it("never shows its token to an editor", async () => {
      const { client, name } = await openNew();
      await client.lock("A");
      const refused = await bridge.alice.call("POST", "/file/rename", {
        uri: bridge.alice.uriOf(name),
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
      expect(JSON.stringify(bridge.logLines)).not.toContain(token);
    });

    it("can't be taken over by sending its token as a lock id", async () => {
      const { client, name } = await openNew();
      const token = bridge.drive.plantLock("alice@example.com", `/${name}`, { type: "dav" });
      expect((await client.lock(token)).status).toBe(409);
      expect((await client.put("stolen", token)).status).toBe(409);
      expect((await client.unlock(token)).status).toBe(409);
      expect(await isOpenToOthers(name)).toBe(false);
      expect(await bridge.alice.read(name)).toBe("text");
      bridge.drive.forgetLocks();
    });

    it("that can't be given back now is given back by the sweep", async () => {
      const { client, name } = await openNew();
      await client.lock("A");
      proxy.intercept = (request, response) => {
        if (request.headers["x-wopi-override"] !== "UNLOCK") return false;
        response.destroy();
        return true;
      };
      expect((await client.unlock("A")).status).toBe(200);
      expect(await heldNow(client)).toBe("");
      expect(await isOpenToOthers(name)).toBe(false);
      proxy.intercept = undefined;
      await bridge.bridge.sweep();
      expect(await isOpenToOthers(name)).toBe(true);
    });

    it("that is given back is forgotten: the sweep asks the drive for nothing", async () => {
      const { client } = await openNew();
      await bridge.bridge.sweep();
      await client.lock("A");
      await client.unlock("A");
      proxy.seen.length = 0;
      await bridge.bridge.sweep();
      expect(proxy.seen).toEqual([]);
    });

    it("that the drive can't give for a fault of its own leaves no lock here", async () => {
      const { client, name } = await openNew();
      proxy.intercept = (request, response) => {
        if (request.headers["x-wopi-override"] !== "LOCK") return false;
        response.writeHead(500, { "X-WOPI-ServerError": "an internal path" }).end();
        return true;
      };
      const answer = await client.lock("A");
      expect(answer.status).toBe(500);
      expect(JSON.stringify([...answer.headers]) + answer.text).not.toContain("an internal path");
      proxy.intercept = undefined;
      expect(await heldNow(client)).toBe("");
      expect(await isOpenToOthers(name)).toBe(true);
    });

    it("is asked for once more when a short lock of the drive's own was in the way", async () => {
      const { client, name } = await openNew();
      bridge.drive.plantLock("alice@example.com", `/${name}`, { type: "rename" });
      let refused = 0;
      proxy.intercept = (request) => {
        if (request.headers["x-wopi-override"] === "LOCK" && ++refused === 2) bridge.drive.forgetLocks();
        return false;
      };
      expect((await client.lock("A")).status).toBe(200);
    });
  });

  describe("thirty minutes", () => {
    it("are the life of a lock without a refresh, here and in the drive", async () => {
      const { client, name } = await openNew();
      await client.lock("A");
      bridge.clock.advance(29 * minuteMs);
      expect(await heldNow(client)).toBe("A");
      expect(await isOpenToOthers(name)).toBe(false);
      bridge.clock.advance(2 * minuteMs);
      expect(await heldNow(client)).toBe("");
      expect((await client.refresh("A")).header("x-wopi-lock")).toBe("");
      expect((await client.unlock("A")).status).toBe(409);
      await bridge.bridge.sweep();
      expect(await isOpenToOthers(name)).toBe(true);
    });

    it.each<[string, (client: WopiClient) => Promise<WopiAnswer>]>([
      ["REFRESH_LOCK", (client) => client.refresh("A")],
      ["LOCK again", (client) => client.lock("A")],
      ["UnlockAndRelock", (client) => client.relock("A", "A")],
    ])("begin anew with %s, here and in the drive", async (_name, refresh) => {
      const { client, name } = await openNew();
      await client.lock("A");
      for (let times = 0; times < 3; times++) {
        bridge.clock.advance(20 * minuteMs);
        await bridge.bridge.sweep();
        expect((await refresh(client)).status).toBe(200);
        expect(await isOpenToOthers(name)).toBe(false);
      }
      expect(await heldNow(client)).toBe("A");
    });

    it("over, the file is free for another editor at once", async () => {
      const { client, name } = await openNew();
      await client.lock("A");
      bridge.clock.advance(31 * minuteMs);
      expect((await client.lock("B")).status).toBe(200);
      expect((await client.refresh("A")).header("x-wopi-lock")).toBe("B");
      expect(await isOpenToOthers(name)).toBe(false);
    });

    it("over, the sweep gives the drive's lock back, which saves had made to live longer", async () => {
      const { client, name } = await openNew();
      await client.lock("A");
      bridge.clock.advance(20 * minuteMs);
      expect((await client.put("saved", "A")).status).toBe(200);
      bridge.clock.advance(9 * minuteMs);
      await bridge.bridge.sweep();
      expect(await isOpenToOthers(name)).toBe(false);
      bridge.clock.advance(2 * minuteMs);
      expect(await isOpenToOthers(name)).toBe(false);
      await bridge.bridge.sweep();
      expect(await isOpenToOthers(name)).toBe(true);
    });

    it("over for two files, one that the drive won't give back does not keep the other", async () => {
      const two = [await openNew(), await openNew()];
      for (const { client } of two) {
        await client.lock("A");
        bridge.clock.advance(10 * minuteMs);
      }
      for (const { client } of two) await client.put("saved", "A");
      bridge.clock.advance(29 * minuteMs);
      const ids = two.map(({ client }) => client.session.file.id);
      const [stuckId] = [...ids].sort();
      proxy.intercept = (request, response) => {
        const isStuck = request.url?.includes(`/wopi/${stuckId}?`) === true;
        if (!isStuck || request.headers["x-wopi-override"] !== "UNLOCK") return false;
        response.writeHead(500).end();
        return true;
      };
      await bridge.bridge.sweep().catch(() => undefined);
      for (const { name, client } of two) expect(await isOpenToOthers(name)).toBe(client.session.file.id !== stuckId);
      proxy.intercept = undefined;
      await bridge.bridge.sweep();
      for (const { name } of two) expect(await isOpenToOthers(name)).toBe(true);
    });
  });

  describe("a restart of the bridge", () => {
    it("keeps the lock and the drive's: the same id still saves and unlocks", async () => {
      const { client, name } = await openNew();
      await client.lock("A");
      await bridge.restart();
      expect(await isOpenToOthers(name)).toBe(false);
      expect(await heldNow(client)).toBe("A");
      expect((await client.lock("B")).header("x-wopi-lock")).toBe("A");
      expect((await client.put("after the restart", "A")).status).toBe(200);
      expect((await client.unlock("A")).status).toBe(200);
      expect(await isOpenToOthers(name)).toBe(true);
    });

    it("gives back what ran out meanwhile", async () => {
      const { client, name } = await openNew();
      await client.lock("A");
      bridge.clock.advance(15 * minuteMs);
      await client.put("saved", "A");
      await bridge.restart();
      bridge.clock.advance(16 * minuteMs);
      expect(await isOpenToOthers(name)).toBe(false);
      await bridge.bridge.sweep();
      expect(await isOpenToOthers(name)).toBe(true);
    });
  });

  it("on a deleted file say 404", async () => {
    const { client, name } = await openNew();
    await bridge.alice.remove(name);
    expect((await client.lock("A")).status).toBe(404);
  });
});
