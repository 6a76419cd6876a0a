import { type EditorView, isWriter, mayType } from "./editorView.ts";
import type { ReadOnlyNotice } from "./messages.ts";

const onlyComments = "You may comment on this document, not change it.";

/** Whether this person may comment, typing aside. */
export function mayComment(view: EditorView, document: Parameters<typeof readOnlyNotice>[1]): boolean {
  return isWriter(view) && (readOnlyNotice(view, document)?.reason ?? onlyComments) === onlyComments;
}

/** @returns why this person can't type, null when they can */
export function readOnlyNotice(
  view: EditorView,
  document: { problem: string | undefined; lockRefusal: string | undefined },
): ReadOnlyNotice | null {
  if (document.problem !== undefined) return { reason: document.problem, canTryAgain: false };
  if (!isWriter(view)) return { reason: "You may read this document, not change it.", canTryAgain: false };
  if (view.lockAtPage?.isHeld === false) return { reason: refused(view.lockAtPage.reason), canTryAgain: false };
  if (document.lockRefusal !== undefined) return { reason: refused(document.lockRefusal), canTryAgain: true };
  if (view.viewOnly) return { reason: "Opened for viewing.", canTryAgain: false };
  return mayType(view) ? null : { reason: onlyComments, canTryAgain: false };
}

function refused(reason: string): string {
  return `Read-only: ${reason === "" ? "The host gave no lock." : reason}`;
}
