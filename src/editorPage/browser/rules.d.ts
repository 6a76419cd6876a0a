import type { HostPageStatus } from "../pageCalls.ts";

interface Token {
  readonly gotAtMs: number;
  readonly endsAtMs: number;
}

export function renewalDueInMs(token: Token, nowMs: number): number;
export function soonestRenewalInMs(token: Token, nowMs: number): number;
export function backoffMs(failures: number): number;
export function pollInMs(state: {
  readonly isHidden: boolean;
  readonly isBusy: boolean;
  readonly failures: number;
}): number;
export function unsavedAfterEnd(state: {
  readonly status: Pick<HostPageStatus, "last_copy" | "not_saved" | "last_save"> | undefined;
  readonly endedAtMs: number;
  readonly wasModified: boolean;
  readonly waitsForCopy: boolean;
}): "nothing" | "copy" | "spool" | "keeping" | "lost";
export function reopenPath(hash: string): string | undefined;
export function nameAfterRename(oldName: string, newName: string): string;
