import { createHash, randomBytes } from "node:crypto";
import { z } from "zod";
import type { DriveFile } from "../model/drive.ts";
import type { KeyValueStore } from "../model/keyValueStore.ts";
import { record, rowObject, type StoredRecord, wordRecord } from "../model/record.ts";
import { secondOf } from "./savePolicy.ts";

/** What a save is based on: known when it arrives, and stored with its bytes. */
export interface SaveBaseline {
  /** The editor's load of the document that this save belongs to. */
  readonly loadId: string;
  /** Counts an editor's saves of a file, so that the clocks of several bridges need not agree. */
  readonly order: number;
  /** The version it was made from; undefined when the bridge does not know. */
  readonly baseVersion?: string | undefined;
  /** Mark of the lock it came under; undefined = recorded before marks were. */
  readonly lock?: string | undefined;
}

const editorLoadSchema = rowObject({
  id: z.string(),
  /** The version it is based on: the one loaded, then that of each of its saves that went in. */
  version: z.string().exactOptional(),
  /** Hashes of what was sent to the drive since then without an answer that showed the result. */
  unheard: z.array(z.string()),
  /** LastModifiedTime of the versions it was based on, newest first: its editor sends one back as the time it knows. */
  toldTimes: z.array(z.string()).exactOptional(),
  /** Order of its newest save that went into the document; 0 = none. */
  placedOrder: z.number(),
  /** Mark of the lock that save came under; undefined = no such save yet, or recorded before marks were. */
  placedUnder: z.string().exactOptional(),
});
/** One load of a document by an editor: what is known about the copy the editor has. */
export type EditorLoad = z.infer<typeof editorLoadSchema>;

const editorLoadsSchema = rowObject({
  lastOrder: z.number(),
  /**
   * The loads; the field's name is from earlier versions. The editor's current one is first; saves of the others may
   * still wait in the spool.
   */
  copies: z.array(editorLoadSchema),
});
type EditorLoads = z.infer<typeof editorLoadsSchema>;

const versionFactsSchema = rowObject({
  version: z.string(),
  /** The file's folder when this was recorded. */
  folderUri: z.string().exactOptional(),
  lastModifiedTime: z.string(),
  sha256: z.string().exactOptional(),
});
type VersionFacts = z.infer<typeof versionFactsSchema>;

/** More than one per file: a call that began before a save may end after it, and must not replace the newer one. */
const keptVersions = 4;
/** An editor may reload a document several times before a kept save of an earlier load is replayed. */
const keptCopies = 16;
/** Answers lost before these loads are no longer looked for, because hashes are long. */
const copiesWithUnheard = 4;
const keptUnheard = 8;
/** An editor that has missed some answers still sends the last time it received. */
const keptTimes = 8;

/**
 * What the bridge remembers about contents it has delivered or stored, per file and per editor. Only versions that the
 * drive has proven to belong to the file may be recorded: where nothing else can identify the file, a recorded version
 * does.
 */
export class ContentRecord {
  readonly #versions: StoredRecord<VersionFacts[]>;
  /** By file and editor. */
  readonly #loads: StoredRecord<EditorLoads>;
  /** Ids of conflict copies, by file and hash of the content. */
  readonly #conflicts: StoredRecord<string>;

  constructor(store: KeyValueStore) {
    this.#versions = record(store, "versions", z.array(versionFactsSchema));
    this.#loads = record(store, "copies", editorLoadsSchema);
    this.#conflicts = wordRecord(store, "conflict");
  }

  /**
   * The time that editors get for a version, always the same one: Cloudreve's changes with a rename too, and an editor
   * that sees another time for the same content throws everybody out with a conflict.
   */
  async lastModifiedTime(file: DriveFile): Promise<string> {
    return (await this.#remember(file, {})).lastModifiedTime;
  }

  /** @returns the time as above, without recording it */
  async timeOf(file: DriveFile): Promise<string> {
    return (await this.known(file.id, file.version))?.lastModifiedTime ?? inSevenDigits(file.modifiedAt);
  }

  /** @returns the time as above, and base64 of the SHA-256 when the bridge wrote this version; both with one read */
  async facts(file: DriveFile): Promise<{ readonly lastModifiedTime: string; readonly sha256?: string }> {
    return this.#remember(file, {});
  }

  /** @returns the folder that the file was last seen in */
  async folderUri(fileId: string): Promise<string | undefined> {
    return (await this.#versions.get(fileId))?.[0]?.folderUri;
  }

  /**
   * @returns what is recorded about a version of this file; undefined when the bridge has neither seen the version as
   *   this file's nor stored it there
   */
  async known(fileId: string, version: string): Promise<{ readonly lastModifiedTime: string } | undefined> {
    return (await this.#versions.get(fileId))?.find((known) => known.version === version);
  }

  /** Records the content of a version, as when a save has just stored it. */
  async stored(file: DriveFile, sha256: string): Promise<void> {
    await this.#remember(file, { sha256 });
  }

  /** @returns base64 of the SHA-256 of this version, when the bridge wrote it */
  async sha256(file: DriveFile): Promise<string | undefined> {
    const known = await this.#versions.get(file.id);
    return known?.find(({ version }) => version === file.version)?.sha256;
  }

  /**
   * Records that an editor was given a version by somebody who may save, whichever grant it used: it keeps one copy for
   * all of them. Later saves belong to this new load, even if the version is the same.
   * @param editor suite and origin, as in `editorKey`
   * @param lastModifiedTime what the editor was just given for the file
   */
  async loaded(fileId: string, editor: string, version: string, lastModifiedTime: string): Promise<void> {
    await this.#change(fileId, editor, ({ lastOrder, copies }) => ({
      lastOrder,
      copies: [{ ...newLoad(), version, toldTimes: [lastModifiedTime] }, ...copies],
    }));
  }

  /**
   * Records that a save of an editor arrives.
   * @param timestamp the time that the editor knows (COOL or LOOL header); undefined = not sent
   * @param lockId that the save came with; undefined = none
   * @returns what the save is based on
   */
  async arrived(
    fileId: string,
    editor: string,
    timestamp: string | undefined,
    lockId?: string | undefined,
  ): Promise<SaveBaseline> {
    const lock = lockMark(lockId);
    let load = newLoad();
    const { lastOrder } = await this.#change(fileId, editor, ({ lastOrder, copies }) => {
      const known = loadBehindSave(copies, timestamp, lock);
      // Placed after the current load: a client that invents a time must not replace the editor's load.
      const [first, ...others] = copies;
      const kept = known !== undefined ? copies : first === undefined ? [load] : [first, load, ...others];
      load = known ?? load;
      return { lastOrder: lastOrder + 1, copies: kept };
    });
    return {
      loadId: load.id,
      order: lastOrder,
      lock,
      ...(load.version === undefined ? {} : { baseVersion: load.version }),
    };
  }

  /** @returns undefined when it has been forgotten: too many loads since, or the store was lost */
  async findLoad(fileId: string, editor: string, loadId: string): Promise<EditorLoad | undefined> {
    const known = await this.#loads.get(`${fileId}:${editor}`);
    return known?.copies.find(({ id }) => id === loadId);
  }

  /** Records what is about to be sent: if the answer is lost, the content can still be recognized as the load's. */
  async sending(fileId: string, editor: string, loadId: string, sha256: string): Promise<void> {
    await this.#changeLoad(fileId, editor, loadId, (load) => ({
      ...load,
      unheard: [sha256, ...load.unheard.filter((other) => other !== sha256)].slice(0, keptUnheard),
    }));
  }

  /** Records that the drive has a save: its load, and no other, is now based on that version. */
  async accepted(
    fileId: string,
    editor: string,
    { loadId, order, lock }: SaveBaseline,
    version: string,
    lastModifiedTime: string,
  ): Promise<void> {
    await this.#changeLoad(fileId, editor, loadId, (load) => ({
      ...load,
      version,
      toldTimes: [lastModifiedTime, ...(load.toldTimes ?? [])].slice(0, keptTimes),
      unheard: [],
      placedOrder: Math.max(load.placedOrder, order),
      ...(lock === undefined ? {} : { placedUnder: lock }),
    }));
  }

  /** @returns id of the conflict copy that was made of this content */
  async conflictFileId(fileId: string, sha256: string): Promise<string | undefined> {
    return this.#conflicts.get(`${fileId}:${sha256}`);
  }

  /** Records a conflict copy until a given time: an editor that missed the answer sends the same content again. */
  async conflictCopied(fileId: string, sha256: string, conflictCopyId: string, untilMs: number): Promise<void> {
    await this.#conflicts.put(`${fileId}:${sha256}`, conflictCopyId, untilMs);
  }

  async #changeLoad(
    fileId: string,
    editor: string,
    loadId: string,
    next: (load: EditorLoad) => EditorLoad,
  ): Promise<void> {
    await this.#change(fileId, editor, ({ lastOrder, copies }) => {
      // A load from before the store was lost is added again, after the current one.
      const known = copies.some(({ id }) => id === loadId) ? copies : [...copies, { ...newLoad(), id: loadId }];
      return { lastOrder, copies: known.map((load) => (load.id === loadId ? next(load) : load)) };
    });
  }

  /** @returns the loads afterwards */
  async #change(fileId: string, editor: string, next: (known: EditorLoads) => EditorLoads): Promise<EditorLoads> {
    const change = (known: EditorLoads = { lastOrder: 0, copies: [] }): EditorLoads => {
      const changed = next(known);
      const copies = changed.copies
        .slice(0, keptCopies)
        .map((copy, age) => (age < copiesWithUnheard ? copy : { ...copy, unheard: [] }));
      return { ...changed, copies };
    };
    const { after } = await this.#loads.update(`${fileId}:${editor}`, change);
    return after;
  }

  /** @returns what is recorded about this version afterwards; a time given out once never changes */
  async #remember(file: DriveFile, more: Pick<VersionFacts, "sha256">): Promise<VersionFacts> {
    const fresh: VersionFacts = { version: file.version, lastModifiedTime: inSevenDigits(file.modifiedAt) };
    let facts = fresh;
    await this.#versions.update(file.id, (versions = []) => {
      const known = versions.find(({ version }) => version === file.version);
      facts = {
        ...(known ?? fresh),
        folderUri: folderOf(file.uri),
        ...more,
      };
      const isKnown = known?.sha256 === facts.sha256 && known?.folderUri === facts.folderUri;
      if (known !== undefined && isKnown) return versions;
      return [facts, ...versions.filter((other) => other !== known)].slice(0, keptVersions);
    });
    return facts;
  }
}

/**
 * `2026-11-27T19:33:22Z` → `2026-11-27T19:33:22.0000000Z`, as in Microsoft's examples: Collabora logs a warning for a time
 * without a fraction, at each load and save.
 */
function inSevenDigits(wholeSecond: string): string {
  return wholeSecond.replace(/Z$/, ".0000000Z");
}

/**
 * Finds the editor's load that a save belongs to. The time that the editor knows decides: somebody else may have loaded
 * the document since, through the same editor or one that looks the same, and that newer load is not what is saved now.
 * @param loads the newest one first
 * @param lock mark of the lock that the save came under
 * @returns undefined when no load was given that time: then only the time shows what the save is based on
 */
export function loadBehindSave(
  loads: readonly EditorLoad[],
  timestamp: string | undefined,
  lock: string,
): EditorLoad | undefined {
  const atSecond = secondOf(timestamp);
  if (atSecond === undefined) return loads[0];
  // A load from before times were recorded could belong to any save.
  return loads.find(({ toldTimes, placedUnder = lock }) => {
    // An editor that missed some answers still has the lock it saved under. With another lock, this is a different
    // editor.
    const stillKnown = placedUnder === lock ? toldTimes : toldTimes?.slice(0, 1);
    return stillKnown?.some((told) => secondOf(told) === atSecond) ?? true;
  });
}

/**
 * Is a save contained in the document, because a later one of the same load has gone in? If that one came under another
 * lock, it came from another editor that the bridge can't tell apart, and contains nothing of this save.
 */
export function isOvertaken(load: EditorLoad, baseline: SaveBaseline): boolean {
  return load.placedOrder > baseline.order && isUnderLockOf(load, baseline);
}

/** Whether an editor still sends another time than the one it was last told: that answer has not arrived. */
export function missedLastTime({ toldTimes }: EditorLoad, timestamp: string | undefined): boolean {
  const sentSecond = secondOf(timestamp);
  const [last] = toldTimes ?? [];
  return sentSecond !== undefined && last !== undefined && secondOf(last) !== sentSecond;
}

/** Whether the load's last save that went in came under the same lock as this save. */
export function isUnderLockOf({ placedUnder }: EditorLoad, { lock }: SaveBaseline): boolean {
  return placedUnder === undefined || lock === undefined || placedUnder === lock;
}

/** Lock ids are long, and only compared. */
function lockMark(lockId: string | undefined): string {
  return lockId === undefined ? "" : createHash("sha256").update(lockId).digest("base64url").slice(0, 16);
}

function folderOf(uri: string): string {
  return uri.slice(0, uri.lastIndexOf("/"));
}

function newLoad(): EditorLoad {
  return { id: randomBytes(9).toString("base64url"), unheard: [], placedOrder: 0 };
}
