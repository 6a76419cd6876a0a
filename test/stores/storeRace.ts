import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";

/** Starts a process on a store that waits for a line before it does its job. */
export function started(place: string, job: string, name: string, times: number, nowMs = Date.now()) {
  const script = fileURLToPath(new URL("./storeProcess.ts", import.meta.url));
  const args = ["--import", "tsx", script, place, job, name, String(times), String(nowMs)];
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  if (child.stdout === null) throw new Error("a piped child has an output");
  return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
}

/** Runs a job in several processes that begin at the same moment. @returns the lines that each wrote */
export async function raced(place: string, job: string, names: readonly string[], times: number, nowMs = Date.now()) {
  const processes = names.map((name) => started(place, job, name, times, nowMs));
  const exits = processes.map(({ child }) => once(child, "exit"));
  for (const { lines } of processes) expect((await lines.next()).value).toBe("ready");
  for (const { child } of processes) child.stdin?.write("go\n");
  const said = await Promise.all(
    processes.map(async ({ lines }) => {
      const ofOne: string[] = [];
      for await (const line of lines) ofOne.push(line);
      return ofOne;
    }),
  );
  expect(await Promise.all(exits)).toEqual(names.map(() => [0, null]));
  return said;
}
