import type { CaseResult, GroupResult } from "./run.ts";

const outcomes = ["passed", "failed", "skipped"] as const;

/** One group for people to read. */
export function groupText({ name, results }: GroupResult): string {
  const lines = results.flatMap((result) => [
    `  ${result.outcome.padEnd(7)}  ${result.name}${result.session === undefined ? "" : ` (${result.session})`}`,
    ...result.reasons.map((reason) => `             ${reason}`),
  ]);
  return [name, ...lines, `  ${sums(results)}`, "", ""].join("\n");
}

/** The sum of all groups. */
export function totalText(groups: readonly GroupResult[]): string {
  const results = groups.flatMap((group) => group.results);
  return `${results.length} cases: ${sums(results)}\n`;
}

function sums(results: readonly CaseResult[]): string {
  return outcomes.map((kind) => `${results.filter(({ outcome }) => outcome === kind).length} ${kind}`).join(", ");
}
