import { closeSync, openSync, readdirSync, readlinkSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, open, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lockLifetimeMs } from "../../src/documents/lockRows.ts";
import { failureOf } from "../../src/model/failure.ts";
import { openSqliteStore } from "../../src/stores/sqliteStore.ts";
import { lockCalls } from "../documents/lockCalls.ts";
import { setClock } from "../support/clock.ts";
import { describeKeyValueStore } from "./keyValueStore.contract.ts";
import { raced, started } from "./storeRace.ts";

const startMs = Date.parse("2026-11-21T08:15:00Z");
let dir: string;
let files = 0;
const freshPath = () => join(dir, `store-${files++}.db`);

const caught = (error: unknown): unknown => error;

/** Of this process, for a file. */
function descriptorsOf(path: string): number[] {
  const isOfFile = (descriptor: string): boolean => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`) === path;
    } catch {
      // Closed meanwhile: the listing itself was one.
      return false;
    }
  };
  return readdirSync("/proc/self/fd").filter(isOfFile).map(Number);
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "sqlite-store-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describeKeyValueStore("the SQLite store", async (now) => {
  const store = openSqliteStore(freshPath(), now);
  return { store, remove: () => store.close() };
});

describe("the SQLite store on disk", () => {
  it("answers only for what is on disk, and after a failure brings all of it there before it answers again", async () => {
    const path = freshPath();
    const store = openSqliteStore(path, setClock(startMs).now);
    await store.swap("before", undefined, "value");
    // Its own descriptor of the log is the last that was opened. What fails is the disk, as far as it can tell.
    const log = Math.max(...descriptorsOf(`${path}-wal`));
    closeSync(log);
    expect(failureOf(await store.swap("key", undefined, "value").catch(caught), "storeUnreachable")).toBeDefined();
    expect(failureOf(await store.swap("other", undefined, "value").catch(caught), "storeUnreachable")).toBeDefined();
    const opened: number[] = [];
    while (!opened.includes(log)) opened.push(openSync(`${path}-wal`, "r+"));
    expect(await store.swap("after", undefined, "value")).toBe(true);
    expect(await store.get("after")).toBe("value");
    for (const descriptor of opened) if (descriptor !== log) closeSync(descriptor);
    const withoutLog = join(dir, "without-log.db");
    await store.swap("last", undefined, "value");
    await copyFile(path, withoutLog);
    const found = openSqliteStore(withoutLog, setClock(startMs).now);
    expect(await found.get("before")).toBe("value");
    expect(await found.get("key")).toBe("value");
    expect(await found.get("other")).toBe("value");
    await found.close();
    await store.close();
  });

  it("has everything after it was closed and opened again, ends of life included", async () => {
    const clock = setClock(startMs);
    const path = freshPath();
    const before = openSqliteStore(path, clock.now);
    await before.swap("lasting", undefined, "value");
    await before.swap("short", undefined, "value", startMs + 1000);
    await before.swap("removed", undefined, "value");
    await before.swap("removed", "value", undefined);
    await before.close();
    const after = openSqliteStore(path, clock.now);
    expect(await after.get("lasting")).toBe("value");
    expect(await after.get("short")).toBe("value");
    expect(await after.get("removed")).toBeUndefined();
    clock.advance(1000);
    expect(await after.get("short")).toBeUndefined();
    await after.close();
  });

  it("gives nobody what the other has replaced since, however often it was read before", async () => {
    const path = freshPath();
    const [one, other] = [0, 1].map(() => openSqliteStore(path, setClock(startMs).now));
    let before: string | undefined;
    for (let round = 0; round < 200; round++) {
      const [writer, reader] = round % 2 === 0 ? [one, other] : [other, one];
      await Promise.all([one?.get("key"), other?.get("key")]);
      const next = round % 5 === 4 ? undefined : `round ${round}`;
      expect(await writer?.swap("key", before, next)).toBe(true);
      expect([await reader?.get("key"), await writer?.get("key")]).toEqual([next, next]);
      before = next;
    }
    await Promise.all([one?.close(), other?.close()]);
  });

  it("gives nothing that was removed as expired when the clock is set back", async () => {
    const clock = setClock(startMs);
    const store = openSqliteStore(freshPath(), clock.now);
    await store.swap("short", undefined, "value", startMs + 1_000);
    expect(await store.get("short")).toBe("value");
    clock.advance(120_000);
    await store.swap("other", undefined, "value");
    clock.advance(-120_000);
    expect(await store.get("short")).toBeUndefined();
    expect(await store.swap("short", undefined, "again", startMs + 1_000)).toBe(true);
    await store.close();
  });

  it("is one and the same for two who have opened it", async () => {
    const path = freshPath();
    const one = openSqliteStore(path, () => startMs);
    const other = openSqliteStore(path, () => startMs);
    // A look at it must not leave the one on yesterday's state.
    expect(await one.get("key")).toBeUndefined();
    await other.swap("key", undefined, "value");
    expect(await one.get("key")).toBe("value");
    expect(await one.swap("key", "value", "new")).toBe(true);
    expect(await other.get("key")).toBe("new");
    for await (const _entry of one.list("")) break;
    expect(await other.swap("key", "new", "newer")).toBe(true);
    await one.close();
    await other.close();
  });

  it("lies whole in its one file once it is closed, for who copies that file", async () => {
    const path = freshPath();
    const store = openSqliteStore(path, () => startMs);
    await store.swap("key", undefined, "value");
    await store.close();
    await copyFile(path, `${path}.copy`);
    const copy = openSqliteStore(`${path}.copy`, () => startMs);
    expect(await copy.get("key")).toBe("value");
    await copy.close();
  });

  it("makes the folder it is to lie in", async () => {
    const path = join(dir, "some", "folder", "bridge.db");
    await openSqliteStore(path, () => startMs).close();
    expect((await stat(path)).isFile()).toBe(true);
  });

  it("does not grow for ever with what has expired", async () => {
    const clock = setClock(startMs);
    const path = freshPath();
    const store = openSqliteStore(path, clock.now);
    const value = "x".repeat(10_000);
    for (let i = 0; i < 50; i++) await store.swap(`short-${i}`, undefined, value, startMs + 1000);
    const full = await pagesInUse(path);
    clock.advance(10 * 60_000);
    await store.swap("key", undefined, "value");
    expect(await pagesInUse(path)).toBeLessThan(full / 5);
    await store.close();
  });
});

describe("a store file that can't be used", () => {
  async function refusal(path: string): Promise<string> {
    try {
      await openSqliteStore(path, Date.now).close();
    } catch (error) {
      return error instanceof Error ? error.message : "not an Error";
    }
    return "opened";
  }

  it.each(["a text", "garbage", "a torn database"])("is refused in one plain sentence when it is %s", async (what) => {
    const path = freshPath();
    if (what === "a torn database") {
      const whole = openSqliteStore(path, Date.now);
      for (let i = 0; i < 200; i++) await whole.swap(`key:${i}`, undefined, "x".repeat(500));
      await whole.close();
      const file = await open(path, "r+");
      await file.write(Buffer.alloc(16_000, 0x5a), 0, 16_000, 100);
      await file.close();
    } else {
      await writeFile(path, what === "a text" ? "Dear diary,\n".repeat(1000) : Buffer.alloc(8192, 0xa7));
    }
    const sentence = await refusal(path);
    expect(sentence).toMatch(
      /^The store file .+ can't be used \([^\n]+\)\. Check STORE_URL and the permissions of its folder\.$/,
    );
    expect(sentence).toContain(path);
  });

  it("is refused in one plain sentence when it is a folder", async () => {
    const path = freshPath();
    await mkdir(path);
    expect(await refusal(path)).toMatch(/^The store file .+ can't be used \([^\n]+\)\. Check STORE_URL.+\.$/);
  });

  it("is refused in one plain sentence when its folder is a file", async () => {
    const path = freshPath();
    await writeFile(path, "");
    expect(await refusal(join(path, "bridge.db"))).toMatch(/^The store file .+ can't be used \([^\n]+\)\. Check .+\.$/);
    expect(await readdir(dir)).toContain(path.slice(dir.length + 1));
  });
});

describe("a store file that is taken away under the bridge", () => {
  it("counts as a store that can't be reached until it is back, and another file in its place does too", async () => {
    const path = freshPath();
    let nowMs = startMs;
    const store = openSqliteStore(path, () => nowMs);
    await store.swap("key", undefined, "value");
    const isLost = async () => failureOf(await store.get("key").catch((error: unknown) => error), "storeUnreachable");
    await rename(path, `${path}.away`);
    nowMs += 1_000;
    expect(await isLost()).toBeDefined();
    await expect(store.swap("key", "value", "unheard of")).rejects.toThrow("storeUnreachable");
    await copyFile(`${path}.away`, path);
    expect(await isLost()).toBeDefined();
    await rename(`${path}.away`, path);
    expect(await store.get("key")).toBe("value");
    expect(await store.swap("key", "value", "new")).toBe(true);
    await store.close();
  });

  it("is noticed within the second, also by a clock that has been set back", async () => {
    const path = freshPath();
    let nowMs = startMs;
    const store = openSqliteStore(path, () => nowMs);
    nowMs -= 3_600_000;
    await rename(path, `${path}.away`);
    await expect(store.get("key")).rejects.toThrow("storeUnreachable");
    await store.close();
  });
});

describe("several processes on one store file", () => {
  it("lose no update of two that count the same key up, 500 times each", async () => {
    const path = freshPath();
    await raced(path, "increment", ["a", "b"], 500);
    const store = openSqliteStore(path, Date.now);
    expect(await store.get("count")).toBe("1000");
    await store.close();
  });

  it("keep every write that was acknowledged before a kill -9", async () => {
    const path = freshPath();
    const { child, lines } = started(path, "write", "key", 1_000_000);
    await lines.next();
    child.stdin?.write("go\n");
    let acknowledged = -1;
    for await (const line of lines) {
      acknowledged = Number(line);
      if (acknowledged === 300) child.kill("SIGKILL");
    }
    expect(acknowledged).toBeGreaterThanOrEqual(300);
    const store = openSqliteStore(path, Date.now);
    for (let i = 0; i <= acknowledged; i++) expect(await store.get(`key:${i}`)).toBe(`value ${i}`);
    // The dead process has left no lock behind.
    expect(await store.swap("after", undefined, "value")).toBe(true);
    await store.close();
  });

  it("give each of 200 locks that have run out to exactly one of three who race for it", async () => {
    const path = freshPath();
    const count = 200;
    const clock = setClock(startMs);
    const store = openSqliteStore(path, clock.now);
    const locks = lockCalls(store, clock.now);
    for (let i = 0; i < count; i++) await locks.lock(`file-${i}`, "crashed", "g");
    clock.advance(lockLifetimeMs);
    const names = ["a", "b", "c"];
    const won = await raced(path, "takeOver", names, count, clock.now());
    const winners = Array.from({ length: count }, (_, i) =>
      names.filter((_name, index) => won[index]?.includes(String(i))),
    );
    for (const [i, winner] of winners.entries()) {
      expect(winner).toHaveLength(1);
      expect((await locks.current(`file-${i}`))?.lockId).toBe(winner[0]);
    }
    await store.close();
  });
});

/** Pages of the database that hold something; the file itself does not shrink. */
async function pagesInUse(path: string): Promise<number> {
  const { default: Database } = await import("libsql");
  const database = new Database(path);
  const number = (pragma: string) => Object.values(database.prepare(`PRAGMA ${pragma}`).get() as object)[0] as number;
  const used = number("page_count") - number("freelist_count");
  database.close();
  return used;
}
