import type { Clock } from "../../src/model/keyValueStore.ts";

/** A clock that stands still until it is told otherwise. */
export interface SetClock {
  readonly now: Clock;
  advance(ms: number): void;
}

export function setClock(startMs = Date.now()): SetClock {
  let at = startMs;
  return {
    now: () => at,
    advance: (ms) => {
      at += ms;
    },
  };
}
