import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { ConfigError, readConfig } from "./config.ts";
import { failureOf } from "./model/failure.ts";
import { withSettings } from "./setup/envFile.ts";
import { setUp } from "./setup/setUp.ts";
import { SetupEnded } from "./setup/signIn.ts";
import { processTerminal } from "./setup/terminal.ts";

const usage = `Sets up Cloudreve's dashboard for the bridge: OAuth application, editor, file apps. Asks before each change.
  --yes         answers every question with yes
  --new-secret  gives the OAuth application a new secret, if the old one is lost
`;
const envFile = ".env";

/** @returns the exit code: 1 when something is left to do by hand, or setup could not go on */
async function main(parameters: readonly string[]): Promise<number> {
  if (parameters.some((one) => !["--yes", "--new-secret"].includes(one))) {
    process.stdout.write(usage);
    return parameters.includes("--help") ? 0 : 1;
  }
  const hasEnvFile = existsSync(envFile);
  if (hasEnvFile) process.loadEnvFile(envFile);
  const config = readConfig(process.env);
  const terminal = processTerminal();
  try {
    const outcome = await setUp(config, terminal, {
      yes: parameters.includes("--yes"),
      newSecret: parameters.includes("--new-secret"),
      writeSettings: hasEnvFile
        ? async (settings) => writeFile(envFile, withSettings(await readFile(envFile, "utf8"), settings))
        : undefined,
    });
    return outcome === "done" ? 0 : 1;
  } finally {
    terminal.close();
  }
}

/** Never a whole error: errors of libraries contain what was sent. */
function sentenceOf(error: unknown): string {
  if (error instanceof ConfigError) return `${error.message}\nThe doctor tells what to change.`;
  if (error instanceof SetupEnded) return error.message;
  if (failureOf(error, "driveUnreachable") !== undefined) return "Cloudreve has stopped answering. Run setup again.";
  return `Setup failed: ${error instanceof Error ? error.message : "unknown reason"}`;
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => process.stderr.write(`${sentenceOf(error)}\n`, () => process.exit(1)),
);
