// What a file may be called. Runs in the browser too, so that a person hears it before the drive is asked.

/** Why a file can't have a name. The page around the editor has a sentence for each. */
export type NameFault =
  | "empty"
  | "relativePath"
  | "forbiddenCharacter"
  | "controlCharacter"
  | "incompleteCharacter"
  | "spaceAtStart"
  | "dotOrSpaceAtEnd"
  | "reserved"
  | "tooLong";

interface NameRule {
  readonly fault: NameFault;
  /** The same in words. They go back to the editor in a header, so they are ASCII. */
  readonly reason: string;
  readonly found: (name: string) => boolean;
}

/**
 * Bytes of UTF-8, not characters. Cloudreve takes names of 255, but its local storage puts an id and a random word
 * before the name on disk. If that grows beyond 255, the rename succeeds but every later save fails (50004).
 */
export const nameLimitBytes = 230;

/** What makes a name unsafe; the first match is reported. Some rules are Cloudreve's, some are those of Windows. */
const rules: readonly NameRule[] = [
  { fault: "empty", reason: "the name is empty", found: (name) => name.trim() === "" },
  { fault: "relativePath", reason: "the name is a relative path", found: (name) => name === "." || name === ".." },
  {
    fault: "forbiddenCharacter",
    reason: 'the name contains one of \\ / : * ? " < > |',
    found: (name) => /[\\/:*?"<>|]/.test(name),
  },
  {
    fault: "controlCharacter",
    reason: "the name contains a control character",
    found: (name) => /\p{Cc}/u.test(name),
  },
  {
    fault: "incompleteCharacter",
    reason: "the name contains an incomplete character",
    found: (name) => !name.isWellFormed(),
  },
  { fault: "spaceAtStart", reason: "the name starts with a space", found: (name) => /^\s/u.test(name) },
  { fault: "dotOrSpaceAtEnd", reason: "the name ends with a dot or a space", found: (name) => /[.\s]$/u.test(name) },
  {
    fault: "reserved",
    reason: "the name is reserved by Windows",
    found: (name) => /^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])\s*(\.|$)/i.test(name),
  },
  {
    fault: "tooLong",
    reason: `the name is longer than ${nameLimitBytes} bytes`,
    found: (name) => sizeBytesOf(name) > nameLimitBytes,
  },
];

/** @returns the first rule that a name breaks, extension included; undefined when a file can have it */
export function brokenRule(name: string): NameRule | undefined {
  return rules.find(({ found }) => found(name));
}

/** Longer text after the last dot is not an extension. */
const longestExtensionBytes = 32;

/** `Report.final.docx` → stem `Report.final`, extension `.docx`; a leading dot begins no extension. */
export function splitName(name: string): { readonly stem: string; readonly extension: string } {
  const dot = name.lastIndexOf(".");
  const hasExtension = dot > 0 && sizeBytesOf(name.slice(dot)) <= longestExtensionBytes;
  return hasExtension ? { stem: name.slice(0, dot), extension: name.slice(dot) } : { stem: name, extension: "" };
}

const encoder = new TextEncoder();

function sizeBytesOf(text: string): number {
  return encoder.encode(text).length;
}
