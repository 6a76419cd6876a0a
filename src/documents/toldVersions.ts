import { z } from "zod";
import { failureOf } from "../model/failure.ts";
import type { Clock, KeyValueStore } from "../model/keyValueStore.ts";
import { record, type StoredRecord } from "../model/record.ts";

/**
 * A file's Version for suites that keep an exit save which did not go into the document: each such save changes it, so
 * that the bytes they keep are not shown in place of the file. Everything else uses the drive's own version.
 */
export class ToldVersions {
  /** What is appended to the drive's version, by the last segment of WOPISrc. */
  readonly #marks: StoredRecord<number>;
  readonly #now: Clock;
  /** For saves that arrived while the store was unreachable. */
  readonly #due = new Set<string>();

  constructor(store: KeyValueStore, now: Clock) {
    this.#marks = record(store, "toldVersion", z.number());
    this.#now = now;
  }

  /** @throws storeUnreachable, rowUnreadable */
  async of(wopiFileId: string, version: string): Promise<string> {
    for (const id of this.#due) {
      await this.#move(id);
      this.#due.delete(id);
    }
    const mark = await this.#marks.get(wopiFileId);
    return mark === undefined ? version : `${version}.${mark.toString(36)}`;
  }

  /** Changes it to one never used before; if the store is unreachable, as soon as it is back. @throws rowUnreadable */
  async change(wopiFileId: string): Promise<void> {
    try {
      await this.#move(wopiFileId);
    } catch (error) {
      if (failureOf(error, "storeUnreachable") === undefined) throw error;
      this.#due.add(wopiFileId);
    }
  }

  async #move(wopiFileId: string): Promise<void> {
    // Later than anything a lost store may have counted.
    await this.#marks.update(wopiFileId, (mark = 0) => Math.max(mark + 1, this.#now()));
  }
}
