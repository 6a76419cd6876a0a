import { mkdir, writeFile } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { behindNginx, behindNginxName, behindNginxText } from "./behindNginx.ts";
import { countCalls, type UpstreamCalls } from "./calls.ts";
import { longFolder, longFolderName, longFolderText } from "./longFolder.ts";
import { type Figures, measure, warmUp } from "./measure.ts";
import { openingPages, openingPagesName, openingPagesText } from "./openingPages.ts";
import { operations } from "./operations.ts";
import { profile } from "./profile.ts";
import { callsTable, figuresTable, goalsText, profileText, scenariosTable } from "./report.ts";
import {
  openDocuments,
  openPages,
  type ScenarioFigures,
  savesAtOnce,
  savesBesideStalled,
  stalledName,
} from "./scenarios.ts";
import { type DriveKind, openStage, type Stage, type StageOptions } from "./stage.ts";
import { measureStart, type StartFigures, startName, startText } from "./startUp.ts";

const usage = `npm run bench -- [options]
  --seconds N      of each round (default 0.5)
  --rounds N       bridge, drive and pipe take turns this often (default 3)
  --only TEXT      operations and scenarios whose name holds it; "calls" counts calls alone
  --drive KIND     fake or stub alone; default both
  --soak N         seconds that the ten minutes of open documents are pressed into (default 12)
  --open N         open documents (default 1000)
  --real-time N    seconds in which their pages are watched, a multiple of 10 (default 30)
  --json PATH      where the figures go (default test/.out/bench.json)
  --bridge DIR     project folder of the bridge to measure (default: here)
  --profile TEXT   shows where the time of this operation goes, and measures nothing else
  --real URL --email E --password P --viewer ID   against a Cloudreve that runs there
`;

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "0.5" },
    rounds: { type: "string", default: "3" },
    only: { type: "string", default: "" },
    drive: { type: "string" },
    soak: { type: "string", default: "12" },
    open: { type: "string", default: "1000" },
    "real-time": { type: "string", default: "30" },
    json: { type: "string", default: "test/.out/bench.json" },
    bridge: { type: "string", default: "." },
    profile: { type: "string" },
    real: { type: "string" },
    email: { type: "string", default: "" },
    password: { type: "string", default: "" },
    viewer: { type: "string", default: "" },
    help: { type: "boolean", default: false },
  },
});

const bridgeDir = resolve(values.bridge);
const effort = { seconds: Number(values.seconds), rounds: Number(values.rounds) };
const isWanted = (name: string): boolean => name.toLowerCase().includes(values.only.toLowerCase());
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const tell = (text: string): void => void process.stderr.write(`${text}\n`);

async function onStage(options: StageOptions, work: (stage: Stage) => Promise<void>): Promise<void> {
  const stage = await openStage(options);
  try {
    await work(stage);
  } finally {
    await stage.close();
  }
}

async function measureAll(): Promise<void> {
  const startedAt = new Date();
  const loadBefore = loadavg()[0] ?? 0;
  const figures: Figures[] = [];
  const scenarios: ScenarioFigures[] = [];
  let calls: UpstreamCalls[] = [];
  let startUp: StartFigures | undefined;
  const isReal = values.real !== undefined;
  const kinds: readonly DriveKind[] = isReal ? ["real"] : ["fake", "stub"];
  const drive = {
    url: (values.real ?? "").replace(/\/+$/, ""),
    email: values.email,
    password: values.password,
    viewerId: values.viewer,
  };
  for (const kind of kinds.filter((one) => values.drive === undefined || one === values.drive)) {
    const due = operations.filter(({ name, drives }) => drives.includes(kind) && isWanted(name));
    if (due.length === 0) continue;
    await onStage({ kind, bridgeDir, ...(isReal ? { drive } : {}) }, async (stage) => {
      await warmUp(stage);
      for (const operation of due) {
        tell(`${operation.name} on ${kind} …`);
        figures.push(await measure(stage, operation, effort));
      }
    });
  }
  if (isWanted(behindNginxName)) {
    tell(`${behindNginxName} …`);
    const stage: StageOptions = isReal ? { kind: "real", bridgeDir, drive } : { kind: "fake", bridgeDir };
    say(`${behindNginxText(await behindNginx(stage, effort), stage.kind)}\n`);
  }
  if (isWanted(openingPagesName)) {
    tell(`${openingPagesName} …`);
    const stage: StageOptions = isReal ? { kind: "real", bridgeDir, drive } : { kind: "fake", bridgeDir };
    say(`${openingPagesText(await openingPages(stage, 30), stage.kind)}\n`);
  }
  if (isWanted(longFolderName)) {
    tell(`${longFolderName} …`);
    const stage: StageOptions = isReal ? { kind: "real", bridgeDir, drive } : { kind: "fake", bridgeDir };
    say(`${longFolderText(await longFolder(stage, 30), stage.kind)}\n`);
  }
  if (!isReal) {
    // A bridge for each, so that its memory is not what others left.
    const kind: DriveKind = "fake";
    if (isWanted("200 editors save 1 MB at once")) {
      tell("200 editors save at once …");
      await onStage({ kind, bridgeDir }, async (stage) => void scenarios.push(await savesAtOnce(stage, 200)));
    }
    if (isWanted(stalledName)) {
      tell(`${stalledName} …`);
      await onStage({ kind, bridgeDir }, async (stage) => {
        scenarios.push(await savesBesideStalled(stage, effort.seconds * effort.rounds));
      });
    }
    if (isWanted(`${values.open} open documents`)) {
      tell(`${values.open} open documents …`);
      await onStage({ kind, bridgeDir }, async (stage) => {
        scenarios.push(await openDocuments(stage, Number(values.open), Number(values.soak)));
      });
    }
    if (isWanted(`${values.open} open pages`)) {
      tell(`${values.open} open pages …`);
      await onStage({ kind, bridgeDir }, async (stage) => {
        scenarios.push(await openPages(stage, Number(values.open), Number(values["real-time"])));
      });
    }
    if (isWanted(startName)) {
      tell(`${startName} …`);
      startUp = await measureStart(bridgeDir, effort.rounds);
    }
    if (values.drive === undefined) {
      tell("calls per operation …");
      calls = await countCalls(bridgeDir, (name) => values.only === "calls" || isWanted(name));
    }
  }
  const machine = {
    node: process.version,
    cores: cpus().length,
    loadBefore,
    loadAfter: loadavg()[0],
    startedAt,
    tookSeconds: Math.round((Date.now() - startedAt.getTime()) / 1000),
  };
  if (figures.length > 0) say(`${figuresTable(figures)}\n`);
  if (scenarios.length > 0) say(`${scenariosTable(scenarios)}\n`);
  if (!isReal && figures.length + scenarios.length > 0) say(`${goalsText(figures, scenarios)}\n`);
  if (startUp !== undefined) say(`${startText(startUp)}\n`);
  if (calls.length > 0) say(`${callsTable(calls)}\n`);
  say(
    `Node ${machine.node}, ${machine.cores} cores shared by all processes, load ${loadBefore.toFixed(1)} before the run; ${machine.tookSeconds} s.`,
  );
  await mkdir(dirname(values.json), { recursive: true });
  await writeFile(
    values.json,
    `${JSON.stringify({ machine, effort, figures, scenarios, startUp, calls }, undefined, 1)}\n`,
  );
  say(`The figures are in ${values.json}.`);
}

async function profileAll(wanted: string): Promise<void> {
  const kind = values.drive === "fake" ? "fake" : "stub";
  const due = operations.filter(({ name }) => name.toLowerCase().includes(wanted.toLowerCase()));
  for (const operation of due) {
    say(`${profileText(await profile(operation, kind, bridgeDir, Math.max(effort.seconds, 3)))}\n`);
  }
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

if (values.help) say(usage);
else if (values.profile !== undefined) await profileAll(values.profile);
else await measureAll();
