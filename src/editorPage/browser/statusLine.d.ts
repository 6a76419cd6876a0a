import type { HostPageStatus } from "../pageCalls.ts";
import type { HostPageWords } from "../words.ts";

/** What the page knows; moments are of the bridge's clock. */
export interface PageState {
  readonly phase: "loading" | "loaded" | "failed" | "left" | "ended" | "closed";
  readonly waitedMs: number;
  readonly isEditorHeard: boolean;
  readonly editorOrigin: string;
  readonly bridgeUrl: string;
  readonly fileName: string;
  readonly permission: "view" | "edit";
  /** Undefined until the bridge has answered. */
  readonly status: HostPageStatus | undefined;
  readonly isModified: boolean;
  readonly isSaving: boolean;
  readonly isOffline: boolean;
  /** Of the bridge's reasons one, or `lostEditing`. */
  readonly ended: string | undefined;
  readonly endedAtMs: number;
  /** When it ended. */
  readonly wasModified: boolean;
  readonly waitsForCopy: boolean;
  readonly notSavedSinceMs: number | undefined;
  readonly nowMs: number;
  readonly tokenEndsAtMs: number;
  readonly canRenew: boolean;
  /** A fresh token lies ready, and reaches the editor only by reloading it. */
  readonly waitsForSave: boolean;
}

export function statusLine(
  state: PageState,
  words: HostPageWords,
  time: (ms: number) => string,
): { readonly tone: "quiet" | "trouble"; readonly text: string };
export function ending(
  state: PageState,
  words: HostPageWords,
): { readonly end: string; readonly unsaved: string } | undefined;
export function fill(template: string, values: Readonly<Record<string, string>>): string;
export function timeSpelling(locale: string, todayMs: () => number, timeZone?: string): (ms: number) => string;
