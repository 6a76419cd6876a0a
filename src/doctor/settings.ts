import { settingNames } from "../config.ts";
import { type Finding, failed, finding, warning } from "./finding.ts";

/** Mistakes in the settings themselves. No I/O here. */

/** Names of the system's own variables are short and come close to ours: PATH is no misspelt PORT. */
const shortestJudged = 6;

/** @param names of all variables in the environment @returns a warning for each that comes close to a setting's name */
export function misspeltSettings(names: readonly string[]): Finding[] {
  const unset = settingNames.filter((name) => !names.includes(name) && name.length >= shortestJudged);
  const unknown = names.filter((name) => !settingNames.includes(name));
  return unknown.flatMap((name) => {
    const meant = unset.find((setting) => isCloseTo(name.toUpperCase().replaceAll("-", "_"), setting));
    if (meant === undefined) return [];
    const sentence = `There is no setting ${name}, so it has no effect. Did you mean ${meant}?`;
    return [finding("bridge", "settings", warning(sentence, `rename ${name} to ${meant}`))];
  });
}

/** @param sentences of a ConfigError */
export function wrongSettings(sentences: readonly string[]): Finding[] {
  return sentences.map((sentence) => {
    const name = /[A-Z][A-Z_]{3,}/.exec(sentence)?.[0] ?? "the settings";
    return finding("bridge", "settings", failed(sentence, changeOf(name)));
  });
}

function changeOf(name: string): string {
  if (name === "SECRET") return "SECRET=<the output of: openssl rand -hex 32>";
  return `${name}=<see Settings in the README>`;
}

/** Longer names may differ in two letters; two neighbours that changed places count as one. */
function isCloseTo(name: string, setting: string): boolean {
  return distance(name, setting) <= (setting.length >= 10 ? 2 : 1);
}

/** @returns how many letters must be added, left out, replaced or swapped with their neighbour */
function distance(one: string, other: string): number {
  let [before, last]: [number[], number[]] = [[], Array.from({ length: other.length + 1 }, (_, index) => index)];
  for (let row = 1; row <= one.length; row++) {
    const next = [row];
    for (let column = 1; column <= other.length; column++) {
      const at = (figures: readonly number[], index: number) => figures[index] ?? 0;
      const isSame = one[row - 1] === other[column - 1];
      const isSwapped = one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      next.push(
        Math.min(
          at(next, column - 1) + 1,
          at(last, column) + 1,
          at(last, column - 1) + (isSame ? 0 : 1),
          isSwapped && row > 1 && column > 1 ? at(before, column - 2) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    [before, last] = [last, next];
  }
  return last[other.length] ?? 0;
}
