// Prints the closing line `N passed, N failed` over Vitest's JSON reports, one of each tier; a run without one has failed.
import { existsSync, readFileSync } from "node:fs";

let passed = 0;
let failed = 0;
for (const path of process.argv.slice(2)) {
  if (!existsSync(path)) {
    process.stdout.write(`${path} is missing: that run has not come to its end\n`);
    failed++;
    continue;
  }
  const report = JSON.parse(readFileSync(path, "utf8"));
  const failures = report.numFailedTests + report.numPendingTests + report.numTodoTests + report.numFailedTestSuites;
  passed += report.numPassedTests;
  failed += report.numPassedTests === 0 ? Math.max(failures, 1) : failures;
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
