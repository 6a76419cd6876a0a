/** RFC 3339 as Go prints it: in the zone of the server, with up to nine digits, trailing zeros cut. */
export class Timestamps {
  readonly #now: () => number;
  readonly #utcOffsetMinutes: () => number;
  #lastMs = 0;
  #nanosInMs = 0;

  constructor(now: () => number, utcOffsetMinutes: () => number = () => 0) {
    this.#now = now;
    this.#utcOffsetMinutes = utcOffsetMinutes;
  }

  /** The present, later than any one before it within the same millisecond. */
  next(): string {
    const nowMs = this.#now();
    this.#nanosInMs = nowMs === this.#lastMs ? this.#nanosInMs + 137 : 100_001 + (nowMs % 7919);
    this.#lastMs = nowMs;
    return this.at(nowMs, this.#nanosInMs);
  }

  at(atMs: number, nanosInMs = 0): string {
    const offsetMinutes = this.#utcOffsetMinutes();
    const local = new Date(atMs + offsetMinutes * 60_000).toISOString().slice(0, -1);
    const digits = `${local}${String(nanosInMs).padStart(6, "0")}`;
    return digits.replace(/\.?0+$/, "") + zoneName(offsetMinutes);
  }
}

/** Whole seconds, as native CheckFileInfo gives them. */
export function cutToSeconds(timestamp: string): string {
  return timestamp.replace(/\.\d+/, "");
}

function zoneName(offsetMinutes: number): string {
  if (offsetMinutes === 0) return "Z";
  const minutes = Math.abs(offsetMinutes);
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, "0"));
  return `${offsetMinutes < 0 ? "-" : "+"}${hours}:${rest}`;
}
