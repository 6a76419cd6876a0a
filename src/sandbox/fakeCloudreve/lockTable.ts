import { randomUUID } from "node:crypto";

/** Who holds a lock, as `data[].owner.application` shows it. */
export interface LockApplication {
  readonly type: string;
  readonly viewer_id?: string;
  readonly inner_xml?: string;
}

export interface LockRequest {
  /** Owner number and path; slashes separate names. */
  readonly root: string;
  /** The uri shown to the owner of the tree. */
  readonly uri: string;
  readonly token?: string;
  readonly lifeMs: number;
  readonly application: LockApplication;
  readonly isFolder?: boolean;
  /** Meets every lock below, too, as a rename or delete of a folder does. */
  readonly deep?: boolean;
}

export interface DriveLock {
  readonly root: string;
  readonly uri: string;
  readonly token: string;
  readonly application: LockApplication;
  readonly isFolder: boolean;
  expiresAtMs: number;
  /** In use by a running request: cannot be refreshed, removed or confirmed, and does not expire. */
  held: boolean;
}

/**
 * Locks of the whole process. Paths and tokens are two tables that can come apart: a second lock with an equal token
 * takes the token over, and the first can then only wait for its end. That is how the real one behaves.
 */
export class LockTable {
  readonly #now: () => number;
  readonly #byRoot = new Map<string, DriveLock>();
  readonly #byToken = new Map<string, DriveLock>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** @returns the new lock, or the one in the way */
  create(request: LockRequest): { made: DriveLock } | { conflict: DriveLock } {
    this.#collectExpired();
    const conflict = this.#findConflict(request.root, request.deep === true);
    if (conflict) return { conflict };
    const made: DriveLock = {
      root: request.root,
      uri: request.uri,
      token: request.token === undefined || request.token === "" ? randomUUID() : request.token,
      application: request.application,
      isFolder: request.isFolder === true,
      expiresAtMs: this.#now() + request.lifeMs,
      held: false,
    };
    this.#byRoot.set(made.root, made);
    this.#byToken.set(made.token, made);
    return { made };
  }

  /** Takes a lock into use by its token. @returns how to give it back, or undefined when it is not there or already in use */
  hold(root: string, token: string): (() => void) | undefined {
    this.#collectExpired();
    const lock = this.#byToken.get(token);
    if (!lock || lock.held || lock.root !== root) return undefined;
    lock.held = true;
    return () => {
      lock.held = false;
    };
  }

  refresh(token: string, lifeMs: number): boolean {
    this.#collectExpired();
    const lock = this.#byToken.get(token);
    if (!lock || lock.held) return false;
    lock.expiresAtMs = this.#now() + lifeMs;
    return true;
  }

  isRemovable(token: string): boolean {
    this.#collectExpired();
    const lock = this.#byToken.get(token);
    return lock !== undefined && !lock.held;
  }

  /** Removes whatever lock has this token, on any file. */
  unlock(token: string): boolean {
    const lock = this.isRemovable(token) ? this.#byToken.get(token) : undefined;
    if (lock) this.#remove(lock);
    return lock !== undefined;
  }

  forgetAll(): void {
    this.#byRoot.clear();
    this.#byToken.clear();
  }

  #findConflict(root: string, deep: boolean): DriveLock | undefined {
    const exact = this.#byRoot.get(root);
    if (exact) return exact;
    if (!deep) return undefined;
    return [...this.#byRoot.values()].find((lock) => lock.root.startsWith(`${root}/`));
  }

  #collectExpired(): void {
    for (const lock of this.#byRoot.values()) {
      if (!lock.held && lock.expiresAtMs <= this.#now()) this.#remove(lock);
    }
  }

  // The token goes even when another lock has taken it over meanwhile.
  #remove(lock: DriveLock): void {
    this.#byRoot.delete(lock.root);
    this.#byToken.delete(lock.token);
  }
}
