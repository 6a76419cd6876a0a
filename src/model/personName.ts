/** In characters as people count them, more or less: code points. */
export const longestName = 64;
/** Longer than the longest name with everything that is removed from it, and short enough to be fast. */
const looksAt = 1_024;

/**
 * A person's name as a visitor types it or a portal sends it, made fit for display and for file names.
 * @returns undefined when nothing is left of it
 */
export function cleanName(text: unknown): string | undefined {
  if (typeof text !== "string") return undefined;
  // Without control characters and those that turn the text around them. Names and emoji need joiners.
  const shown = text
    .slice(0, looksAt)
    .toWellFormed()
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\u061C\u200B\u200E\u200F\u202A-\u202E\u2060-\u2064\u2066-\u2069\uFEFF]/gu, " ");
  const whole = shown.replace(/\s+/g, " ").trim();
  // A joiner left at the end would attach itself to the text that follows.
  const name = [...whole]
    .slice(0, longestName)
    .join("")
    .replace(/[\s\u200C\u200D]+$/u, "");
  return isVisible(name) ? name : undefined;
}

/** A name of only joiners, fillers and blank patterns is not a name. */
function isVisible(name: string): boolean {
  return /[^\s\p{Default_Ignorable_Code_Point}\u2800]/u.test(name);
}
