import { z } from "zod";
import type { Clock, KeyValueStore } from "../model/keyValueStore.ts";
import { namedPersonSchema } from "../model/person.ts";
import { record, rowObject, type StoredRecord } from "../model/record.ts";

const newsItemSchema = rowObject({
  /**
   * - `linkUsed`: somebody opened a document with a link of the owner's
   * - `saved`: somebody who came through a link saved
   * - `copy`: changes are in a copy beside the document, because of a conflict
   * - `lateCopy`: the same, because the link or session had ended
   */
  kind: z.enum(["linkUsed", "saved", "copy", "lateCopy"]),
  atMs: z.number(),
  fileId: z.string(),
  /** At that time. */
  fileName: z.string(),
  person: namedPersonSchema,
  copyId: z.string().exactOptional(),
});
export type NewsItem = z.infer<typeof newsItemSchema>;

const newsSchema = rowObject({
  /** The newest first. News of a kind that only a later version knows are left to that one. */
  items: z
    .array(newsItemSchema.nullable().catch(null))
    .transform((items): readonly NewsItem[] => items.filter((item) => item !== null)),
  /** What is older was dismissed. */
  dismissedAtMs: z.number().exactOptional(),
});

const keptItems = 30;
/** Somebody who saves every half minute is no news each time, and each time would be a write. */
const sameNewsMs = 10 * 60_000;
const shownForMs = 14 * 24 * 3_600_000;

/** Per owner: what others did to their documents, for the owner's list of documents. */
export class OwnersNews {
  readonly #rows: StoredRecord<z.infer<typeof newsSchema>>;
  readonly #now: Clock;

  constructor(store: KeyValueStore, now: Clock) {
    this.#rows = record(store, "ownersNews", newsSchema);
    this.#now = now;
  }

  /** Adds what somebody did. What owners do themselves is no news, except that a copy was made. */
  async add(ownerId: string | undefined, news: Omit<NewsItem, "atMs">): Promise<void> {
    const isCopy = news.kind === "copy" || news.kind === "lateCopy";
    if (ownerId === undefined || (news.person.id === ownerId && !isCopy)) return;
    await this.#rows.update(ownerId, (standing) => {
      const { items } = standing ?? { items: [] };
      const known = items.find((one) => isSame(one, news));
      const atMs = this.#now();
      if (standing !== undefined && known !== undefined && Math.abs(atMs - known.atMs) < sameNewsMs) return standing;
      const others = items.filter((one) => one !== known);
      return { ...standing, items: [{ ...news, atMs }, ...others].slice(0, keptItems) };
    });
  }

  /** @returns what is not dismissed and not old, the newest first */
  async of(ownerId: string): Promise<readonly NewsItem[]> {
    const { items, dismissedAtMs = 0 } = (await this.#rows.get(ownerId)) ?? { items: [] };
    const sinceMs = Math.max(dismissedAtMs, this.#now() - shownForMs);
    return items.filter(({ atMs }) => atMs > sinceMs);
  }

  /** @param untilMs of the newest that was shown: what came since stays */
  async dismiss(ownerId: string, untilMs: number): Promise<void> {
    await this.#rows.update(ownerId, (standing) => {
      const dismissedAtMs = Math.min(untilMs, this.#now());
      return standing === undefined || (standing.dismissedAtMs ?? 0) >= dismissedAtMs
        ? standing
        : { ...standing, dismissedAtMs };
    });
  }
}

function isSame(one: NewsItem, { kind, fileId, person, copyId }: Omit<NewsItem, "atMs">): boolean {
  return one.kind === kind && one.fileId === fileId && one.person.id === person.id && one.copyId === copyId;
}
