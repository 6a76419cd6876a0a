import { randomInt } from "node:crypto";

/** Behind so many taken names the number is drawn: nobody waits while a thousand are tried. */
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
