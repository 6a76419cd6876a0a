import type { SaveAnswer } from "./hostAnswers.ts";
import type { SaveResult } from "./messages.ts";

export const readOnlyResult: SaveResult = { success: false, result: "Save failed", errorMsg: "read-only" };

/** What the asking page, and by Action_Save_Resp its host, is told of a save. */
export function saveResult(answer: SaveAnswer): SaveResult {
  switch (answer.kind) {
    case "stored":
      return { success: true, result: "", errorMsg: "" };
    case "conflict":
      return { success: false, result: "Conflict", errorMsg: answer.errorMsg };
    case "expired":
      return { success: false, result: "Invalid or expired access token", errorMsg: answer.errorMsg };
    case "diskFull":
      return { success: false, result: "Disk full", errorMsg: answer.errorMsg };
    case "failed":
      return { success: false, result: "Save failed", errorMsg: answer.errorMsg };
  }
}

/** The problem as the status line names it. */
export function problemText(answer: Exclude<SaveAnswer, { kind: "stored" }>): string {
  if (answer.kind === "conflict") return "the document was changed in storage";
  if (answer.kind === "diskFull") return "the document is too large or the disk is full";
  // Some hosts answer with a whole page; the status line has room for a sentence.
  return answer.errorMsg.slice(0, 160);
}

/** What an editor says that passes over the host's answer. */
export const swallowedResult: SaveResult = { success: true, result: "", errorMsg: "" };
