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
    testFiles: "test/**/*.browser.test.ts",
  },
  "redis-server": {
    names: ["redis-server"],
    debianPackage: "redis-server",
    testFiles: "test/**/*.redis.test.ts",
  },
} as const satisfies Record<string, Program>;

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

/**
 * Installs what is missing where that can be done (Debian or Ubuntu, as root).
 * @returns the test files that can't run here; under CI there may be none
 */
export function prepareMachine(): string[] {
  const missing = () => Object.entries(programs).filter(([name]) => find(name as keyof typeof programs) === undefined);
  const wanted = missing();
  if (wanted.length > 0 && process.getuid?.() === 0 && spawnSync("apt-get", ["--version"]).status === 0) {
    const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    const packages = wanted.map(([, { debianPackage }]) => debianPackage);
    process.stdout.write(`Installing for the tests: ${packages.join(", ")}\n`);
    for (const step of [["update"], ["install", "-y", "--no-install-recommends", ...packages]]) {
      spawnSync("apt-get", ["-qq", ...step], { env: environment, stdio: ["ignore", "ignore", "inherit"] });
    }
  }
  const still = missing();
  for (const [, { debianPackage, testFiles }] of still) {
    process.stdout.write(`SKIPPED: ${testFiles} need ${debianPackage}; install it and run again.\n`);
  }
  if (still.length > 0 && process.env["CI"] === "true") throw new Error("Under CI nothing may be skipped.");
  return still.map(([, { testFiles }]) => testFiles);
}
