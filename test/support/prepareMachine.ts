import { spawnSync } from "node:child_process";
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
    for (const step of [["update"], ["install", "-y", "--no-install-recommends", ...packages]]) {
      process.stdout.write(`Running for the tests: apt-get ${step.join(" ")}\n`);
      spawnSync("apt-get", ["-qq", ...step], { env: environment, stdio: ["ignore", "ignore", "inherit"] });
    }
    const still = missingPrograms().map(({ debianPackage }) => debianPackage);
    if (still.length > 0) process.stdout.write(`Could not be installed: ${still.join(", ")}.\n`);
  }
}
