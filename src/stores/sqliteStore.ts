import { chmodSync, closeSync, fdatasync, fsyncSync, mkdirSync, openSync, statSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { promisify } from "node:util";
import Database from "libsql";
import { Breath } from "../model/breath.ts";
import { BridgeError } from "../model/failure.ts";
import { type Clock, type KeyValueStore, pauseFor } from "../model/keyValueStore.ts";
import { OldestOutMap } from "../model/oldestOutMap.ts";
import { GroupedWrites, type Write } from "./groupedWrites.ts";
import { requireNoNul } from "./keptText.ts";
import { NewerStoreError, schemaVersion } from "./storeSchema.ts";

/** Expired rows are removed at most this often. */
const cleanEveryMs = 60_000;
const cleanedAtOnce = 500;
/** A clock that advances this much between two calls has jumped, or the machine has slept. */
const jumpMs = 3_600_000;
/** After a jump, nothing is removed for this long, in case the clock is corrected. */
const keepAfterJumpMs = 24 * 3_600_000;
const pageSize = 200;
const rememberedRows = 2_000;
/** While the library waits, it blocks the process, so only for as long as another process's write usually takes. */
const blockAtMostMs = 20;
/** How long a call waits for another process that holds the file: longer than any write takes. */
const patienceMs = 5_000;
/** How often to check that the file is still there. */
const lookEveryMs = 1_000;

interface Row {
  readonly key: string;
  readonly value: string;
  readonly expiresAtMs: number | null;
}

/**
 * `file:data/bridge.db`, one SQLite file on a local disk; several processes may share it. Once a call has returned, its
 * data is on disk. Writes that come together are committed together, since each commit waits for the disk. SQLite
 * itself would wait on the main thread (synchronous=FULL), for milliseconds in which nothing else is served: instead,
 * its log is synchronized in the background before the answer. Calls throw storeUnreachable when another process keeps the file
 * locked, when the file is gone, or when the disk fails.
 * @throws Error with a sentence for the operator when the file can't be opened
 */
export function openSqliteStore(path: string, clock: Clock): KeyValueStore {
  let seenAtMs = clock();
  let cleanedAtMs = seenAtMs;
  const now: Clock = () => {
    const nowMs = clock();
    if (nowMs - seenAtMs > jumpMs) cleanedAtMs = nowMs + keepAfterJumpMs;
    seenAtMs = nowMs;
    return nowMs;
  };
  const database = openDatabase(path);
  const log = openLog(path);
  const requireInPlace = placeOf(resolve(path), clock);
  const asked = <Answer>(statement: () => Answer): Promise<Answer> =>
    patiently(() => {
      requireInPlace();
      return statement();
    });
  const rows = new ReadRows(database);
  const insert = database.prepare(
    `INSERT INTO entry VALUES (@key, @next, @expiresAtMs) ON CONFLICT (key) DO UPDATE
       SET value = excluded.value, expiresAtMs = excluded.expiresAtMs WHERE entry.expiresAtMs <= @now`,
  );
  const update = database.prepare(
    `UPDATE entry SET value = @next, expiresAtMs = @expiresAtMs
       WHERE key = @key AND value = @expected AND (expiresAtMs IS NULL OR expiresAtMs > @now)`,
  );
  const remove = database.prepare(
    "DELETE FROM entry WHERE key = @key AND value = @expected AND (expiresAtMs IS NULL OR expiresAtMs > @now)",
  );
  const page = database.prepare(
    `SELECT key, value, expiresAtMs FROM entry WHERE key > @after AND key >= @prefix AND key < @end
       AND (expiresAtMs IS NULL OR expiresAtMs > @now) ORDER BY key LIMIT ${pageSize}`,
  );
  const clean = database.prepare(
    `DELETE FROM entry WHERE key IN (SELECT key FROM entry WHERE expiresAtMs <= ? LIMIT ${cleanedAtOnce})`,
  );
  const cleanUp = (nowMs: number): void => {
    if (nowMs - cleanedAtMs <= cleanEveryMs) return;
    rows.forgetAll();
    // The rest is removed with the next writes, so that no call waits for all of it.
    if (clean.run(nowMs).changes < cleanedAtOnce) cleanedAtMs = nowMs;
  };

  const inTransaction = (group: readonly Write[]): boolean[] => {
    database.exec("BEGIN IMMEDIATE");
    try {
      const done = group.map((run) => run());
      database.exec("COMMIT");
      return done;
    } catch (error) {
      // SQLite itself rolls back after some errors, such as a full disk.
      if (database.inTransaction) database.exec("ROLLBACK");
      throw error;
    }
  };
  // After a failed synchronization, the next one would succeed without having written what the first could not.
  let isLogDoubtful = false;
  const writes = new GroupedWrites(async (group) => {
    // A single write is a transaction of its own.
    const [only] = group.length === 1 ? group : [];
    const done = await asked(() => {
      if (isLogDoubtful) emptyLog(database);
      isLogDoubtful = false;
      cleanUp(now());
      return only === undefined ? inTransaction(group) : [only()];
    });
    isLogDoubtful = true;
    if (done.includes(true)) await toDisk(log);
    isLogDoubtful = false;
    return done;
  }, concernsAll);

  return {
    get: async (key) => {
      await writes.of(key);
      return asked(() => rows.valueOf(key, now()));
    },
    swap: async (key, expected, next, expiresAtMs) => {
      requireNoNul(key, next);
      const nowMs = now();
      if (expected === undefined && next === undefined) {
        await writes.of(key);
        return asked(() => rows.valueOf(key, nowMs) === undefined);
      }
      const values = {
        key,
        expected: expected ?? "",
        next: next ?? "",
        expiresAtMs: expiresAtMs ?? null,
        now: nowMs,
      };
      // Comparing and writing are one statement.
      const statement = expected === undefined ? insert : next === undefined ? remove : update;
      return writes.add(key, () => {
        rows.forget(key);
        return statement.run(values).changes === 1;
      });
    },
    list: async function* (prefix) {
      let after = "";
      // Keys with the prefix are one range of the index: the last code point sorts after all others.
      const end = `${prefix}\u{10FFFF}`;
      const breath = new Breath();
      for (;;) {
        await writes.all();
        const rows = await asked(() => page.all({ prefix, end, after, now: now() }) as Row[]);
        for (const { key, value, expiresAtMs } of rows) {
          await breath.draw();
          // The caller may read the list slowly.
          if (expiresAtMs === null || expiresAtMs > now()) yield [key, value] as const;
        }
        const last = rows.at(-1);
        if (last === undefined || rows.length < pageSize) return;
        after = last.key;
      }
    },
    close: async () => {
      await writes.all();
      try {
        // libsql closes the file only when its statements are garbage-collected; until then the log file would grow.
        database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      } finally {
        database.close();
        closeSync(log);
      }
    },
  };
}

/**
 * Rows as last read. One call of an editor reads ten of them, at 15 µs each, and mostly the same ones as the call before;
 * whether another process has written since takes as long as one read, and is asked once for all reads without a pause.
 */
class ReadRows {
  readonly #read: Database.Statement;
  readonly #readVersion: Database.Statement;
  readonly #rows = new OldestOutMap<string, Omit<Row, "key"> | "absent">(rememberedRows);
  #version: number | undefined;
  #isCurrent = false;

  constructor(database: Database.Database) {
    this.#read = database.prepare("SELECT value, expiresAtMs FROM entry WHERE key = ?");
    this.#readVersion = database.prepare("PRAGMA data_version");
  }

  valueOf(key: string, nowMs: number): string | undefined {
    this.#requireCurrent();
    let row = this.#rows.get(key);
    if (row === undefined) {
      row = (this.#read.get(key) as Omit<Row, "key"> | undefined) ?? "absent";
      this.#rows.set(key, row);
    }
    if (row === "absent" || (row.expiresAtMs !== null && row.expiresAtMs <= nowMs)) return undefined;
    return row.value;
  }

  /** Before each write of our own, which the version does not show. */
  forget(key: string): void {
    this.#rows.delete(key);
  }

  /** Before expired rows are removed: the clock may be set back. */
  forgetAll(): void {
    this.#rows.clear();
  }

  #requireCurrent(): void {
    if (this.#isCurrent) return;
    const { data_version } = this.#readVersion.get() as { data_version: number };
    if (data_version !== this.#version) this.#rows.clear();
    this.#version = data_version;
    this.#isCurrent = true;
    // Runs once all that is waiting for no input or output has run: nothing can have been heard meanwhile.
    process.nextTick(() => {
      this.#isCurrent = false;
    });
  }
}

const synchronized = promisify(fdatasync);

/** @throws storeUnreachable: what was written is there, but may not survive a power cut */
async function toDisk(log: number): Promise<void> {
  try {
    await synchronized(log);
  } catch (error) {
    throw new BridgeError({ kind: "storeUnreachable" }, { cause: error });
  }
}

/** Brings all of the log into the database file. @throws SqliteError when that fails, or somebody is reading */
function emptyLog(database: Database.Database): void {
  const [outcome] = database.pragma("wal_checkpoint(TRUNCATE)") as { busy: number }[];
  if (outcome?.busy !== 0) throw new Database.SqliteError("the log can't be emptied now", "SQLITE_BUSY", 0);
}

/**
 * SQLite's log, where all commits go. It stays the same file as long as the database is open.
 * @returns its file descriptor
 */
function openLog(path: string): number {
  const file = resolve(path);
  // SQLite may just have created it: its name must be on disk too.
  const folder = openSync(dirname(file), "r");
  fsyncSync(folder);
  closeSync(folder);
  return openSync(`${file}-wal`, "r+");
}

/** Whether no write could have succeeded: the file is locked or gone. */
function concernsAll(error: unknown): boolean {
  const cause = error instanceof BridgeError ? error.cause : error;
  return !(cause instanceof Database.SqliteError) || cause.code === "SQLITE_BUSY";
}

/** @throws storeUnreachable when the file stays locked, or SQLite can't read or write it */
async function patiently<Answer>(statement: () => Answer): Promise<Answer> {
  const endsAtMs = performance.now() + patienceMs;
  for (let pauseMs = 5; ; pauseMs = Math.min(pauseMs * 2, 100)) {
    try {
      return statement();
    } catch (error) {
      if (!(error instanceof Database.SqliteError)) throw error;
      if (error.code !== "SQLITE_BUSY" || performance.now() > endsAtMs) {
        throw new BridgeError({ kind: "storeUnreachable" }, { cause: error });
      }
      await pauseFor(pauseMs);
    }
  }
}

/**
 * @returns a check that throws storeUnreachable when the file has been removed or replaced: SQLite would go on writing
 *   to the old one, and the next start would not find those rows
 */
function placeOf(path: string, clock: Clock): () => void {
  const look = () => {
    const found = statSync(path, { throwIfNoEntry: false });
    return found === undefined ? "" : `${found.dev}:${found.ino}`;
  };
  const opened = look();
  let lookedAtMs = clock();
  return () => {
    // The check must also run when the clock has been set back.
    if (Math.abs(clock() - lookedAtMs) < lookEveryMs) return;
    if (look() !== opened) {
      throw new BridgeError({ kind: "storeUnreachable" }, { cause: new Error("the store file was moved or replaced") });
    }
    lookedAtMs = clock();
  };
}

function openDatabase(path: string): Database.Database {
  try {
    // The whole path, because the library treats `:memory:` and anything that looks like a URL differently from a file.
    const file = resolve(path);
    makePrivate(file);
    const database = new Database(file);
    try {
      // At start, waiting is fine.
      database.exec(`PRAGMA busy_timeout = ${patienceMs}`);
      requireKnown(database, path);
      database.exec("PRAGMA journal_mode = WAL");
      database.exec("PRAGMA synchronous = FULL");
      migrate(database, path);
      database.prepare("SELECT count(*) FROM entry").get();
      // From here on, see `toDisk`. Checkpoints still wait for the disk by themselves.
      database.exec("PRAGMA synchronous = NORMAL");
      database.exec(`PRAGMA busy_timeout = ${blockAtMostMs}`);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  } catch (error) {
    if (error instanceof NewerStoreError) throw error;
    const reason = error instanceof Error ? error.message : "unknown reason";
    throw new Error(
      `The store file ${path} can't be used (${reason}). Check STORE_URL and the permissions of its folder.`,
    );
  }
}

/**
 * No one else on the machine may read the store: only the bridge's user can open the file and its folder, even if an
 * older version left them open. SQLite gives its other files the same mode.
 */
function makePrivate(file: string): void {
  const folder = dirname(file);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  closeSync(openSync(file, "a", 0o600));
  for (const name of [file, `${file}-wal`, `${file}-shm`]) tighten(name, 0o600);
  // A folder that contains the program, or is shared like /tmp, is not the store's own.
  const isProgramsOwn = !relative(folder, process.cwd()).startsWith("..");
  if (!isProgramsOwn) tighten(folder, 0o700);
}

/** Leaves paths alone that don't exist, belong to someone else, or are shared (sticky bit). */
function tighten(path: string, mode: number): void {
  const found = statSync(path, { throwIfNoEntry: false });
  const isOurs = found !== undefined && (process.getuid === undefined || found.uid === process.getuid());
  if (found !== undefined && isOurs && (found.mode & 0o1000) === 0 && (found.mode & 0o777) !== mode) {
    chmodSync(path, mode);
  }
}

/** SQL from each layout to the next. @see storeSchema.ts */
const steps: readonly string[] = [
  // Bridges from before layout versions made this same table.
  "CREATE TABLE IF NOT EXISTS entry (key TEXT PRIMARY KEY, value TEXT NOT NULL, expiresAtMs INTEGER) WITHOUT ROWID",
];

function migrate(database: Database.Database, path: string): void {
  if (versionOf(database) === schemaVersion) return;
  // From here on, no other process interferes: if two start at once, the second finds the work done.
  database.exec("BEGIN IMMEDIATE");
  try {
    requireKnown(database, path);
    for (const step of steps.slice(versionOf(database))) database.exec(step);
    database.exec(`PRAGMA user_version = ${schemaVersion}`);
    database.exec("COMMIT");
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}

/** @throws NewerStoreError */
function requireKnown(database: Database.Database, path: string): void {
  const version = versionOf(database);
  if (version > schemaVersion) throw new NewerStoreError(`The store file ${path}`, version);
}

function versionOf(database: Database.Database): number {
  return (database.prepare("PRAGMA user_version").get() as { user_version: number }).user_version;
}
