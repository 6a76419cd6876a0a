import type Database from "libsql";
import { OldestOutMap } from "../model/oldestOutMap.ts";

const rememberedRows = 2_000;

interface Row {
  readonly value: string;
  /** Null: it has no end. */
  readonly expiresAtMs: number | null;
}

/**
 * Rows as last read. One call of an editor reads ten of them, at 15 µs each, and mostly the same ones as the call before;
 * whether another process has written since takes as long as one read, and is asked once for all reads without a pause.
 */
export class ReadRows {
  readonly #read: Database.Statement;
  readonly #readVersion: Database.Statement;
  readonly #rows = new OldestOutMap<string, Row | "absent">(rememberedRows);
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
      row = (this.#read.get(key) as Row | undefined) ?? "absent";
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
