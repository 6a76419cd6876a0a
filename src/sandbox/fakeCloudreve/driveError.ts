import type { DriveLock } from "./lockTable.ts";

/** What Cloudreve answers instead of data: a code inside HTTP 200. */
export class DriveError extends Error {
  readonly code: number;
  readonly data: unknown;
  /** The longer text that batch answers and X-WOPI-ServerError show. */
  readonly detail: string;
  /** Validation errors come without a correlation id. */
  readonly isValidation: boolean;
  /** Set for a lock conflict. */
  readonly lock: DriveLock | undefined;

  constructor(
    code: number,
    message: string,
    extra: { data?: unknown; detail?: string; isValidation?: boolean; lock?: DriveLock } = {},
  ) {
    super(message);
    this.code = code;
    this.data = extra.data;
    this.detail = extra.detail ?? message;
    this.isValidation = extra.isValidation ?? false;
    this.lock = extra.lock;
  }

  /** The same error with a longer detail: "failed to …: what it was". */
  within(prefix: string): DriveError {
    return new DriveError(this.code, this.message, {
      data: this.data,
      detail: `${prefix}: ${this.detail}`,
      ...(this.lock ? { lock: this.lock } : {}),
    });
  }
}

export const loginRequired = (): DriveError => new DriveError(401, "Login required");
export const permissionDenied = (): DriveError => new DriveError(403, "Permission denied");
export const objectExisted = (): DriveError => new DriveError(40004, "Object existed");
export const entityMissing = (): DriveError => new DriveError(40077, "Entity not exist");
export const tooLarge = (): DriveError => new DriveError(40049, "File is too large");
export const noCapacity = (): DriveError => new DriveError(40051, "Insufficient capacity");

export function invalidParameter(message: string): DriveError {
  return new DriveError(40001, message, { isValidation: true });
}

export function unsupportedAction(why = ""): DriveError {
  return new DriveError(403, "Not supported action", {
    detail: why === "" ? "Not supported action" : `Not supported action: ${why}`,
  });
}

export function illegalName(): DriveError {
  return new DriveError(40052, "Invalid object name", {
    detail: "Invalid object name: name contains illegal characters",
  });
}

export function pathMissing(name: string): DriveError {
  return new DriveError(40016, "Path not exist", {
    detail: `failed to walk into "${name}": Path not exist: ent: file not found`,
  });
}

/** Shows the token: whoever reads this answer can remove the lock. */
export function lockConflict(lock: DriveLock): DriveError {
  return new DriveError(40073, "Lock conflict", {
    data: [
      { path: lock.uri, token: lock.token, owner: { application: lock.application }, type: lock.isFolder ? 1 : 0 },
    ],
    detail: `Lock conflict: conflict with locked resource: "${lock.uri}"`,
    lock,
  });
}
