import { type DriveAccountClient, driveAccount } from "./driveAccount.ts";
import { cut, type Fault, faults } from "./faults.ts";
import { type StoredVersion, storedVersions, versionsOf } from "./faultsDriveFiles.ts";
import type { FaultPlan } from "./faultsProxy.ts";
import {
  inParallel,
  leave,
  lockId,
  type OpenEditor,
  openAndLock,
  type SaveScenario,
  theirs,
} from "./faultsScenarios.ts";
import { type FaultStage, faultStage } from "./faultsStage.ts";
import { drivePassword } from "./testBridge.ts";
import { collabora, type WopiAnswer } from "./wopiClient.ts";

export interface MatrixOutcome {
  /** At how many points something went wrong indeed. */
  readonly points: number;
  /** Upstream calls of the save when nothing fails. */
  readonly shapes: readonly string[];
  /** A sentence for each point at which the promise did not hold. */
  readonly broken: readonly string[];
}

/** One fault at one upstream call. */
interface FaultPoint {
  readonly sentence: string;
  plan(stage: FaultStage, stem: string, noteStranger: () => void): FaultPlan;
}

interface Opened {
  readonly stem: string;
  readonly text: string;
  readonly editor: OpenEditor;
}

interface Tried extends Opened {
  readonly point: FaultPoint;
  readonly answer: WopiAnswer;
  readonly wasPlayed: boolean;
  readonly strangerWrote: boolean;
  /** The document right after the answer. */
  readonly storedThen: string | undefined;
}

const sideBySide = 6;

/** Tries every fault at every upstream call of a save, lets the drive recover, and looks where the bytes are. */
export async function tryEveryFault(scenario: SaveScenario): Promise<MatrixOutcome> {
  const settings = { STORE_URL: "memory:", ...scenario.options?.settings };
  const stage = await faultStage({ ...scenario.options, settings });
  try {
    const [rehearsal] = await openAll(stage, scenario, ["rehearsal"]);
    if (rehearsal === undefined) throw new Error("nothing was opened");
    scenario.before?.(stage.bridge);
    const { headers, shapes } = stage.proxy.watch();
    await scenario.save(rehearsal.editor, rehearsal.text, headers);
    const lanes = scenario.before === undefined ? sideBySide : 1;
    const results = [
      ...(await tryPoints(stage, scenario, pointsBetween(shapes, scenario.isBrief === true), "between", lanes)),
      // A restart frees what a fault has left locked, and concerns whatever else is going on.
      ...(await tryPoints(stage, scenario, shapes.flatMap(pointsInDrive), "drive", 1)),
    ];
    return {
      points: results.filter(({ wasPlayed }) => wasPlayed).length,
      shapes,
      broken: results.flatMap(({ broken }) => broken ?? []),
    };
  } finally {
    await stage.close();
  }
}

/** What may happen on the way: once, each time the call is made again, and as the begin of an outage. */
function pointsBetween(shapes: readonly string[], isBrief: boolean): FaultPoint[] {
  return shapes.flatMap((shape, index) =>
    faults
      .filter(({ fits }) => fits?.(shape) !== false)
      .flatMap((fault) => {
        const point = (how: string, isHit: (at: number, seen: string) => boolean): FaultPoint => ({
          sentence: `call ${index + 1} (${shape}), ${fault.name}, ${how}`,
          plan: () => (at, seen) => (isHit(at, seen) ? fault : undefined),
        });
        const points = [point("once", (at) => at === index)];
        if (isBrief || fault.isOver === true) return points;
        points.push(point("each time", (at, seen) => at >= index && seen === shape));
        if (fault.isOutage === true) points.push(point("and so every call after it", (at) => at >= index));
        return points;
      }),
  );
}

/** What may happen in the drive. */
function pointsInDrive(shape: string, index: number): FaultPoint[] {
  const point = (what: string, plan: (...facts: Parameters<FaultPoint["plan"]>) => Fault["play"]): FaultPoint => ({
    sentence: `call ${index + 1} (${shape}), ${what}`,
    plan: (...facts) => {
      const fault = { name: what, play: plan(...facts) };
      return (at) => (at === index ? fault : undefined);
    },
  });
  return [
    point("the drive restarts and has forgotten its locks", ({ bridge }) => async (call) => {
      bridge.drive.forgetLocks();
      cut(call);
    }),
    point("the drive restarts and a stranger writes at once", (stage, stem, noteStranger) => async (call) => {
      stage.bridge.drive.forgetLocks();
      if ((await (await owner(stage)).put(`${stem}.docx`, theirs)) === 0) noteStranger();
      cut(call);
    }),
  ];
}

async function tryPoints(
  stage: FaultStage,
  scenario: SaveScenario,
  points: readonly FaultPoint[],
  prefix: string,
  lanes: number,
): Promise<{ readonly wasPlayed: boolean; readonly broken?: string }[]> {
  const { bridge } = stage;
  const stems = points.map((_, index) => `${prefix}${index}`);
  const opened = scenario.before === undefined ? await openAll(stage, scenario, stems) : [];
  const tried: Tried[] = [];
  await inParallel([...points.entries()], lanes, async ([index, point]) => {
    const [document] = opened[index] ? [opened[index]] : await openAll(stage, scenario, [`${prefix}${index}`]);
    if (document !== undefined) tried.push(await trySave(stage, scenario, point, document));
  });
  for (const one of tried) if (one.answer.status === 409 && !scenario.isExitSave) await leave(one.editor, one.text);
  for (let round = 0; round < 5 && (await bridge.bridge.replay()) > 0; round++);
  const stored = await storedVersions(bridge);
  const results: { wasPlayed: boolean; broken?: string }[] = [];
  await inParallel(tried, sideBySide, async (one) => {
    const why = brokenPromise(scenario, one, stored) ?? (await traceLeft(scenario, one));
    const broken = `${scenario.name}, ${one.point.sentence}: ${one.answer.status}, ${why}`;
    results.push({ wasPlayed: one.wasPlayed, ...(why === undefined ? {} : { broken }) });
  });
  const waiting = await bridge.bridge.replay();
  if (waiting > 0) results.push({ wasPlayed: false, broken: `${scenario.name}: ${waiting} saves still wait` });
  const empty = await emptyFiles(stage);
  if (empty.length > 0) results.push({ wasPlayed: false, broken: `${scenario.name}: left empty are ${empty.join()}` });
  return results;
}

async function openAll(stage: FaultStage, scenario: SaveScenario, stems: readonly string[]): Promise<Opened[]> {
  const { bridge } = stage;
  const opened: Opened[] = [];
  const alice = await owner(stage);
  await inParallel([...stems.entries()], sideBySide, async ([index, stem]) => {
    const code = await alice.put(`${stem}.docx`, "before");
    if (code !== 0) throw new Error(`${stem}.docx was not made: ${code}`);
    opened[index] = { stem, text: scenario.text(index), editor: await openAndLock(bridge, `${stem}.docx`, scenario) };
  });
  const paths = stems.map((stem) => `${stem}.docx`);
  await scenario.allOpen?.(
    bridge,
    paths,
    opened.map(({ editor }) => editor),
  );
  return opened;
}

/** Signed in anew: a scenario may be about tokens that end. */
function owner({ bridge }: FaultStage): Promise<DriveAccountClient> {
  return driveAccount(bridge.drive.url, "alice@example.com", drivePassword);
}

async function trySave(stage: FaultStage, scenario: SaveScenario, point: FaultPoint, opened: Opened): Promise<Tried> {
  const { editor, stem, text } = opened;
  let strangerWrote = false;
  scenario.before?.(stage.bridge);
  const noteStranger = (): void => {
    strangerWrote = true;
  };
  const { headers, played } = stage.proxy.watch(point.plan(stage, stem, noteStranger));
  const answer = await scenario.save(editor, text, headers);
  const storedThen = versionsOf(await storedVersions(stage.bridge, `${stem}.`), stem).versions.at(-1);
  return { ...opened, point, answer, wasPlayed: played() > 0, strangerWrote, storedThen };
}

/** @returns how the promise does not hold */
function brokenPromise(scenario: SaveScenario, tried: Tried, stored: readonly StoredVersion[]): string | undefined {
  const { stem, text, answer, strangerWrote } = tried;
  if (answer.status === 200 && tried.storedThen !== text) return "but the drive does not have it";
  const { versions, copies } = versionsOf(stored, stem);
  if (!versions.includes(text) && !copies.includes(text)) return "and the bytes are nowhere";
  const isForeign = strangerWrote || scenario.isForeign === true;
  if (isForeign && scenario.overwrites !== true && versions.at(-1) !== theirs)
    return "and what somebody else wrote is overwritten";
  if (copies.filter((copy) => copy === text).length > 1) return "and it is kept twice";
  if (!isForeign && versions.at(-1) !== text) return `and the document is not what was saved but "${versions.at(-1)}"`;
  if (!isForeign && copies.length > 0) return "and there is a copy that nobody needs";
  return undefined;
}

/** @returns what a fault that is over has left behind for the next save */
async function traceLeft(scenario: SaveScenario, tried: Tried): Promise<string | undefined> {
  if (tried.strangerWrote || scenario.isForeign === true || tried.answer.status === 409) return undefined;
  const { client, timestamp } = tried.editor;
  const next = await client.put(`${tried.stem}, and more`, lockId, collabora({ timestamp }));
  const reason = next.header("x-wopi-lockfailurereason");
  return next.status === 200 ? undefined : `and the next save is answered ${next.status} (${reason})`;
}

async function emptyFiles(stage: FaultStage): Promise<string[]> {
  const alice = await owner(stage);
  const { data } = await alice.call("GET", "/file?uri=cloudreve%3A%2F%2Fmy&page_size=2000");
  const { files } = data as { files: { name: string; size: number }[] };
  return files.filter(({ size }) => size === 0).map(({ name }) => name);
}
