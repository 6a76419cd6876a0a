import { webPerson } from "../support/webPerson.ts";
import { median } from "./load.ts";
import { countTo, openStage, portalKey, type Stage, type StageOptions } from "./stage.ts";

export const openingPagesName = "from click to the editor's first request";

const metricsKey = "bench-metrics-key";
const goalMs = 60;
/** V8 has everything yet to compile. */
const warmUps = 10;

/** One way to open a document. The browser's own work and the network between are not in it. */
export interface Opening {
  readonly way: string;
  /** One after the other; each costs a round trip to the browser. */
  readonly requests: number;
  readonly totalMs: number;
  /** Of it, waiting for the drive. */
  readonly driveMs: number;
  readonly oursMs: number;
  /** Of the bridge's process, its calls to the drive included. */
  readonly cpuMs: number;
}

/**
 * Makes the requests that stand between a click and the post to the editor. The page's script is there after the first
 * time: browsers keep it.
 */
export async function openingPages(options: StageOptions, rounds: number): Promise<Opening[]> {
  const stage = await openStage({ ...options, environment: { METRICS_KEY: metricsKey } });
  try {
    const path = await stage.document("opening", 10 * 1024);
    const json = { Authorization: `Bearer ${portalKey}`, "Content-Type": "application/json" };
    const ask = async (place: string, body: object) => {
      const answered = await fetch(stage.bridgeUrl + place, {
        method: "POST",
        headers: json,
        body: JSON.stringify(body),
      });
      if (answered.status !== 201) throw new Error(`POST ${place}: ${answered.status} ${await answered.text()}`);
      return (await answered.json()) as Readonly<Record<string, string>>;
    };
    const uri = stage.owner.uriOf(path);
    const { url: link = "" } = await ask("/api/links", { uri, permission: "edit" });
    const person = webPerson(stage.bridgeUrl);
    await person.follow(await person.post(link, { name: "Dora" }));

    const ways: Readonly<Record<string, (get: (url: string) => Promise<string>) => Promise<void>>> = {
      "a portal's frame": async (get) => {
        const { host_page_url: page = "" } = await ask("/api/sessions", {
          uri,
          action: "edit",
          viewer_id: stage.viewerId,
        });
        await get(page);
      },
      "a link, here before": async (get) => void (await get(link)),
      "a link, first time": async (get) => {
        // The door with its name was shown before the click.
        const entered = await person.post(link, { name: "Dora" });
        const page = await get(entered.location ?? "");
        await get(/<script src="([^"]+)"/.exec(page)?.[1] ?? "");
      },
    };
    const openings: Opening[] = [];
    for (const [way, open] of Object.entries(ways)) openings.push(await measured(stage, way, open, person, rounds));
    return openings;
  } finally {
    await stage.close();
  }
}

async function measured(
  stage: Stage,
  way: string,
  open: (get: (url: string) => Promise<string>) => Promise<void>,
  person: ReturnType<typeof webPerson>,
  rounds: number,
): Promise<Opening> {
  let requests = way === "a link, here before" ? 0 : 1;
  const firstRequests = requests;
  const get = async (url: string): Promise<string> => {
    let answer = await person.get(url);
    requests++;
    while (answer.location !== undefined) {
      answer = await person.get(answer.location);
      requests++;
    }
    if (answer.status !== 200) throw new Error(`${way}: ${answer.status}`);
    return answer.text;
  };
  const samples: { totalMs: number; driveMs: number }[] = [];
  let cpuBefore = 0;
  for (const round of countTo(warmUps + rounds)) {
    if (round === warmUps) cpuBefore = stage.bridge.cpuMs();
    requests = firstRequests;
    const driveBefore = await driveMs(stage);
    const startedAt = performance.now();
    await open(get);
    const totalMs = performance.now() - startedAt;
    if (round >= warmUps) samples.push({ totalMs, driveMs: (await driveMs(stage)) - driveBefore });
  }
  const totalMs = median(samples.map((sample) => sample.totalMs));
  return {
    way,
    requests,
    totalMs,
    driveMs: median(samples.map((sample) => sample.driveMs)),
    oursMs: median(samples.map((sample) => sample.totalMs - sample.driveMs)),
    cpuMs: (stage.bridge.cpuMs() - cpuBefore) / rounds,
  };
}

/** All the time that the bridge has waited for the drive so far; its calls for an opening come one after the other. */
async function driveMs({ bridgeUrl }: Stage): Promise<number> {
  const answered = await fetch(`${bridgeUrl}/metrics`, { headers: { Authorization: `Bearer ${metricsKey}` } });
  const sums = (await answered.text()).matchAll(/^bridge_drive_seconds_sum\{[^}]*\} (\S+)$/gm);
  return [...sums].reduce((total, [, seconds]) => total + Number(seconds) * 1000, 0);
}

export function openingPagesText(openings: readonly Opening[], drive: string): string {
  return [
    `${openingPagesName} on ${drive}, ms`,
    ...openings.map(
      ({ way, requests, totalMs, driveMs: ofDrive, oursMs, cpuMs }) =>
        `${way.padEnd(20)} ${requests} requests  ${totalMs.toFixed(1).padStart(6)} in all  ${ofDrive.toFixed(1).padStart(6)} of the drive  ${oursMs.toFixed(1).padStart(6)} ours (CPU ${cpuMs.toFixed(1)})  ${oursMs <= goalMs ? "met" : "MISSED"}: at most ${goalMs}`,
    ),
  ].join("\n");
}
