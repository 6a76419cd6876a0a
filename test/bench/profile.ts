import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import type { JobResult } from "./load.ts";
import type { Operation } from "./operations.ts";
import { type DriveKind, openStage } from "./stage.ts";

/** Where the time of one process went. */
export interface Profile {
  readonly operation: string;
  readonly calls: number;
  readonly cpuMsPerCall: number;
  /** Part of the busy time that a function took itself. */
  readonly self: readonly Share[];
  /** The same, per package or folder. */
  readonly owners: readonly Share[];
  /** Part of the busy time under a function of the project, whatever it called. */
  readonly below: readonly Share[];
}

interface Share {
  readonly name: string;
  readonly part: number;
}

const nodeSchema = z.object({
  id: z.number(),
  callFrame: z.object({ functionName: z.string(), url: z.string(), lineNumber: z.number() }),
  children: z.array(z.number()).optional(),
});
const profileSchema = z.object({
  nodes: z.array(nodeSchema),
  /** Microseconds of the clock that process.hrtime shows. */
  startTime: z.number(),
  samples: z.array(z.number()),
  timeDeltas: z.array(z.number()),
});
type Frame = z.infer<typeof nodeSchema>["callFrame"];

const topCount = 25;
const warmUpMs = 1_500;
const samplingMicroseconds = 200;
const microseconds = (): number => Number(process.hrtime.bigint() / 1000n);

/** Runs one operation on a bridge under Node's own sampling profiler. */
export async function profile(
  operation: Operation,
  kind: DriveKind,
  bridgeDir: string,
  seconds: number,
): Promise<Profile> {
  const dir = await mkdtemp(join(tmpdir(), "bench-profile-"));
  try {
    const bridgeFlags = ["--cpu-prof", `--cpu-prof-dir=${dir}`, `--cpu-prof-interval=${samplingMicroseconds}`];
    const stage = await openStage({ kind, bridgeDir, bridgeFlags });
    let window = { firstUs: 0, lastUs: 0 };
    let calls = 0;
    let cpuMs = 0;
    try {
      const { ours: workers } = await operation.prepare(stage, operation.concurrency);
      await stage.load.ask({ workers, durationMs: warmUpMs });
      const firstUs = microseconds();
      const beforeMs = stage.bridge.cpuMs();
      calls = (await stage.load.ask<JobResult>({ workers, durationMs: seconds * 1000 })).calls;
      cpuMs = stage.bridge.cpuMs() - beforeMs;
      window = { firstUs, lastUs: microseconds() };
    } finally {
      // The profile is written as the process ends.
      await stage.close();
    }
    const profiles = await Promise.all(
      (await readdir(dir)).map(async (name) =>
        profileSchema.parse(JSON.parse(await readFile(join(dir, name), "utf8"))),
      ),
    );
    // Threads of tsx's have profiles of their own; the bridge's is the one with the most to tell.
    const [main] = profiles.sort((a, b) => b.nodes.length - a.nodes.length);
    if (main === undefined) throw new Error("the bridge left no profile");
    return { operation: operation.name, calls, cpuMsPerCall: cpuMs / calls, ...shares(main, window) };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function shares(
  { nodes, startTime, samples, timeDeltas }: z.infer<typeof profileSchema>,
  window: { firstUs: number; lastUs: number },
): Pick<Profile, "self" | "owners" | "below"> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map<number, number>();
  for (const node of nodes) for (const child of node.children ?? []) parents.set(child, node.id);
  const self = new Map<string, number>();
  const owners = new Map<string, number>();
  const below = new Map<string, number>();
  let atUs = startTime;
  let busyUs = 0;
  samples.forEach((id, index) => {
    atUs += timeDeltas[index] ?? 0;
    // What follows a sample is what it was found doing.
    const lasted = timeDeltas[index + 1] ?? 0;
    const frame = byId.get(id)?.callFrame;
    if (frame === undefined || frame.functionName === "(idle)" || atUs < window.firstUs || atUs > window.lastUs) return;
    busyUs += lasted;
    add(self, nameOf(frame), lasted);
    add(owners, ownerOf(frame), lasted);
    const seen = new Set<string>();
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const above = byId.get(at)?.callFrame;
      if (above !== undefined && ownerOf(above).startsWith("src/")) seen.add(nameOf(above));
    }
    for (const name of seen) add(below, name, lasted);
  });
  const top = (times: Map<string, number>): Share[] =>
    [...times]
      .sort(([, a], [, b]) => b - a)
      .slice(0, topCount)
      .map(([name, us]) => ({ name, part: us / busyUs }));
  return { self: top(self), owners: top(owners), below: top(below) };
}

function add(times: Map<string, number>, name: string, us: number): void {
  times.set(name, (times.get(name) ?? 0) + us);
}

function nameOf({ functionName, url, lineNumber }: Frame): string {
  const name = functionName === "" ? "(anonymous)" : functionName;
  return url === "" ? name : `${name} ${placeOf(url)}:${lineNumber + 1}`;
}

/** Without what lies before the project's own folder. */
function placeOf(url: string): string {
  const inPackage = url.lastIndexOf("/node_modules/");
  if (inPackage >= 0) return url.slice(inPackage + "/node_modules/".length);
  return url.replace(/^file:\/\/.*?\/(src\/)/, "$1");
}

/** The package, the folder below src, Node's own part, or what V8 calls it. */
function ownerOf({ functionName, url }: Frame): string {
  if (url === "") return functionName.startsWith("(") ? functionName : "native";
  const parts = placeOf(url).split("/");
  if (url.includes("/node_modules/")) return parts.slice(0, parts[0]?.startsWith("@") ? 2 : 1).join("/");
  return url.startsWith("node:") ? parts.slice(0, 2).join("/") : parts.slice(0, 2).join("/");
}
