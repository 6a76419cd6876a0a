import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type DriveProxy, driveProxy } from "../support/driveProxy.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import { collabora, type WopiAnswer, type WopiClient } from "../support/wopiClient.ts";

const minuteMs = 60_000;
const longLives = { accessTokenTtlSeconds: 1_000_000, viewerSessionTimeoutSeconds: 1_000_000 };
const changed = { COOLStatusCode: 1010, LOOLStatusCode: 1010 };

describe("PutFile", () => {
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

  /** A document in a folder of its own, opened to edit; `load` does what editors do first. */
  const openNew = async (text: string | Buffer = "before", more: Record<string, unknown> = {}) => {
    const folder = `put-${++documents}`;
    const path = `${folder}/Report.docx`;
    expect(await bridge.alice.put(path, text)).toBe(0);
    return { folder, path, client: await bridge.open(path, more) };
  };
  const openAndLock = async (lockId: string, text: string | Buffer = "before", more: Record<string, unknown> = {}) => {
    const opened = await openNew(text, more);
    const info = await opened.client.check();
    expect((await opened.client.get()).status).toBe(200);
    expect((await opened.client.lock(lockId)).status).toBe(200);
    return { ...opened, timestamp: String(info.json()["LastModifiedTime"]) };
  };
  const versionOf = async (path: string): Promise<string> => (await bridge.alice.info(path)).primary_entity;
  const expectRefusal = (answer: WopiAnswer, lockHeader: string, isChange: boolean) => {
    expect(answer.status).toBe(409);
    expect(answer.header("x-wopi-lock")).toBe(lockHeader);
    expect(answer.header("x-wopi-lockfailurereason")).toMatch(/^[\x20-\x7e]+$/);
    if (isChange) expect(answer.json()).toEqual(changed);
    // To an editor 1010 means "changed in storage"; a lock conflict must never look like one.
    else expect(answer.text).not.toContain("1010");
  };

  describe("the table", () => {
    it("locked, the same id: writes, and answers with the new version and its time", async () => {
      const { client, path } = await openAndLock("A");
      const before = await versionOf(path);
      const answer = await client.put("after", "A");
      expect(answer.status).toBe(200);
      expect(await bridge.alice.read(path)).toBe("after");
      expect(answer.header("x-wopi-itemversion")).toBe(await versionOf(path));
      expect(answer.header("x-wopi-itemversion")).not.toBe(before);
      expect(answer.header("x-wopi-lock")).toBeNull();
      expect(answer.header("content-type")).toMatch(/^application\/json/);
      const { updated_at } = await bridge.alice.info(path);
      expect(answer.json()).toEqual({ LastModifiedTime: `${new Date(updated_at).toISOString().slice(0, 19)}Z` });
    });

    it.each([
      ["another id", "B"],
      ["no id", undefined],
      ["an empty id", ""],
      ["the id in another case", "a"],
    ])("locked, %s: 409 with the current id, and nothing is written", async (_name, lockId) => {
      const { client, path } = await openAndLock("A");
      const before = await versionOf(path);
      expectRefusal(await client.put("after", lockId), "A", false);
      expect(await versionOf(path)).toBe(before);
      expect(await bridge.alice.read(path)).toBe("before");
    });

    it.each([
      ["no id", undefined],
      ["an empty id", ""],
      ["any id", "whatever"],
    ])("not locked, empty, %s: writes, for that is how new files are filled", async (_name, lockId) => {
      const { client, path } = await openNew("");
      await client.get();
      expect((await client.put("filled", lockId)).status).toBe(200);
      expect(await bridge.alice.read(path)).toBe("filled");
    });

    it.each([
      ["no id", undefined],
      ["an empty id", ""],
    ])("not locked, not empty, %s: 409 with an empty lock, and nothing is written", async (_name, lockId) => {
      const { client, path } = await openNew();
      await client.get();
      expectRefusal(await client.put("after", lockId), "", false);
      expect(await bridge.alice.read(path)).toBe("before");
    });

    it("not locked, not empty, an id, but nothing known of the editor's copy: 409 with an empty lock", async () => {
      const { client, path } = await openNew();
      expectRefusal(await client.put("after", "A"), "", false);
      expect(await bridge.alice.read(path)).toBe("before");
    });

    it("the size that counts is the stored one, not the body's", async () => {
      const { client, path } = await openNew();
      expectRefusal(await client.put(""), "", false);
      expect(await bridge.alice.read(path)).toBe("before");
    });

    it("a body of no bytes empties the document: that is legal under the lock", async () => {
      const { client, path } = await openAndLock("A");
      expect((await client.put("", "A")).status).toBe(200);
      expect((await bridge.alice.info(path)).size).toBe(0);
      expect((await client.check()).json()["Size"]).toBe(0);
    });

    it("each save gives another version, within one second too", async () => {
      const { client } = await openAndLock("A");
      const versions = new Set<string | null>();
      for (let turn = 0; turn < 5; turn++)
        versions.add((await client.put(`${turn}`, "A")).header("x-wopi-itemversion"));
      expect(versions.size).toBe(5);
    });

    it("bytes that stand there already make no new version", async () => {
      const { client, path } = await openAndLock("A");
      const first = await client.put("same", "A");
      const second = await client.put("same", "A");
      expect(second.status).toBe(200);
      expect(second.header("x-wopi-itemversion")).toBe(first.header("x-wopi-itemversion"));
      expect(second.json()).toEqual(first.json());
      expect(await versionOf(path)).toBe(first.header("x-wopi-itemversion"));
      const third = await client.put("also", "A");
      expect(third.header("x-wopi-itemversion")).not.toBe(first.header("x-wopi-itemversion"));
      expect(await bridge.alice.read(path)).toBe("also");
    });

    it("the same bytes under a wrong lock are refused all the same", async () => {
      const { client } = await openAndLock("A");
      await client.put("same", "A");
      expectRefusal(await client.put("same", "B"), "A", false);
    });

    it("a reader's save is 404, with the right lock id too", async () => {
      const { client, path } = await openAndLock("A");
      const reader = await bridge.open(path, { action: "view" });
      for (const lockId of ["A", "B", undefined]) expect((await reader.put("after", lockId)).status).toBe(404);
      expect(await bridge.alice.read(path)).toBe("before");
      expect((await client.put("after", "A")).status).toBe(200);
    });

    it.each([
      ["a lock id of 1025 characters", "x".repeat(1025)],
      ["a lock id with a tab", "a\tb"],
    ])("%s is 400, and nothing is written", async (_name, lockId) => {
      const { client, path } = await openAndLock("A");
      expect((await client.put("after", lockId)).status).toBe(400);
      expect(await bridge.alice.read(path)).toBe("before");
    });

    it("a lock id of 1024 characters is as good as any", async () => {
      const lockId = "y".repeat(1024);
      const { client } = await openAndLock(lockId);
      expect((await client.put("after", lockId)).status).toBe(200);
    });

    it("twenty at once are all answered, and the document is one of them, whole", async () => {
      const { client, path } = await openAndLock("A");
      const texts = Array.from({ length: 20 }, (_, index) => `${index}:`.repeat(5000));
      const answers = await Promise.all(texts.map((text) => client.put(text, "A")));
      for (const { status } of answers) expect(status).toBe(200);
      expect(new Set(answers.map((answer) => answer.header("x-wopi-itemversion"))).size).toBe(20);
      expect(texts).toContain(await bridge.alice.read(path));
    });
  });

  describe("changed in storage", () => {
    const openThenForeign = async () => {
      const opened = await openNew();
      const timestamp = String((await opened.client.check()).json()["LastModifiedTime"]);
      await opened.client.get();
      expect(await bridge.alice.put(opened.path, "theirs")).toBe(0);
      expect((await opened.client.lock("A")).status).toBe(200);
      return { ...opened, timestamp };
    };

    it("since the editor loaded it: 409 with 1010 in both spellings, and theirs stays", async () => {
      const { client, path, timestamp } = await openThenForeign();
      expectRefusal(await client.put("mine", "A", collabora({ timestamp })), "A", true);
      expect(await bridge.alice.read(path)).toBe("theirs");
    });

    it("is seen by the version, also without any header of Collabora's", async () => {
      const { client, path } = await openThenForeign();
      expectRefusal(await client.put("mine", "A"), "A", true);
      expect(await bridge.alice.read(path)).toBe("theirs");
    });

    it("is seen by the version, even if the time that the editor sends is the new one", async () => {
      const { client, path } = await openThenForeign();
      // A user who joined has asked for the file's facts: the editor knows the new time, its copy is still the old.
      const joiner = await bridge.open(path, { user: { id: "j", name: "Joiner" } });
      const timestamp = String((await joiner.check()).json()["LastModifiedTime"]);
      expectRefusal(await client.put("mine", "A", collabora({ timestamp })), "A", true);
      expectRefusal(await joiner.put("mine", "A", collabora({ timestamp })), "A", true);
      expect(await bridge.alice.read(path)).toBe("theirs");
    });

    it("can be overwritten by the user's word: Collabora leaves the time out then", async () => {
      const { client, path } = await openThenForeign();
      expect((await client.put("mine", "A", collabora({}))).status).toBe(200);
      expect(await bridge.alice.read(path)).toBe("mine");
    });

    it("is not overwritten by an editor that never sends a time", async () => {
      const { client, path } = await openThenForeign();
      const onlyOffice = { "X-LOOL-WOPI-IsModifiedByUser": "true", "X-LOOL-WOPI-IsAutosave": "false" };
      expectRefusal(await client.put("mine", "A", onlyOffice), "A", true);
      expect(await bridge.alice.read(path)).toBe("theirs");
    });

    it("is over once the editor has loaded the new content", async () => {
      const { client, path } = await openThenForeign();
      await client.get();
      expect((await client.put("mine", "A")).status).toBe(200);
      expect(await bridge.alice.read(path)).toBe("mine");
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
      const { client, path } = await openAndLock("A", "before", { user: { id: "1", name: "One" } });
      const second = await bridge.open(path, { user: { id: "2", name: "Two" } });
      await second.check();
      expect((await client.put("by one", "A")).status).toBe(200);
      expect((await second.put("by two", "A")).status).toBe(200);
      expect((await client.put("by one again", "A")).status).toBe(200);
      expect(await bridge.alice.read(path)).toBe("by one again");
    });

    it("while nothing is known of the copy: the time decides, in the editor's spelling of it", async () => {
      for (const header of ["X-COOL-WOPI-Timestamp", "X-LOOL-WOPI-Timestamp"]) {
        const { client, path } = await openNew();
        const timestamp = String((await client.check()).json()["LastModifiedTime"]);
        await client.lock("A");
        const old = new Date(Date.parse(timestamp) - 5000).toISOString();
        expectRefusal(await client.put("mine", "A", { [header]: old }), "A", true);
        const micro = timestamp.replace("Z", ".000000Z");
        expect((await client.put("mine", "A", { [header]: micro })).status).toBe(200);
        expect(await bridge.alice.read(path)).toBe("mine");
      }
    });

    it("while nothing is known of the copy, not even a time: an unbroken lock is enough", async () => {
      const { client, path } = await openNew();
      await client.lock("A");
      expect((await client.put("mine", "A")).status).toBe(200);
      const { client: other, path: otherPath } = await openNew();
      await other.lock("A");
      const none = { "X-LOOL-WOPI-Timestamp": "1970-01-01T00:00:00.000000Z" };
      expect((await other.put("mine", "A", none)).status).toBe(200);
      expect(await bridge.alice.read(path)).toBe("mine");
      expect(await bridge.alice.read(otherPath)).toBe("mine");
    });
  });

  describe("the drive has forgotten our lock", () => {
    it("and nobody came between: writes, and holds it again", async () => {
      const { client, path } = await openAndLock("A");
      bridge.drive.forgetLocks();
      expect((await client.put("after", "A")).status).toBe(200);
      expect(await bridge.alice.put(path, "theirs")).toBe(40073);
      expect(await bridge.alice.read(path)).toBe("after");
    });

    it("and somebody saved meanwhile: 409 with 1010, and theirs stays", async () => {
      const { client, path, timestamp } = await openAndLock("A");
      bridge.drive.forgetLocks();
      expect(await bridge.alice.put(path, "theirs")).toBe(0);
      expectRefusal(await client.put("mine", "A", collabora({ timestamp })), "A", true);
      expect(await bridge.alice.read(path)).toBe("theirs");
    });

    it.each([
      ["upload", "The document is being uploaded"],
      ["dav", "The document is open in a WebDAV client"],
      ["viewer", "The document is open in Cloudreve's own editor"],
    ])("and %s holds it now: 409 that says so, nothing is written, and our lock stands", async (type, reason) => {
      const { client, path } = await openAndLock("A");
      bridge.drive.forgetLocks();
      const token = bridge.drive.plantLock("alice@example.com", `/${path}`, { type });
      const answer = await client.put("mine", "A");
      expectRefusal(answer, "", false);
      expect(answer.header("x-wopi-lockedbyotherinterface")).toBe("true");
      expect(answer.header("x-wopi-lockfailurereason")).toBe(reason);
      expect(JSON.stringify([...answer.headers]) + answer.text).not.toContain(token);
      expect(await bridge.alice.read(path)).toBe("before");
      expect((await client.getLock()).header("x-wopi-lock")).toBe("A");
      bridge.drive.forgetLocks();
      expect((await client.put("mine", "A")).status).toBe(200);
    });
  });

  describe("the late save", () => {
    it("after the lock ran out, with nothing changed: writes, and leaves no lock behind", async () => {
      const { client, path } = await openAndLock("A");
      bridge.clock.advance(31 * minuteMs);
      expect((await client.put("late", "A")).status).toBe(200);
      expect(await bridge.alice.read(path)).toBe("late");
      expect((await client.getLock()).header("x-wopi-lock")).toBe("");
      expect(await bridge.alice.put(path, "theirs")).toBe(0);
    });

    it("after the lock ran out and somebody saved: 409 with 1010", async () => {
      const { client, path } = await openAndLock("A");
      bridge.clock.advance(31 * minuteMs);
      await bridge.bridge.sweep();
      expect(await bridge.alice.put(path, "theirs")).toBe(0);
      expectRefusal(await client.put("late", "A"), "", true);
      expect(await bridge.alice.read(path)).toBe("theirs");
    });

    it("after the lock ran out and another editor took one: 409 with that one", async () => {
      const { client, path } = await openAndLock("A");
      bridge.clock.advance(31 * minuteMs);
      expect((await client.lock("B")).status).toBe(200);
      expectRefusal(await client.put("late", "A"), "B", false);
      expect(await bridge.alice.read(path)).toBe("before");
    });

    it("after the unlock counts too: an editor that unlocks too early loses nothing", async () => {
      const { client, path } = await openAndLock("A");
      await client.unlock("A");
      expect((await client.put("late", "A")).status).toBe(200);
      expect(await bridge.alice.read(path)).toBe("late");
    });

    it("while something else holds the file in the drive: 409 that says so", async () => {
      const { client, path } = await openAndLock("A");
      await client.unlock("A");
      bridge.drive.plantLock("alice@example.com", `/${path}`, { type: "dav" });
      const answer = await client.put("late", "A");
      expectRefusal(answer, "", false);
      expect(answer.header("x-wopi-lockedbyotherinterface")).toBe("true");
      expect(await bridge.alice.read(path)).toBe("before");
      bridge.drive.forgetLocks();
    });

    it("of a session that a reader opened first, which never locks: every save is taken", async () => {
      const { path, client: reader } = await openNew("before", { action: "view" });
      await reader.check();
      await reader.get();
      const writer = await bridge.open(path, { user: { id: "w", name: "Writer" } });
      let timestamp = String((await writer.check()).json()["LastModifiedTime"]);
      for (const text of ["first save", "second save"]) {
        const answer = await writer.put(text, "lool-lock12345678", collabora({ timestamp }));
        expect(answer.status).toBe(200);
        timestamp = String(answer.json()["LastModifiedTime"]);
        expect(await bridge.alice.read(path)).toBe(text);
      }
    });
  });

  describe("the exit save", () => {
    const exit = collabora({ exitSave: true, timestamp: "2020-01-01T00:00:00Z" });
    const copies = async (folder: string): Promise<string[]> =>
      (await bridge.alice.list(folder)).filter((name) => name !== "Report.docx");
    /** Somebody else's content is in the document, the editor's is older. */
    const openBehind = async (more: Record<string, unknown> = { user: { id: "e", name: "Eve" } }) => {
      const opened = await openAndLock("A", "before", more);
      bridge.drive.forgetLocks();
      expect(await bridge.alice.put(opened.path, "theirs")).toBe(0);
      return opened;
    };

    it("that goes well makes no copy", async () => {
      const { client, path, folder, timestamp } = await openAndLock("A");
      expect((await client.put("the end", "A", collabora({ exitSave: true, timestamp }))).status).toBe(200);
      expect(await bridge.alice.read(path)).toBe("the end");
      expect(await copies(folder)).toEqual([]);
    });

    it("refused for a change in storage becomes a copy beside the document, named after person and minute", async () => {
      const { client, path, folder } = await openBehind();
      expectRefusal(await client.put("mine", "A", exit), "A", true);
      const minute = new Date(bridge.clock.now()).toISOString().slice(0, 16).replace("T", " ").replace(":", ".");
      expect(await copies(folder)).toEqual([`Report (conflict, Eve, ${minute}).docx`]);
      expect(await bridge.alice.read(`${folder}/Report (conflict, Eve, ${minute}).docx`)).toBe("mine");
      expect(await bridge.alice.read(path)).toBe("theirs");
    });

    it("in the old spelling of the header counts as well", async () => {
      const { client, folder } = await openBehind();
      await client.put("mine", "A", { "X-LOOL-WOPI-IsExitSave": "true" });
      expect(await copies(folder)).toHaveLength(1);
    });

    it("under a lock that another has taken over becomes a copy", async () => {
      const { client, path, folder } = await openAndLock("A");
      await client.relock("A", "B");
      expectRefusal(await client.put("mine", "A", exit), "B", false);
      const [copy] = await copies(folder);
      expect(await bridge.alice.read(`${folder}/${copy}`)).toBe("mine");
      expect(await bridge.alice.read(path)).toBe("before");
    });

    it.each(["dav", "upload", "viewer"])(
      "while %s holds the document in the drive becomes a copy: nobody will try again",
      async (type) => {
        const { client, path, folder } = await openAndLock("A");
        bridge.drive.forgetLocks();
        bridge.drive.plantLock("alice@example.com", `/${path}`, { type });
        const answer = await client.put("mine", "A", exit);
        expectRefusal(answer, "", false);
        expect(answer.header("x-wopi-lockedbyotherinterface")).toBe("true");
        const [copy] = await copies(folder);
        expect(await bridge.alice.read(`${folder}/${copy}`)).toBe("mine");
        expect(await bridge.alice.read(path)).toBe("before");
        bridge.drive.forgetLocks();
      },
    );

    it("late, while something else holds the document in the drive, becomes a copy too", async () => {
      const { client, path, folder } = await openAndLock("A");
      await client.unlock("A");
      bridge.drive.plantLock("alice@example.com", `/${path}`, { type: "dav" });
      expectRefusal(await client.put("mine", "A", exit), "", false);
      expect(await copies(folder)).toHaveLength(1);
      bridge.drive.forgetLocks();
    });

    it("without a lock at all becomes a copy", async () => {
      const { client, path, folder } = await openNew();
      expectRefusal(await client.put("mine", undefined, exit), "", false);
      expect(await copies(folder)).toHaveLength(1);
      expect(await bridge.alice.read(path)).toBe("before");
    });

    it("sent again after its answer was lost makes no second copy of the same content", async () => {
      const { client, folder } = await openBehind();
      await client.put("mine", "A", exit);
      await client.put("mine", "A", exit);
      expect(await copies(folder)).toHaveLength(1);
      await client.put("mine, and a little more", "A", exit);
      expect(await copies(folder)).toHaveLength(2);
    });

    it("of what stands in the document already makes no copy", async () => {
      const { client, folder } = await openAndLock("A");
      await client.put("same", "A");
      await client.relock("A", "B");
      expectRefusal(await client.put("same", "A", exit), "B", false);
      expect(await copies(folder)).toEqual([]);
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
      expectRefusal(await client.put("mine", "A", headers), "A", true);
      expect(await copies(folder)).toEqual([]);
    });
  });

  describe("the drive has a fault", () => {
    const nativePut = (answer: (write: (status: number, headers: Record<string, string>) => void) => void) => {
      proxy.intercept = (request, response) => {
        if (request.headers["x-wopi-override"] !== "PUT") return false;
        request.resume();
        request.once("end", () => answer((status, headers) => response.writeHead(status, headers).end()));
        return true;
      };
    };

    it.each([
      ["an error of its own", 500, [500, 503]],
      ["no sign of knowing our session", 403, [500, 503]],
      ["that the file is too large for it", 413, [413]],
    ])("and answers with %s: never 401, our lock stands, the next save goes well", async (_name, status, expected) => {
      const { client, path } = await openAndLock("A");
      nativePut((write) => write(status, { "X-WOPI-ServerError": "an internal path" }));
      const answer = await client.put("after", "A");
      expect(expected).toContain(answer.status);
      expect(JSON.stringify([...answer.headers]) + answer.text).not.toContain("an internal path");
      proxy.intercept = undefined;
      expect((await client.getLock()).header("x-wopi-lock")).toBe("A");
      expect((await client.put("after", "A")).status).toBe(200);
      expect(await bridge.alice.read(path)).toBe("after");
    });

    it("and says that it has stored what it has not: the editor is not told that it has", async () => {
      const { client, path } = await openAndLock("A");
      nativePut((write) => write(200, { "X-WOPI-ItemVersion": "zzzz" }));
      expect((await client.put("after", "A")).status).toBeGreaterThanOrEqual(500);
      expect(await bridge.alice.read(path)).toBe("before");
    });

    it("and cuts the line in the middle of a save: not 200, and the next save goes well", async () => {
      const { client, path } = await openAndLock("A");
      proxy.intercept = (request, response) => {
        if (request.headers["x-wopi-override"] !== "PUT") return false;
        request.once("data", () => response.destroy());
        return true;
      };
      expect((await client.put(Buffer.alloc(3_000_000, "x"), "A")).status).toBe(503);
      proxy.intercept = undefined;
      expect((await client.put("after", "A")).status).toBe(200);
      expect(await bridge.alice.read(path)).toBe("after");
    });

    it("and has lost the session that it gave: another is made", async () => {
      const { client, path } = await openAndLock("A");
      let refusals = 0;
      proxy.intercept = (request, response) => {
        if (request.headers["x-wopi-override"] === undefined || ++refusals > 1) return false;
        request.resume();
        response.writeHead(403, { "X-WOPI-ServerError": "invalid access token" }).end();
        return true;
      };
      expect((await client.put("after", "A")).status).toBe(200);
      expect(await bridge.alice.read(path)).toBe("after");
    });
  });

  it("keeps nothing in the spool of what the drive has taken or the editor must keep", async () => {
    const { client } = await openAndLock("A");
    await client.put(randomBytes(2_000_000), "A");
    await client.put("refused", "B");
    expect(await readdir(bridge.spoolDir)).toEqual([]);
  });

  it("says 404 for a file that is deleted, and does not bring it back", async () => {
    const { client, path, folder } = await openAndLock("A");
    await client.unlock("A");
    expect(await bridge.alice.remove(path)).toBe(0);
    expect((await client.put("after", "A")).status).toBe(404);
    expect(await bridge.alice.list(folder)).toEqual([]);
  });

  it("goes to the document and not to what has taken its place", async () => {
    const { client, path, folder } = await openAndLock("A");
    await client.unlock("A");
    await bridge.alice.rename(path, "Renamed.docx");
    await bridge.alice.put(path, "an impostor");
    expect((await client.lock("A")).status).toBe(200);
    expect((await client.put("after", "A")).status).toBe(200);
    expect(await bridge.alice.read(`${folder}/Renamed.docx`)).toBe("after");
    expect(await bridge.alice.read(path)).toBe("an impostor");
    await client.unlock("A");
    expect((await client.put("late", "A")).status).toBe(200);
    expect(await bridge.alice.read(`${folder}/Renamed.docx`)).toBe("late");
  });
});

describe("PutFile and the account's room", () => {
  it("tells the editor when the drive has no room, keeps the document and the lock", async () => {
    const bridge = await testBridge({
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
