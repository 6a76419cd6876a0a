/** What is further away than this was not meant. */
const furthest = 0.5;

/** Pure: the known word that is most like the given one, such as a field's name with two letters swapped. */
export function nearest(given: string, known: readonly string[]): string | undefined {
  const short = given.slice(0, 100).toLowerCase();
  const distances = known.map((word) => ({ word, distance: distanceBetween(short, word.toLowerCase()) }));
  const [best] = distances.sort((a, b) => a.distance - b.distance);
  if (best === undefined || best.distance > Math.max(short.length, best.word.length) * furthest) return undefined;
  return best.word;
}

/** How many letters have to be put in, taken out or replaced (Levenshtein). */
function distanceBetween(one: string, other: string): number {
  let above = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (const [row, letter] of [...one].entries()) {
    const line = [row + 1];
    for (let at = 0; at < other.length; at++) {
      const replaced = (above[at] ?? 0) + (letter === other[at] ? 0 : 1);
      line.push(Math.min(replaced, (above[at + 1] ?? 0) + 1, (line[at] ?? 0) + 1));
    }
    above = line;
  }
  return above.at(-1) ?? 0;
}
