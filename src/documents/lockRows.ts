import { createHash } from "node:crypto";
import { z } from "zod";
import type { DriveFile } from "../model/drive.ts";
import { type Clock, type KeyValueStore, put } from "../model/keyValueStore.ts";
import { type ClockJump, clockSkewMs, keptAfterEndMs } from "../model/watchedClock.ts";

/** WOPI: a lock lives thirty minutes from the last Lock, RefreshLock or UnlockAndRelock. */
export const lockLifetimeMs = 30 * 60_000;
/** Cloudreve's clock may be ahead: facts about a file are dropped before its lock can expire there. */
const factsLifetimeMs = lockLifetimeMs - 60_000;
/** Longer than any editor session lasts. */
const takenOverForMs = 8 * 24 * 3_600_000;
const rememberedLocks = 5_000;

const wopiLockSchema = z.object({
  /** The editor's own string: compared byte for byte, never parsed. */
  lockId: z.string(),
  expiresAtMs: z.number(),
  /** The grant that last took or refreshed it. */
  grantId: z.string(),
});
export type WopiLock = Readonly<z.infer<typeof wopiLockSchema>>;

const driveLockSchema = z.object({
  /** Unique per file: Cloudreve keeps all lock strings in one table, and anybody who knows one can remove the lock. */
  token: z.string(),
  document: z.object({ account: z.string(), fileId: z.string(), version: z.string().exactOptional() }),
  /** Whether the drive has confirmed the lock on this very file: while it holds, nobody can move or replace it. */
  wasTaken: z.literal(true).exactOptional(),
  /** The file's facts under the lock: nobody else can change it while the lock lasts. */
  file: z
    .object({
      id: z.string(),
      name: z.string(),
      uri: z.string(),
      sizeBytes: z.number(),
      version: z.string(),
      modifiedAt: z.string(),
    })
    .exactOptional(),
  factsEndAtMs: z.number().exactOptional(),
});
type DriveLock = Readonly<z.infer<typeof driveLockSchema>>;

/** The state of a file's WOPI lock. */
export interface WopiLockState {
  readonly held: WopiLock | undefined;
  /** A lock that expired only because the clock jumped ahead. The first editor to ask may have the file. */
  readonly lapsed: WopiLock | undefined;
}

/** The rows of locks in the store, read so that clock changes since they were written do no harm. */
export class LockRows {
  readonly #store: KeyValueStore;
  readonly #now: Clock;
  readonly #lastJump: () => ClockJump | undefined;
  /** Locks as this process last wrote them: when its clock jumps, a store on the same machine drops their rows. */
  readonly #left = new Map<string, WopiLock>();

  constructor(store: KeyValueStore, now: Clock, lastJump: () => ClockJump | undefined) {
    this.#store = store;
    this.#now = now;
    this.#lastJump = lastJump;
  }

  async wopiLock(fileId: string): Promise<WopiLockState & { readonly raw: string | undefined }> {
    for (;;) {
      const raw = await this.#store.get(wopiLockKey(fileId));
      const nowMs = this.#now();
      const lock = raw === undefined ? this.#left.get(fileId) : wopiLockSchema.parse(JSON.parse(raw));
      if (lock === undefined || (raw === undefined && lock.expiresAtMs > nowMs)) {
        return { held: undefined, lapsed: undefined, raw };
      }
      if (lock.expiresAtMs > nowMs + lockLifetimeMs + clockSkewMs) {
        // The clock was set back: the lock of an editor that is gone would stay for as long as that.
        await this.#swap(fileId, raw, { ...lock, expiresAtMs: nowMs + lockLifetimeMs });
        continue;
      }
      if (lock.expiresAtMs > nowMs) return { held: lock, lapsed: undefined, raw };
      const isLapsed = isEndedBy(this.#lastJump(), lock, nowMs) && !(await this.wasTakenOver(fileId, lock.lockId, 0));
      return { held: undefined, lapsed: isLapsed ? lock : undefined, raw };
    }
  }

  /**
   * Each change is one compare-and-set, so that two processes never both hold a file.
   * @param decide returns the lock to store, and is called again when another process was faster
   * @returns the state before the change
   */
  async changeWopiLock(fileId: string, decide: (state: WopiLockState) => WopiLock | undefined): Promise<WopiLockState> {
    for (;;) {
      const { raw, ...state } = await this.wopiLock(fileId);
      if (await this.#swap(fileId, raw, decide(state))) return state;
    }
  }

  /** A lock whose lifetime starts now. */
  freshWopiLock(lockId: string, grantId: string): WopiLock {
    return { lockId, grantId, expiresAtMs: this.#now() + lockLifetimeMs };
  }

  async noteTakenOver(fileId: string, lockId: string): Promise<void> {
    await put(this.#store, takenOverKey(fileId, lockId), String(this.#now()), this.#now() + takenOverForMs);
  }

  async wasTakenOver(fileId: string, lockId: string, grantIssuedAtMs: number): Promise<boolean> {
    const raw = await this.#store.get(takenOverKey(fileId, lockId));
    if (raw === undefined) return false;
    const takenOverAtMs = Number(raw);
    // The clock was set back since then, so the order can't be known. Nobody is locked out until it has caught up.
    const isAhead = takenOverAtMs > this.#now() + clockSkewMs;
    return !isAhead && grantIssuedAtMs <= takenOverAtMs;
  }

  async driveLock(fileId: string): Promise<DriveLock | undefined> {
    return driveLockIn(await this.#store.get(driveLockKey(fileId)));
  }

  async putDriveLock(driveLock: DriveLock): Promise<void> {
    await put(this.#store, driveLockKey(driveLock.document.fileId), JSON.stringify(driveLock), this.#keptUntilMs());
  }

  async removeDriveLock(fileId: string): Promise<void> {
    await put(this.#store, driveLockKey(fileId), undefined);
  }

  /** Records the file's facts under the drive's lock. */
  async noteFile(file: DriveFile): Promise<void> {
    const raw = await this.#store.get(driveLockKey(file.id));
    const standing = driveLockIn(raw);
    if (standing === undefined) return;
    const driveLock: DriveLock = { ...standing, file, factsEndAtMs: this.#now() + factsLifetimeMs };
    // Another process has written since, and knows better.
    await this.#store.swap(driveLockKey(file.id), raw, JSON.stringify(driveLock), this.#keptUntilMs());
  }

  async notedFile(fileId: string): Promise<DriveFile | undefined> {
    const { file, factsEndAtMs = 0 } = (await this.driveLock(fileId)) ?? {};
    const leftMs = factsEndAtMs - this.#now();
    // Further away than any lock lasts: the clock was set back, and the drive's lock may have expired long ago.
    return leftMs > 0 && leftMs <= factsLifetimeMs + clockSkewMs ? file : undefined;
  }

  /** @returns ids of the files that have a row for the drive's lock */
  async *driveLocked(): AsyncIterable<string> {
    for await (const [key] of this.#store.list(driveLockKey(""))) yield key.slice(driveLockKey("").length);
  }

  /** Cloudreve's lock ends by its own clock: if a jump of ours made us lose the token, we could not release it. */
  #keptUntilMs(): number {
    return this.#now() + lockLifetimeMs + keptAfterEndMs;
  }

  async #swap(fileId: string, raw: string | undefined, next: WopiLock | undefined): Promise<boolean> {
    const value = next === undefined ? undefined : JSON.stringify(next);
    if (!(await this.#store.swap(wopiLockKey(fileId), raw, value, next?.expiresAtMs))) return false;
    this.#left.delete(fileId);
    const [oldest] = this.#left.keys();
    if (this.#left.size >= rememberedLocks && oldest !== undefined) this.#left.delete(oldest);
    if (next !== undefined) this.#left.set(fileId, next);
    return true;
  }
}

/** Whether a lock was held when the clock jumped over its end, and its editor has not had time to refresh it since. */
function isEndedBy(jump: ClockJump | undefined, lock: WopiLock, nowMs: number): boolean {
  if (jump === undefined || nowMs >= jump.toMs + lockLifetimeMs) return false;
  return lock.expiresAtMs > jump.fromMs && lock.expiresAtMs <= jump.toMs;
}

function driveLockIn(raw: string | undefined): DriveLock | undefined {
  return raw === undefined ? undefined : driveLockSchema.parse(JSON.parse(raw));
}

const wopiLockKey = (fileId: string): string => `lock:${fileId}`;
/** The prefix is from earlier versions. */
const driveLockKey = (fileId: string): string => `shield:${fileId}`;
const takenOverKey = (fileId: string, lockId: string): string =>
  `takenOver:${fileId}:${createHash("sha256").update(lockId).digest("base64url").slice(0, 22)}`;
