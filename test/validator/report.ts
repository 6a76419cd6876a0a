import type { CaseResult, GroupResult } from "./run.ts";

const outcomes = ["passed", "failed", "skipped"] as const;

/** One group for people to read. */
export function groupText({ name, session, unmet, results }: GroupResult): string {
  const cases = results.flatMap((result) => [
    `  ${result.outcome.padEnd(7)}  ${result.name}`,
    ...result.reasons.map((reason) => `           ${reason}`),
    ...(result.answer === undefined ? [] : [`           the answer was ${result.answer}`]),
  ]);
  return [
    `${name} (${session === undefined ? "no session meets its prerequisites" : `session: ${session}`})`,
    // Why another session was taken is of no interest when one was found.
    ...(session === undefined ? unmet.map((reason) => `  ${reason}`) : []),
    ...cases,
    `  ${sums(results)}`,
    "",
    "",
  ].join("\n");
}

/** The sum of all groups. */
export function totalText(groups: readonly GroupResult[]): string {
  const results = groups.flatMap((group) => group.results);
  return `${results.length} cases: ${sums(results)}\n`;
}

function sums(results: readonly CaseResult[]): string {
  return outcomes.map((kind) => `${results.filter(({ outcome }) => outcome === kind).length} ${kind}`).join(", ");
}
