// Starts what `npm run build` has left in dist, as `npm start` does, and asks it for what it serves.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const { scripts } = JSON.parse(readFileSync("package.json", "utf8"));
const folder = mkdtempSync(join(tmpdir(), "bridge-smoke-"));
const port = await new Promise((resolve) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});
const url = `http://127.0.0.1:${port}`;
const bridge = spawn(process.execPath, scripts.start.split(" ").slice(1), {
  env: {
    PORT: String(port),
    BRIDGE_URL: url,
    CLOUDREVE_URL: "http://127.0.0.1:9",
    SECRET: "0123456789abcdef0123456789abcdef",
    STORE_URL: `file:${join(folder, "bridge.db")}`,
    SPOOL_DIR: join(folder, "spool"),
    LOG_LEVEL: "error",
  },
  stdio: ["ignore", "inherit", "inherit"],
});
const ended = new Promise((resolve) => bridge.once("exit", resolve));
let failed = false;
for (const path of ["/healthz", "/signin", "/embed.js", "/embed.d.ts", "/openapi.json", "/assets/hostPage.js"]) {
  const status = await statusOf(url + path);
  process.stdout.write(`${status} ${path}\n`);
  failed ||= status !== 200;
}
bridge.kill("SIGTERM");
failed ||= (await ended) !== 0;
rmSync(folder, { recursive: true, force: true });
process.exitCode = failed ? 1 : 0;

/** Waits up to a minute for the first answer. */
async function statusOf(address) {
  for (const startedAt = Date.now(); Date.now() - startedAt < 60_000 && bridge.exitCode === null; ) {
    try {
      return (await fetch(address)).status;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  return "no answer";
}
