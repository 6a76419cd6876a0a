import { afterAll, describe, expect, it } from "vitest";
import { tryEveryFault } from "../support/faultsMatrix.ts";
import { scenarios } from "../support/faultsScenarios.ts";

let tried = 0;
afterAll(() => void process.stdout.write(`${tried} fault points of saves into the document\n`));

describe("whatever fails between the bridge and the drive, the bytes are in the document, beside it or in the spool", () => {
  it.each([
    { scenario: scenarios.plain, atLeast: 102 },
    { scenario: scenarios.late, atLeast: 52 },
    { scenario: scenarios.forgotten, atLeast: 102 },
    { scenario: scenarios.renewal, atLeast: 129 },
    { scenario: scenarios.overwrite, atLeast: 53 },
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
