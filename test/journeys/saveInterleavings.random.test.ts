import fc from "fast-check";
import { afterAll, expect, it } from "vitest";
import { storedVersions } from "../support/faultsDriveFiles.ts";
import { Interleaving, type Step } from "../support/faultsInterleaving.ts";
import { type FaultStage, faultStage } from "../support/faultsStage.ts";
import { brokenPromises } from "../support/faultsVerdict.ts";
import { editorUrl } from "../support/testBridge.ts";
import { randomRuns } from "../support/tier.ts";

const { seed, numRuns } = randomRuns(100, 25);
/** The fake drive writes all it knows with each version: from time to time a new one. */
const runsPerStage = 25;

let stage: FaultStage | undefined;
let runs = 0;
afterAll(async () => {
  await stage?.close();
});

async function freshStage(): Promise<FaultStage> {
  if (runs++ % runsPerStage !== 0 && stage !== undefined) return stage;
  await stage?.close();
  const viewer = (id: string, url: string) => ({
    id,
    type: "wopi" as const,
    display_name: id,
    exts: ["docx"],
    wopi_actions: { docx: { view: `${url}/view?`, edit: `${url}/edit?` } },
  });
  const settings = {
    accessTokenTtlSeconds: 10_000_000,
    viewerSessionTimeoutSeconds: 10_000_000,
    versionRetention: 1_000,
  };
  stage = await faultStage({
    store: "file",
    settings: { GRANT_HOURS: "240", LOG_LEVEL: "silent" },
    drive: { settings, viewers: [viewer("test-editor", editorUrl), viewer("other-editor", "http://127.0.0.1:19")] },
  });
  return stage;
}

const who = fc.constantFrom<0 | 1>(0, 1);
const editing: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ what: fc.constant("open" as const), who }) },
  {
    weight: 1,
    arbitrary: fc.record({ what: fc.constantFrom("reload" as const, "lock" as const, "unlock" as const), who }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      what: fc.constant("save" as const),
      who,
      how: fc.constantFrom("by hand" as const, "by itself" as const, "at the end" as const, "over all" as const),
    }),
  },
);
const around: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    what: fc.constantFrom(
      "stranger writes" as const,
      "stranger locks" as const,
      "stranger unlocks" as const,
      "drive restarts" as const,
      "line breaks" as const,
      "line is mended" as const,
      "next answer is lost" as const,
      "bridge sweeps" as const,
      "bridge replays" as const,
    ),
  }),
  fc.record({ what: fc.constant("time passes" as const), minutes: fc.constantFrom(5, 20, 31) }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: editing },
  { weight: 7, arbitrary: around },
  { weight: 1, arbitrary: fc.constant<Step>({ what: "bridge restarts" }) },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constant("at once" as const),
      steps: fc.tuple(editing, fc.oneof(editing, around)),
    }),
  },
);

it("no acknowledged save is lost, and no foreign version overwritten unasked, whatever happens in whatever order", async () => {
  const startedAtMs = performance.now();
  let saves = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 16 }), async (steps) => {
      const { bridge, proxy } = await freshStage();
      const stem = `run${runs}`;
      const interleaving = new Interleaving({ bridge, proxy, close: async () => undefined }, stem);
      await interleaving.run([{ what: "open", who: 0 }, ...steps]);
      saves += interleaving.sent.length;
      const waiting = await bridge.bridge.replay();
      expect(brokenPromises(stem, await storedVersions(bridge, stem), interleaving.sent, waiting)).toEqual([]);
    }),
    { seed, numRuns, endOnFailure: false },
  );
  const seconds = Math.round((performance.now() - startedAtMs) / 1000);
  process.stdout.write(`${runs} interleavings with ${saves} saves from seed ${seed} in ${seconds} s\n`);
  expect(runs).toBeGreaterThanOrEqual(numRuns);
}, 2_400_000);
