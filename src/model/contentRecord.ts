import type { DriveFile } from "./drive.ts";
import { type KeyValueStore, put } from "./keyValueStore.ts";

interface VersionFacts {
  readonly version: string;
  readonly lastModifiedTime: string;
  readonly sha256?: string;
}

/** A save that the drive may have stored although its answer was lost. */
export interface SaveAttempt {
  readonly editor: string;
  /** What stood in the drive before. */
  readonly onVersion: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** More than one of a file: a call that asked the drive before a save may end after it, and must not displace it. */
const keptVersions = 4;

/** What the bridge remembers of contents it has handed out or stored, per file and per editor. */
export class ContentRecord {
  readonly #store: KeyValueStore;

  constructor(store: KeyValueStore) {
    this.#store = store;
  }

  /**
   * The time an editor is told for a version, always the same one: Cloudreve's moves with a rename too, and an
   * editor that sees another time for the same content throws everybody out with a conflict.
   */
  async lastModifiedTime(file: DriveFile): Promise<string> {
    return (await this.#remember(file, {})).lastModifiedTime;
  }

  /** Notes what a save has just stored. */
  async stored(file: DriveFile, sha256: string): Promise<void> {
    await this.#remember(file, { sha256 });
  }

  /** @returns base64 of the SHA-256 of this version, when the bridge wrote it */
  async sha256(file: DriveFile): Promise<string | undefined> {
    const known = versionsIn(await this.#store.get(factsKey(file.id)));
    return known.find(({ version }) => version === file.version)?.sha256;
  }

  /**
   * The version that an editor's copy of the file stands on: what GetFile or an accepted save last handed out to
   * that editor, through whichever grant. An editor keeps one copy for all its users.
   */
  async base(fileId: string, editor: string): Promise<string | undefined> {
    return this.#store.get(baseKey(fileId, editor));
  }

  async moveBase(fileId: string, editor: string, version: string): Promise<void> {
    if ((await this.base(fileId, editor)) === version) return;
    await put(this.#store, baseKey(fileId, editor), version);
  }

  /** Whether this content stands beside the file already, as a conflict copy. */
  async hasCopy(fileId: string, sha256: string): Promise<boolean> {
    return (await this.#store.get(copyKey(fileId, sha256))) !== undefined;
  }

  /** Notes a conflict copy until a moment: an editor that lost the answer sends the same content again. */
  async copied(fileId: string, sha256: string, untilMs: number): Promise<void> {
    await put(this.#store, copyKey(fileId, sha256), "copied", untilMs);
  }

  /** Notes a save whose answer was lost. */
  async noteAttempt(fileId: string, attempt: SaveAttempt, untilMs: number): Promise<void> {
    await put(this.#store, attemptKey(fileId), JSON.stringify(attempt), untilMs);
  }

  async attempt(fileId: string): Promise<SaveAttempt | undefined> {
    const raw = await this.#store.get(attemptKey(fileId));
    return raw === undefined ? undefined : (JSON.parse(raw) as SaveAttempt);
  }

  async forgetAttempt(fileId: string): Promise<void> {
    await put(this.#store, attemptKey(fileId), undefined);
  }

  /** @returns what is known of this version afterwards; a time once told stays */
  async #remember(file: DriveFile, more: Pick<VersionFacts, "sha256">): Promise<VersionFacts> {
    for (;;) {
      const raw = await this.#store.get(factsKey(file.id));
      const versions = versionsIn(raw);
      const known = versions.find(({ version }) => version === file.version);
      const facts = { ...(known ?? { version: file.version, lastModifiedTime: file.modifiedAt }), ...more };
      if (known !== undefined && known.sha256 === facts.sha256) return known;
      const others = versions.filter((other) => other !== known);
      const next = JSON.stringify([facts, ...others].slice(0, keptVersions));
      if (await this.#store.swap(factsKey(file.id), raw, next)) return facts;
    }
  }
}

function versionsIn(raw: string | undefined): readonly VersionFacts[] {
  return raw === undefined ? [] : (JSON.parse(raw) as VersionFacts[]);
}

const factsKey = (fileId: string): string => `versions:${fileId}`;
const baseKey = (fileId: string, editor: string): string => `base:${fileId}:${editor}`;
const copyKey = (fileId: string, sha256: string): string => `copy:${fileId}:${sha256}`;
const attemptKey = (fileId: string): string => `attempt:${fileId}`;
