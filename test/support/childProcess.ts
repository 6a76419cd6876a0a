import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";

/** A command of the project as its own process, with all it prints. */
export interface RunningCommand {
  readonly output: () => string;
  /** @returns once the text has been printed @throws Error with the output when the process ends first, or after 30 s */
  printed(text: string): Promise<void>;
  /** Memory of the process that lies in RAM. */
  residentBytes(): number;
  signal(signal: "SIGUSR2"): void;
  /** Ends it and waits until it is gone. */
  end(signal: "SIGKILL" | "SIGTERM"): Promise<number | null>;
  /** @returns the exit code once it has ended by itself */
  ended(): Promise<number | null>;
}

const deadlineMs = 30_000;

/** Starts `node --import tsx FILE` with exactly these variables, plus what Node itself needs. */
export function run(file: string, environment: Readonly<Record<string, string>>, cwd = process.cwd()): RunningCommand {
  // As `npm start` does: a small young generation frees the buffers of passing files soon.
  return runNode(["--max-semi-space-size=4", "--import", "tsx", file], environment, cwd);
}

/** Starts Node with these parameters, and with exactly these variables, plus what it needs itself. */
export function runNode(
  parameters: readonly string[],
  environment: Readonly<Record<string, string>>,
  cwd = process.cwd(),
): RunningCommand {
  const child: ChildProcess = spawn(process.execPath, parameters, {
    cwd,
    env: { PATH: process.env["PATH"] ?? "", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const watchers = new Set<() => void>();
  const heard = (chunk: Buffer): void => {
    output += chunk.toString("utf8");
    for (const watch of watchers) watch();
  };
  child.stdout?.on("data", heard);
  child.stderr?.on("data", heard);
  const exit = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  return {
    output: () => output,
    printed: (text) =>
      new Promise((resolve, reject) => {
        const settle = (finish: () => void): void => {
          clearTimeout(timer);
          watchers.delete(watch);
          finish();
        };
        const watch = (): void => {
          if (output.includes(text)) settle(resolve);
        };
        const fail = (why: string): void => settle(() => reject(new Error(`${why}; it printed:\n${output}`)));
        const timer = setTimeout(() => fail(`"${text}" was not printed in ${deadlineMs} ms`), deadlineMs);
        void exit.then((code) => fail(`the process ended with ${code}`));
        watchers.add(watch);
        watch();
      }),
    residentBytes: () => residentBytes(child.pid ?? 0),
    signal: (signal) => void child.kill(signal),
    end: async (signal) => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      return exit;
    },
    ended: () => exit,
  };
}

/** @throws Error when there is no such process */
function residentBytes(pid: number): number {
  const kibibytes = existsSync("/proc/self/status")
    ? /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]
    : spawnSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "utf8" }).stdout.trim();
  if (!kibibytes) throw new Error(`the memory of process ${pid} can't be read`);
  return Number(kibibytes) * 1024;
}

/** Ports that were free a moment ago, for processes that must be told theirs. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      const server = createServer();
      return new Promise<typeof server>((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
