import { mkdtemp, readdir, rm } from "node:fs/promises";
import { type ClientRequest, type IncomingMessage, request as send } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BridgeProcess, bridgeProcess } from "../support/bridgeProcess.ts";
import { freePorts } from "../support/childProcess.ts";
import { type DriveProxy, driveProxy, type Intercept } from "../support/driveProxy.ts";
import { type RedisServer, redisServer } from "../support/redisServer.ts";
import { drivePassword, portalKey, type TestBridge, testBridge } from "../support/testBridge.ts";
import { until } from "../support/until.ts";
import { type Session, type WopiAnswer, type WopiClient, wopiClient } from "../support/wopiClient.ts";

/** Only its drive is used: the bridges under test are processes of their own. */
let beside: TestBridge;
let redis: RedisServer;
/** Between bridge A and the drive. */
let proxy: DriveProxy;
let dir: string;
let a: BridgeProcess;
let b: BridgeProcess;
let documents = 0;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "two-bridges-"));
  beside = await testBridge({ drive: { now: Date.now } });
  redis = await redisServer({ durable: true });
  proxy = await driveProxy(beside.drive.url);
  const [portA = 0, portB = 0] = await freePorts(2);
  // What people and editors are told is one address for both, with a balancer behind it.
  const shared = { STORE_URL: redis.url, BRIDGE_URL: "http://office.example" };
  [a, b] = await Promise.all([
    bridgeProcess(proxy.url, dir, portA, { ...shared, SPOOL_DIR: join(dir, "spool-a") }),
    bridgeProcess(beside.drive.url, dir, portB, { ...shared, SPOOL_DIR: join(dir, "spool-b") }),
  ]);
});

afterAll(async () => {
  await Promise.all([a.kill(), b.kill()]);
  await proxy.close();
  await beside.close();
  await redis.close();
  await rm(dir, { recursive: true, force: true });
});

/** One token, used at one of the bridges. */
function at(bridge: BridgeProcess, session: Session): WopiClient {
  return wopiClient(session, `${bridge.url}${new URL(wopiClient(session).src).pathname}`);
}

interface Opened {
  readonly path: string;
  readonly session: Session;
  readonly atA: WopiClient;
  readonly atB: WopiClient;
}

/** A document of its own for a test, opened through A. */
async function opened(content = "first"): Promise<Opened> {
  const path = `plan-${documents++}.txt`;
  await beside.alice.put(path, content);
  const { session } = await a.open(path);
  return { path, session, atA: at(a, session), atB: at(b, session) };
}

const lockOf = async (client: WopiClient): Promise<string | null> => (await client.getLock()).header("X-WOPI-Lock");

/** Whether a request to the drive is the native save of a document. */
function isSaveOf({ file }: Session, request: IncomingMessage): boolean {
  const isContents = request.url?.includes(`/file/wopi/${file.id}/contents?`) === true;
  return isContents && request.headers["x-wopi-override"] === "PUT";
}

/** The drive takes half a second over a save that comes through A. */
function receivingSlowly(session: Session): { isUnderWay(): boolean } {
  let isUnderWay = false;
  proxy.intercept = async (request, response) => {
    if (!isSaveOf(session, request)) return false;
    const body = await text(request);
    const onward = sentOn(request);
    onward.on("response", (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.write(body.slice(0, 100));
    isUnderWay = true;
    await new Promise((resolve) => setTimeout(resolve, 500));
    onward.end(body.slice(100));
    return true;
  };
  return { isUnderWay: () => isUnderWay };
}

/** A request to the drive that says what the bridge said, its body aside. */
function sentOn({ method, url, headers }: IncomingMessage): ClientRequest {
  const { hostname, port } = new URL(beside.drive.url);
  return send({ hostname, port, method, path: url, headers }).on("error", () => undefined);
}

interface LockRow {
  readonly held: string | undefined;
  readonly call: (client: WopiClient) => Promise<WopiAnswer>;
  readonly status: number;
  /** X-WOPI-Lock of the answer. */
  readonly told: string | null;
  readonly after: string;
}

const lockRows: Readonly<Record<string, LockRow>> = {
  "LOCK of a free file": { held: undefined, call: (c) => c.lock("one"), status: 200, told: null, after: "one" },
  "LOCK with the id that holds": { held: "one", call: (c) => c.lock("one"), status: 200, told: null, after: "one" },
  "LOCK with another id": { held: "one", call: (c) => c.lock("two"), status: 409, told: "one", after: "one" },
  "REFRESH_LOCK of a free file": { held: undefined, call: (c) => c.refresh("one"), status: 409, told: "", after: "" },
  "REFRESH_LOCK by the holder": { held: "one", call: (c) => c.refresh("one"), status: 200, told: null, after: "one" },
  "REFRESH_LOCK by another": { held: "one", call: (c) => c.refresh("two"), status: 409, told: "one", after: "one" },
  "UNLOCK of a free file": { held: undefined, call: (c) => c.unlock("one"), status: 409, told: "", after: "" },
  "UNLOCK by the holder": { held: "one", call: (c) => c.unlock("one"), status: 200, told: null, after: "" },
  "UNLOCK by another": { held: "one", call: (c) => c.unlock("two"), status: 409, told: "one", after: "one" },
  "relock of a free file": { held: undefined, call: (c) => c.relock("one", "two"), status: 409, told: "", after: "" },
  "relock by the holder": { held: "one", call: (c) => c.relock("one", "two"), status: 200, told: null, after: "two" },
  "relock by another": { held: "one", call: (c) => c.relock("two", "one"), status: 409, told: "one", after: "one" },
  "GET_LOCK of a free file": { held: undefined, call: (c) => c.getLock(), status: 200, told: "", after: "" },
  "GET_LOCK of a held file": { held: "one", call: (c) => c.getLock(), status: 200, told: "one", after: "one" },
};

describe("two bridges on one store and one drive", () => {
  it.each(["first", "last"])("of two overlapping saves the later wins, when it ends %s", async (laterEnds) => {
    const { path, session, atA, atB } = await opened();
    await atA.get();
    await atA.lock("one");
    const begun = async (client: WopiClient, spool: string, content: string) => {
      const { hostname, port, pathname, search } = new URL(client.address("/contents"));
      const headers = { "X-WOPI-Override": "PUT", "X-WOPI-Lock": "one", "Content-Length": content.length };
      const call = send({ hostname, port, path: pathname + search, method: "POST", headers });
      const answered = new Promise<number>((resolve) => {
        call.on("response", (answer) => resolve(answer.resume().statusCode ?? 0));
      });
      call.write(content.slice(0, 1));
      await until("its head has come", async () => (await readdir(join(dir, spool))).length > 0);
      return () => {
        call.end(content.slice(1));
        return answered;
      };
    };
    expect(session.permission).toBe("edit");
    const earlier = await begun(atA, "spool-a", "the earlier text");
    const later = await begun(atB, "spool-b", "the later text");
    for (const end of laterEnds === "first" ? [later, earlier] : [earlier, later]) expect(await end()).toBe(200);
    expect(await beside.alice.read(path)).toBe("the later text");
  });

  describe.each(["A", "B"])("a lock taken at the other one, asked for at %s", (name) => {
    it.each(Object.entries(lockRows))("%s", async (_name, { held, call, status, told, after }) => {
      const { path, atA, atB } = await opened();
      const [here, there] = name === "A" ? [atA, atB] : [atB, atA];
      if (held !== undefined) expect((await there.lock(held)).status).toBe(200);
      const answer = await call(here);
      expect([answer.status, answer.header("X-WOPI-Lock")]).toEqual([status, told]);
      expect([await lockOf(here), await lockOf(there)]).toEqual([after, after]);
      // The drive's own lock stands as long as one of ours does.
      expect(await beside.alice.put(path, "stranger")).toBe(after === "" ? 0 : 40073);
    });
  });

  it("write a document's saves one after the other, whichever takes them, and tell the same of it", async () => {
    const { path, atA, atB } = await opened();
    await atA.get();
    await atA.lock("one");
    const versions = new Set<string | null>();
    for (let i = 0; i < 12; i++) {
      const [here, there] = i % 2 === 0 ? [atB, atA] : [atA, atB];
      const saved = await here.put(`text ${i}`, "one");
      expect(saved.status).toBe(200);
      versions.add(saved.header("X-WOPI-ItemVersion"));
      const known = (await there.check()).json();
      expect(known["Version"]).toBe(saved.header("X-WOPI-ItemVersion"));
      expect(known["LastModifiedTime"]).toBe(saved.json()["LastModifiedTime"]);
      expect((await there.get()).text).toBe(`text ${i}`);
    }
    expect(versions.size).toBe(12);
    expect((await atB.unlock("one")).status).toBe(200);
    expect(await beside.alice.put(path, "anybody")).toBe(0);
  });

  it("know at one what was loaded at the other: a late save passes, and not over a foreign change", async () => {
    const { path, atA, atB } = await opened();
    await atA.get();
    expect((await atB.put("late", "never-locked")).status).toBe(200);
    await beside.alice.put(path, "foreign");
    const refused = await atA.put("later", "never-locked");
    expect([refused.status, refused.json()["COOLStatusCode"]]).toEqual([409, 1010]);
    expect(await beside.alice.read(path)).toBe("foreign");
  });

  it("follow a relock: the new id saves at the other, the old one does not", async () => {
    const { path, atA, atB } = await opened();
    await atA.get();
    await atA.lock("one");
    expect((await atA.relock("one", "two")).status).toBe(200);
    const refused = await atB.put("by the old", "one");
    expect([refused.status, refused.header("X-WOPI-Lock")]).toEqual([409, "two"]);
    expect((await atB.put("by the new", "two")).status).toBe(200);
    expect(await beside.alice.read(path)).toBe("by the new");
  });

  it("give the lock to one of ten who ask at once, five at each", async () => {
    for (let round = 0; round < 10; round++) {
      const { atA, atB } = await opened();
      const ids = Array.from({ length: 10 }, (_, i) => `editor-${i}`);
      const answers = await Promise.all(ids.map((id, i) => (i % 2 === 0 ? atA : atB).lock(id)));
      const winners = ids.filter((_id, i) => answers[i]?.status === 200);
      expect(winners).toHaveLength(1);
      for (const answer of answers.filter(({ status }) => status !== 200)) {
        expect([answer.status, answer.header("X-WOPI-Lock")]).toEqual([409, winners[0]]);
        expect(answer.header("X-WOPI-LockedByOtherInterface")).toBeNull();
      }
      expect(await lockOf(atB)).toBe(winners[0]);
    }
  });

  it("never take a lock call at one and a save at the other for a conflict, in a hundred rounds", async () => {
    const { path, atA, atB } = await opened();
    await atA.get();
    await atA.lock("one");
    for (let round = 0; round < 100; round++) {
      const [here, there] = round % 2 === 0 ? [atA, atB] : [atB, atA];
      const ask = round % 3 === 0 ? there.lock("one") : there.refresh("one");
      const [saved, asked] = await Promise.all([here.put(`round ${round}`, "one"), ask]);
      expect([saved.status, asked.status]).toEqual([200, 200]);
    }
    expect(await beside.alice.read(path)).toBe("round 99");
  }, 60_000);

  it("let a lock call at one wait for a late save at the other, instead of standing in its way", async () => {
    const { path, session, atA, atB } = await opened();
    await atA.get();
    let isUnderWay = false;
    proxy.intercept = async (request) => {
      if (request.method !== "PUT" || !request.url?.includes("/file/content?")) return false;
      isUnderWay = true;
      await new Promise((resolve) => setTimeout(resolve, 500));
      return false;
    };
    const save = atA.put("late", "never-locked");
    await until("the save is on its way", () => isUnderWay);
    const lock = atB.lock("another");
    expect([(await save).status, (await lock).status]).toEqual([200, 200]);
    proxy.intercept = undefined;
    expect(await beside.alice.read(path)).toBe("late");
    expect(session.file.id).toBe((await beside.alice.info(path)).id);
  });

  it("give the drive's lock back though it was unlocked at one while the other was saving", async () => {
    const { path, session, atA, atB } = await opened();
    await atA.get();
    await atA.lock("one");
    const save = receivingSlowly(session);
    const saving = atA.put("slowly".padEnd(5_000, "x"), "one");
    await until("the save is on its way", () => save.isUnderWay());
    const unlocking = atB.unlock("one");
    expect([(await saving).status, (await unlocking).status]).toEqual([200, 200]);
    proxy.intercept = undefined;
    expect(await beside.alice.put(path, "anybody")).toBe(0);
  });

  it("serve a session that was made at the other, until either of them revokes it", async () => {
    const { session, atA, atB } = await opened();
    expect((await atB.check()).status).toBe(200);
    const ended = await fetch(`${b.url}/api/sessions/${session.id}`, {
      method: "DELETE",
      headers: { Authorization: `Bearer ${portalKey}` },
    });
    expect(ended.status).toBe(204);
    expect([(await atA.check()).status, (await atB.check()).status]).toEqual([401, 401]);
  });

  it("keep one copy of an ended session's last saves, though each gets some and one has to wait for the drive", async () => {
    const { path, session, atA, atB } = await opened();
    const headers = { Authorization: `Bearer ${portalKey}` };
    expect((await fetch(`${a.url}/api/sessions/${session.id}`, { method: "DELETE", headers })).status).toBe(204);
    for (const [index, client] of [atA, atB, atA, atB].entries()) {
      expect((await client.put(`save ${index}`, "one")).status).toBe(401);
    }
    const copies = async () => {
      const names = await beside.alice.list();
      return names.filter((name) => name.startsWith(path.replace(".txt", " ")));
    };
    expect(await copies()).toHaveLength(1);
    proxy.intercept = async (_request, response) => {
      response.destroy();
      return true;
    };
    expect((await atA.put("waits at A", "one")).status).toBe(401);
    expect((await readdir(join(dir, "spool-a"))).filter((name) => name.endsWith(".save"))).toHaveLength(1);
    expect((await atB.put("the last", "one")).status).toBe(401);
    proxy.intercept = undefined;
    const isPlaced = async () => (await readdir(join(dir, "spool-a"))).length === 0;
    await until("A has placed what waited", isPlaced, 20_000);
    const [copy = ""] = await copies();
    expect(await copies()).toEqual([copy]);
    expect(await beside.alice.read(copy)).toBe("the last");
    expect(await beside.alice.read(path)).toBe("first");
  });

  it("end at both what somebody has opened who signs out everywhere at one", async () => {
    const { session, path } = await opened();
    const signIn = async (bridge: BridgeProcess) => {
      const answered = await fetch(`${bridge.url}/signin/password`, {
        method: "POST",
        redirect: "manual",
        headers: { Origin: "http://office.example" },
        body: new URLSearchParams({ email: "alice@example.com", password: drivePassword, return_to: "/" }),
      });
      return answered.headers
        .getSetCookie()
        .map((line) => line.split(";")[0])
        .join("; ");
    };
    const [atOne, atOther] = [await signIn(a), await signIn(b)];
    const open = (bridge: BridgeProcess, cookie: string) =>
      fetch(`${bridge.url}/open?file_id=${session.file.id}`, { redirect: "manual", headers: { Cookie: cookie } });
    const page = (await open(a, atOne)).headers.get("Location") ?? "";
    const host = await (await fetch(`${b.url}${new URL(page).pathname}`)).text();
    const token = /name="access_token" value="([^"]*)"/.exec(host)?.[1] ?? "";
    const client = at(b, { ...session, access_token: token });
    expect((await client.check()).status).toBe(200);
    await fetch(`${b.url}/signout`, {
      method: "POST",
      redirect: "manual",
      headers: { Cookie: atOther, Origin: "http://office.example" },
      body: new URLSearchParams({ everywhere: "1" }),
    });
    expect((await client.check()).status).toBe(401);
    expect((await at(a, { ...session, access_token: token }).put("too late", "one")).status).toBe(401);
    expect(await beside.alice.read(path)).toBe("first");
    // Its sign-in is over at the other bridge too.
    expect((await open(a, atOne)).headers.get("Location")).toContain("/signin");
  });

  it("redeem the ticket of a host page once, though both are asked at the same time", async () => {
    for (let round = 0; round < 10; round++) {
      const { session } = await opened();
      const { pathname } = new URL(session.host_page_url);
      const pages = await Promise.all([a, b, a, b].map(({ url }) => fetch(`${url}${pathname}`)));
      expect(pages.map(({ status }) => status).sort()).toEqual([200, 410, 410, 410]);
    }
  });

  it("stand in for each other: what one that is stopped held is refreshed, saved and given back at the other", async () => {
    const { path, atA, atB } = await opened();
    await atA.get();
    await atA.lock("one");
    expect(await a.stop()).toBe(0);
    expect((await atB.refresh("one")).status).toBe(200);
    expect((await atB.put("at the other", "one")).status).toBe(200);
    expect((await atB.unlock("one")).status).toBe(200);
    expect(await beside.alice.put(path, "anybody")).toBe(0);
    await a.start();
    expect(await lockOf(atA)).toBe("");
  });
});

/** Where a save was when its bridge died. */
const moments = ["before the drive has heard of it", "while the drive receives it", "after the drive has it"] as const;
type Moment = (typeof moments)[number];

interface CaughtSave extends Opened {
  readonly moment: Moment;
  readonly isTriedAgain: boolean;
  readonly content: string;
  isCaught: boolean;
}

/** Holds the saves of these documents between A and the drive, each where it is to be when A dies. */
function catching(saves: readonly CaughtSave[]): Intercept {
  return async (request, response) => {
    const save = saves.find(({ session }) => isSaveOf(session, request));
    if (save === undefined) return false;
    const onward = sentOn(request);
    response.on("close", () => onward.destroy());
    if (save.moment === "before the drive has heard of it") {
      save.isCaught = true;
    } else if (save.moment === "while the drive receives it") {
      onward.write((await text(request)).slice(0, 100));
      save.isCaught = true;
    } else {
      onward.on("response", () => {
        save.isCaught = true;
      });
      onward.end(await text(request));
    }
    return true;
  };
}

/** Names of the conflict copies of these documents, which lie in the root. */
async function copiesOf(...paths: readonly string[]): Promise<string[]> {
  const stems = paths.map((path) => `${path.slice(0, path.lastIndexOf("."))} (conflict`);
  return (await beside.alice.list()).filter((name) => stems.some((stem) => name.startsWith(stem)));
}

describe("a bridge that is killed in the middle of a save", () => {
  it("loses nothing: the other serves on, and what nobody sends again is replayed by the killed one", async () => {
    const saves: CaughtSave[] = [];
    for (const moment of moments) {
      for (const isTriedAgain of [true, false]) {
        const open = await opened();
        await open.atA.get();
        await open.atA.lock("one");
        const content = `${moment}, ${isTriedAgain}: `.padEnd(5_000, "x");
        saves.push({ ...open, moment, isTriedAgain, content, isCaught: false });
      }
    }
    proxy.intercept = catching(saves);
    const unheard = saves.map(({ atA, content }) => atA.put(content, "one").catch(() => "no answer"));
    await until("every save is where it is to be", () => saves.every(({ isCaught }) => isCaught));
    await a.kill();
    expect(new Set(await Promise.all(unheard))).toEqual(new Set(["no answer"]));
    proxy.intercept = undefined;

    const startedAtMs = performance.now();
    const triedAgain = saves.filter(({ isTriedAgain }) => isTriedAgain);
    const answers = await Promise.all(triedAgain.map(({ atB, content }) => atB.put(content, "one")));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    // No longer than the dead one's turn lasts.
    expect(performance.now() - startedAtMs).toBeLessThan(20_000);
    for (const { path, content, atB } of triedAgain) {
      expect(await beside.alice.read(path)).toBe(content);
      expect((await atB.put(`${content} and more`, "one")).status).toBe(200);
    }

    await a.start();
    await until("the spool of the killed one is empty", async () => (await spooled("spool-a")).length === 0, 30_000);
    for (const { path, content, isTriedAgain, atA } of saves) {
      expect(await beside.alice.read(path)).toBe(isTriedAgain ? `${content} and more` : content);
      expect((await atA.put(`${content} and much more`, "one")).status).toBe(200);
    }
    expect(await copiesOf(...saves.map(({ path }) => path))).toEqual([]);
  }, 90_000);
});

async function spooled(name: string): Promise<string[]> {
  return (await readdir(join(dir, name))).filter((file) => !file.endsWith(".part"));
}

describe("a store that goes away under two bridges", () => {
  it("makes calls fail for that time, never wrong, and everything goes on when it is back", async () => {
    const [locked, free] = [await opened(), await opened()];
    await locked.atA.get();
    await locked.atA.lock("one");
    await redis.stop();
    const calls = [locked, free].flatMap(({ atA, atB }) =>
      [atA, atB].flatMap((client) => [
        client.check(),
        client.get(),
        client.lock("two"),
        client.refresh("one"),
        client.unlock("one"),
        client.relock("one", "two"),
        client.getLock(),
        client.put("meanwhile", "one"),
      ]),
    );
    const startedAtMs = performance.now();
    const statuses = (await Promise.all(calls)).map(({ status }) => status);
    expect(statuses.filter((status) => status !== 500 && status !== 503)).toEqual([]);
    expect(performance.now() - startedAtMs).toBeLessThan(10_000);
    const sessions = await Promise.all([a, b].map((bridge) => fetch(`${bridge.url}/readyz`)));
    expect(sessions.map(({ status }) => status)).toEqual([503, 503]);

    await redis.start();
    expect([await lockOf(locked.atA), await lockOf(locked.atB), await lockOf(free.atB)]).toEqual(["one", "one", ""]);
    expect((await locked.atB.put("afterwards", "one")).status).toBe(200);
    expect((await free.atA.lock("two")).status).toBe(200);
    expect(await beside.alice.read(locked.path)).toBe("afterwards");
  });

  it("is not noticed by editors when it is back within two seconds", async () => {
    const { path, atA, atB } = await opened();
    await atA.get();
    await atA.lock("one");
    await redis.kill();
    const calls = [atA.put("under the restart", "one"), atB.refresh("one"), atB.check()];
    await redis.start();
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(await beside.alice.read(path)).toBe("under the restart");
  });

  it("is asked again by a save that it dies under", async () => {
    const { path, session, atA } = await opened();
    await atA.get();
    await atA.lock("one");
    proxy.intercept = async (request) => {
      if (!isSaveOf(session, request)) return false;
      proxy.intercept = undefined;
      redis.freeze();
      return false;
    };
    const saving = atA.put("dies under it", "one");
    await until("the drive has it", async () => (await beside.alice.read(path)) === "dies under it");
    // Long enough for the bridge to have asked; what it asked is never answered.
    await new Promise((resolve) => setTimeout(resolve, 300));
    await redis.kill();
    await redis.start();
    expect((await saving).status).toBe(200);
  });

  it("loses no save whose answer it has swallowed, and brings up no false conflict", async () => {
    const { path, session, atA, atB } = await opened();
    await atA.get();
    await atA.lock("one");
    let isTaken = false;
    proxy.intercept = async (request, response) => {
      if (isTaken || !isSaveOf(session, request)) return false;
      isTaken = true;
      // The drive has the save; when the bridge hears of it, there is no store to note it in.
      const body = await text(request);
      const headers = { "X-WOPI-Override": "PUT", "X-WOPI-Lock": String(request.headers["x-wopi-lock"]) };
      const stored = await fetch(`${beside.drive.url}${request.url}`, { method: "POST", headers, body });
      await redis.stop();
      response.writeHead(stored.status, Object.fromEntries(stored.headers)).end();
      return true;
    };
    const failed = await atA.put("swallowed", "one");
    proxy.intercept = undefined;
    expect([500, 503]).toContain(failed.status);
    expect(await beside.alice.read(path)).toBe("swallowed");
    await redis.start();
    // The editor has gone on meanwhile.
    expect((await atB.put("swallowed, and more", "one")).status).toBe(200);
    await until("the spool is empty", async () => (await spooled("spool-a")).length === 0, 20_000);
    expect(await beside.alice.read(path)).toBe("swallowed, and more");
    expect(await copiesOf(path)).toEqual([]);
  }, 60_000);
});
