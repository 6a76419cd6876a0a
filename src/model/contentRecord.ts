import type { DriveFile } from "./drive.ts";
import { type KeyValueStore, put } from "./keyValueStore.ts";

interface VersionFacts {
  readonly version: string;
  readonly lastModifiedTime: string;
  readonly sha256?: string;
}

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
    const known = await this.#facts(file.id);
    if (known?.version === file.version) return known.lastModifiedTime;
    await this.#remember(file.id, { version: file.version, lastModifiedTime: file.modifiedAt });
    return file.modifiedAt;
  }

  /** Notes what a save has just stored. */
  async stored(file: DriveFile, sha256: string): Promise<void> {
    await this.#remember(file.id, { version: file.version, lastModifiedTime: file.modifiedAt, sha256 });
  }

  /** @returns base64 of the SHA-256 of this version, when the bridge wrote it */
  async sha256(file: DriveFile): Promise<string | undefined> {
    const known = await this.#facts(file.id);
    return known?.version === file.version ? known.sha256 : undefined;
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

  async #facts(fileId: string): Promise<VersionFacts | undefined> {
    const raw = await this.#store.get(factsKey(fileId));
    return raw === undefined ? undefined : (JSON.parse(raw) as VersionFacts);
  }

  async #remember(fileId: string, facts: VersionFacts): Promise<void> {
    await put(this.#store, factsKey(fileId), JSON.stringify(facts));
  }
}

const factsKey = (fileId: string): string => `version:${fileId}`;
const baseKey = (fileId: string, editor: string): string => `base:${fileId}:${editor}`;
