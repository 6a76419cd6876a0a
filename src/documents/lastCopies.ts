import type { KeyValueStore } from "../model/keyValueStore.ts";

/** The one copy beside the document that an ended grant may leave. */
export interface LastCopy {
  /** Taken before the drive is asked: however many try, and however often one is killed, they make the same file. */
  readonly name: string;
  /** Hashes of what was sent there and has not been heard of since, newest first. */
  readonly unheard: readonly string[];
  /** As the bridge last wrote it; undefined until the drive has said so. */
  readonly written?: {
    readonly copyId: string;
    readonly version: string;
    readonly sha256: string;
    /** When that save arrived: an older one, as from a spool, does not undo it. */
    readonly receivedAtMs: number;
  };
  /** A person has worked on in it or thrown it away: it is theirs, and another is not made. */
  readonly isLeft?: true;
}

/** As long as a save may wait in a spool. */
const rememberedForMs = 31 * 24 * 3_600_000;

/** Per grant, in the store: what its last save has become. */
export class LastCopies {
  readonly #store: KeyValueStore;
  readonly #now: () => number;

  constructor(store: KeyValueStore, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  async find(grantId: string): Promise<LastCopy | undefined> {
    return copyIn(await this.#store.get(copyKey(grantId)));
  }

  /**
   * @param next decides on what stands there now; undefined leaves it
   * @returns what stands there afterwards
   */
  async change(
    grantId: string,
    next: (standing: LastCopy | undefined) => LastCopy | undefined,
  ): Promise<LastCopy | undefined> {
    for (;;) {
      const raw = await this.#store.get(copyKey(grantId));
      const standing = copyIn(raw);
      const changed = next(standing);
      if (changed === undefined) return standing;
      const expiresAtMs = this.#now() + rememberedForMs;
      if (await this.#store.swap(copyKey(grantId), raw, JSON.stringify(changed), expiresAtMs)) return changed;
    }
  }
}

const copyIn = (raw: string | undefined): LastCopy | undefined =>
  raw === undefined ? undefined : (JSON.parse(raw) as LastCopy);
const copyKey = (grantId: string): string => `lastCopy:${grantId}`;
