import type { Services } from "../services.ts";
import type { SaveDropped } from "./saveEvents.ts";
import type { SaveSpool, WaitingSave } from "./saveSpool.ts";

const dayMs = 24 * 3_600_000;

/** How close a waiting save is to its removal. */
export type SpoolStage = "young" | "lastWeek" | "lastDay" | "over";

export function spoolStage(receivedAtMs: number, nowMs: number, lifetimeMs: number): SpoolStage {
  const leftMs = receivedAtMs + lifetimeMs - nowMs;
  if (leftMs <= 0) return "over";
  if (leftMs <= dayMs) return "lastDay";
  return leftMs <= 7 * dayMs ? "lastWeek" : "young";
}

/** Saves do not wait in the spool for ever: operators are warned a week and a day before one is removed. */
export class SpoolEnd {
  readonly #spool: SaveSpool;
  readonly #lifetimeMs: number;
  readonly #warn: (save: WaitingSave, endsAtMs: number) => void;
  readonly #dropped: (save: WaitingSave, how: SaveDropped) => void;
  readonly #warned = new Map<string, SpoolStage>();

  constructor(
    services: Pick<Services, "spool" | "saveLifetimeMs" | "saveDropped">,
    warn: (save: WaitingSave, endsAtMs: number) => void,
  ) {
    this.#spool = services.spool;
    this.#lifetimeMs = services.saveLifetimeMs;
    this.#warn = warn;
    this.#dropped = services.saveDropped;
  }

  /** Checks all waiting saves once, and removes leftovers. */
  async look(nowMs: number): Promise<void> {
    await this.#spool.tidy();
    const waiting = this.#spool.waiting();
    for (const save of waiting) {
      const stage = spoolStage(save.receivedAtMs, nowMs, this.#lifetimeMs);
      if (stage === "over") {
        // A save that is being placed right now is checked again next time.
        if (await this.#spool.drop(save.id)) this.#dropped(save, { why: "tooOld" });
      } else if (stage !== "young" && this.#warned.get(save.id) !== stage) {
        this.#warned.set(save.id, stage);
        this.#warn(save, save.receivedAtMs + this.#lifetimeMs);
      }
    }
    const ids = new Set(waiting.map(({ id }) => id));
    for (const id of this.#warned.keys()) if (!ids.has(id)) this.#warned.delete(id);
  }
}
