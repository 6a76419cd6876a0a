import { z } from "zod";
import type { KeyValueStore } from "../model/keyValueStore.ts";
import { record, rowObject, type StoredRecord } from "../model/record.ts";

const lastCopySchema = rowObject({
  /** Taken before the drive is asked: however many try, and however often one is killed, they make the same file. */
  name: z.string(),
  /** Hashes of what was sent there and has not been heard of since, newest first. */
  unheard: z.array(z.string()),
  /** As the bridge last wrote it; undefined until the drive has said so. */
  written: rowObject({
    copyId: z.string(),
    version: z.string(),
    sha256: z.string(),
    /** When that save arrived: an older one, as from a spool, does not undo it. */
    receivedAtMs: z.number(),
  }).exactOptional(),
  /** A person has worked on in it or thrown it away: it is theirs, and another is not made. */
  isLeft: z.literal(true).exactOptional(),
});
/** The one copy beside the document that an ended grant may leave. */
export type LastCopy = z.infer<typeof lastCopySchema>;

/** As long as a save may wait in a spool. */
const rememberedForMs = 31 * 24 * 3_600_000;

/** Per grant, in the store: what its last save has become. */
export class LastCopies {
  readonly #copies: StoredRecord<LastCopy>;

  constructor(store: KeyValueStore, now: () => number) {
    this.#copies = record(store, "lastCopy", lastCopySchema, { endsAtMs: () => now() + rememberedForMs });
  }

  async find(grantId: string): Promise<LastCopy | undefined> {
    return this.#copies.get(grantId);
  }

  /**
   * @param next decides on what stands there now; undefined leaves it
   * @returns what stands there afterwards
   */
  async change(
    grantId: string,
    next: (standing: LastCopy | undefined) => LastCopy | undefined,
  ): Promise<LastCopy | undefined> {
    const { after } = await this.#copies.update(grantId, (standing) => next(standing) ?? standing);
    return after;
  }
}
