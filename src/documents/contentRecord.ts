import { createHash, randomBytes } from "node:crypto";
import { z } from "zod";
import type { DriveFile } from "../model/drive.ts";
import type { KeyValueStore } from "../model/keyValueStore.ts";
import { record, rowObject, type StoredRecord, wordRecord } from "../model/record.ts";
import { secondOf } from "./savePolicy.ts";

/** What a save is based on: known when it arrives, and stays with its bytes. */
export interface SaveBaseline {
  /** The loading of the document by the editor that was saved. */
  readonly loadId: string;
  /** Counts an editor's saves of a file; clocks of several bridges need not agree. */
  readonly order: number;
  /** The version it was made from; undefined when the bridge does not know. */
  readonly baseVersion?: string | undefined;
  /** Mark of the lock it came under; undefined = noted before locks were. */
  readonly lock?: string | undefined;
}

const editorLoadSchema = rowObject({
  id: z.string(),
  /** The version it stands on: the one loaded, then that of each of its saves that went in. */
  version: z.string().exactOptional(),
  /** Hashes of what was sent to the drive since then without an answer that told how it went. */
  unheard: z.array(z.string()),
  /** LastModifiedTime of the versions it has stood on, newest first: what its editor sends back as the time it knows. */
  toldTimes: z.array(z.string()).exactOptional(),
  /** Order of its newest save that went into the document; 0 = none. */
  placedOrder: z.number(),
  /** Mark of the lock under which that one came; undefined = none yet, or noted before locks were. */
  placedUnder: z.string().exactOptional(),
});
/** One loading of a document by an editor: what is known of the copy in its hands. */
export type EditorLoad = z.infer<typeof editorLoadSchema>;

const editorLoadsSchema = rowObject({
  lastOrder: z.number(),
  /** Loads, named as they always were in the store. The one in the editor's hands first; saves of the others may still wait in the spool. */
  copies: z.array(editorLoadSchema),
});
type EditorLoads = z.infer<typeof editorLoadsSchema>;

const versionFactsSchema = rowObject({
  version: z.string(),
  /** Where the file lay when this was noted. */
  folderUri: z.string().exactOptional(),
  lastModifiedTime: z.string(),
  sha256: z.string().exactOptional(),
});
type VersionFacts = z.infer<typeof versionFactsSchema>;

/** More than one of a file: a call that asked the drive before a save may end after it, and must not displace it. */
const keptVersions = 4;
/** An editor may load a document anew some times before a kept save of the copy before is replayed. */
const keptCopies = 16;
/** An answer that was lost so long ago is asked about no more, and hashes are long. */
const copiesWithUnheard = 4;
const keptUnheard = 8;
/** An editor that has lost some answers still sends the time of the last one it heard. */
const keptTimes = 8;

/**
 * What the bridge remembers of contents it has handed out or stored, per file and per editor. Only what the drive has
 * proven to be of the file may be noted: a version that is known here proves the file where nothing else can.
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
   * The time an editor is told for a version, always the same one: Cloudreve's moves with a rename too, and an
   * editor that sees another time for the same content throws everybody out with a conflict.
   */
  async lastModifiedTime(file: DriveFile): Promise<string> {
    return (await this.#remember(file, {})).lastModifiedTime;
  }

  /**
   * @returns the time as above, and base64 of the SHA-256 when the bridge wrote this version: one look for both
   */
  async facts(file: DriveFile): Promise<{ readonly lastModifiedTime: string; readonly sha256?: string }> {
    return this.#remember(file, {});
  }

  /** @returns the folder in which the file was last seen */
  async folderUri(fileId: string): Promise<string | undefined> {
    return (await this.#versions.get(fileId))?.[0]?.folderUri;
  }

  /**
   * @returns what is remembered of a version of this file; undefined for one that the bridge has neither been shown
   *   as this file's nor stored in it
   */
  async known(fileId: string, version: string): Promise<{ readonly lastModifiedTime: string } | undefined> {
    return (await this.#versions.get(fileId))?.find((known) => known.version === version);
  }

  /** Notes what a version holds, as when a save has just stored it. */
  async stored(file: DriveFile, sha256: string): Promise<void> {
    await this.#remember(file, { sha256 });
  }

  /** @returns base64 of the SHA-256 of this version, when the bridge wrote it */
  async sha256(file: DriveFile): Promise<string | undefined> {
    const known = await this.#versions.get(file.id);
    return known?.find(({ version }) => version === file.version)?.sha256;
  }

  /**
   * Notes that an editor was handed a version by somebody who may save, through whichever grant: it keeps one copy for
   * all of them. What is saved from now on is not what was saved before, even if the version is the same.
   * @param editor suite and origin, as `editorKey` has it
   * @param lastModifiedTime what the editor has just been told of the file
   */
  async loaded(fileId: string, editor: string, version: string, lastModifiedTime: string): Promise<void> {
    await this.#change(fileId, editor, ({ lastOrder, copies }) => ({
      lastOrder,
      copies: [{ ...newLoad(), version, toldTimes: [lastModifiedTime] }, ...copies],
    }));
  }

  /**
   * Notes that a save of an editor arrives.
   * @param timestamp the time that the editor knows (COOL or LOOL header); undefined = not sent
   * @param lockId that the save came with; undefined = none
   * @returns what it is a save of
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
      // Behind the one in hand: whoever makes up a time must not become the editor's copy.
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

  /** @returns undefined when it has been forgotten: too many loadings since, or the store was lost */
  async findLoad(fileId: string, editor: string, loadId: string): Promise<EditorLoad | undefined> {
    const known = await this.#loads.get(`${fileId}:${editor}`);
    return known?.copies.find(({ id }) => id === loadId);
  }

  /** Notes what is about to be sent: should the answer be lost, this content is known again as the copy's own. */
  async sending(fileId: string, editor: string, loadId: string, sha256: string): Promise<void> {
    await this.#changeLoad(fileId, editor, loadId, (load) => ({
      ...load,
      unheard: [sha256, ...load.unheard.filter((other) => other !== sha256)].slice(0, keptUnheard),
    }));
  }

  /** Notes that the drive has a save: its copy, and no other, now stands on that version. */
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

  /** Notes a conflict copy until a moment: an editor that lost the answer sends the same content again. */
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
      // One of before the store was lost is remembered anew, behind the one in hand.
      const known = copies.some(({ id }) => id === loadId) ? copies : [...copies, { ...newLoad(), id: loadId }];
      return { lastOrder, copies: known.map((load) => (load.id === loadId ? next(load) : load)) };
    });
  }

  /** @returns the copies as they are afterwards */
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

  /** @returns what is known of this version afterwards; a time once told stays */
  async #remember(file: DriveFile, more: Pick<VersionFacts, "sha256">): Promise<VersionFacts> {
    let facts: VersionFacts = { version: file.version, lastModifiedTime: file.modifiedAt };
    await this.#versions.update(file.id, (versions = []) => {
      const known = versions.find(({ version }) => version === file.version);
      facts = {
        ...(known ?? { version: file.version, lastModifiedTime: file.modifiedAt }),
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
 * Which of an editor's loads a save is of. The time that the editor knows decides: somebody else may have loaded the
 * document since, through the same editor or as if through it, and what he was handed is not what is saved now.
 * @param loads the last one first
 * @param lock mark of the lock that the save came under
 * @returns undefined when none was ever told that time: then the time alone tells what the save stands on
 */
export function loadBehindSave(
  loads: readonly EditorLoad[],
  timestamp: string | undefined,
  lock: string,
): EditorLoad | undefined {
  const atSecond = secondOf(timestamp);
  if (atSecond === undefined) return loads[0];
  // One of before times were noted could be any save's.
  return loads.find(({ toldTimes, placedUnder = lock }) => {
    // Whoever has lost some answers has still the lock it saved under: under another one it was never here.
    const stillKnown = placedUnder === lock ? toldTimes : toldTimes?.slice(0, 1);
    return stillKnown?.some((told) => secondOf(told) === atSecond) ?? true;
  });
}

/**
 * Is a save in what the document has become: has a later one of the same load gone in? Under another lock that was
 * another editor's, which the bridge takes for the same one, and it holds nothing of this.
 */
export function isOvertaken(load: EditorLoad, baseline: SaveBaseline): boolean {
  return load.placedOrder > baseline.order && isUnderLockOf(load, baseline);
}

/** Whether what went in last of a load went in under the lock of this save. */
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
