import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { freePorts } from "../support/childProcess.ts";
import { median } from "./load.ts";
import { start } from "./programs.ts";

export const startName = "start and idle memory";

export interface StartFigures {
  /** From the start of the process to the first line that says it listens, one for each round. */
  readonly readyMs: readonly number[];
  /** User and system time of all threads until then. */
  readonly cpuMs: readonly number[];
  /** Memory once it has rested. */
  readonly idleMib: number;
}

const restMs = 60_000;
const packageSchema = z.object({ scripts: z.object({ start: z.string() }) });

/** Starts what `npm run build` has left in dist as `npm start` does, with an empty store and a drive that is away. */
export async function measureStart(bridgeDir: string, rounds: number): Promise<StartFigures> {
  const { scripts } = packageSchema.parse(JSON.parse(await readFile(join(bridgeDir, "package.json"), "utf8")));
  const [, ...words] = scripts.start.split(" ");
  const readyMs: number[] = [];
  const cpuMs: number[] = [];
  let idleMib = 0;
  for (let round = 1; round <= rounds; round++) {
    const dir = await mkdtemp(join(tmpdir(), "bench-start-"));
    const [port = 0] = await freePorts(1);
    const startedAt = performance.now();
    const bridge = await start(words.at(-1) ?? "", {
      cwd: bridgeDir,
      nodeFlags: words.slice(0, -1),
      environment: {
        BRIDGE_URL: `http://127.0.0.1:${port}`,
        PORT: String(port),
        CLOUDREVE_URL: "http://127.0.0.1:9",
        SECRET: "0123456789abcdef0123456789abcdef",
        STORE_URL: `file:${join(dir, "bridge.db")}`,
        SPOOL_DIR: join(dir, "spool"),
      },
      ready: /(listening on)/,
    });
    readyMs.push(performance.now() - startedAt);
    cpuMs.push(bridge.cpuMs());
    if (round === rounds) {
      await new Promise((resolve) => setTimeout(resolve, restMs));
      idleMib = bridge.residentBytes() / 1024 / 1024;
    }
    await bridge.end();
    await rm(dir, { recursive: true, force: true });
  }
  return { readyMs, cpuMs, idleMib };
}

const readyGoalMs = 700;
const idleGoalMib = 90;

export function startText({ readyMs, cpuMs, idleMib }: StartFigures): string {
  const goal = (isMet: boolean, text: string) => `${isMet ? "met" : "MISSED"}: ${text}`;
  const all = readyMs.map((ms) => ms.toFixed(0)).join(", ");
  return [
    goal(
      median(readyMs) < readyGoalMs,
      `ready in less than ${readyGoalMs} ms from compiled code: ${all} ms, ${median(cpuMs)} ms of processor time`,
    ),
    goal(idleMib < idleGoalMib, `idle memory below ${idleGoalMib} MB: ${idleMib.toFixed(0)} MB after a minute`),
  ].join("\n");
}
