/** Everything that can go wrong on purpose. A new kind does not compile until http/failureResponse.ts knows its status. */
export type Failure =
  | { readonly kind: "tokenInvalid" }
  | { readonly kind: "keyInvalid" }
  /** The keys by which a portal's signed tokens are checked. */
  | { readonly kind: "portalKeysUnreachable" }
  | { readonly kind: "proofInvalid" }
  | { readonly kind: "ticketInvalid" }
  /** A link's secret that nobody has given out, or that ended long ago. */
  | { readonly kind: "linkUnknown" }
  | { readonly kind: "linkEnded"; readonly because: "revoked" | "expired" }
  | { readonly kind: "tooManyAttempts"; readonly retryAfterSeconds: number }
  /** A change asked for by a page of another site. */
  | { readonly kind: "originForeign" }
  | { readonly kind: "fileMissing" }
  | { readonly kind: "rightMissing"; readonly right: string }
  | { readonly kind: "headerInvalid"; readonly header: string; readonly reason: string }
  | {
      readonly kind: "requestInvalid";
      readonly issues: readonly { readonly field: string; readonly message: string }[];
    }
  | { readonly kind: "noEditor"; readonly sentence: string }
  | { readonly kind: "notImplemented"; readonly operation: string }
  /** currentLockId is empty when the file is not locked at all. */
  | { readonly kind: "lockMismatch"; readonly currentLockId: string }
  | { readonly kind: "lockedElsewhere"; readonly holder: LockHolder }
  | { readonly kind: "changedInStorage"; readonly currentLockId?: string }
  | { readonly kind: "bodyTooLarge"; readonly limitBytes: number }
  | { readonly kind: "bodyCut" }
  | { readonly kind: "expectedSizeExceeded" }
  | { readonly kind: "rangeInvalid"; readonly sizeBytes: number }
  /** freeName: one that could be had instead. */
  | { readonly kind: "nameTaken"; readonly freeName?: string }
  | { readonly kind: "nameIllegal"; readonly reason: string }
  | { readonly kind: "quotaExceeded" }
  | { readonly kind: "signInNeeded" }
  /** What lies at the file's last known place may be another file, and there is no credential left to ask by id. */
  | { readonly kind: "fileUnproven" }
  | { readonly kind: "driveBusy" }
  /** Somebody has more calls open at once than is his share. */
  | { readonly kind: "tooManyCalls"; readonly of: "downloads" | "uploads" | "small calls" }
  | { readonly kind: "driveUnreachable" }
  | { readonly kind: "driveFailed"; readonly code: number; readonly said: string }
  | { readonly kind: "editorUnreachable"; readonly said: string }
  | { readonly kind: "spoolFailed" }
  /** No room for the bytes of a save, or this file, session or link has its part of it. */
  | { readonly kind: "spoolFull" }
  /** Of a store on another machine: whether it has done what it was asked is not known. */
  | { readonly kind: "storeUnreachable" }
  /** A row of the store is damaged, or only a later bridge understands it. */
  | { readonly kind: "rowUnreadable" };

/** What holds a lock that is not ours: the application types of Cloudreve's 40073 error data, in the words of people. */
export type LockHolder = "editor" | "upload" | "webdav" | "other";

/** The only error that code of the bridge throws on purpose; the cause is for the log, never for an answer. */
export class BridgeError extends Error {
  readonly failure: Failure;

  constructor(failure: Failure, options?: ErrorOptions) {
    super(failure.kind, options);
    this.name = "BridgeError";
    this.failure = failure;
  }
}

/** @returns the failure of a BridgeError when it is of that kind */
export function failureOf<Kind extends Failure["kind"]>(
  error: unknown,
  kind: Kind,
): Extract<Failure, { kind: Kind }> | undefined {
  if (!(error instanceof BridgeError) || error.failure.kind !== kind) return undefined;
  return error.failure as Extract<Failure, { kind: Kind }>;
}

/** A conflict is for a person to decide; everything else either passes or is kept. */
export function isConflict(error: unknown): boolean {
  if (!(error instanceof BridgeError)) return false;
  return ["lockMismatch", "changedInStorage", "lockedElsewhere"].includes(error.failure.kind);
}

/** Faults that pass by themselves: worth another try, and never the fault of what was asked. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof BridgeError)) return false;
  return ["driveUnreachable", "driveBusy", "driveFailed", "storeUnreachable"].includes(error.failure.kind);
}
