import { plainLine } from "./plainLine.ts";

/** In characters as people count them, more or less: code points. */
export const longestName = 64;
/**
 * A person's name as a visitor types it or a portal sends it, made fit for display and for file names.
 * @returns undefined when nothing is left of it
 */
export function cleanName(text: unknown): string | undefined {
  if (typeof text !== "string") return undefined;
  const name = plainLine(text, longestName);
  return isVisible(name) ? name : undefined;
}

/** A name of only joiners, fillers and blank patterns is not a name. */
function isVisible(name: string): boolean {
  return /[^\s\p{Default_Ignorable_Code_Point}\u2800]/u.test(name);
}
