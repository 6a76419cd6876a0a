import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestBridge } from "./testBridge.ts";

/** One version of a file, as the fake drive keeps it on its disk. */
export interface StoredVersion {
  /** Grows with each version that is stored, over all files. */
  readonly number: number;
  /** Name of the file when this version was stored; what a file system does not like is an underscore. */
  readonly name: string;
  readonly text: string;
}

/** Everything a document has been, and what lies beside it. */
export interface DocumentVersions {
  /** Oldest first; the last one is the document now. */
  readonly versions: readonly string[];
  /** Contents of the conflict copies. */
  readonly copies: readonly string[];
}

/**
 * Reads all versions of alice's files, past the drive's API and whatever the bridge has done.
 * @param names begins of the names that are wanted; all when left out
 */
export async function storedVersions({ dir }: Pick<TestBridge, "dir">, begin = ""): Promise<StoredVersion[]> {
  const folder = join(dir, "drive", "files", "alice@example.com");
  const blobs = (await readdir(folder)).filter((blob) => blob.slice(blob.indexOf("_") + 1).startsWith(begin));
  const versions = await Promise.all(
    blobs.map(async (blob) => ({
      number: Number(blob.slice(0, blob.indexOf("_"))),
      name: blob.slice(blob.indexOf("_") + 1),
      text: await readFile(join(folder, blob), "utf8"),
    })),
  );
  return versions.sort((a, b) => a.number - b.number);
}

/** @param stem of the document's name, which no other document's begins with */
export function versionsOf(stored: readonly StoredVersion[], stem: string): DocumentVersions {
  return {
    versions: stored.filter(({ name }) => name === `${stem}.docx`).map(({ text }) => text),
    copies: stored.filter(({ name }) => name.startsWith(`${stem} _conflict`)).map(({ text }) => text),
  };
}
