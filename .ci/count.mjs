// Prints the closing line `N passed, N failed` from Vitest's JSON report; a run without one has failed.
import { readFileSync } from "node:fs";

const report = JSON.parse(readFileSync(process.argv[2], "utf8"));
const passed = report.numPassedTests;
const failed = report.numFailedTests + report.numPendingTests + report.numTodoTests + report.numFailedTestSuites;
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
