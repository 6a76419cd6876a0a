import { createHash } from "node:crypto";
import { BridgeError } from "../model/failure.ts";
import { type Clock, type KeyValueStore, put } from "../model/keyValueStore.ts";
import { type ClockJump, clockSkewMs } from "../model/watchedClock.ts";

/** WOPI: a lock lives thirty minutes from the last Lock, RefreshLock or UnlockAndRelock. */
export const lockLifetimeMs = 30 * 60_000;

const rememberedLocks = 5_000;

/** Longer than any session of an editor lives. */
const takenOverForMs = 8 * 24 * 3_600_000;

export interface FileLock {
  /** The editor's own string: compared byte for byte, never parsed. */
  readonly lockId: string;
  readonly expiresAtMs: number;
  /** The grant that last took or refreshed it. */
  readonly grantId: string;
}

/**
 * The WOPI locks of files: at most one per file, held by whoever presents its id.
 * Each change is one compare-and-set, so that two processes never both hold a file.
 * @see WOPI Lock, RefreshLock, Unlock, UnlockAndRelock, GetLock
 */
export class FileLocks {
  readonly #store: KeyValueStore;
  readonly #now: Clock;
  readonly #lastJump: () => ClockJump | undefined;
  /** Locks as this process has left them: a store on the same machine drops them when its clock jumps. */
  readonly #left = new Map<string, FileLock>();

  /** @param lastJump of the clock; it never jumps when left out */
  constructor(store: KeyValueStore, now: Clock, lastJump: () => ClockJump | undefined = () => undefined) {
    this.#store = store;
    this.#now = now;
    this.#lastJump = lastJump;
  }

  async current(fileId: string): Promise<FileLock | undefined> {
    return (await this.#read(fileId)).lock;
  }

  /**
   * Editors retry with the same id after a lost reply, and some refresh by locking again: both are a refresh.
   * @returns "taken" when the file was free
   * @throws lockMismatch when another lock is held
   */
  async lock(fileId: string, lockId: string, grantId: string, grantIssuedAtMs = 0): Promise<"taken" | "refreshed"> {
    // An editor that has lost its lock locks again with the same id, and would be back at once.
    if (await this.wasTakenOver(fileId, lockId, grantIssuedAtMs)) throw mismatch(await this.current(fileId));
    return this.#change(fileId, (held) => {
      if (held !== undefined && held.lockId !== lockId) throw mismatch(held);
      return { next: this.#fresh(lockId, grantId), result: held === undefined ? "taken" : "refreshed" };
    });
  }

  /** @throws lockMismatch when another lock or none is held */
  async refresh(fileId: string, lockId: string, grantId: string): Promise<void> {
    await this.#change(fileId, (held, lapsed) => {
      if ((held ?? lapsed)?.lockId !== lockId) throw mismatch(held);
      return { next: this.#fresh(lockId, grantId), result: undefined };
    });
  }

  /** @throws lockMismatch when another lock or none is held */
  async unlock(fileId: string, lockId: string): Promise<void> {
    await this.#change(fileId, (held, lapsed) => {
      if ((held ?? lapsed)?.lockId !== lockId) throw mismatch(held);
      return { next: undefined, result: undefined };
    });
  }

  /** Replaces one lock by another in one step. @throws lockMismatch when `oldLockId` is not the one held */
  async unlockAndRelock(
    fileId: string,
    oldLockId: string,
    lockId: string,
    grantId: string,
    grantIssuedAtMs = 0,
  ): Promise<void> {
    // A refusal names the lock that stands, with which an editor could come back this way.
    if (await this.wasTakenOver(fileId, lockId, grantIssuedAtMs)) throw mismatch(await this.current(fileId));
    await this.#change(fileId, (held, lapsed) => {
      if ((held ?? lapsed)?.lockId !== oldLockId) throw mismatch(held);
      return { next: this.#fresh(lockId, grantId), result: undefined };
    });
  }

  /**
   * Ends whatever lock stands, and for good: whoever was there before does not get it again under its id. Who opens
   * the document afterwards may: ONLYOFFICE makes the id of the file's, so that it is always the same.
   * @returns the lock that was ended; undefined when there was none
   */
  async takeOver(fileId: string): Promise<FileLock | undefined> {
    const held = await this.current(fileId);
    if (held === undefined) return undefined;
    // Remembered before it ends: in between, a save under it would pass for a late one.
    await put(this.#store, takenOverKey(fileId, held.lockId), String(this.#now()), this.#now() + takenOverForMs);
    return this.#change(fileId, (stands) => ({
      next: stands?.lockId === held.lockId ? undefined : stands,
      result: stands?.lockId === held.lockId ? stands : undefined,
    }));
  }

  /** @param grantIssuedAtMs when whoever presents the lock opened the document; 0 = before */
  async wasTakenOver(fileId: string, lockId: string, grantIssuedAtMs = 0): Promise<boolean> {
    const takenOverAtMs = await this.#store.get(takenOverKey(fileId, lockId));
    if (takenOverAtMs === undefined) return false;
    // A clock that was set back since can't tell who came first; nobody is shut out until it has caught up.
    const isAhead = Number(takenOverAtMs) > this.#now() + clockSkewMs;
    return !isAhead && grantIssuedAtMs <= Number(takenOverAtMs);
  }

  /** @param decide lapsed: what has run out because the clock has jumped ahead; whoever comes first may have the file */
  async #change<Result>(
    fileId: string,
    decide: (
      held: FileLock | undefined,
      lapsed: FileLock | undefined,
    ) => { next: FileLock | undefined; result: Result },
  ): Promise<Result> {
    for (;;) {
      const { lock, lapsed, raw } = await this.#read(fileId);
      const { next, result } = decide(lock, lapsed);
      if (await this.#swap(fileId, raw, next)) return result;
      // Somebody was faster: decide anew on what stands there now.
    }
  }

  async #swap(fileId: string, raw: string | undefined, next: FileLock | undefined): Promise<boolean> {
    const value = next === undefined ? undefined : JSON.stringify(next);
    if (!(await this.#store.swap(lockKey(fileId), raw, value, next?.expiresAtMs))) return false;
    this.#left.delete(fileId);
    const [oldest] = this.#left.keys();
    if (this.#left.size >= rememberedLocks && oldest !== undefined) this.#left.delete(oldest);
    if (next !== undefined) this.#left.set(fileId, next);
    return true;
  }

  async #read(
    fileId: string,
  ): Promise<{ lock: FileLock | undefined; lapsed: FileLock | undefined; raw: string | undefined }> {
    for (;;) {
      const raw = await this.#store.get(lockKey(fileId));
      const nowMs = this.#now();
      const lock = raw === undefined ? this.#left.get(fileId) : (JSON.parse(raw) as FileLock);
      if (lock === undefined || (raw === undefined && lock.expiresAtMs > nowMs)) {
        return { lock: undefined, lapsed: undefined, raw };
      }
      if (lock.expiresAtMs > nowMs + lockLifetimeMs + clockSkewMs) {
        // The clock was set back: the lock of an editor that is gone would stand for as long as that.
        await this.#swap(fileId, raw, { ...lock, expiresAtMs: nowMs + lockLifetimeMs });
        continue;
      }
      if (lock.expiresAtMs > nowMs) return { lock, lapsed: undefined, raw };
      const isLapsed = isEndedBy(this.#lastJump(), lock, nowMs) && !(await this.wasTakenOver(fileId, lock.lockId));
      return { lock: undefined, lapsed: isLapsed ? lock : undefined, raw };
    }
  }

  #fresh(lockId: string, grantId: string): FileLock {
    return { lockId, grantId, expiresAtMs: this.#now() + lockLifetimeMs };
  }
}

/** Whether a lock stood when the clock jumped over its end, and its editor has not had the time to refresh it since. */
function isEndedBy(jump: ClockJump | undefined, lock: FileLock, nowMs: number): boolean {
  if (jump === undefined || nowMs >= jump.toMs + lockLifetimeMs) return false;
  return lock.expiresAtMs > jump.fromMs && lock.expiresAtMs <= jump.toMs;
}

const lockKey = (fileId: string): string => `lock:${fileId}`;
const takenOverKey = (fileId: string, lockId: string): string =>
  `takenOver:${fileId}:${createHash("sha256").update(lockId).digest("base64url").slice(0, 22)}`;

function mismatch(held: FileLock | undefined): BridgeError {
  return new BridgeError({ kind: "lockMismatch", currentLockId: held?.lockId ?? "" });
}
