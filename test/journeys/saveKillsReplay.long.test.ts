import { afterAll, describe, expect, it } from "vitest";
import { storedVersions, versionsOf } from "../support/faultsDriveFiles.ts";
import { killStage, type Moment, momentsOf, openAll, stallAt } from "../support/faultsKills.ts";
import { type SaveScenario, scenarios, theirs } from "../support/faultsScenarios.ts";
import { until } from "../support/until.ts";

/** Half a call more or less makes no difference to a bridge that hears of neither. */
const moments: readonly Moment[] = ["has not reached the drive", "is half in the drive", "is answered by the drive"];

async function killReplayAtEveryStep(scenario: SaveScenario): Promise<{ points: number; broken: string[] }> {
  const stage = await killStage(scenario.options);
  try {
    const { proxy, bridge } = stage;
    const [rehearsal] = await openAll(stage, scenario, ["rehearsal"]);
    if (rehearsal === undefined) throw new Error("nothing was opened");
    const { headers, shapes } = proxy.watch();
    await scenario.save(rehearsal.editor, rehearsal.text, headers);
    const points = shapes.flatMap((shape, index) =>
      momentsOf(shape)
        .filter((moment) => moments.includes(moment))
        .map((moment) => ({ index, shape, moment })),
    );
    const opened = await openAll(
      stage,
      scenario,
      points.map((_, index) => `replay${index}`),
    );
    const still = stallAt("has not reached the drive");
    const answers: Promise<unknown>[] = [];
    for (const { editor, text } of opened) {
      const watched = proxy.watch(() => still.fault);
      answers.push(scenario.save(editor, text, watched.headers).catch(() => undefined));
      // One after the other: that is the order in which they are replayed.
      await until("the save waits at the drive", () => watched.played() > 0);
    }
    await bridge.kill();
    still.end();
    await Promise.all(answers);
    for (const [number, point] of points.entries()) {
      const stall = stallAt(point.moment);
      const fileId = opened[number]?.editor.client.session.file.id ?? "";
      let calls = -1;
      proxy.others = (_index, _shape, address) => {
        if (calls >= 0 || address.includes(fileId)) calls++;
        return calls === point.index ? stall.fault : undefined;
      };
      await bridge.start();
      await until(`the replay comes to ${point.shape}`, stall.isReached, 20_000);
      await bridge.kill();
      stall.end();
    }
    proxy.others = () => undefined;
    await bridge.start();
    await stage.settled();
    const stored = await storedVersions(stage.beside);
    const broken: string[] = [];
    for (const [index, { shape, moment }] of points.entries()) {
      const { stem = "", text = "" } = opened[index] ?? {};
      const { versions, copies } = versionsOf(stored, stem);
      const all = [...versions, ...copies];
      const sentence = `${scenario.name}, ${shape} ${moment}`;
      if (all.filter((one) => one === text).length !== 1) broken.push(`${sentence}: ${all.join(" | ")}`);
      if (versions.at(-1) !== (scenario.isForeign ? theirs : text)) broken.push(`${sentence}, and went elsewhere`);
    }
    return { points: points.length, broken };
  } finally {
    await stage.close();
  }
}

let tried = 0;
afterAll(() => void process.stdout.write(`${tried} kill points of replays\n`));

describe("a bridge that is killed again while it places what the spool has kept goes on with it", () => {
  it.each([
    { scenario: scenarios.plain, atLeast: 9 },
    { scenario: scenarios.conflict, atLeast: 12 },
  ])(
    "at every step of $scenario.name",
    async ({ scenario, atLeast }) => {
      const { points, broken } = await killReplayAtEveryStep(scenario);
      tried += points;
      expect(broken).toEqual([]);
      expect(points).toBeGreaterThanOrEqual(atLeast);
    },
    120_000,
  );
});
