/**
 * The two tiers of the tests. `npm test` is the everyday one: the same runs each time, from a fixed seed. `npm run
 * test:long` has ten times the random runs from a seed that it draws and prints; RANDOM_SEED in its environment repeats
 * one.
 */
const isLong = process.env["TEST_TIER"] === "long";

const seed = Number(process.env["RANDOM_SEED"] ?? 20_261_121);

/**
 * What fast-check is told of a property.
 * @param runs in full, of which the long tier has ten times as many
 * @param everyday where the full number takes too long for every day
 */
export function randomRuns(runs: number, everyday = runs): { readonly seed: number; readonly numRuns: number } {
  return { seed, numRuns: isLong ? runs * 10 : everyday };
}
