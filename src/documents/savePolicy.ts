/** What is known when the body of a save has arrived and no other call is working on the file. */
export interface SaveFacts {
  /** Id of the current WOPI lock; undefined = not locked. */
  readonly heldLockId: string | undefined;
  /** X-WOPI-Lock of the request; undefined = none. */
  readonly requestLockId: string | undefined;
  readonly storedVersion: string;
  readonly storedSizeBytes: number;
  readonly storedModifiedAt: string;
  /**
   * Version that the editor's copy is based on; undefined = unknown: the bridge's store was lost, or the bridge never
   * gave out the time that the editor sends.
   */
  readonly baseVersion: string | undefined;
  /** LastModifiedTime as the editor remembers it (COOL or LOOL header); undefined = not sent. */
  readonly timestamp: string | undefined;
  /** Collabora's "Overwrite": a client that otherwise always sends the timestamp has left it out. */
  readonly isForced: boolean;
  readonly isExitSave: boolean;
  /** The drive's own lock keeps everybody else away while the WOPI lock is held. */
  readonly isShielded: boolean;
  /** The owner has ended this lock so that somebody else can continue: saves under it must not overwrite anything. */
  readonly wasTakenOver: boolean;
  /** The body is byte for byte what is stored. */
  readonly equalsStored: boolean;
  /**
   * Equal bytes need no version of their own: the editor says that nothing was changed, repeats a save whose answer it
   * never got, or no longer waits for an answer.
   */
  readonly needsNoVersion: boolean;
}

export type SaveDecision =
  | { readonly do: "write" }
  /** Nothing to do: the drive has these very bytes, and no new version is called for. */
  | { readonly do: "acknowledge" }
  | { readonly do: "refuse"; readonly because: SaveRefusal }
  /** Refused, and nobody is there to decide: the bytes are stored beside the document. */
  | { readonly do: "copyBeside"; readonly because: SaveRefusal };

export type SaveRefusal =
  | { readonly kind: "lockMismatch"; readonly currentLockId: string }
  | { readonly kind: "changedInStorage" };

/**
 * May this save be written, must it be refused, or does it become a copy beside the document? The lock comes first,
 * then the version: a lock conflict must never look like a change in storage.
 * @see WOPI PutFile; reference editor-traffic, traps 1 to 3
 */
export function decideSave(facts: SaveFacts): SaveDecision {
  const refusal = refusalOf(facts);
  if (refusal === undefined)
    return facts.equalsStored && facts.needsNoVersion ? { do: "acknowledge" } : { do: "write" };
  // Somebody else has stored the same: there is nothing to decide between.
  if (facts.equalsStored && isAboutContent(facts, refusal)) return { do: "acknowledge" };
  // After an exit save nobody is left to see a dialog, and the editor drops its copy whatever the answer.
  const isForCopy = (facts.isExitSave || facts.wasTakenOver) && !facts.equalsStored;
  return { do: isForCopy ? "copyBeside" : "refuse", because: refusal };
}

/** Whether the refusal protects what is stored, and not the editor that holds the lock. */
function isAboutContent({ heldLockId, requestLockId, wasTakenOver }: SaveFacts, { kind }: SaveRefusal): boolean {
  if (wasTakenOver) return false;
  return kind === "changedInStorage" || (heldLockId === undefined && requestLockId !== undefined);
}

function refusalOf(facts: SaveFacts): SaveRefusal | undefined {
  const { heldLockId, requestLockId } = facts;
  if (facts.wasTakenOver) return { kind: "lockMismatch", currentLockId: heldLockId ?? "" };
  if (heldLockId !== undefined && requestLockId !== heldLockId) {
    return { kind: "lockMismatch", currentLockId: heldLockId };
  }
  if (heldLockId === undefined) {
    // Office fills a new, empty file without a lock.
    if (facts.storedSizeBytes === 0) return undefined;
    if (requestLockId === undefined) return { kind: "lockMismatch", currentLockId: "" };
    // A late save: the lock expired, or was never taken because a reader opened the document first.
    if (facts.isForced) return undefined;
    const standing = standsOnStored(facts);
    if (standing === undefined) return { kind: "lockMismatch", currentLockId: "" };
    return standing ? undefined : { kind: "changedInStorage" };
  }
  if (facts.isForced) return undefined;
  // The base version is unknown, but a lock held without interruption has kept everybody else away; a file that the drive
  // can't lock may be anybody's, unless it is still empty.
  const isUntouched = facts.isShielded || facts.storedSizeBytes === 0;
  return (standsOnStored(facts) ?? isUntouched) ? undefined : { kind: "changedInStorage" };
}

/** @returns undefined when neither base nor timestamp is known */
function standsOnStored(facts: SaveFacts): boolean | undefined {
  if (facts.baseVersion !== undefined) return facts.baseVersion === facts.storedVersion;
  const rememberedAt = secondOf(facts.timestamp);
  return rememberedAt === undefined ? undefined : rememberedAt === secondOf(facts.storedModifiedAt);
}

/**
 * The time that an editor sends, in whole seconds; editors send no, six or seven fraction digits. Stricter than
 * Date.parse, which reads "0" as a year, and a time without a zone as local.
 * @returns seconds since 1970; undefined for anything that is not a time, and for 1970 itself, which Collabora sends
 *   when it was never given a time
 */
export function secondOf(time: string | undefined): number | undefined {
  const zone = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(Z|[+-]\d\d:\d\d|)$/.exec(time ?? "")?.[1];
  if (zone === undefined) return undefined;
  const atMs = Date.parse(zone === "" ? `${time}Z` : `${time}`);
  return Number.isNaN(atMs) || atMs === 0 ? undefined : Math.floor(atMs / 1000);
}
