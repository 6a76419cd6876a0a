/** Longer than any text that is shown with everything that is removed from it, and short enough to be fast. */
const looksAt = 1_024;

/**
 * A text of somebody else on one line: without control characters, and without those that turn the text around them.
 * Names and emoji need joiners, so those stay.
 * @param longest in characters as people count them, more or less: code points
 */
export function plainLine(text: string, longest: number): string {
  const shown = text
    .slice(0, looksAt)
    .toWellFormed()
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\u061C\u200B\u200E\u200F\u202A-\u202E\u2060-\u2064\u2066-\u2069\uFEFF]/gu, " ");
  const whole = shown.replace(/\s+/g, " ").trim();
  // A joiner left at the end would attach itself to the text that follows.
  return [...whole]
    .slice(0, longest)
    .join("")
    .replace(/[\s\u200C\u200D]+$/u, "");
}
