// Decisions of the host page that don't need a browser.
import type { HostPageStatus } from "../pageMessages.ts";

/** Times on the bridge's clock. */
export interface TokenLife {
  readonly gotAtMs: number;
  readonly endsAtMs: number;
}

/** What is known about a session's end. */
export interface EndState {
  /** Undefined until the bridge has answered. */
  readonly status: Pick<HostPageStatus, "last_copy" | "not_saved" | "last_save"> | undefined;
  readonly endedAtMs: number;
  /** Whether there was unsaved work when it ended. */
  readonly wasModified: boolean;
  readonly waitsForCopy: boolean;
}

const longestLeadMs = 20 * 60_000;

/**
 * Milliseconds until a token should be renewed: when a third of its life is left, but at most 20 minutes. Collabora
 * warns people 15 minutes before the end; a token of 20 seconds still leaves 6 for a second attempt.
 */
export function renewalDueInMs({ gotAtMs, endsAtMs }: TokenLife, nowMs: number): number {
  const leadMs = Math.min((endsAtMs - gotAtMs) / 3, longestLeadMs);
  return Math.max(0, endsAtMs - leadMs - nowMs);
}

/** How long an editor that requests a token waits for the next one: one that warns early would ask without end. */
export function soonestRenewalInMs({ gotAtMs, endsAtMs }: TokenLife, nowMs: number): number {
  return Math.max(0, gotAtMs + Math.min((endsAtMs - gotAtMs) / 4, 60_000) - nowMs);
}

/** The session must not end under an editor that nobody has saved in. */
const lastChanceMs = 2 * 60_000;

/**
 * Whether an editor that takes a token only with the form may be loaded anew with the fresh one: while the bridge knows
 * that nothing is unsaved. Times on the bridge's clock.
 */
export function mayReloadEditor(state: {
  readonly isModified: boolean;
  /** It reports its first edit only: what came after a save is known from the next save. */
  readonly mayBeUnheard: boolean;
  readonly nowMs: number;
  readonly renewedAtMs: number;
  /** Of the newest save. */
  readonly savedAtMs: number;
  /** Of the token that the editor has. */
  readonly tokenEndsAtMs: number;
}): boolean {
  const { isModified, mayBeUnheard, nowMs, renewedAtMs, savedAtMs, tokenEndsAtMs } = state;
  if (isModified) return false;
  return !mayBeUnheard || savedAtMs >= renewedAtMs || nowMs >= tokenEndsAtMs - lastChanceMs;
}

export function backoffMs(failures: number): number {
  return Math.min(1000 * 2 ** (failures - 1), 30_000);
}

/** After an editor's last word, or the last news from the bridge: what comes of it comes within this time. */
const newsWithinMs = 60_000;

/** Milliseconds until the next status request. */
export function pollInMs(state: {
  readonly isHidden: boolean;
  readonly isBusy: boolean;
  /** Since the editor or the bridge last had something to tell. */
  readonly quietMs: number;
  readonly failures: number;
}): number {
  const { isHidden, isBusy, quietMs, failures } = state;
  if (failures > 0) return backoffMs(failures);
  if (isHidden) return 60_000;
  if (!isBusy) return 10_000;
  // Some editors report the first edit only, and save when the last person has left: busy for hours.
  return quietMs < newsWithinMs ? 2000 : 5000;
}

/** Work that the document may lack; times on the bridge's clock. */
export interface UnsavedWork {
  /**
   * - `edited`: the editor says when it has saved
   * - `noticed`: the editor reports edits, but no saves
   * - `handedOver`: the editor's own server has it, or it was undone
   */
  readonly kind: "edited" | "noticed" | "handedOver";
  /** When there was nothing unsaved before. */
  readonly beganMs: number;
  /** When edits were last reported. */
  readonly editedMs: number;
  /** When the newest message came. */
  readonly toldMs: number;
}

/** The editor's word takes this long at most; meanwhile the upload that it announces may have arrived. */
const wordTakesMs = 2000;
/** Uploads begin sooner, also when an earlier one has just been made. */
const uploadBeginsWithinMs = 30_000;

/** What is unsaved once the editor has said whether the document is modified. */
export function unsavedAfterWord(
  before: UnsavedWork | undefined,
  isModified: boolean,
  { atMs, tellsLocalSaves }: { readonly atMs: number; readonly tellsLocalSaves: boolean },
): UnsavedWork | undefined {
  if (isModified) return { kind: "edited", beganMs: before?.beganMs ?? atMs, editedMs: atMs, toldMs: atMs };
  if (!tellsLocalSaves || before === undefined) return undefined;
  return before.kind === "handedOver" ? before : { ...before, kind: "handedOver", toldMs: atMs };
}

/**
 * Whether the bridge has the work by now. What an undo took back never arrives: when no upload has begun or failed for
 * a while, there was nothing to save.
 */
export function hasArrived(
  { kind, beganMs, editedMs, toldMs }: UnsavedWork,
  { now, saving_since, last_save, not_saved }: Pick<HostPageStatus, "now" | "saving_since" | "last_save" | "not_saved">,
): boolean {
  if (kind === "edited") return false;
  const sinceMs = Math.max(editedMs, toldMs - wordTakesMs);
  if (last_save !== null && last_save.at >= sinceMs) return true;
  if (kind === "noticed" || saving_since !== null || hasFailed({ beganMs }, { not_saved })) return false;
  return now - toldMs >= uploadBeginsWithinMs;
}

/** Whether a save with this work has failed, and none after it has arrived. */
export function hasFailed(
  { beganMs }: Pick<UnsavedWork, "beganMs">,
  { not_saved }: Pick<HostPageStatus, "not_saved">,
): boolean {
  return not_saved !== null && not_saved.at >= beganMs;
}

/** The same work after the clock was found to be wrong by so much. */
export function movedBy(driftMs: number, work: UnsavedWork): UnsavedWork {
  const { beganMs, editedMs, toldMs } = work;
  return { ...work, beganMs: beganMs + driftMs, editedMs: editedMs + driftMs, toldMs: toldMs + driftMs };
}

/**
 * Where the work is that was unsaved when the session ended: `nothing`, `copy`, `spool`, or `keeping` while it may
 * still arrive and `lost` when it has not. Only for this end: a save that failed earlier is contained in a later one.
 */
export function unsavedAfterEnd(state: EndState): "nothing" | "copy" | "spool" | "keeping" | "lost" {
  const { status, endedAtMs, wasModified, waitsForCopy } = state;
  if ((status?.last_copy ?? null) !== null) return "copy";
  const failed = status?.not_saved ?? null;
  const keptIn = failed?.is_mine && failed.at >= endedAtMs ? failed.kept_in : null;
  if (keptIn !== null) return keptIn;
  const saved = status?.last_save ?? null;
  if (!wasModified || (saved?.is_mine && saved.at >= endedAtMs)) return "nothing";
  return waitsForCopy ? "keeping" : "lost";
}

/**
 * The path on the bridge where a reload opens the document again: the page's own ticket is used up. Only these forms are
 * accepted, because the author of the address chooses the hash.
 */
export function reopenPath(hash: string): string | undefined {
  return /^#(\/l\/[A-Za-z0-9_-]{16,128}(\/[A-Za-z0-9]{1,64})?|\/open\?file_id=[A-Za-z0-9]{1,64})$/.exec(hash)?.[1];
}

/** Editors report a new name with or without its extension. */
export function nameAfterRename(oldName: string, newName: string): string {
  const dot = oldName.lastIndexOf(".");
  const extension = dot > 0 ? oldName.slice(dot) : "";
  return newName.toLowerCase().endsWith(extension.toLowerCase()) ? newName : newName + extension;
}

/** A percent-encoded name; one that is not is left as it is. */
export function decodedName(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
