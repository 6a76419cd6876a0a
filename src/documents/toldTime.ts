/**
 * The second that a time of an editor's means; editors send it with no, six or seven digits of a fraction. Stricter than
 * Date.parse, which makes a year of "0" and local time of a time without a zone.
 * @returns seconds since 1970; undefined for what is no time, and for 1970 itself: Collabora's word for "never told one"
 */
export function secondOf(time: string | undefined): number | undefined {
  const zone = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(Z|[+-]\d\d:\d\d|)$/.exec(time ?? "")?.[1];
  if (zone === undefined) return undefined;
  const atMs = Date.parse(zone === "" ? `${time}Z` : `${time}`);
  return Number.isNaN(atMs) || atMs === 0 ? undefined : Math.floor(atMs / 1000);
}
