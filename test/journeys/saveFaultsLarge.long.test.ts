import { expect, it } from "vitest";
import { tryEveryFault } from "../support/faultsMatrix.ts";
import { scenarios } from "../support/faultsScenarios.ts";

it("whatever fails at any call of an upload session, the bytes are in the document, beside it or in the spool", async () => {
  const { points, broken } = await tryEveryFault(scenarios.large);
  process.stdout.write(`${points} fault points of a large save\n`);
  expect(broken).toEqual([]);
  expect(points).toBeGreaterThanOrEqual(306);
}, 120_000);
