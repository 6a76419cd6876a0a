import { defineConfig } from "vitest/config";
import { testsThatCannotRun } from "./test/support/machine.ts";

// Read once in each process of the run: the first one draws.
const seed = process.env["RANDOM_SEED"] ?? String(Date.now() % 1_000_000_000);
process.stdout.write(`Random runs from seed ${seed}; RANDOM_SEED=${seed} npm run test:long repeats them.\n`);

/**
 * `npm run test:long`: what takes long (kills, interleavings, rolling restarts, large saves, Redis, compose, all pages in a
 * browser, a small disk), and the files with random runs once more, with ten times as many.
 */
export default defineConfig({
  test: {
    include: ["test/**/*.{long,random}.test.ts"],
    exclude: ["test/real/**", ...testsThatCannotRun("long")],
    env: { TEST_TIER: "long", RANDOM_SEED: seed },
    testTimeout: 240_000,
    hookTimeout: 60_000,
  },
});
