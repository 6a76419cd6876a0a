import { createHash } from "node:crypto";
import { z } from "zod";
import { type DriveFile, driveDocumentSchema } from "../model/drive.ts";
import type { Clock, KeyValueStore } from "../model/keyValueStore.ts";
import { OldestOutMap } from "../model/oldestOutMap.ts";
import { record, rowObject, type StoredRecord, type StoredRow, wordRecord } from "../model/record.ts";
import { type ClockJump, clockSkewMs, keptAfterEndMs } from "../model/watchedClock.ts";

/** WOPI: a lock lives thirty minutes from the last Lock, RefreshLock or UnlockAndRelock. */
export const lockLifetimeMs = 30 * 60_000;
/** Cloudreve's clock may be ahead: facts about a file are dropped before its lock can expire there. */
const factsLifetimeMs = lockLifetimeMs - 60_000;
/** Longer than any editor session lasts. */
const takenOverForMs = 8 * 24 * 3_600_000;
const rememberedLocks = 5_000;

const wopiLockSchema = rowObject({
  /** The editor's own string: compared byte for byte, never parsed. */
  lockId: z.string(),
  expiresAtMs: z.number(),
  /** The grant that last took or refreshed it. */
  grantId: z.string(),
  /** The start of the editor's server that took it, where the editor names one. */
  serverId: z.string().exactOptional(),
});
export type WopiLock = z.infer<typeof wopiLockSchema>;

const driveLockSchema = rowObject({
  /** Unique per file: Cloudreve keeps all lock strings in one table, and anybody who knows one can remove the lock. */
  token: z.string(),
  document: driveDocumentSchema,
  /** Whether the drive has confirmed the lock on this very file: while it holds, nobody can move or replace it. */
  wasTaken: z.literal(true).exactOptional(),
  /** The file's facts under the lock: nobody else can change it while the lock lasts. */
  file: rowObject({
    id: z.string(),
    name: z.string(),
    uri: z.string(),
    sizeBytes: z.number(),
    version: z.string(),
    modifiedAt: z.string(),
  }).exactOptional(),
  factsEndAtMs: z.number().exactOptional(),
});
export type DriveLock = z.infer<typeof driveLockSchema>;

/** The state of a file's WOPI lock. */
export interface WopiLockState {
  readonly held: WopiLock | undefined;
  /** A lock that expired only because the clock jumped ahead. The first editor to ask may have the file. */
  readonly lapsed: WopiLock | undefined;
}

/** The rows of locks in the store, read so that clock changes since they were written do no harm. */
export class LockRows {
  readonly #wopiLocks: StoredRecord<WopiLock>;
  readonly #takenOver: StoredRecord<string>;
  readonly #driveLocks: StoredRecord<DriveLock>;
  readonly #now: Clock;
  readonly #lastJump: () => ClockJump | undefined;
  /** Locks as this process last wrote them: when its clock jumps, a store on the same machine drops their rows. */
  readonly #left = new OldestOutMap<string, WopiLock>(rememberedLocks);

  constructor(store: KeyValueStore, now: Clock, lastJump: () => ClockJump | undefined) {
    this.#wopiLocks = record(store, "lock", wopiLockSchema, { endsAtMs: ({ expiresAtMs }) => expiresAtMs });
    this.#takenOver = wordRecord(store, "takenOver");
    // Cloudreve's lock ends by its own clock: if a jump of ours made us lose the token, we could not release it.
    const endsAtMs = (): number => now() + lockLifetimeMs + keptAfterEndMs;
    // Called so by earlier versions.
    this.#driveLocks = record(store, "shield", driveLockSchema, { endsAtMs });
    this.#now = now;
    this.#lastJump = lastJump;
  }

  async wopiLock(fileId: string, row = this.#wopiLocks.row(fileId)): Promise<WopiLockState> {
    for (;;) {
      const stored = await row.read();
      const nowMs = this.#now();
      const lock = stored ?? this.#left.get(fileId);
      if (lock === undefined || (stored === undefined && lock.expiresAtMs > nowMs)) {
        return { held: undefined, lapsed: undefined };
      }
      if (lock.expiresAtMs > nowMs + lockLifetimeMs + clockSkewMs) {
        // The clock was set back: the lock of an editor that is gone would stay for as long as that.
        await this.#swap(fileId, row, { ...lock, expiresAtMs: nowMs + lockLifetimeMs });
        continue;
      }
      if (lock.expiresAtMs > nowMs) return { held: lock, lapsed: undefined };
      const isLapsed = isEndedBy(this.#lastJump(), lock, nowMs) && !(await this.wasTakenOver(fileId, lock.lockId, 0));
      return { held: undefined, lapsed: isLapsed ? lock : undefined };
    }
  }

  /**
   * Each change is one compare-and-set, so that two processes never both hold a file.
   * @param decide returns the lock to store, and is called again when another process was faster
   * @returns the state before the change
   */
  async changeWopiLock(fileId: string, decide: (state: WopiLockState) => WopiLock | undefined): Promise<WopiLockState> {
    const row = this.#wopiLocks.row(fileId);
    for (;;) {
      const state = await this.wopiLock(fileId, row);
      if (await this.#swap(fileId, row, decide(state))) return state;
    }
  }

  /** A lock whose lifetime starts now. @param before the same lock, when it is refreshed */
  freshWopiLock(lockId: string, grantId: string, before?: WopiLock): WopiLock {
    const { serverId } = before?.lockId === lockId ? before : {};
    const named = serverId === undefined ? {} : { serverId };
    return { lockId, grantId, expiresAtMs: this.#now() + lockLifetimeMs, ...named };
  }

  /** Records which start of the editor's server holds a lock, unless it has ended meanwhile. */
  async noteServer(fileId: string, lockId: string, serverId: string): Promise<void> {
    await this.changeWopiLock(fileId, ({ held }) => (held?.lockId === lockId ? { ...held, serverId } : held));
  }

  /** When the clock last jumped; what was heard before it seems longer ago than it is. */
  jumpedAtMs(): number {
    return this.#lastJump()?.toMs ?? Number.NEGATIVE_INFINITY;
  }

  async noteTakenOver(fileId: string, lockId: string): Promise<void> {
    await this.#takenOver.put(takenOverId(fileId, lockId), String(this.#now()), this.#now() + takenOverForMs);
  }

  async wasTakenOver(fileId: string, lockId: string, grantIssuedAtMs: number): Promise<boolean> {
    const word = await this.#takenOver.get(takenOverId(fileId, lockId));
    if (word === undefined) return false;
    const takenOverAtMs = Number(word);
    // The clock was set back since then, so the order can't be known. Nobody is locked out until it has caught up.
    const isAhead = takenOverAtMs > this.#now() + clockSkewMs;
    return !isAhead && grantIssuedAtMs <= takenOverAtMs;
  }

  /** The row of the drive's lock, for work under the file's mutex: it is read once, not before each change. */
  driveLock(fileId: string): StoredRow<DriveLock> {
    return this.#driveLocks.row(fileId);
  }

  /** Writes the row, whatever is there. @param file its facts under the lock; undefined = unknown from now on */
  async putDriveLock(
    row: StoredRow<DriveLock>,
    driveLock: Omit<DriveLock, "file" | "factsEndAtMs">,
    file?: DriveFile,
  ): Promise<void> {
    const noted = file === undefined ? {} : { file, factsEndAtMs: this.#now() + factsLifetimeMs };
    await row.update(() => ({ ...driveLock, ...noted }));
  }

  /** Records the file's facts under the drive's lock. @param standing the row as it was just read */
  async noteFile(row: StoredRow<DriveLock>, standing: DriveLock, file: DriveFile): Promise<void> {
    // Should another process write in between, it knows better.
    await row.swap({ ...standing, file, factsEndAtMs: this.#now() + factsLifetimeMs });
  }

  async notedFile(fileId: string): Promise<DriveFile | undefined> {
    const standing = await this.#driveLocks.get(fileId);
    return standing === undefined ? undefined : this.notedIn(standing);
  }

  /** @returns the file's facts in a row of the drive's lock, if they can still be relied on */
  notedIn({ file, factsEndAtMs = 0 }: DriveLock): DriveFile | undefined {
    const leftMs = factsEndAtMs - this.#now();
    // Further away than any lock lasts: the clock was set back, and the drive's lock may have expired long ago.
    return leftMs > 0 && leftMs <= factsLifetimeMs + clockSkewMs ? file : undefined;
  }

  /** @returns ids of the files that have a row for the drive's lock */
  driveLocked(): AsyncIterable<string> {
    return this.#driveLocks.ids();
  }

  async #swap(fileId: string, row: StoredRow<WopiLock>, next: WopiLock | undefined): Promise<boolean> {
    if (!(await row.swap(next))) return false;
    if (next === undefined) this.#left.delete(fileId);
    else this.#left.set(fileId, next);
    return true;
  }
}

/** Whether a lock was held when the clock jumped over its end, and its editor has not had time to refresh it since. */
function isEndedBy(jump: ClockJump | undefined, lock: WopiLock, nowMs: number): boolean {
  if (jump === undefined || nowMs >= jump.toMs + lockLifetimeMs) return false;
  return lock.expiresAtMs > jump.fromMs && lock.expiresAtMs <= jump.toMs;
}

const takenOverId = (fileId: string, lockId: string): string =>
  `${fileId}:${createHash("sha256").update(lockId).digest("base64url").slice(0, 22)}`;
