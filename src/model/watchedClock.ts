import type { Clock } from "./keyValueStore.ts";

/** A forward jump of a clock. */
export interface ClockJump {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * A clock that advances this much between two readings has jumped, or the machine has slept: editors had no chance to
 * refresh their locks. The bridge reads it at least once a minute.
 */
export const clockJumpMs = 40 * 60_000;
/** How long ended locks are still remembered, in case a clock jump ended them. */
export const keptAfterEndMs = 6 * 3_600_000;
/** How far apart the clocks of two bridges may be. */
export const clockSkewMs = 60_000;

/** @returns the same clock, and its last jump ahead */
export function watchedClock(clock: Clock): { readonly now: Clock; readonly lastJump: () => ClockJump | undefined } {
  let seenAtMs = clock();
  let jump: ClockJump | undefined;
  return {
    now: () => {
      const nowMs = clock();
      if (nowMs - seenAtMs >= clockJumpMs) jump = { fromMs: seenAtMs, toMs: nowMs };
      seenAtMs = nowMs;
      return nowMs;
    },
    lastJump: () => jump,
  };
}
