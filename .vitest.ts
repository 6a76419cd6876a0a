import { defineConfig } from "vitest/config";
import { testsThatCannotRun } from "./test/support/machine.ts";

/**
 * `npm test`, the everyday tier: every test file whose name does not say `.long.`. The name says what else there is to know:
 * `.browser.` needs Chromium (here one journey: open, edit, save), `.redis.` a redis-server (here the store's contract),
 * `.random.` has random runs, here from one fixed seed: the long tier draws one, prints it, and runs ten times as many.
 */
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/real/**", "test/**/*.long.test.ts", ...testsThatCannotRun("everyday")],
    // One process per core; files share its loaded modules, which take longer to load than many a file to run.
    maxWorkers: 2,
    isolate: false,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
