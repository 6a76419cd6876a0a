/**
 * SQLite returns a text only up to its first NUL, so no store accepts one; JSON writes it as an escape.
 * @throws Error when one of the texts contains a NUL
 */
export function requireNoNul(...texts: readonly (string | undefined)[]): void {
  if (texts.some((text) => text?.includes("\0"))) throw new Error("a store keeps no text with a NUL");
}
