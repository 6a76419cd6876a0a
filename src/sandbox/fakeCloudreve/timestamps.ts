/** RFC 3339 with nanoseconds, strictly increasing within one millisecond, trailing zeros cut: what Go prints. */
export class Timestamps {
  readonly #now: () => number;
  #lastMs = 0;
  #nanosInMs = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  next(): string {
    const nowMs = this.#now();
    this.#nanosInMs = nowMs === this.#lastMs ? this.#nanosInMs + 137 : 100_001 + (nowMs % 7919);
    this.#lastMs = nowMs;
    return formatTime(nowMs, this.#nanosInMs);
  }
}

/** @returns RFC 3339 in UTC without trailing zeros in the fraction */
export function formatTime(atMs: number, nanosInMs = 0): string {
  const iso = new Date(atMs).toISOString().slice(0, -1);
  return `${`${iso}${String(nanosInMs).padStart(6, "0")}`.replace(/\.?0+$/, "")}Z`;
}

/** Whole seconds, as native CheckFileInfo gives them. */
export function cutToSeconds(timestamp: string): string {
  return timestamp.replace(/(\.\d+)?Z$/, "Z");
}
