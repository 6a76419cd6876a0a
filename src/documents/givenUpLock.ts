/** What is known about a lock whose editor may have died. */
export interface LockSigns {
  /** The editor's server that took it has ended: another start of it answers in its place. */
  readonly hasServerEnded: boolean;
  /** The same editor asks for the file under another id, and makes one for each opening: it has opened the file anew. */
  readonly isOpenedAnew: boolean;
  /** Whether somebody other than who asks may have the file open to edit in that editor. */
  readonly areOthersThere: boolean;
  /** A save is passing through this bridge. */
  readonly isSaving: boolean;
  /** Since the last call under the lock: taken, refreshed, saved. */
  readonly quietMs: number;
}

export type GivenUpBecause = "serverEnded" | "leftByAll" | "refreshMissing";

/** The last save of an editor that everybody has left takes its time, and is tried again when it fails. */
const leftQuietMs = 45_000;
/** Collabora refreshes every 15 minutes unless it is told otherwise. */
const refreshMissingMs = 20 * 60_000;

/**
 * Why a lock protects no living editor. One sign alone never suffices: silence is usual between two refreshes, an
 * address may be shared by several servers, and pages are closed before the last save.
 */
export function whyGivenUp(signs: LockSigns): GivenUpBecause | undefined {
  const { hasServerEnded, isOpenedAnew, areOthersThere, isSaving, quietMs } = signs;
  if (isSaving) return undefined;
  if (hasServerEnded && (isOpenedAnew || !areOthersThere)) return "serverEnded";
  if (!isOpenedAnew) return undefined;
  if (!areOthersThere && quietMs >= leftQuietMs) return "leftByAll";
  return quietMs >= refreshMissingMs ? "refreshMissing" : undefined;
}
