/** Why a name can't be a file's; the reason goes back to the editor in a header, so it is ASCII. */
export type NameVerdict = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/**
 * Bytes of UTF-8, not characters. Cloudreve takes names of 255, but its local storage puts an id and a random word
 * before the name on its disk: what grows over 255 there can be renamed and never be saved again (50004).
 */
const limitBytes = 230;

/** What makes a name unsafe, in the order it is told. Some of it is Cloudreve's rule, some that of a colleague's Windows. */
const unsafe: readonly { readonly reason: string; readonly found: (name: string) => boolean }[] = [
  { reason: "the name is empty", found: (name) => name.trim() === "" },
  { reason: "the name is a relative path", found: (name) => name === "." || name === ".." },
  { reason: 'the name holds one of \\ / : * ? " < > |', found: (name) => /[\\/:*?"<>|]/.test(name) },
  { reason: "the name holds a control character", found: (name) => /\p{Cc}/u.test(name) },
  { reason: "the name holds half a character", found: (name) => !name.isWellFormed() },
  { reason: "the name begins with a blank", found: (name) => /^\s/u.test(name) },
  { reason: "the name ends in a dot or a blank", found: (name) => /[.\s]$/u.test(name) },
  {
    reason: "the name is reserved by Windows",
    found: (name) => /^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])\s*(\.|$)/i.test(name),
  },
  { reason: `the name is longer than ${limitBytes} bytes`, found: (name) => Buffer.byteLength(name) > limitBytes },
];

/** May the bridge give a file this name, extension included? */
export function checkName(name: string): NameVerdict {
  const rule = unsafe.find(({ found }) => found(name));
  return rule === undefined ? { ok: true } : { ok: false, reason: rule.reason };
}

/** Behind the dot of a long sentence stands no extension. */
const longestExtensionBytes = 32;

/** `Report.final.docx` → stem `Report.final`, extension `.docx`; a leading dot begins no extension. */
export function splitName(name: string): { readonly stem: string; readonly extension: string } {
  const dot = name.lastIndexOf(".");
  const hasExtension = dot > 0 && Buffer.byteLength(name.slice(dot)) <= longestExtensionBytes;
  return hasExtension ? { stem: name.slice(0, dot), extension: name.slice(dot) } : { stem: name, extension: "" };
}

/** Puts a name together within the limit, cutting the stem between characters and leaving the tail whole. */
export function joinName(stem: string, tail: string): string {
  const end = cutBetweenCharacters(tail, limitBytes);
  const cut = cutBetweenCharacters(stem, limitBytes - Buffer.byteLength(end));
  return end === "" ? withoutDotsBehind(cut) : cut + end;
}

/**
 * The safest name near the one an editor suggests: PutRelativeFile in suggested mode never fails for a name.
 * @param attempt 0 = as it is, then ` (2)`, ` (3)` … while the name is taken; never the same name twice
 */
export function nearestName(suggested: string, attempt: number): string {
  // Before the extension is looked for: what stands behind the last dot must be one.
  const cleaned = withoutUnsafe(suggested);
  const { stem, extension } = splitName(cleaned === "" ? "Document" : cleaned);
  return numbered(stem, extension, attempt);
}

/**
 * The safest name near the one a file shall have, whose extension stays.
 * @param attempt as of `nearestName`
 * @returns undefined when nothing is left of the stem
 */
export function nearestRename(stem: string, extension: string, attempt: number): string | undefined {
  const cleaned = withoutUnsafe(stem);
  return cleaned === "" ? undefined : numbered(cleaned, extension, attempt);
}

/** What stands behind the last dot, in lower case; undefined when the name has no extension. */
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
  // A long stem may be cut right behind a number of its own.
  return counted === plain ? safeName(stem, ` (${attempt + 1})_${extension}`) : counted;
}

/** What is far too long anyway is not looked at as a whole: its beginning is kept, and its extension. */
function middleCut(name: string): string {
  const { head, tail } = { head: 1_000, tail: 100 };
  return name.length <= head + tail ? name : name.slice(0, head) + name.slice(-tail);
}

/** Looked at from the end: a pattern would begin anew at each of ten thousand blanks. */
function withoutDotsBehind(name: string): string {
  let end = name.length;
  while (end > 0 && /[\s.]/u.test(name.charAt(end - 1))) end--;
  // Before the extension is looked for: what stands behind the last dot must be one.
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
