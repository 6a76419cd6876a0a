import { find } from "../support/machine.ts";
import { nginx } from "../support/nginx.ts";
import { type JobResult, median, sum } from "./load.ts";
import type { Effort } from "./measure.ts";
import { countTo, openStage, type StageOptions } from "./stage.ts";

export const behindNginxName = "GetFile 10 MB behind nginx";

const sizeBytes = 10 * 1024 * 1024;
const atOnce = 2;
/** For comparison: Cloudreve's own host through the same nginx, and the bridge as if nginx knew nothing. */
const more = `
        location /api/ {
            proxy_buffering on;
            proxy_buffers 16 32k;
            proxy_max_temp_file_size 0;
            proxy_pass http://cloudreve;
        }
        location /plain/ {
            set $offload "";
            proxy_pass http://bridges/;
        }
        location / {`;

export interface BehindNginx {
  readonly way: string;
  readonly callsPerSecond: number;
  readonly toNative: number;
  readonly bridgeCpuMsPerCall: number;
  readonly failed: number;
}

/** The ways take turns. @returns undefined when this machine has no nginx */
export async function behindNginx(options: StageOptions, effort: Effort): Promise<BehindNginx[] | undefined> {
  if (find("nginx") === undefined) return undefined;
  const stage = await openStage({ ...options, environment: { GETFILE_OFFLOAD: "nginx" } });
  const front = await nginx(
    { "bridge:8080": stage.bridgeUrl, "bridge2:8080": stage.bridgeUrl, "cloudreve:5212": stage.driveUrl },
    (text) => text.replace("        location / {", more),
  );
  try {
    const path = await stage.document("behind-nginx", sizeBytes);
    const editor = await stage.open(path);
    const native = await stage.openNatively(path);
    const urls = {
      "nginx fetches it": editor.address("/contents").replace(stage.bridgeUrl, front.url),
      "the bridge sends it": editor.address("/contents").replace(stage.bridgeUrl, `${front.url}/plain`),
      "Cloudreve's own host": native.address("/contents").replace(stage.driveUrl, front.url),
    };
    const play = async (url: string, ms: number) => {
      const call = { method: "GET", url, headers: {}, expect: 200 };
      const before = stage.bridge.cpuMs();
      const result = await stage.load.ask<JobResult>({ workers: countTo(atOnce).map(() => [call]), durationMs: ms });
      return { result, cpuMs: stage.bridge.cpuMs() - before };
    };
    const rounds = Object.entries(urls).map(([way, url]) => ({
      way,
      url,
      played: [] as Awaited<ReturnType<typeof play>>[],
    }));
    for (const { url } of rounds) await play(url, effort.seconds * 1000);
    for (const _round of countTo(effort.rounds)) {
      for (const { url, played } of rounds) played.push(await play(url, effort.seconds * 1000));
    }
    const rate = (played: (typeof rounds)[number]["played"]) =>
      median(played.map(({ result }) => (result.calls / result.elapsedMs) * 1000));
    const ofNative = rate(rounds.at(-1)?.played ?? []);
    return rounds.map(({ way, played }) => ({
      way,
      callsPerSecond: rate(played),
      toNative: rate(played) / ofNative,
      bridgeCpuMsPerCall: sum(played.map(({ cpuMs }) => cpuMs)) / sum(played.map(({ result }) => result.calls)),
      failed: sum(played.flatMap(({ result }) => Object.values(result.failed))),
    }));
  } finally {
    await front.close();
    await stage.close();
  }
}

export function behindNginxText(figures: readonly BehindNginx[] | undefined, drive: string): string {
  if (figures === undefined) return `${behindNginxName}: not measured, as this machine has no nginx.`;
  return [
    `${behindNginxName} on ${drive}, ${atOnce} at once`,
    ...figures.map(
      ({ way, callsPerSecond, toNative, bridgeCpuMsPerCall, failed }) =>
        `${way.padEnd(22)} ${callsPerSecond.toFixed(1).padStart(6)} calls/s  ${toNative.toFixed(2)} of native  ${bridgeCpuMsPerCall.toFixed(2).padStart(6)} ms CPU of the bridge${failed === 0 ? "" : `  ${failed} FAILED`}`,
    ),
  ].join("\n");
}
