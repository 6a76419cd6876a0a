// The text of the thin line above the editor.

import type { HostPageWords } from "../../words/words.ts";
import type { HostPageStatus, NotSaved, NotSavedReason, SessionEnd } from "../pageMessages.ts";
import type { DocumentEvents } from "./embedTypes.d.ts";
import { type EndState, unsavedAfterEnd } from "./rules.ts";

const slowAfterMs = 15_000;
const endsSoonMs = 5 * 60_000;
const dayMs = 24 * 3_600_000;
const halfDayMs = dayMs / 2;

/** What the page knows; times are on the bridge's clock. */
export interface PageState extends EndState {
  readonly phase: "loading" | "loaded" | "failed" | "left" | "stopped" | "ended" | "closed";
  readonly waitedMs: number;
  readonly isEditorHeard: boolean;
  readonly editorOrigin: string;
  readonly bridgeUrl: string;
  readonly fileName: string;
  readonly permission: "view" | "edit";
  /** Who shares the document, and may know what its editor and bridge are. */
  readonly isOwner: boolean;
  /** Undefined until the bridge has answered. */
  readonly status: HostPageStatus | undefined;
  readonly isModified: boolean;
  readonly isSaving: boolean;
  readonly isOffline: boolean;
  readonly ended: SessionEnd | "lostEditing" | undefined;
  readonly notSavedSinceMs: number | undefined;
  readonly nowMs: number;
  readonly tokenEndsAtMs: number;
  readonly canRenew: boolean;
  /** A fresh token is ready, but this editor accepts it only by reloading. */
  readonly waitsForSave: boolean;
}

/** Formats a time for the person. */
type Spell = (ms: number) => string;

export interface Line {
  readonly tone: "quiet" | "trouble";
  readonly text: string;
}

/** With the event by which a portal hears of it, if there is one. */
export interface ToldLine extends Line {
  readonly toldAs?: "saveFailed" | "failed" | "expired";
}

interface Ending {
  readonly end: string;
  /** Where the unsaved work is; empty for somebody who could not change anything. */
  readonly unsaved: string;
}

/** The status line for a state of the page: `text`, and as `tone` how important it is. */
export function statusLine(state: PageState, words: HostPageWords, time: Spell): Line {
  const { tone, text } = toldLine(state, words, time);
  return { tone, text };
}

/** As `statusLine`, with the event that tells it. */
export function toldLine(state: PageState, words: HostPageWords, time: Spell): ToldLine {
  const { status } = state;
  if (state.phase === "closed") return quiet(words.closed);
  const ended = ending(state, words);
  if (ended !== undefined) return trouble(spokenEnd(ended, words), "expired");
  if (state.isOffline) return trouble(state.isModified ? words.offlineUnsaved : words.offline);
  if (state.phase === "left") return trouble(words.editorLeft);
  if (state.phase === "stopped") return trouble(words.editorStopped, "failed");
  if (state.phase === "failed") return trouble(words.editorFailed, "failed");
  if (state.phase === "loading") return loading(state, words);
  const failed = status?.not_saved ?? null;
  if (failed !== null && failed.kept_in !== "copy") return trouble(notSaved(failed, state, words, time), "saveFailed");
  if (isLocked(state)) return trouble(lockedBy(status?.locked_by ?? "", words));
  const endsSoon = endingSoon(state, words, time);
  if (endsSoon !== undefined) return trouble(endsSoon);
  if (state.isSaving || (status?.saving_since ?? null) !== null) return quiet(words.saving);
  if (failed !== null && isNewestNews(failed, state)) return trouble(inCopy(failed, words, time), "saveFailed");
  const saved = status?.last_save ?? null;
  if (state.isModified) {
    return saved === null ? quiet(words.unsaved) : quiet(fill(words.unsavedSince, { time: time(saved.at) }));
  }
  if (saved === null) return quiet(status?.permission === "view" ? words.viewOnly : words.untouched);
  const text = fill(saved.is_mine ? words.saved : words.savedBy, { time: time(saved.at), person: saved.by });
  if (failed === null || isLongAgo(failed, state)) return quiet(text);
  const beside = { saved: text, time: time(failed.at), copy: failed.copy_name ?? "" };
  return quiet(fill(words.savedCopyBeside, beside));
}

/** Whether somebody else's lock keeps the open document from being changed. */
export function isLocked({ phase, status, ended }: Pick<PageState, "phase" | "status" | "ended">): boolean {
  return phase === "loaded" && ended === undefined && (status?.locked_by ?? null) !== null;
}

/** Whether the editor has failed to show the document, or should have by now, though the bridge is there. */
export function isNotUp(state: Pick<PageState, "phase" | "ended" | "isOffline" | "waitedMs" | "status">): boolean {
  if (state.ended !== undefined || state.isOffline || state.status === undefined) return false;
  return state.phase === "failed" || (state.phase === "loading" && state.waitedMs >= slowAfterMs);
}

/** What "Try again" does, where that may help. */
export type Retry = "editor" | "connection" | "save";

export function retryOf(state: PageState, savesWhenTold: boolean): Retry | undefined {
  if (state.ended !== undefined || state.phase === "closed") return undefined;
  if (state.isOffline) return "connection";
  if (state.phase === "left" || isNotUp(state)) return "editor";
  const failed = state.status?.not_saved ?? null;
  const isInEditor = state.phase === "loaded" && failed?.kept_in === null && failed.is_mine;
  return isInEditor && savesWhenTold && !state.isSaving && !isLocked(state) ? "save" : undefined;
}

/** Whether changes wait in the bridge's spool, where their owner can download them. */
export function isKept({ phase, status, ended }: Pick<PageState, "phase" | "status" | "ended">): boolean {
  return phase === "loaded" && ended === undefined && status?.not_saved?.kept_in === "spool";
}

/** Why the editor does not show the document, for portals. */
export function whyNotUp(state: PageState): DocumentEvents["failed"]["code"] | undefined {
  if (state.ended !== undefined) return undefined;
  if (state.phase === "stopped") return "editorStopped";
  if (!isNotUp(state)) return undefined;
  if (state.phase === "failed") return "editorFailed";
  if (state.status?.editor_called.check_file_info === true) return "editorSlow";
  return state.isEditorHeard ? "bridgeNotReached" : "editorDown";
}

function lockedBy(person: string, words: HostPageWords): string {
  return person === "" ? words.lockedBySomebody : fill(words.lockedBy, { person });
}

/** What became of the changes in an editor that stopped. */
export function afterStop(state: PageState, words: HostPageWords, time: Spell): string {
  const { last_save: saved = null, not_saved: failed = null } = state.status ?? {};
  if (failed?.kept_in === "copy") return inCopy(failed, words, time);
  if (failed?.kept_in === "spool") return notSaved(failed, state, words, time);
  return saved === null ? words.stoppedLost : fill(words.stoppedSaved, { time: time(saved.at) });
}

/** Why the session has ended and where the unsaved work is, in words; undefined while the session lasts. */
export function ending(
  state: EndState & Pick<PageState, "ended" | "permission">,
  words: HostPageWords,
): Ending | undefined {
  if (state.ended === undefined) return undefined;
  const ends = {
    revoked: words.endedRevoked,
    expired: words.endedExpired,
    linkRevoked: words.endedLinkRevoked,
    linkExpired: words.endedLinkExpired,
    signedOut: words.endedSignedOut,
    lostEditing: words.lostEditing,
  };
  return {
    // A newer bridge may send a reason that this page does not know.
    end: Object.hasOwn(ends, state.ended) ? ends[state.ended] : words.endedExpired,
    unsaved: unsavedInWords(state, words),
  };
}

function unsavedInWords(state: EndState & Pick<PageState, "permission">, words: HostPageWords): string {
  switch (unsavedAfterEnd(state)) {
    case "copy":
      return fill(words.unsavedCopied, { copy: state.status?.last_copy ?? state.status?.not_saved?.copy_name ?? "" });
    case "spool":
      return words.unsavedSpooled;
    case "keeping":
      return words.unsavedKeeping;
    case "lost":
      return words.unsavedLost;
    default:
      return state.permission === "view" ? "" : words.unsavedNothing;
  }
}

function spokenEnd({ end, unsaved }: Ending, words: HostPageWords): string {
  return unsaved === "" ? end : fill(words.endedWith, { end, unsaved });
}

/** Replaces each `{name}` in a template; braces inside a value are not replaced. */
export function fill(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{(\w+)\}/g, (placeholder, name: string) => values[name] ?? placeholder);
}

/** Formats times in the person's time zone: the time, and also the date when it is another day and half a day or more away. */
export function timeSpelling(locale: string, todayMs: () => number, timeZone?: string): Spell {
  const day = new Intl.DateTimeFormat(locale, { dateStyle: "short", timeZone });
  const clock = new Intl.DateTimeFormat(locale, { timeStyle: "short", timeZone });
  return (ms) => {
    const isNear = Math.abs(ms - todayMs()) < halfDayMs;
    const isToday = day.format(ms) === day.format(todayMs());
    return isNear || isToday ? clock.format(ms) : `${day.format(ms)} ${clock.format(ms)}`;
  };
}

function quiet(text: string): Line {
  return { tone: "quiet", text };
}

function trouble(text: string, toldAs?: ToldLine["toldAs"]): ToldLine {
  return toldAs === undefined ? { tone: "trouble", text } : { tone: "trouble", text, toldAs };
}

function loading(state: PageState, words: HostPageWords): ToldLine {
  const { waitedMs, isEditorHeard, editorOrigin, bridgeUrl, fileName, status } = state;
  if (waitedMs < slowAfterMs || status === undefined) return quiet(fill(words.loading, { name: fileName }));
  const { check_file_info, get_file } = status.editor_called;
  if (!state.isOwner) return trouble(check_file_info ? words.editorTakesLong : words.editorAway, "failed");
  if (get_file) return trouble(words.editorSlow, "failed");
  if (check_file_info) return trouble(words.editorNoContent, "failed");
  return trouble(
    isEditorHeard
      ? fill(words.editorNotCalled, { bridge: bridgeUrl })
      : fill(words.editorSilent, { editor: editorOrigin }),
    "failed",
  );
}

function endingSoon(state: PageState, words: HostPageWords, time: Spell): string | undefined {
  const { nowMs, tokenEndsAtMs, canRenew, waitsForSave, isModified } = state;
  if (waitsForSave && isModified) return fill(words.saveToStay, { time: time(tokenEndsAtMs) });
  if (canRenew || tokenEndsAtMs - nowMs > endsSoonMs) return undefined;
  return fill(isModified ? words.endsSoonUnsaved : words.endsSoon, { time: time(tokenEndsAtMs) });
}

function notSaved(failed: NotSaved, { notSavedSinceMs }: PageState, words: HostPageWords, time: Spell): string {
  const values = {
    time: time(notSavedSinceMs ?? failed.at),
    person: failed.by,
    why: failureInWords(failed.why, words),
  };
  if (failed.kept_in === "spool") return fill(failed.is_mine ? words.notSavedKept : words.notSavedKeptBy, values);
  return fill(failed.is_mine ? words.notSavedHere : words.notSavedHereBy, values);
}

function inCopy(failed: NotSaved, words: HostPageWords, time: Spell): string {
  return fill(failed.is_mine ? words.copied : words.copiedBy, {
    time: time(failed.at),
    person: failed.by,
    copy: failed.copy_name ?? "",
    why: failureInWords(failed.why, words),
  });
}

function isNewestNews(failed: NotSaved, state: PageState): boolean {
  return failed.at >= (state.status?.last_save?.at ?? 0) && !isLongAgo(failed, state);
}

function isLongAgo(failed: NotSaved, { status }: PageState): boolean {
  return (status?.now ?? 0) - failed.at > dayMs;
}

/** Why something was not saved, as the end of a sentence. */
export function failureInWords(why: NotSaved["why"], words: HostPageWords): string {
  const reasons: Partial<Record<NotSavedReason, string>> = {
    changedInStorage: words.whyChangedInStorage,
    lockMismatch: words.whyLockMismatch,
    lockedElsewhere: words.whyLockedElsewhere,
    quotaExceeded: words.whyQuotaExceeded,
    signInNeeded: words.whySignInNeeded,
    driveUnreachable: words.whyDriveUnreachable,
    driveBusy: words.whyDriveBusy,
    driveFailed: words.whyDriveFailed,
    fileMissing: words.whyFileMissing,
    fileUnproven: words.whyFileUnproven,
    rightMissing: words.whyRightMissing,
    bodyTooLarge: words.whyBodyTooLarge,
    contentInvalid: words.whyContentInvalid,
    spoolFailed: words.whySpoolFailed,
    spoolFull: words.whySpoolFailed,
    nameIllegal: words.whyNameIllegal,
    tooManyAttempts: words.whyTooManyAttempts,
  };
  return Object.entries(reasons).find(([kind]) => kind === why)?.[1] ?? words.whyUnexpected;
}
