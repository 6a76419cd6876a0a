import { dirname } from "node:path";
import { webPerson } from "../support/webPerson.ts";
import { ownerEmail, ownerPassword } from "./driveFacts.ts";
import { median } from "./load.ts";
import { countTo, forAll, openStage, type Stage, type StageOptions } from "./stage.ts";

export const longFolderName = "the documents page of a long folder";

const sizes = { short: 50, long: 5_000 } as const;
const warmUps = 5;
/** A page shows a part of a folder at a time: how long the folder is must not matter much. */
const goalRatio = 2;

interface FolderFigures {
  readonly documents: number;
  /** Until the last byte of the page. */
  readonly pageMs: number;
  readonly cpuMs: number;
  readonly pageBytes: number;
}

/** Asks for the page of two folders in turn, signed in as their owner. */
export async function longFolder(options: StageOptions, rounds: number): Promise<readonly FolderFigures[]> {
  const stage = await openStage(options);
  try {
    const folders = await Promise.all(Object.values(sizes).map((documents) => filled(stage, documents)));
    const person = webPerson(stage.bridgeUrl);
    const { email = ownerEmail, password = ownerPassword } = options.drive ?? {};
    const signedIn = await person.post("/signin/password", { email, password, return_to: "/" });
    if (signedIn.status !== 303) throw new Error(`not signed in: ${signedIn.status}`);
    const samples = folders.map(() => ({ pageMs: [] as number[], cpuMs: 0, pageBytes: 0 }));
    for (const round of countTo(warmUps + rounds)) {
      for (const [index, { uri }] of folders.entries()) {
        const cpuBefore = stage.bridge.cpuMs();
        const startedAt = performance.now();
        const page = await person.get(`/?${new URLSearchParams({ folder: uri })}`);
        const pageMs = performance.now() - startedAt;
        const sample = samples[index];
        if (page.status !== 200 || sample === undefined) throw new Error(`${uri}: ${page.status}`);
        if (round < warmUps) continue;
        sample.pageMs.push(pageMs);
        sample.cpuMs += stage.bridge.cpuMs() - cpuBefore;
        sample.pageBytes = Buffer.byteLength(page.text);
      }
    }
    return folders.map(({ documents }, index) => {
      const { pageMs = [], cpuMs = 0, pageBytes = 0 } = samples[index] ?? {};
      return { documents, pageMs: median(pageMs), cpuMs: cpuMs / rounds, pageBytes };
    });
  } finally {
    await stage.close();
  }
}

async function filled(stage: Stage, documents: number): Promise<{ documents: number; uri: string }> {
  const [path = ""] = await forAll(countTo(documents), (index) =>
    stage.document(`folder of ${documents}/Document ${index}`, 16),
  );
  return { documents, uri: stage.owner.uriOf(dirname(path)) };
}

export function longFolderText(figures: readonly FolderFigures[], drive: string): string {
  const [short, long] = figures;
  const ratio = (long?.pageMs ?? 0) / (short?.pageMs ?? 1);
  return [
    `${longFolderName} on ${drive}`,
    ...figures.map(
      ({ documents, pageMs, cpuMs, pageBytes }) =>
        `${String(documents).padStart(5)} documents  ${pageMs.toFixed(1).padStart(6)} ms  CPU ${cpuMs.toFixed(1).padStart(5)} ms  ${Math.round(pageBytes / 1024)} KB`,
    ),
    `long ÷ short ${ratio.toFixed(2)}  ${ratio <= goalRatio ? "met" : "MISSED"}: at most ${goalRatio}`,
  ].join("\n");
}
