import { randomInt } from "node:crypto";
import { brokenRule, nameLimitBytes, splitName } from "./nameRules.ts";

/** Why a file can't have this name. The reason goes back to the editor in a header, so it is ASCII. */
export type NameVerdict = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** May the bridge give a file this name, extension included? */
export function checkName(name: string): NameVerdict {
  const rule = brokenRule(name);
  return rule === undefined ? { ok: true } : { ok: false, reason: rule.reason };
}

/** Joins stem and tail within the limit: cuts the stem between characters and keeps the tail whole. */
export function joinName(stem: string, tail: string): string {
  const end = cutBetweenCharacters(tail, nameLimitBytes);
  const cut = cutBetweenCharacters(stem, nameLimitBytes - Buffer.byteLength(end));
  return end === "" ? withoutDotsBehind(cut) : cut + end;
}

/**
 * The safest name close to the one an editor suggests: PutRelativeFile in suggested mode never fails because of a name.
 * @param attempt 0 = as it is, then ` (2)`, ` (3)` … while the name is taken; never the same name twice
 */
export function nearestName(suggested: string, attempt: number): string {
  // Cleaned before it is split, so that what follows the last dot is a real extension.
  const cleaned = withoutUnsafe(suggested);
  const { stem, extension } = splitName(cleaned === "" ? "Document" : cleaned);
  return numbered(stem, extension, attempt);
}

/**
 * The safest name close to the wanted one; the extension stays.
 * @param attempt as for `nearestName`
 * @returns undefined when nothing is left of the stem
 */
export function nearestRename(stem: string, extension: string, attempt: number): string | undefined {
  const cleaned = withoutUnsafe(stem);
  return cleaned === "" ? undefined : numbered(cleaned, extension, attempt);
}

/** The extension without its dot, in lower case; undefined when there is none. */
export function fileType(name: string): string | undefined {
  return splitName(name).extension.slice(1).toLowerCase() || undefined;
}

function withoutUnsafe(text: string): string {
  return withoutDotsBehind(
    middleCut(text)
      .toWellFormed()
      .replace(/[\\/:*?"<>|\p{Cc}]/gu, "_")
      .trimStart(),
  );
}

function numbered(stem: string, extension: string, attempt: number): string {
  const plain = safeName(stem, extension);
  if (attempt === 0) return plain;
  const counted = safeName(stem, ` (${attempt + 1})${extension}`);
  // A long stem may be cut right after its own number.
  return counted === plain ? safeName(stem, ` (${attempt + 1})_${extension}`) : counted;
}

/** Names that are far too long are shortened first, keeping the beginning and the extension. */
function middleCut(name: string): string {
  const { head, tail } = { head: 1_000, tail: 100 };
  return name.length <= head + tail ? name : name.slice(0, head) + name.slice(-tail);
}

/** Works from the end: a regular expression would start over at each of ten thousand spaces. */
function withoutDotsBehind(name: string): string {
  let end = name.length;
  while (end > 0 && /[\s.]/u.test(name.charAt(end - 1))) end--;
  // Dots and blanks at the end go before the name is split: what follows the last dot must be the extension.
  return name.slice(0, end);
}

function safeName(stem: string, tail: string): string {
  const name = joinName(stem, tail);
  return checkName(name).ok ? name : joinName(`_${stem}`, tail);
}

function cutBetweenCharacters(text: string, roomBytes: number): string {
  let cut = "";
  let sizeBytes = 0;
  for (const character of text) {
    sizeBytes += Buffer.byteLength(character);
    if (sizeBytes > roomBytes) break;
    cut += character;
  }
  return cut;
}

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

/** After this many taken names the number is random: no one waits while a thousand are tried. */
const attempts = { counted: 30, most: 50, withinMs: 10_000 };

/**
 * Does the work under the first name that is free.
 * @param nameAt the wanted name at 0, behind it others near it, never one twice
 * @returns undefined when all that were tried are taken
 */
export async function underFreeName<Result>(
  nameAt: (attempt: number) => string,
  work: (name: string) => Promise<Result>,
  isTaken: (error: unknown) => boolean,
): Promise<Result | undefined> {
  const startedAtMs = performance.now();
  for (let attempt = 0; attempt < attempts.most; attempt++) {
    if (performance.now() - startedAtMs > attempts.withinMs) return undefined;
    try {
      return await work(nameAt(attempt < attempts.counted ? attempt : randomInt(attempts.counted, 1_000_000)));
    } catch (error) {
      if (!isTaken(error)) throw error;
    }
  }
  return undefined;
}
