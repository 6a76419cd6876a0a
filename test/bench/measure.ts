import { type Job, type JobResult, median, quantile, sum } from "./load.ts";
import { type Operation, operations, type Prepared } from "./operations.ts";
import type { Program } from "./programs.ts";
import type { Stage } from "./stage.ts";

export type Way = "ours" | "drive" | "pipe";
export const ways: readonly Way[] = ["ours", "drive", "pipe"];

/** Memory of a process, in MB of 1,048,576 bytes, as everywhere. */
export interface Memory {
  readonly before: number;
  readonly highest: number;
  readonly after: number;
}

/** One way of one operation: medians of its rounds; CPU over all of them, as the kernel counts it coarsely. */
export interface WayFigures {
  readonly callsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the process in the middle: the bridge, the pipe; of the drive when there is none. */
  readonly cpuMsPerCall: number | undefined;
  readonly megabytesPerSecond: number;
  /** Part of one core that each process took, 1 = a whole one. */
  readonly busy: Readonly<Record<string, number>>;
  readonly calls: number;
  readonly failed: Readonly<Record<string, number>>;
  /** Of the process in the middle. */
  readonly memory: Memory | undefined;
}

export interface Figures {
  readonly operation: string;
  readonly drive: Stage["kind"];
  readonly concurrency: number;
  readonly ways: Readonly<Record<Way, WayFigures>>;
  /** Calls a second, ours by theirs. */
  readonly ratioToDrive: number;
  readonly ratioToPipe: number;
  readonly target: { readonly says: string; readonly isMet: boolean } | undefined;
}

export interface Effort {
  readonly seconds: number;
  readonly rounds: number;
}

interface Round {
  readonly result: JobResult;
  readonly cpuMs: Readonly<Record<string, number>>;
  readonly memory: Memory;
}

const mebibyte = 1024 * 1024;
const sampleEveryMs = 50;
/** Of each operation; before the first one, V8 has everything yet to compile. */
const warmUpMs = 300;
const firstWarmUpMs = 2_000;

export async function warmUp(stage: Stage): Promise<void> {
  const [operation] = operations;
  if (operation === undefined) return;
  const prepared = await operation.prepare(stage, operation.concurrency);
  const jobs = jobsOf(stage, prepared, firstWarmUpMs);
  for (const way of ways) await playRound(stage, way, jobs[way]);
}

/** Rounds of the three ways take turns, so that a busy machine hits all of them alike. */
export async function measure(stage: Stage, operation: Operation, effort: Effort): Promise<Figures> {
  const prepared = await operation.prepare(stage, operation.concurrency);
  const jobs = jobsOf(stage, prepared, effort.seconds * 1000);
  const rounds: Record<Way, Round[]> = { ours: [], drive: [], pipe: [] };
  for (const way of ways) await playRound(stage, way, { ...jobs[way], durationMs: warmUpMs });
  for (let round = 0; round < effort.rounds; round++) {
    for (const way of ways) rounds[way].push(await playRound(stage, way, jobs[way]));
  }
  await prepared.after();
  const figures = {
    ours: wayFigures("ours", rounds.ours),
    drive: wayFigures("drive", rounds.drive),
    pipe: wayFigures("pipe", rounds.pipe),
  };
  const ratioToDrive = figures.ours.callsPerSecond / figures.drive.callsPerSecond;
  const { target } = operation;
  return {
    operation: operation.name,
    drive: stage.kind,
    concurrency: operation.concurrency,
    ways: figures,
    ratioToDrive,
    ratioToPipe: figures.ours.callsPerSecond / figures.pipe.callsPerSecond,
    target:
      stage.kind !== "real" || target === undefined
        ? undefined
        : { says: target.says, isMet: target.isMet(ratioToDrive) },
  };
}

/** The pipe hands on the very calls that go straight to the drive. */
function jobsOf(stage: Stage, { ours, drive }: Prepared, durationMs: number): Record<Way, Job> {
  const piped = drive.map((cycle) =>
    cycle.map((call) => ({ ...call, url: call.url.replace(stage.driveUrl, stage.pipeUrl) })),
  );
  return {
    ours: { workers: ours, durationMs },
    drive: { workers: drive, durationMs },
    pipe: { workers: piped, durationMs },
  };
}

async function playRound(stage: Stage, way: Way, job: Job): Promise<Round> {
  const processes = processesOf(stage);
  const before = processes.map(([name, process]) => [name, process.cpuMs()] as const);
  const { done: result, memory } = await watchingMemory(way === "pipe" ? stage.pipe : stage.bridge, () =>
    stage.load.ask<JobResult>(job),
  );
  const cpuMs = Object.fromEntries(
    before.map(([name, beforeMs], index) => [name, (processes[index]?.[1].cpuMs() ?? 0) - beforeMs]),
  );
  return { result, cpuMs, memory };
}

function processesOf({ bridge, pipe, load, drive }: Stage): [string, Program][] {
  return [
    ["bridge", bridge],
    ["pipe", pipe],
    ["load", load],
    ...(drive === undefined ? [] : [["drive", drive] as [string, Program]]),
  ];
}

/** @returns what was done, and what the process had in memory meanwhile */
export async function watchingMemory<Done>(process: Program, work: () => Promise<Done>) {
  const before = process.residentBytes();
  let highest = before;
  const sample = (): void => {
    highest = Math.max(highest, process.residentBytes());
  };
  const timer = setInterval(sample, sampleEveryMs);
  try {
    const done = await work();
    sample();
    return { done, memory: inMebibytes({ before, highest, after: process.residentBytes() }) };
  } finally {
    clearInterval(timer);
  }
}

function inMebibytes({ before, highest, after }: Memory): Memory {
  const round = (bytes: number) => Math.round((bytes / mebibyte) * 10) / 10;
  return { before: round(before), highest: round(highest), after: round(after) };
}

function wayFigures(way: Way, rounds: readonly Round[]): WayFigures {
  const middle = way === "ours" ? "bridge" : way;
  const calls = sum(rounds.map(({ result }) => result.calls));
  const elapsedMs = sum(rounds.map(({ result }) => result.elapsedMs));
  const failed: Record<string, number> = {};
  for (const { result } of rounds) {
    for (const [status, count] of Object.entries(result.failed)) failed[status] = (failed[status] ?? 0) + count;
  }
  const spent = (name: string) => sum(rounds.map(({ cpuMs }) => cpuMs[name] ?? 0));
  const isKnown = rounds[0]?.cpuMs[middle] !== undefined;
  const memories = rounds.map(({ memory }) => memory);
  return {
    callsPerSecond: median(rounds.map(({ result }) => (result.calls / result.elapsedMs) * 1000)),
    p50Ms: median(rounds.map(({ result }) => median(result.latenciesMs))),
    p99Ms: median(rounds.map(({ result }) => quantile(result.latenciesMs, 0.99))),
    cpuMsPerCall: isKnown ? spent(middle) / calls : undefined,
    megabytesPerSecond: median(rounds.map(({ result }) => result.bytes / mebibyte / (result.elapsedMs / 1000))),
    busy: Object.fromEntries(Object.keys(rounds[0]?.cpuMs ?? {}).map((name) => [name, spent(name) / elapsedMs])),
    calls,
    failed,
    memory:
      way === "drive"
        ? undefined
        : {
            before: memories[0]?.before ?? 0,
            highest: Math.max(...memories.map(({ highest }) => highest)),
            after: memories.at(-1)?.after ?? 0,
          },
  };
}
