import { chmodSync, closeSync, fdatasync, fsyncSync, mkdirSync, openSync, statSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { promisify } from "node:util";
import Database from "libsql";
import { BridgeError } from "../model/failure.ts";
import type { Clock } from "../model/keyValueStore.ts";
import { NewerStoreError, schemaVersion } from "./storeSchema.ts";

/** While the library waits, it blocks the process, so only for as long as another process's write usually takes. */
const blockAtMostMs = 20;
/** How long a call waits for another process that holds the file: longer than any write takes. */
export const patienceMs = 5_000;
/** How often to check that the file is still there. */
const lookEveryMs = 1_000;

/** @throws Error with a sentence for the operator when the file can't be opened */
export function openDatabase(path: string): Database.Database {
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

/**
 * @returns a check that throws storeUnreachable when the file has been removed or replaced: SQLite would go on writing
 *   to the old one, and the next start would not find those rows
 */
export function placeOf(path: string, clock: Clock): () => void {
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

const synchronized = promisify(fdatasync);

/** @throws storeUnreachable: what was written is there, but may not survive a power cut */
export async function toDisk(log: number): Promise<void> {
  try {
    await synchronized(log);
  } catch (error) {
    throw new BridgeError({ kind: "storeUnreachable" }, { cause: error });
  }
}

/** Brings all of the log into the database file. @throws SqliteError when that fails, or somebody is reading */
export function emptyLog(database: Database.Database): void {
  const [outcome] = database.pragma("wal_checkpoint(TRUNCATE)") as { busy: number }[];
  if (outcome?.busy !== 0) throw new Database.SqliteError("the log can't be emptied now", "SQLITE_BUSY", 0);
}

/**
 * SQLite's log, where all commits go. It stays the same file as long as the database is open.
 * @returns its file descriptor
 */
export function openLog(path: string): number {
  const file = resolve(path);
  // SQLite may just have created it: its name must be on disk too.
  const folder = openSync(dirname(file), "r");
  fsyncSync(folder);
  closeSync(folder);
  return openSync(`${file}-wal`, "r+");
}
