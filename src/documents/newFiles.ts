import { z } from "zod";
import type { Clock, KeyValueStore } from "../model/keyValueStore.ts";
import { record, rowObject, type StoredRecord } from "../model/record.ts";

const newFileSchema = rowObject({
  atMs: z.number(),
  made: rowObject({
    name: z.string(),
    fileId: z.string(),
    /** The grant that opens it, for the person who made it. */
    editGrantId: z.string(),
  }).exactOptional(),
  /** Why it was not made: the kind of a failure, or "unexpected". */
  why: z.string().exactOptional(),
});
/** What became of a Save As. */
export type NewFile = z.infer<typeof newFileSchema>;

/** As long as a page can stay open. */
const rememberedForMs = 7 * 24 * 3_600_000;

/** In the store, per grant: its newest Save As. An editor does not always tell the page around it. */
export class NewFiles {
  readonly #files: StoredRecord<NewFile>;
  readonly #now: Clock;

  constructor(store: KeyValueStore, now: Clock) {
    this.#files = record(store, "newFile", newFileSchema, { endsAtMs: () => now() + rememberedForMs });
    this.#now = now;
  }

  async newest(grantId: string): Promise<NewFile | undefined> {
    return this.#files.get(grantId);
  }

  async made(grantId: string, made: NonNullable<NewFile["made"]>): Promise<void> {
    await this.#files.put(grantId, { atMs: this.#now(), made });
  }

  async failed(grantId: string, why: string): Promise<void> {
    await this.#files.put(grantId, { atMs: this.#now(), why });
  }
}
