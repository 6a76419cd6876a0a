/**
 * What a path of the cases leads to: names, indexes and the slice from the end, as in `Items[-1:].Url`.
 * @returns undefined when nothing is there @throws Error for any other path
 */
export function selected(json: unknown, path: string): unknown {
  const steps = path.match(/[^.[\]]+|\[(?:\d+|-\d+:)\]/g) ?? [];
  if (steps.join("") !== path.replaceAll(".", "")) throw new Error(`the path ${path} is not understood`);
  return steps.reduce<unknown>(stepInto, json);
}

function stepInto(value: unknown, step: string): unknown {
  const place = /^\[(-?\d+):?\]$/.exec(step)?.[1];
  if (place !== undefined) return Array.isArray(value) ? value.at(Number(place)) : undefined;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.entries(value).find(([name]) => name === step)?.[1];
}
