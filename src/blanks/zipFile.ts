import { strToU8, zipSync } from "fflate";

/** A zip file of some small text files, in their order; the same bytes each time. */
export function zipFile(files: readonly (readonly [name: string, text: string])[]): Buffer {
  const parts = Object.fromEntries(files.map(([name, text]) => [name, strToU8(text)]));
  return Buffer.from(zipSync(parts, { mtime: new Date(2026, 0, 1) }));
}
