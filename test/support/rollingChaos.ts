import type { RollingStage } from "./rollingStage.ts";

/** What was done to the stage. */
export interface ChaosCounts {
  bridgeKills: number;
  redisKills: number;
  restarts: number;
}

/** Numbers from 0 to 1, the same ones for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Kills bridges and Redis, and restarts bridges as an upgrade does, at random, for that long; all is up when it ends.
 * @param first done first, and all of them, also where a restart alone takes longer than the run
 */
export async function chaos(
  stage: RollingStage,
  random: () => number,
  forMs: number,
  first: readonly ("kill" | "killRedis" | "roll")[] = [],
): Promise<ChaosCounts> {
  const counts: ChaosCounts = { bridgeKills: 0, redisKills: 0, restarts: 0 };
  const endsAtMs = performance.now() + forMs;
  const due = [...first];
  while (due.length > 0 || performance.now() < endsAtMs) {
    await pause(300 + random() * 2_000);
    const [one, other] = stage.bridges;
    const bridge = random() < 0.5 ? one : other;
    if (bridge === undefined) throw new Error("there are no bridges");
    const dice = random();
    const what = due.shift() ?? (dice < 0.5 ? "kill" : dice < 0.8 ? "killRedis" : "roll");
    if (what === "kill") {
      await bridge.kill();
      await bridge.start();
      counts.bridgeKills++;
    } else if (what === "killRedis") {
      await stage.redis.kill();
      await pause(random() * 3_000);
      await stage.redis.start();
      counts.redisKills++;
    } else {
      const code = await stage.roll(bridge);
      if (code !== 0) stage.book.violations.push(`a bridge that was stopped ended with ${code}`);
      counts.restarts++;
    }
  }
  return counts;
}

/** What a run has met, one line each. */
export function figuresOf({ book, editors }: RollingStage, counts: ChaosCounts): string {
  const failures = [...book.failures].sort(([a], [b]) => a.localeCompare(b));
  return [
    `${editors.length} editors, ${book.calls} calls, ${book.saves} saves acknowledged`,
    `${counts.bridgeKills} kills of a bridge, ${counts.redisKills} of Redis, ${counts.restarts} restarts`,
    `slowest call: ${book.slowest.call}, ${book.slowest.ms} ms`,
    `failed and tried again: ${failures.map(([kind, count]) => `${kind} ${count}`).join(", ") || "none"}`,
    "",
  ].join("\n");
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
