import { BridgeError } from "./failure.ts";
import type { Clock, KeyValueStore } from "./keyValueStore.ts";

/** WOPI: a lock lives thirty minutes from the last Lock, RefreshLock or UnlockAndRelock. */
export const lockLifetimeMs = 30 * 60_000;

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

  constructor(store: KeyValueStore, now: Clock) {
    this.#store = store;
    this.#now = now;
  }

  async current(fileId: string): Promise<FileLock | undefined> {
    return (await this.#read(fileId)).lock;
  }

  /**
   * Editors retry with the same id after a lost reply, and some refresh by locking again: both are a refresh.
   * @returns "taken" when the file was free
   * @throws lockMismatch when another lock is held
   */
  async lock(fileId: string, lockId: string, grantId: string): Promise<"taken" | "refreshed"> {
    return this.#change(fileId, (held) => {
      if (held !== undefined && held.lockId !== lockId) throw mismatch(held);
      return { next: this.#fresh(lockId, grantId), result: held === undefined ? "taken" : "refreshed" };
    });
  }

  /** @throws lockMismatch when another lock or none is held */
  async refresh(fileId: string, lockId: string, grantId: string): Promise<void> {
    await this.#change(fileId, (held) => {
      if (held?.lockId !== lockId) throw mismatch(held);
      return { next: this.#fresh(lockId, grantId), result: undefined };
    });
  }

  /** @throws lockMismatch when another lock or none is held */
  async unlock(fileId: string, lockId: string): Promise<void> {
    await this.#change(fileId, (held) => {
      if (held?.lockId !== lockId) throw mismatch(held);
      return { next: undefined, result: undefined };
    });
  }

  /** Replaces one lock by another in one step. @throws lockMismatch when `oldLockId` is not the one held */
  async unlockAndRelock(fileId: string, oldLockId: string, lockId: string, grantId: string): Promise<void> {
    await this.#change(fileId, (held) => {
      if (held?.lockId !== oldLockId) throw mismatch(held);
      return { next: this.#fresh(lockId, grantId), result: undefined };
    });
  }

  async #change<Result>(
    fileId: string,
    decide: (held: FileLock | undefined) => { next: FileLock | undefined; result: Result },
  ): Promise<Result> {
    for (;;) {
      const { lock, raw } = await this.#read(fileId);
      const { next, result } = decide(lock);
      const value = next === undefined ? undefined : JSON.stringify(next);
      if (await this.#store.swap(lockKey(fileId), raw, value, next?.expiresAtMs)) return result;
      // Somebody was faster: decide anew on what stands there now.
    }
  }

  async #read(fileId: string): Promise<{ lock: FileLock | undefined; raw: string | undefined }> {
    const raw = await this.#store.get(lockKey(fileId));
    if (raw === undefined) return { lock: undefined, raw };
    const lock = JSON.parse(raw) as FileLock;
    // A store may be late in dropping what has expired; it counts as unlocked all the same.
    return { lock: lock.expiresAtMs > this.#now() ? lock : undefined, raw };
  }

  #fresh(lockId: string, grantId: string): FileLock {
    return { lockId, grantId, expiresAtMs: this.#now() + lockLifetimeMs };
  }
}

const lockKey = (fileId: string): string => `lock:${fileId}`;

function mismatch(held: FileLock | undefined): BridgeError {
  return new BridgeError({ kind: "lockMismatch", currentLockId: held?.lockId ?? "" });
}
