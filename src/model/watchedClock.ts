import type { Clock } from "./keyValueStore.ts";

/** From which moment to which a clock has gone on in one step. */
export interface ClockJump {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * A clock that goes on by so much between two looks has jumped, or the machine has slept: editors have had no chance to
 * refresh. The bridge looks each minute at least.
 */
export const clockJumpMs = 40 * 60_000;
/** How far ahead a clock may jump and what it has ended is still known. */
export const keptAfterEndMs = 6 * 3_600_000;
/** How far the clocks of two bridges may be apart. */
export const clockSkewMs = 60_000;

/** @returns the same clock, and the last time that it jumped ahead */
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
