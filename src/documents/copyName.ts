import { joinName, splitName } from "../model/fileName.ts";

/**
 * Name of the copy that keeps work which can't go into the document itself:
 * `Report (conflict, NAME, 2026-11-21 08.15).docx`, UTC.
 * @param attempt counts up while the name is taken
 */
export function conflictCopyName(fileName: string, personName: string, atMs: number, attempt: number): string {
  const { stem, extension } = splitName(fileName);
  const plain = personName
    .toWellFormed()
    .replace(/[\\/:*?"<>|\p{Cc}]/gu, " ")
    .trim();
  const who = [...plain].slice(0, 40).join("").trim() || "unknown";
  const when = new Date(atMs).toISOString().slice(0, 16).replace("T", " ").replace(":", ".");
  const more = attempt === 0 ? "" : ` ${attempt + 1}`;
  return joinName(stem, ` (conflict, ${who}, ${when})${more}${extension}`);
}
