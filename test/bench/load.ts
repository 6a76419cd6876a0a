/** One call of the load generator. */
export interface Call {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Random, another one with each call: equal bytes are no save. */
  readonly bodyBytes?: number;
  readonly text?: string;
  readonly expect: number;
}

/** One worker each, which makes the calls of its cycle over and over, one after the other. */
export interface Job {
  readonly workers: readonly (readonly Call[])[];
  /** No cycle begins after this; each worker makes one at least. */
  readonly durationMs: number;
  /** Spreads the cycles of all workers evenly over the duration, each worker once. */
  readonly paced?: boolean;
}

export interface JobResult {
  readonly calls: number;
  /** How often another status came than expected, or none. */
  readonly failed: Readonly<Record<string, number>>;
  readonly latenciesMs: readonly number[];
  readonly bytes: number;
  readonly elapsedMs: number;
}

/** @returns the value that this part of the values does not exceed; 0 without values */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)] ?? 0;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);
export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
