import { type DriveProxy, driveProxy } from "../support/driveProxy.ts";
import type { Call, JobResult } from "./load.ts";
import { operations } from "./operations.ts";
import { openStage } from "./stage.ts";

/** The drive's calls that one call of an editor makes: the first time, and from the third time on. */
export interface UpstreamCalls {
  readonly operation: string;
  readonly first: readonly string[];
  readonly later: readonly string[];
}

/** Counts by a proxy between a bridge of its own and the fake drive. */
export async function countCalls(bridgeDir: string, isWanted: (name: string) => boolean): Promise<UpstreamCalls[]> {
  let proxy: DriveProxy | undefined;
  const stage = await openStage({
    kind: "fake",
    bridgeDir,
    driveAddress: async (driveUrl) => {
      proxy = await driveProxy(driveUrl);
      return proxy.url;
    },
  });
  const seen = proxy?.seen ?? [];
  const callsOf = async (call: Call): Promise<string[]> => {
    seen.length = 0;
    const { failed } = await stage.load.ask<JobResult>({ workers: [[call]], durationMs: 0 });
    if (Object.keys(failed).length > 0)
      throw new Error(`${call.method} ${call.url.split("?", 1)[0]}: ${JSON.stringify(failed)}`);
    return seen.map(shapeOf);
  };
  const counted: UpstreamCalls[] = [];
  try {
    for (const operation of operations.filter(({ name }) => isWanted(name))) {
      const prepared = await operation.prepare(stage, 1);
      const cycle = prepared.ours[0] ?? [];
      const rounds: string[][][] = [];
      for (let round = 0; round < 3; round++) {
        const shapes: string[][] = [];
        for (const call of cycle) shapes.push(await callsOf(call));
        rounds.push(shapes);
      }
      cycle.forEach((call, index) => {
        const name = cycle.length === 1 ? operation.name : (call.headers["X-WOPI-Override"] ?? "");
        counted.push({ operation: name, first: rounds[0]?.[index] ?? [], later: rounds.at(-1)?.[index] ?? [] });
      });
      await prepared.after();
    }
  } finally {
    await stage.close();
    await proxy?.close();
  }
  return counted;
}

/** Method, override, and path without ids. */
function shapeOf({ method, path, headers }: DriveProxy["seen"][number]): string {
  const override = headers["x-wopi-override"];
  const place = (path.split("?", 1)[0] ?? "")
    .replace("/api/v4", "")
    .replace(/^(\/file\/wopi\/)[^/]+/, "$1:id")
    .replace(/^(\/file\/(?:content|upload)\/).+/, "$1:id");
  return `${method} ${override === undefined ? "" : `${String(override)} `}${place}`;
}
