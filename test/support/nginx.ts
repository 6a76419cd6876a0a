import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "./childProcess.ts";
import { find } from "./machine.ts";
import { until } from "./until.ts";

/** An nginx of this test alone, with the configuration that the compose file starts. */
export interface Nginx {
  readonly url: string;
  /** All it has written down. */
  readonly output: () => string;
  close(): Promise<void>;
}

/** What stands on this machine for a name in compose's network. */
type Places = Readonly<Record<"bridge:8080" | "bridge2:8080" | "cloudreve:5212", string>>;

/** @param change of the text: what an operator would have got wrong */
export async function nginx(places: Places, change = (text: string): string => text): Promise<Nginx> {
  const program = find("nginx");
  if (program === undefined) throw new Error("there is no nginx on this machine");
  const dir = await mkdtemp(join(tmpdir(), "nginx-"));
  // Started by root, its workers are nobody's.
  await chmod(dir, 0o755);
  const [port = 0] = await freePorts(1);
  let text = readFileSync(new URL("../../nginx.conf", import.meta.url), "utf8");
  const put = (from: string, to: string): void => {
    if (!text.includes(from)) throw new Error(`nginx.conf has no ${from}`);
    text = text.replaceAll(from, to);
  };
  // An address needs no resolver, and the word came only with nginx 1.27.
  for (const [name, url] of Object.entries(places)) put(`server ${name} resolve`, `server ${new URL(url).host}`);
  put("listen 8080", `listen 127.0.0.1:${port}`);
  put("/tmp/", `${dir}/`);
  put("worker_processes auto", "worker_processes 1");
  const file = join(dir, "nginx.conf");
  await writeFile(file, change(text));
  let output = "";
  const child = spawn(program, ["-c", file, "-p", dir, "-g", "daemon off;"], { stdio: ["ignore", "pipe", "pipe"] });
  const heard = (chunk: Buffer): void => {
    output += chunk.toString("utf8");
  };
  child.stdout.on("data", heard);
  child.stderr.on("data", heard);
  const endNow = () => void child.kill("SIGTERM");
  // A test that breaks off must not leave it behind.
  process.once("exit", endNow);
  const url = `http://127.0.0.1:${port}`;
  await until("nginx answers", async () => {
    if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}: ${output}`);
    return fetch(url).then(
      () => true,
      () => false,
    );
  });
  return {
    url,
    output: () => output,
    close: async () => {
      process.off("exit", endNow);
      if (child.exitCode === null) {
        const exited = once(child, "exit");
        child.kill("SIGTERM");
        await exited;
      }
      await rm(dir, { recursive: true, force: true });
    },
  };
}
