// Decisions of the host page that need no browser.
import type { HostPageStatus } from "../pageMessages.ts";

/** Moments of the bridge's clock. */
export interface TokenLife {
  readonly gotAtMs: number;
  readonly endsAtMs: number;
}

/** What is known of a session's end. */
export interface EndState {
  /** Undefined until the bridge has answered. */
  readonly status: Pick<HostPageStatus, "last_copy" | "not_saved" | "last_save"> | undefined;
  readonly endedAtMs: number;
  /** When it ended. */
  readonly wasModified: boolean;
  readonly waitsForCopy: boolean;
}

const longestLeadMs = 20 * 60_000;

/**
 * Milliseconds until a token should be renewed: when a third of its life is left, at most 20 minutes. Collabora warns
 * people 15 minutes before the end; a token of 20 seconds still leaves 6 for a second try.
 */
export function renewalDueInMs({ gotAtMs, endsAtMs }: TokenLife, nowMs: number): number {
  const leadMs = Math.min((endsAtMs - gotAtMs) / 3, longestLeadMs);
  return Math.max(0, endsAtMs - leadMs - nowMs);
}

/** How long an editor that asks for a token waits for the next: one that warns early would ask without end. */
export function soonestRenewalInMs({ gotAtMs, endsAtMs }: TokenLife, nowMs: number): number {
  return Math.max(0, gotAtMs + Math.min((endsAtMs - gotAtMs) / 4, 60_000) - nowMs);
}

export function backoffMs(failures: number): number {
  return Math.min(1000 * 2 ** (failures - 1), 30_000);
}

/** Milliseconds until the bridge is asked again. */
export function pollInMs(state: {
  readonly isHidden: boolean;
  readonly isBusy: boolean;
  readonly failures: number;
}): number {
  const { isHidden, isBusy, failures } = state;
  if (failures > 0) return backoffMs(failures);
  if (isHidden) return 60_000;
  return isBusy ? 2000 : 10_000;
}

/**
 * Where that is which was unsaved when the session ended: `nothing`, `copy`, `spool`, or `keeping` while it may still
 * come and `lost` when it has not. Of this end alone: what failed to save before is in a later save.
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
 * The path below the bridge under which a reload opens the document anew: the page's own ticket is used up.
 * Only two shapes, since whoever makes the address chooses the hash.
 */
export function reopenPath(hash: string): string | undefined {
  return /^#(\/l\/[A-Za-z0-9_-]{16,128}|\/open\?file_id=[A-Za-z0-9]{1,64})$/.exec(hash)?.[1];
}

/** Editors tell a new name with its extension or without. */
export function nameAfterRename(oldName: string, newName: string): string {
  const dot = oldName.lastIndexOf(".");
  const extension = dot > 0 ? oldName.slice(dot) : "";
  return newName.toLowerCase().endsWith(extension.toLowerCase()) ? newName : newName + extension;
}
