import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";

/** A process of the measurement, with what it has cost so far. */
export interface Program {
  readonly pid: number;
  /** What it printed when it was ready: the part that `ready` took in brackets. */
  readonly said: string;
  /** User and system time of all its threads. The kernel counts it in steps of 10 ms. */
  cpuMs(): number;
  /** Memory that lies in RAM. */
  residentBytes(): number;
  /** Sends a question and waits for the answer. */
  ask<Answer>(question: unknown): Promise<Answer>;
  /** SIGTERM, and waits until it is gone. */
  end(): Promise<void>;
}

interface StartOptions {
  readonly args?: readonly string[];
  readonly nodeFlags?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly ready: RegExp;
}

/** What still runs when the measurement is broken off. */
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill();
});

const startWithinMs = 30_000;
const ticksPerSecond = 100;
const keptOutput = 4_000;

/** Starts `node FILE`, a source through tsx. @throws Error with what it printed when it is not ready in time */
export async function start(file: string, options: StartOptions): Promise<Program> {
  const flags = [...(options.nodeFlags ?? []), ...(file.endsWith(".ts") ? ["--import", "tsx"] : [])];
  const child = spawn(process.execPath, [...flags, file, ...(options.args ?? [])], {
    cwd: options.cwd ?? process.cwd(),
    env: { PATH: process.env["PATH"] ?? "", ...options.environment },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  running.add(child);
  child.once("exit", () => running.delete(child));
  const said = await readiness(child, file, options.ready);
  const pid = child.pid ?? 0;
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  return {
    pid,
    said,
    cpuMs: () => cpuMs(pid),
    residentBytes: () => residentBytes(pid),
    ask: <Answer>(question: unknown) =>
      new Promise<Answer>((resolve, reject) => {
        const fail = () => reject(new Error(`${file} ended before it answered`));
        child.once("exit", fail);
        child.once("message", (answer) => {
          child.off("exit", fail);
          resolve(answer as Answer);
        });
        child.send(question as object);
      }),
    end: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
      await gone;
    },
  };
}

function readiness(child: ChildProcess, file: string, ready: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = "";
    let isReady = false;
    const timer = setTimeout(() => fail("was not ready in time"), startWithinMs);
    const fail = (why: string): void => {
      clearTimeout(timer);
      reject(new Error(`${file} ${why}; it printed:\n${output}`));
    };
    const heard = (chunk: Buffer): void => {
      // Its log is read all the same, as a pipe that is full would make it wait.
      if (isReady) return;
      output = (output + chunk.toString("utf8")).slice(-keptOutput);
      const match = ready.exec(output);
      if (match === null) return;
      isReady = true;
      clearTimeout(timer);
      resolve(match[1] ?? "");
    };
    child.stdout?.on("data", heard);
    child.stderr?.on("data", heard);
    child.once("exit", (code) => fail(`ended with ${code}`));
  });
}

/** @see man proc_pid_stat: fields 14 and 15, counted behind the name in brackets */
function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond;
}

function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024;
}
