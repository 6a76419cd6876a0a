// Names every failing test of Vitest's JSON reports, one report of each tier, and prints the closing line
// `N passed, N failed`. A run without a report has failed, and so has a file that could not be loaded.
import { existsSync, readFileSync } from "node:fs";

const namedAtMost = 30;
const firstLine = (text) => text?.split("\n", 1)[0] ?? "";

/** @returns one line for each failure of a report */
function failuresOf(report) {
  return report.testResults.flatMap(({ name, status, message, assertionResults }) => {
    const file = name.replace(`${process.cwd()}/`, "");
    const hasFailedTest = assertionResults.some((test) => test.status === "failed");
    // It can't be loaded, or what surrounds its tests fails, and leaves some of them out.
    const isFilesOwn = status === "failed" && (message !== "" || !hasFailedTest);
    const tests = assertionResults
      .filter((test) => test.status === "failed" || (test.status !== "passed" && !isFilesOwn))
      .map((test) => `${file} > ${test.fullName}: ${firstLine(test.failureMessages[0]) || test.status}`);
    return isFilesOwn ? [`${file}: ${firstLine(message) || "failed outside its tests"}`, ...tests] : tests;
  });
}

let passed = 0;
const failures = process.argv.slice(2).flatMap((path) => {
  if (!existsSync(path)) return [`${path} is missing: that run has not come to its end`];
  const report = JSON.parse(readFileSync(path, "utf8"));
  passed += report.numPassedTests;
  const found = failuresOf(report);
  const isBroken = !report.success || report.numPassedTests === 0;
  return found.length === 0 && isBroken ? [`${path}: the run has failed outside its tests`] : found;
});
for (const line of failures.slice(0, namedAtMost)) process.stdout.write(`FAILED ${line}\n`);
if (failures.length > namedAtMost) process.stdout.write(`and ${failures.length - namedAtMost} more\n`);
process.stdout.write(`${passed} passed, ${failures.length} failed\n`);
process.exitCode = failures.length > 0 || passed === 0 ? 1 : 0;
