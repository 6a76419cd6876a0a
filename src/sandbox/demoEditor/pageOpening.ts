import { randomBytes } from "node:crypto";
import { type EditorView, isWriter } from "./editorView.ts";
import type { Guise } from "./guises.ts";
import type { StoredFile } from "./storedFile.ts";
import type { Caller } from "./wopiClient.ts";

/** @returns the lock id that an opening of this document uses */
export function lockIdOf(guise: Guise, caller: Caller): string {
  if (guise.lockIds === "ofTheFile") return fileIdOf(caller);
  return `${guise.spelling.toLowerCase()}-lock${randomBytes(4).toString("hex")}`;
}

/**
 * As an ONLYOFFICE server does when a host page posts its form: CheckFileInfo, and LOCK to edit. A page that never
 * connects leaves that lock. Editors share a document by file id alone, whatever Version a newcomer is told; viewers have
 * keys by the file's time.
 */
export async function askHostAtPage(file: StoredFile, view: EditorView): Promise<void> {
  const answer = await file.checkFileInfo(view);
  if ("problem" in answer) {
    view.problem = answer.problem;
    return;
  }
  const { info } = answer;
  view.info = info;
  delete view.problem;
  delete view.lockAtPage;
  view.keptKey = `${fileIdOf(view)}.${info.version}`;
  if (!view.viewOnly && isWriter(view) && info.supportsLocks) {
    const refusal = await file.lock(view);
    view.lockAtPage = refusal === undefined ? { isHeld: true } : { isHeld: false, reason: refusal };
  }
  const edits = isWriter(view) && !view.viewOnly && view.lockAtPage?.isHeld !== false;
  view.documentKey = edits ? fileIdOf(view) : `${fileIdOf(view)}.view.${info.lastModifiedTime}`;
}

/** The last part of a WOPISrc's path. */
function fileIdOf({ wopiSrc }: Caller): string {
  return new URL(wopiSrc).pathname.split("/").at(-1) ?? "";
}
