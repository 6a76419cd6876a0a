// Where the line with the state of saves is, and when a portal that shows the state itself is spared it.
import type { LinePlace } from "./embedTypes.d.ts";
import type { ToldLine } from "./statusLine.ts";

const places: readonly LinePlace[] = ["top", "bottom", "none"];

/** A portal's wish; undefined when it has none that is known. */
export function placeOf(wish: unknown): LinePlace | undefined {
  return places.find((place) => place === wish);
}

/** The wish in the page's own address, which counts before the portal has greeted. */
export function wishIn(hash: string): LinePlace {
  return placeOf(/^#line=(\w+)$/.exec(hash)?.[1]) ?? "top";
}

/** Trouble stays visible unless the portal hears of it: what nobody listens to is told to nobody. */
export function isLineHidden(
  place: LinePlace,
  { tone, toldAs }: ToldLine,
  portalListens: ReadonlySet<string>,
): boolean {
  if (place !== "none") return false;
  return tone === "quiet" || (toldAs !== undefined && portalListens.has(toldAs));
}
