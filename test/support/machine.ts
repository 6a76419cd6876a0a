import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** A program that some tests need and npm does not bring. */
interface Program {
  readonly names: readonly string[];
  readonly debianPackage: string;
  /** What of the suite needs it, as the test files are named. */
  readonly testFiles: string;
}

const programs = {
  chromium: {
    names: ["chromium", "chromium-browser", "google-chrome"],
    debianPackage: "chromium",
    testFiles: "test/**/*.browser.{test,long.test}.ts",
  },
  "redis-server": {
    names: ["redis-server"],
    debianPackage: "redis-server",
    testFiles: "test/**/*.redis.{test,long.test}.ts",
  },
  nginx: {
    names: ["nginx"],
    debianPackage: "nginx-light",
    testFiles: "test/**/*.nginx.{test,long.test}.ts",
  },
} as const satisfies Record<string, Program>;

const mountingTests = "test/**/*.root.long.test.ts";

/** @returns the program's path, undefined when the machine has none */
export function find(program: keyof typeof programs): string | undefined {
  for (const name of programs[program].names) {
    for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // Not in this folder.
      }
    }
  }
  return undefined;
}

/** @returns the programs that are not on this machine */
export function missingPrograms(): Program[] {
  return Object.entries(programs)
    .filter(([name]) => find(name as keyof typeof programs) === undefined)
    .map(([, program]) => program);
}

/**
 * Says which tests can't run on this machine; changes nothing on it.
 * @returns their files
 * @throws Error under CI, where none may be left out
 */
export function testsThatCannotRun(tier: "everyday" | "long"): string[] {
  const leftOut = missingPrograms().map(({ testFiles, debianPackage }) => ({ testFiles, need: debianPackage }));
  if (tier === "long" && !canMount()) leftOut.push({ testFiles: mountingTests, need: "the right to mount a disk" });
  for (const { testFiles, need } of leftOut) process.stdout.write(`SKIPPED: ${testFiles} need ${need}.\n`);
  if (leftOut.length > 0 && process.env["CI"] === "true") throw new Error("Under CI nothing may be skipped.");
  return leftOut.map(({ testFiles }) => testFiles);
}

/** What mounting needs is also needed for a mount namespace of its own, which leaves no trace. */
function canMount(): boolean {
  return spawnSync("unshare", ["--mount", "true"]).status === 0;
}
