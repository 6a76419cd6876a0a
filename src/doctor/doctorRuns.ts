import { type Config, secretsOf } from "../config.ts";
import type { Clock } from "../model/keyValueStore.ts";
import { examine } from "./examine.ts";
import type { Finding } from "./finding.ts";
import { textReport, withoutSecrets } from "./report.ts";
import { misspeltSettings } from "./settings.ts";

/**
 * All findings, without secrets.
 * @param names of all variables in the environment, for those that are misspelt
 */
export async function fullExamination(config: Config, names: readonly string[], now?: Clock): Promise<Finding[]> {
  return [...misspeltSettings(names), ...withoutSecrets(await examine(config, now), secretsOf(config))];
}

/** What is known of the doctor in a running bridge. */
export interface DoctorState {
  readonly runningSinceMs: number | undefined;
  readonly last: { readonly endedAtMs: number; readonly report: string } | undefined;
}

/** The doctor inside a running bridge: one run at a time, and its last report in memory. */
export class DoctorRuns {
  readonly #config: Config;
  readonly #now: Clock;
  #running: { readonly sinceMs: number; readonly done: Promise<void> } | undefined;
  #last: DoctorState["last"];

  constructor(config: Config, now: Clock) {
    this.#config = config;
    this.#now = now;
  }

  state(): DoctorState {
    return { runningSinceMs: this.#running?.sinceMs, last: this.#last };
  }

  /** Starts a run, or joins the one that is under way. @returns once it has ended; never rejects */
  run(): Promise<void> {
    this.#running ??= { sinceMs: this.#now(), done: this.#examine() };
    return this.#running.done;
  }

  async #examine(): Promise<void> {
    let report: string;
    try {
      report = textReport(await fullExamination(this.#config, Object.keys(process.env)));
    } catch (error) {
      report = `The doctor failed: ${error instanceof Error ? error.name : "unknown reason"}\n`;
    }
    this.#last = { endedAtMs: this.#now(), report };
    this.#running = undefined;
  }
}
