import { type EditorView, isWriter } from "./editorView.ts";
import type { ReadOnlyNotice } from "./messages.ts";

/** @returns why this person can't type, null when they can */
export function readOnlyNotice(
  view: EditorView,
  document: { problem: string | undefined; lockRefusal: string | undefined },
): ReadOnlyNotice | null {
  if (document.problem !== undefined) return { reason: document.problem, canTryAgain: false };
  if (!isWriter(view) && view.info?.trueFlags.includes("UserCanOnlyComment")) {
    return { reason: "You may comment on this document, not change it.", canTryAgain: false };
  }
  if (!isWriter(view)) return { reason: "You may read this document, not change it.", canTryAgain: false };
  if (view.lockAtPage?.isHeld === false) return { reason: refused(view.lockAtPage.reason), canTryAgain: false };
  if (document.lockRefusal !== undefined) return { reason: refused(document.lockRefusal), canTryAgain: true };
  return view.viewOnly ? { reason: "Opened for viewing.", canTryAgain: false } : null;
}

function refused(reason: string): string {
  return `Read-only: ${reason === "" ? "The host gave no lock." : reason}`;
}
