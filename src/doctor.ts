import { existsSync } from "node:fs";
import { ConfigError, readConfig, secretsOf } from "./config.ts";
import { examine } from "./doctor/examine.ts";
import type { Finding } from "./doctor/finding.ts";
import { jsonReport, textReport, withoutSecrets } from "./doctor/report.ts";
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
  const misspelt = misspeltSettings(Object.keys(process.env));
  try {
    const config = readConfig(process.env);
    return [...misspelt, ...withoutSecrets(await examine(config), secretsOf(config))];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return [...misspelt, ...wrongSettings(error.sentences)];
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`The doctor failed: ${error instanceof Error ? error.message : "unknown reason"}\n`);
  process.exit(1);
});
