import { spawnSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { missingPrograms } from "./machine.ts";

// `npm run prepare:tests`: installs the programs that some tests need, where it may (Debian or Ubuntu, as root).
const packages = missingPrograms().map(({ debianPackage }) => debianPackage);
if (packages.length > 0) {
  if (process.getuid?.() !== 0 || spawnSync("apt-get", ["--version"]).status !== 0) {
    process.stdout.write(
      `Missing for some tests: ${packages.join(", ")}. Only root on Debian or Ubuntu installs them.\n`,
    );
  } else {
    const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    // Debian asks it whether to start a service that was just installed; the tests start their own.
    const policy = "/usr/sbin/policy-rc.d";
    const isOurs = !existsSync(policy);
    if (isOurs) writeFileSync(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
    for (const step of [["update"], ["install", "-y", "--no-install-recommends", ...packages]]) {
      process.stdout.write(`Running for the tests: apt-get ${step.join(" ")}\n`);
      spawnSync("apt-get", ["-qq", ...step], { env: environment, stdio: ["ignore", "ignore", "inherit"] });
    }
    if (isOurs) rmSync(policy);
    const still = missingPrograms().map(({ debianPackage }) => debianPackage);
    if (still.length > 0) process.stdout.write(`Could not be installed: ${still.join(", ")}.\n`);
  }
}
