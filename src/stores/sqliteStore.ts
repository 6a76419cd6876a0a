import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import Database from "libsql";
import type { Clock, KeyValueStore } from "../model/keyValueStore.ts";

/** Rows whose time is over are removed at most this often. */
const cleanEveryMs = 60_000;
const pageSize = 200;

interface Row {
  readonly key: string;
  readonly value: string;
  readonly expiresAtMs: number | null;
}

/**
 * `file:data/bridge.db`, one SQLite file on a local disk; several processes may share it.
 * WAL with synchronous=FULL: what was answered is on the disk.
 * @throws Error with a sentence for the operator when the file can't be opened
 */
export function openSqliteStore(path: string, now: Clock): KeyValueStore {
  const database = openDatabase(path);
  const select = database.prepare("SELECT value FROM entry WHERE key = ? AND (expiresAtMs IS NULL OR expiresAtMs > ?)");
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
  const clean = database.prepare("DELETE FROM entry WHERE expiresAtMs <= ?");
  let cleanedAtMs = now();

  return {
    get: async (key) => (select.get(key, now()) as { value: string } | undefined)?.value,
    // No await between compare and write: each branch is one statement.
    swap: async (key, expected, next, expiresAtMs) => {
      const nowMs = now();
      if (nowMs - cleanedAtMs > cleanEveryMs) {
        cleanedAtMs = nowMs;
        clean.run(nowMs);
      }
      if (expected === undefined && next === undefined) return select.get(key, nowMs) === undefined;
      const values = { key, expected: expected ?? "", next: next ?? "", expiresAtMs: expiresAtMs ?? null, now: nowMs };
      const statement = expected === undefined ? insert : next === undefined ? remove : update;
      return statement.run(values).changes === 1;
    },
    list: async function* (prefix) {
      let after = "";
      // What begins with the prefix is one stretch of the index: the last code point sorts behind all others.
      const end = `${prefix}\u{10FFFF}`;
      for (;;) {
        const rows = page.all({ prefix, end, after, now: now() }) as Row[];
        for (const { key, value, expiresAtMs } of rows) {
          // Whoever reads the list may take his time.
          if (expiresAtMs === null || expiresAtMs > now()) yield [key, value] as const;
        }
        const last = rows.at(-1);
        if (last === undefined || rows.length < pageSize) return;
        after = last.key;
      }
    },
    close: async () => {
      // libsql lets go of the file only when its statements are collected; until then the log would hold everything.
      database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      database.close();
    },
  };
}

function openDatabase(path: string): Database.Database {
  try {
    mkdirSync(dirname(path), { recursive: true });
    const database = new Database(path);
    database.exec("PRAGMA busy_timeout = 5000");
    database.exec("PRAGMA journal_mode = WAL");
    database.exec("PRAGMA synchronous = FULL");
    database.exec(
      "CREATE TABLE IF NOT EXISTS entry (key TEXT PRIMARY KEY, value TEXT NOT NULL, expiresAtMs INTEGER) WITHOUT ROWID",
    );
    database.prepare("SELECT count(*) FROM entry").get();
    return database;
  } catch (error) {
    const reason = error instanceof Error ? error.message : "unknown reason";
    throw new Error(`The store file ${path} can't be used (${reason}); check STORE_URL and the rights of its folder.`);
  }
}
