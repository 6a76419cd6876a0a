import { z } from "zod";
import type { Clock, KeyValueStore } from "../model/keyValueStore.ts";
import { record, rowObject, type StoredRecord } from "../model/record.ts";

const recentSchema = rowObject({
  /** The newest first. */
  opened: z.array(rowObject({ fileId: z.string(), atMs: z.number() })),
});

const mostKept = 20;
/** Opened again so soon, a document keeps its place: a reload is no reason to write. */
const sameOpeningMs = 60_000;

/** Per person: the documents that they opened as their owner. */
export class RecentDocuments {
  readonly #rows: StoredRecord<z.infer<typeof recentSchema>>;
  readonly #now: Clock;

  constructor(store: KeyValueStore, now: Clock) {
    this.#rows = record(store, "recent", recentSchema);
    this.#now = now;
  }

  /** @returns ids of files, some of which may be gone; the newest first */
  async of(personId: string): Promise<readonly string[]> {
    return ((await this.#rows.get(personId))?.opened ?? []).map(({ fileId }) => fileId);
  }

  async opened(personId: string, fileId: string): Promise<void> {
    await this.#rows.update(personId, (standing) => {
      const { opened } = standing ?? { opened: [] };
      const [newest] = opened;
      const atMs = this.#now();
      if (standing !== undefined && newest?.fileId === fileId && atMs - newest.atMs < sameOpeningMs) return standing;
      const others = opened.filter((one) => one.fileId !== fileId);
      return { ...standing, opened: [{ fileId, atMs }, ...others].slice(0, mostKept) };
    });
  }
}
