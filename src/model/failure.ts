/** Every failure the bridge reports. A new kind does not compile until http/failureResponse.ts has a status for it. */
export type Failure =
  | { readonly kind: "tokenInvalid" }
  /** reason: what is wrong with a signed token, in words of ASCII without quotes; of a key nothing is said. */
  | { readonly kind: "keyInvalid"; readonly reason?: string }
  /** The keys that verify a portal's signed tokens. */
  | { readonly kind: "portalKeysUnreachable" }
  | { readonly kind: "proofInvalid" }
  | { readonly kind: "ticketInvalid" }
  /** No link has this secret, or the link ended long ago. */
  | { readonly kind: "linkUnknown" }
  | { readonly kind: "linkEnded"; readonly because: "revoked" | "expired" }
  /** No visitor with this id asks, or has asked, to edit. */
  | { readonly kind: "accessNotAsked" }
  /** What was asked for can't be answered like this any more. */
  | { readonly kind: "accessAnswered"; readonly state: string }
  | { readonly kind: "tooManyAttempts"; readonly retryAfterSeconds: number }
  /** A change requested by a page of another site. */
  | { readonly kind: "originForeign" }
  | { readonly kind: "fileMissing" }
  | { readonly kind: "rightMissing"; readonly right: string }
  | { readonly kind: "headerInvalid"; readonly header: string; readonly reason: string }
  | {
      readonly kind: "requestInvalid";
      readonly issues: readonly { readonly field: string; readonly message: string }[];
    }
  /** nearest: calls that may have been meant. */
  | { readonly kind: "pathUnknown"; readonly nearest: readonly string[] }
  | { readonly kind: "methodNotAllowed"; readonly allowed: readonly string[] }
  /** Another request was sent under the same key. */
  | { readonly kind: "idempotencyKeyReused" }
  /** The same request is being served at this moment. */
  | { readonly kind: "callUnderWay" }
  | { readonly kind: "noEditor"; readonly sentence: string }
  | { readonly kind: "notImplemented"; readonly operation: string }
  /** currentLockId is empty when the file is not locked at all. */
  | { readonly kind: "lockMismatch"; readonly currentLockId: string }
  | { readonly kind: "lockedElsewhere"; readonly holder: LockHolder }
  | { readonly kind: "changedInStorage"; readonly currentLockId?: string }
  | { readonly kind: "bodyTooLarge"; readonly limitBytes: number }
  | { readonly kind: "bodyCut" }
  /** Content that nobody can have meant to be the document. @see judgeContent */
  | { readonly kind: "contentInvalid"; readonly found: "empty" | "damaged" }
  | { readonly kind: "expectedSizeExceeded" }
  | { readonly kind: "rangeInvalid"; readonly sizeBytes: number }
  /** freeName: a name that is free. */
  | { readonly kind: "nameTaken"; readonly freeName?: string }
  | { readonly kind: "nameIllegal"; readonly reason: string }
  | { readonly kind: "folderNotEmpty" }
  | { readonly kind: "quotaExceeded" }
  | { readonly kind: "signInNeeded" }
  /** The path may lead to another file now, and there is no credential left to look the file up by its id. */
  | { readonly kind: "fileUnproven" }
  | { readonly kind: "driveBusy" }
  /** More calls open at once than one session, person or link may have. */
  | { readonly kind: "tooManyCalls"; readonly of: "downloads" | "uploads" | "small calls" }
  | { readonly kind: "driveUnreachable" }
  | { readonly kind: "driveFailed"; readonly code: number; readonly said: string }
  | { readonly kind: "editorUnreachable"; readonly said: string }
  | { readonly kind: "spoolFailed" }
  /** The spool is full, or this file, session or link has used up its share. */
  | { readonly kind: "spoolFull" }
  /** For a store on another machine: it may or may not have done what it was asked. */
  | { readonly kind: "storeUnreachable" }
  /** A row is damaged, or only a later version can read it. */
  | { readonly kind: "rowUnreadable" };

/** What holds a lock that is not ours: the application types in the data of Cloudreve's error 40073, in plain words. */
export type LockHolder = "editor" | "upload" | "webdav" | "other";

/** The only error the bridge throws on purpose. The cause is for the log, never for an answer. */
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

/** Does the work. If it fails in this way, calls the other function; any other failure is thrown. */
export async function onFailure<Kind extends Failure["kind"], Result, Otherwise = Result>(
  kind: Kind,
  work: () => Promise<Result>,
  then: (failure: Extract<Failure, { kind: Kind }>, error: unknown) => Promise<Otherwise> | Otherwise,
): Promise<Result | Otherwise> {
  try {
    return await work();
  } catch (error) {
    const failure = failureOf(error, kind);
    if (failure === undefined) throw error;
    return then(failure, error);
  }
}

/** A conflict needs a person to decide. */
export function isConflict(error: unknown): boolean {
  if (!(error instanceof BridgeError)) return false;
  return ["lockMismatch", "changedInStorage", "lockedElsewhere"].includes(error.failure.kind);
}

/** Faults that go away by themselves and have nothing to do with the request: worth a retry. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof BridgeError)) return false;
  return ["driveUnreachable", "driveBusy", "driveFailed", "storeUnreachable"].includes(error.failure.kind);
}
