import { existsSync } from "node:fs";
import { pino } from "pino";
import { openBridge } from "./bridge.ts";
import { ConfigError, printableConfig, readConfig } from "./config.ts";
import { sharesDisk } from "./doctor/spoolChecks.ts";

/** Starts the bridge from the environment and stops it cleanly on SIGTERM. */
async function main(): Promise<void> {
  if (existsSync(".env")) process.loadEnvFile(".env");
  const config = readConfig(process.env);
  const logger = pino({ level: config.LOG_LEVEL, timestamp: pino.stdTimeFunctions.isoTime });
  const bridge = await openBridge(config, { logger });
  const port = await bridge.listen();
  logger.info(
    { settings: printableConfig(config), port },
    `listening on ${config.HOST}:${port} as ${config.BRIDGE_URL}`,
  );
  if (await sharesDisk(config)) {
    logger.info(
      "STORE_URL and SPOOL_DIR are on the same disk: when it fills up, saves are refused before the store fails",
    );
  }
  // Further signals are ignored: npm passes Ctrl-C on to a process that already got it, and container runtimes repeat
  // theirs. Stopping takes half a minute at most, and a kill at any time loses nothing.
  let stopping = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      logger.info({ signal }, "stopping: saves in progress finish, locks stay");
      bridge.close().then(
        () => {
          logger.info("stopped");
          process.exit(0);
        },
        (error: unknown) => {
          logger.error({ reason: error instanceof Error ? error.message : "unknown reason" }, "did not stop cleanly");
          process.exit(1);
        },
      );
    });
  }
}

main().catch((error: unknown) => {
  const sentences =
    error instanceof ConfigError ? error.sentences : [error instanceof Error ? error.message : String(error)];
  process.stderr.write(`The bridge can't start:\n${sentences.map((sentence) => `- ${sentence}\n`).join("")}`);
  process.exit(1);
});
