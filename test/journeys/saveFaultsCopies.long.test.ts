import { afterAll, describe, expect, it } from "vitest";
import { tryEveryFault } from "../support/faultsMatrix.ts";
import { scenarios } from "../support/faultsScenarios.ts";

let tried = 0;
afterAll(() => void process.stdout.write(`${tried} fault points of saves that go beside the document\n`));

describe("whatever fails between the bridge and the drive, what can't go into the document is kept beside it, once", () => {
  it.each([
    { scenario: scenarios.conflict, atLeast: 129 },
    { scenario: scenarios.revoked, atLeast: 41 },
    { scenario: scenarios.largeConflict, atLeast: 120 },
  ])(
    "during $scenario.name",
    async ({ scenario, atLeast }) => {
      const { points, broken } = await tryEveryFault(scenario);
      tried += points;
      expect(broken).toEqual([]);
      expect(points).toBeGreaterThanOrEqual(atLeast);
    },
    120_000,
  );
});
