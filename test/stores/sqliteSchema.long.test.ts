import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "libsql";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { failureOf } from "../../src/model/failure.ts";
import { openSqliteStore } from "../../src/stores/sqliteStore.ts";
import { raced } from "./storeRace.ts";

let dir: string;
let files = 0;
const freshPath = () => join(dir, `store-${files++}.db`);

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "sqlite-schema-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** A store file as bridges made it that knew of no layouts. */
function unnumberedStore(path: string): void {
  sql(path, [
    "PRAGMA journal_mode = WAL",
    "CREATE TABLE entry (key TEXT PRIMARY KEY, value TEXT NOT NULL, expiresAtMs INTEGER) WITHOUT ROWID",
    "INSERT INTO entry VALUES ('lock:1', '{\"lockId\":\"cool\"}', 1800000000000), ('link:1', 'lasting', NULL)",
  ]);
}

function sql(path: string, statements: readonly string[]): void {
  const database = new Database(path);
  for (const statement of statements) database.exec(statement);
  database.close();
}

function versionOf(path: string): number {
  const database = new Database(path);
  const { user_version } = database.prepare("PRAGMA user_version").get() as { user_version: number };
  database.close();
  return user_version;
}

function refusal(path: string): string {
  try {
    void openSqliteStore(path, Date.now).close();
  } catch (error) {
    return error instanceof Error ? error.message : "not an Error";
  }
  return "opened";
}

describe("the layout of a store file", () => {
  it("has a number from the first day on", async () => {
    const path = freshPath();
    await openSqliteStore(path, Date.now).close();
    expect(versionOf(path)).toBe(1);
  });

  it("is brought up to date in place: what an older bridge wrote is all there, ends of life included", async () => {
    const path = freshPath();
    unnumberedStore(path);
    const store = openSqliteStore(path, () => 1_799_999_999_999);
    expect(await store.get("lock:1")).toBe('{"lockId":"cool"}');
    expect(await store.swap("link:1", "lasting", "changed")).toBe(true);
    await store.close();
    expect(versionOf(path)).toBe(1);
    const later = openSqliteStore(path, () => 1_800_000_000_000);
    expect(await later.get("lock:1")).toBeUndefined();
    expect(await later.get("link:1")).toBe("changed");
    await later.close();
  });

  it("of a newer bridge is refused in one plain sentence, and the file is left as it is", () => {
    const path = freshPath();
    sql(path, ["CREATE TABLE other (anything TEXT)", "PRAGMA user_version = 3"]);
    expect(refusal(path)).toBe(
      `The store file ${path} was written by a newer version of the bridge (schema 3; this version supports 1): run that version, or set STORE_URL to another store.`,
    );
    const database = new Database(path);
    expect(database.prepare("SELECT name FROM sqlite_master").all()).toMatchObject([{ name: "other" }]);
    expect(database.prepare("PRAGMA journal_mode").get()).toMatchObject({ journal_mode: "delete" });
    database.close();
    expect(versionOf(path)).toBe(3);
  });

  it.each(["new", "made by an older bridge"])(
    "is right when three processes open the file at once that is %s",
    async (kind) => {
      for (let round = 0; round < 2; round++) {
        const path = freshPath();
        if (kind !== "new") unnumberedStore(path);
        await raced(path, "increment", ["a", "b", "c"], 20);
        const store = openSqliteStore(path, () => 0);
        expect(await store.get("count")).toBe("60");
        expect(await store.get("link:1")).toBe(kind === "new" ? undefined : "lasting");
        await store.close();
        expect(versionOf(path)).toBe(1);
      }
    },
  );

  it("waits its turn when another process is at work on it", async () => {
    const path = freshPath();
    unnumberedStore(path);
    const other = await holding(path, 500);
    const store = openSqliteStore(path, () => 0);
    expect(await store.get("link:1")).toBe("lasting");
    await store.close();
    await other.ended;
  });
});

/** Another process that keeps the file for itself. */
async function holding(path: string, ms: number): Promise<{ ended: Promise<unknown>; end(): void }> {
  const program = `
    import Database from "libsql";
    const database = new Database(${JSON.stringify(path)});
    database.exec("BEGIN IMMEDIATE");
    process.stdout.write("held");
    setTimeout(() => { database.exec("COMMIT"); process.exit(0); }, ${ms});
  `;
  const args = ["--input-type=module", "--eval", program];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  if (child.stdout === null) throw new Error("a piped child has an output");
  await once(child.stdout, "data");
  return { ended, end: () => void child.kill("SIGKILL") };
}

describe("a store file that another process keeps locked", () => {
  it("is waited for, while the bridge goes on with everything else", async () => {
    const path = freshPath();
    const store = openSqliteStore(path, Date.now);
    const other = await holding(path, 1_000);
    let ticks = 0;
    const ticking = setInterval(() => ticks++, 20);
    expect(await store.swap("key", undefined, "value")).toBe(true);
    clearInterval(ticking);
    expect(ticks).toBeGreaterThan(5);
    await other.ended;
    await store.close();
  });

  it("counts as a store that can't be reached after five seconds; reading goes on, and so does all when it is free", async () => {
    const path = freshPath();
    const store = openSqliteStore(path, Date.now);
    await store.swap("key", undefined, "value");
    const other = await holding(path, 60_000);
    const startedAtMs = performance.now();
    const swaps = ["one", "two", "three"].map((next) => store.swap("key", "value", next));
    const outcomes = await Promise.allSettled(swaps);
    for (const outcome of outcomes) {
      const error: unknown = outcome.status === "rejected" ? outcome.reason : undefined;
      expect(failureOf(error, "storeUnreachable")).toBeDefined();
    }
    expect(performance.now() - startedAtMs).toBeLessThan(8_000);
    expect(await store.get("key")).toBe("value");
    other.end();
    await other.ended;
    expect(await store.swap("key", "value", "new")).toBe(true);
    await store.close();
  });
});
