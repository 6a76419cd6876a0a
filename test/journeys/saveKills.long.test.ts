import { afterAll, describe, expect, it } from "vitest";
import { storedVersions, versionsOf } from "../support/faultsDriveFiles.ts";
import { killStage, type Moment, momentsOf, openAll, stallAt } from "../support/faultsKills.ts";
import { lockId, type SaveScenario, scenarios, theirs } from "../support/faultsScenarios.ts";
import { collabora } from "../support/wopiClient.ts";

/** At which call of which save the bridge dies, and how far that call has come; after the answer when left out. */
interface KillPoint {
  readonly index: number;
  readonly shape: string;
  readonly moment?: Moment;
}

/** Brings one save after the other to its point, kills the bridge under all of them, and starts it again. */
async function killAtEveryStep(scenario: SaveScenario): Promise<{ points: number; broken: string[] }> {
  const stage = await killStage(scenario.options);
  try {
    const [rehearsal] = await openAll(stage, scenario, ["rehearsal"]);
    if (rehearsal === undefined) throw new Error("nothing was opened");
    const { headers, shapes } = stage.proxy.watch();
    await scenario.save(rehearsal.editor, rehearsal.text, headers);
    const points: KillPoint[] = shapes.flatMap((shape, index) =>
      momentsOf(shape).map((moment) => ({ index, shape, moment })),
    );
    points.push({ index: shapes.length, shape: "the answer to the editor" });
    const opened = await openAll(
      stage,
      scenario,
      points.map((_, index) => `kill${index}`),
    );
    const saves = [];
    // One after the other: what a save learns of the drive's limits must not spare another one a call.
    for (const [index, point] of points.entries()) {
      const document = opened[index];
      if (document === undefined) throw new Error("was not opened");
      const stall = stallAt(point.moment ?? "has not reached the drive");
      const watched = stage.proxy.watch((at) => (at === point.index ? stall.fault : undefined));
      let status: number | undefined;
      const answering = scenario.save(document.editor, document.text, watched.headers).then(
        (answer) => {
          status = answer.status;
        },
        () => undefined,
      );
      while (!stall.isReached() && status === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
      saves.push({ point, document, stall, answering, status: () => status });
    }
    const early = saves.filter(({ point, status }) => point.moment !== undefined && status() !== undefined);
    await stage.bridge.kill();
    for (const { stall } of saves) stall.end();
    await Promise.all(saves.map(({ answering }) => answering));
    await stage.bridge.start();
    await stage.settled();
    const stored = await storedVersions(stage.beside);
    const broken: string[] = early.map(({ point }) => `the save was answered before call ${point.index + 1}`);
    for (const { point, document, status } of saves) {
      const { versions, copies } = versionsOf(stored, document.stem);
      const sentence = `${scenario.name}, ${point.shape} ${point.moment ?? ""}: ${status() ?? "no answer"}`;
      const all = [...versions, ...copies];
      if (all.filter((text) => text === document.text).length !== 1)
        broken.push(`${sentence}, then ${all.join(" | ")}`);
      if (scenario.isForeign && versions.at(-1) !== theirs) broken.push(`${sentence}, and theirs is overwritten`);
      if (!scenario.isForeign && versions.at(-1) !== document.text) broken.push(`${sentence}, and went elsewhere`);
      if (scenario.isForeign) continue;
      const { client, timestamp } = document.editor;
      const next = await client.put(`${document.stem}, and more`, lockId, collabora({ timestamp }));
      if (next.status !== 200) broken.push(`${sentence}, and the next save is answered ${next.status}`);
    }
    return { points: saves.length - early.length, broken };
  } finally {
    await stage.close();
  }
}

let tried = 0;
afterAll(() => void process.stdout.write(`${tried} kill points of saves\n`));

describe("a bridge that is killed in the middle of a save and started again places it by itself", () => {
  it.each([
    { scenario: scenarios.plain, atLeast: 18 },
    { scenario: scenarios.readerFirst, atLeast: 10 },
    { scenario: scenarios.conflict, atLeast: 23 },
    { scenario: scenarios.large, atLeast: 50 },
  ])(
    "at every step of $scenario.name",
    async ({ scenario, atLeast }) => {
      const { points, broken } = await killAtEveryStep(scenario);
      tried += points;
      expect(broken).toEqual([]);
      expect(points).toBeGreaterThanOrEqual(atLeast);
    },
    60_000,
  );
});
