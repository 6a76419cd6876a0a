import { closeSync } from "node:fs";
import { resolve } from "node:path";
import Database from "libsql";
import { Breath } from "../model/breath.ts";
import { BridgeError } from "../model/failure.ts";
import { type Clock, type KeyValueStore, pauseFor } from "../model/keyValueStore.ts";
import { GroupedWrites, type Write } from "./groupedWrites.ts";
import { requireNoNul } from "./keptText.ts";
import { emptyLog, openDatabase, openLog, patienceMs, placeOf, toDisk } from "./sqliteFile.ts";
import { ReadRows } from "./sqliteReads.ts";

/** Expired rows are removed at most this often. */
const cleanEveryMs = 60_000;
const cleanedAtOnce = 500;
/** A clock that advances this much between two calls has jumped, or the machine has slept. */
const jumpMs = 3_600_000;
/** After a jump, nothing is removed for this long, in case the clock is corrected. */
const keepAfterJumpMs = 24 * 3_600_000;
const pageSize = 200;

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
