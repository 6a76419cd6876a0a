import { existsSync } from "node:fs";
import { ConfigError, readConfig } from "./config.ts";
import { fullExamination } from "./doctor/doctorRuns.ts";
import type { Finding } from "./doctor/finding.ts";
import { jsonReport, textReport } from "./doctor/report.ts";
import { misspeltSettings, wrongSettings } from "./doctor/settings.ts";

/** Checks every connection the bridge needs, with the bridge's own settings. */
async function main(): Promise<void> {
  if (existsSync(".env")) process.loadEnvFile(".env");
  const findings = await found();
  const report = process.argv.includes("--json") ? jsonReport(findings) : textReport(findings);
  const hasFailed = findings.some(({ outcome }) => outcome === "failed");
  // Connections still waiting for an answer don't matter.
  process.stdout.write(report, () => process.exit(hasFailed ? 1 : 0));
}

async function found(): Promise<Finding[]> {
  const names = Object.keys(process.env);
  try {
    return await fullExamination(readConfig(process.env), names);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return [...misspeltSettings(names), ...wrongSettings(error.sentences)];
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`The doctor failed: ${error instanceof Error ? error.message : "unknown reason"}\n`);
  process.exit(1);
});
