import { openFakeCloudreve } from "../../src/sandbox/fakeCloudreve/fakeCloudreve.ts";
import { driveAccounts, driveViewers } from "./driveFacts.ts";

// The sandbox's drive in a process of its own.
const [dir = ""] = process.argv.slice(2);
const tebibyte = 1024 ** 4;
const fake = await openFakeCloudreve({
  dir,
  port: 0,
  accounts: driveAccounts.map((account) => ({ ...account, quotaBytes: tebibyte })),
  viewers: driveViewers,
  settings: { maxEditSizeBytes: 1024 ** 3, versionRetention: 1 },
});
process.stdout.write(`port ${fake.port}\n`);
process.once("SIGTERM", () => void fake.close().finally(() => process.exit(0)));
