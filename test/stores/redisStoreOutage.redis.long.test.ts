import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { lockLifetimeMs } from "../../src/documents/lockRows.ts";
import { failureOf } from "../../src/model/failure.ts";
import type { KeyValueStore } from "../../src/model/keyValueStore.ts";
import { openRedisStore } from "../../src/stores/redisStore.ts";
import { lockCalls } from "../documents/lockCalls.ts";
import { setClock } from "../support/clock.ts";
import { type RedisServer, redisServer } from "../support/redisServer.ts";
import { until } from "../support/until.ts";
import { raced, started } from "./storeRace.ts";

const startMs = Date.parse("2026-11-21T08:15:00Z");
const nobodyHears = () => undefined;

describe("a Redis server that serves several processes", () => {
  let server: RedisServer;
  const stores: KeyValueStore[] = [];
  beforeAll(async () => {
    server = await redisServer();
  });
  beforeEach(() => server.command("FLUSHALL"));
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close();
  });
  afterAll(() => server.close());

  it("loses no update of two processes that count the same key up, 500 times each", async () => {
    const store = await openRedisStore(server.url, Date.now, nobodyHears);
    stores.push(store);
    await raced(server.url, "increment", ["a", "b"], 500);
    expect(await store.get("count")).toBe("1000");
  });

  it("gives each of 200 locks that have run out to exactly one of three processes", async () => {
    const count = 200;
    const clock = setClock(startMs);
    const store = await openRedisStore(server.url, clock.now, nobodyHears);
    stores.push(store);
    const locks = lockCalls(store, clock.now);
    for (let i = 0; i < count; i++) await locks.lock(`file-${i}`, "crashed", "g");
    clock.advance(lockLifetimeMs);
    const names = ["a", "b", "c"];
    const won = await raced(server.url, "takeOver", names, count, clock.now());
    for (let i = 0; i < count; i++) {
      const winners = names.filter((_name, index) => won[index]?.includes(String(i)));
      expect(winners).toHaveLength(1);
      expect((await locks.current(`file-${i}`))?.lockId).toBe(winners[0]);
    }
  });
});

describe("a Redis server that goes away", () => {
  let server: RedisServer;
  let store: KeyValueStore;
  let losses: string[];

  const begin = async (durable: boolean): Promise<void> => {
    server = await redisServer({ durable });
    losses = [];
    store = await openRedisStore(server.url, Date.now, ({ message }) => losses.push(message));
  };
  afterEach(async () => {
    server.thaw();
    try {
      await store.close();
    } finally {
      await server.close();
    }
  });

  it("has everything that was answered after it was killed, when it keeps a log", async () => {
    await begin(true);
    await store.swap("key:lasting", undefined, "value");
    await store.swap("key:living", undefined, "value", Date.now() + 600_000);
    await store.swap("key:removed", undefined, "value");
    await store.swap("key:removed", "value", undefined);
    await server.kill();
    await server.start();
    const entries: (readonly [string, string])[] = [];
    for await (const entry of store.list("key:")) entries.push(entry);
    expect(Object.fromEntries(entries)).toEqual({ "key:lasting": "value", "key:living": "value" });
    expect(Number(await server.command("PTTL", "bridge:key:living"))).toBeLessThanOrEqual(600_000);
    expect(await store.swap("key:lasting", "value", "new")).toBe(true);
  });

  it("has every write of another process that was answered before it was killed", async () => {
    await begin(true);
    const { child, lines } = started(server.url, "write", "key", 1_000_000);
    await lines.next();
    child.stdin?.write("go\n");
    let acknowledged = -1;
    for await (const line of lines) {
      acknowledged = Number(line);
      if (acknowledged === 200) await server.kill();
    }
    expect(acknowledged).toBeGreaterThanOrEqual(200);
    await server.start();
    for (let i = 0; i <= acknowledged; i++) expect(await store.get(`key:${i}`)).toBe(`value ${i}`);
  });

  it("makes every call fail within seconds, and the store works again when it is back", async () => {
    await begin(false);
    await store.swap("key", undefined, "value");
    await server.stop();
    const startedAtMs = performance.now();
    const list = async () => {
      for await (const _entry of store.list("")) break;
    };
    const calls = [store.get("key"), store.swap("key", undefined, "value"), list()];
    for (const outcome of await Promise.allSettled(calls)) {
      expect(outcome.status === "rejected" && failureOf(outcome.reason, "storeUnreachable")).toBeTruthy();
    }
    expect(performance.now() - startedAtMs).toBeLessThan(4_000);
    await server.start();
    expect(await store.get("key")).toBeUndefined();
    expect(await store.swap("key", undefined, "value")).toBe(true);
    expect(losses).toHaveLength(1);
  });

  it("for the time of a restart makes calls wait, not fail", async () => {
    await begin(false);
    await server.stop();
    const call = store.swap("key", undefined, "value");
    await server.start();
    expect(await call).toBe(true);
    await server.stop();
    await until("the loss is noticed", () => losses.length === 2);
  });

  it("fails a call that it dies under", async () => {
    await begin(false);
    server.freeze();
    const call = store.get("key");
    const outcome = expect(call).rejects.toMatchObject({ failure: { kind: "storeUnreachable" } });
    await server.kill();
    await outcome;
  });

  it("fails a call that gets no answer, and serves again when it answers", async () => {
    await begin(false);
    await store.swap("key", undefined, "value");
    server.freeze();
    const startedAtMs = performance.now();
    await expect(store.get("key")).rejects.toMatchObject({ failure: { kind: "storeUnreachable" } });
    expect(performance.now() - startedAtMs).toBeLessThan(7_000);
    expect(losses).toEqual(["no answer within 5000 ms"]);
    server.thaw();
    expect(await store.get("key")).toBe("value");
    // The connection that was given up is no more, and there is no third one.
    const clients = String(await server.command("CLIENT", "LIST"))
      .trim()
      .split("\n");
    expect(clients.filter((line) => !line.includes("cmd=client"))).toHaveLength(1);
  });

  it("is asked through a new connection when one goes dead without a word, though calls keep coming", async () => {
    await begin(false);
    const relay = await silentRelay(join(server.socketPath, "..", "relay.sock"), server.socketPath);
    const relayed = await openRedisStore(relay.url, Date.now, ({ message }) => losses.push(message));
    relay.silence();
    // What is sent over it makes it look alive.
    const dead: Promise<unknown>[] = [];
    while (losses.length === 0) {
      dead.push(relayed.get("key").catch(() => "failed"));
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    const askedAtMs = performance.now();
    expect(await relayed.swap("key", undefined, "value")).toBe(true);
    expect(performance.now() - askedAtMs).toBeLessThan(1_000);
    expect(new Set(await Promise.all(dead))).toEqual(new Set(["failed"]));
    expect(losses).toEqual(["no answer within 5000 ms"]);
    await relayed.close();
    await relay.close();
  });

  it("is noticed while nobody asks for anything", async () => {
    await begin(false);
    const idle = async () => String(await server.command("CLIENT", "LIST")).includes("cmd=ping");
    await until("the idle connection has been tried", idle);
    expect(losses).toEqual([]);
    server.freeze();
    await until("the loss is noticed", () => losses.length === 1, 20_000);
    server.thaw();
    expect(await store.get("key")).toBeUndefined();
  });

  it.each(["stopped", "frozen"])("does not hold up the closing of the store when it is %s", async (how) => {
    await begin(false);
    let call: Promise<unknown> | undefined;
    if (how === "stopped") {
      await server.stop();
    } else {
      server.freeze();
      call = store.get("key").catch(() => "failed");
    }
    const startedAtMs = performance.now();
    await store.close();
    expect(performance.now() - startedAtMs).toBeLessThan(7_000);
    await call;
    await expect(store.get("key")).rejects.toMatchObject({ failure: { kind: "storeUnreachable" } });
    expect(losses.length).toBeLessThanOrEqual(1);
  });

  it("lets calls under way finish before the store is closed", async () => {
    await begin(false);
    const calls = Array.from({ length: 50 }, (_, i) => store.swap(`key:${i}`, undefined, "value"));
    await store.close();
    expect(new Set(await Promise.all(calls))).toEqual(new Set([true]));
  });
});

describe("a Redis server at the start of the bridge", () => {
  async function refusal(url: string): Promise<string> {
    try {
      await (await openRedisStore(url, Date.now, nobodyHears)).close();
    } catch (error) {
      return error instanceof Error ? error.message : "not an Error";
    }
    return "opened";
  }

  it("is waited for while it is still coming up", async () => {
    const server = await redisServer();
    await server.stop();
    const opening = openRedisStore(server.url, Date.now, nobodyHears);
    await server.start();
    const store = await opening;
    expect(await store.swap("key", undefined, "value")).toBe(true);
    await store.close();
    await server.close();
  });

  it("that is not there is told in one plain sentence, with the reason", async () => {
    const server = await redisServer();
    await server.close();
    const [noSocket, noPort, noAddress] = await Promise.all(
      [server.url, "redis://localhost:1", "redis://"].map(refusal),
    );
    expect(noSocket).toMatch(/^The store can't be reached \(connect ENOENT .+\)\. Check STORE_URL\.$/);
    expect(noPort).toMatch(/^The store can't be reached \(.*ECONNREFUSED.+\)\. Check STORE_URL\.$/);
    expect(noAddress).toMatch(/^The store can't be reached \(.+\)\. Check STORE_URL\.$/);
  });

  it("that wants another password says so, and the password is in no sentence", async () => {
    const server = await redisServer({ password: "the-right-one" });
    const [wrong, none] = await Promise.all([`unix://:the-wrong-one@${server.socketPath}`, server.url].map(refusal));
    expect(wrong).toMatch(/^The store can't be reached \(WRONGPASS .+\)\. Check STORE_URL\.$/);
    expect(wrong).not.toContain("the-wrong-one");
    expect(none).toMatch(/NOAUTH/);
    const store = await openRedisStore(`unix://:the-right-one@${server.socketPath}`, Date.now, nobodyHears);
    expect(await store.swap("key", undefined, "value")).toBe(true);
    await store.close();
    await server.close();
  });
});

describe("a scan that names a key twice, as Redis may", () => {
  it("gives one entry", async () => {
    const dir = await redisServer();
    await dir.stop();
    const path = join(dir.socketPath, "..", "scripted.sock");
    const { server, url } = await scriptedRedis(path, (words) => {
      if (words[0] === "SCAN") return words[1] === "0" ? scanned("7", ["a", "b", "a"]) : scanned("0", ["b", "c"]);
      if (words[1] === "bridge:schema") return bulk("1");
      if (words[0] === "GET") return bulk(`value of ${words[1]?.slice("bridge:".length)}`);
      return words[0] === "HELLO" ? "%0\r\n" : "+OK\r\n";
    });
    const store = await openRedisStore(url, Date.now, nobodyHears);
    const entries: (readonly [string, string])[] = [];
    for await (const entry of store.list("")) entries.push(entry);
    expect(entries).toEqual([
      ["a", "value of a"],
      ["b", "value of b"],
      ["c", "value of c"],
    ]);
    await store.close();
    await new Promise((resolve) => server.close(resolve));
    await dir.close();
  });
});

const bulk = (text: string): string => `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
const scanned = (cursor: string, keys: readonly string[]): string =>
  `*2\r\n${bulk(cursor)}*${keys.length}\r\n${keys.map((key) => bulk(`bridge:${key}`)).join("")}`;

/** A server that says what it is told to. */
async function scriptedRedis(
  path: string,
  answer: (words: string[]) => string,
): Promise<{ server: Server; url: string }> {
  const server = createServer((socket) => {
    socket.on("data", (chunk) => {
      for (const command of chunk
        .toString("utf8")
        .split(/^\*\d+\r\n/m)
        .slice(1)) {
        const words = command.split("\r\n").filter((_part, index) => index % 2 === 1);
        socket.write(answer(words));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return { server, url: `unix:${path}` };
}

/** A way to the server whose connections can go dead; new ones are good. */
async function silentRelay(path: string, serverPath: string) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const onward = connect(serverPath);
    socket.pipe(onward).pipe(socket);
    for (const end of [socket, onward]) {
      sockets.add(end);
      end.on("error", () => undefined);
    }
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    url: `unix:${path}`,
    /** Nothing comes through any more, and nobody hangs up. */
    silence: () => {
      for (const socket of sockets) socket.unpipe().resume();
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
