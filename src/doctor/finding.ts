/** `warning`: works, but with a drawback. `skipped`: could not be checked; the sentence says why. */
export type Outcome = "ok" | "warning" | "failed" | "skipped";

/** What was checked: the bridge itself, or a connection (to the drive, with the editor, from browsers). */
export type Arrow = "bridge" | "drive" | "editor" | "browser";

export interface Verdict {
  readonly outcome: Outcome;
  readonly sentence: string;
  /** The one line to change: `SETTING=value`, a command, or a setting of another program. */
  readonly change?: string;
}

export interface Finding extends Verdict {
  readonly check: string;
  readonly arrow: Arrow;
}

export function ok(sentence: string): Verdict {
  return { outcome: "ok", sentence };
}

export function warning(sentence: string, change?: string): Verdict {
  return { outcome: "warning", sentence, ...(change === undefined ? {} : { change }) };
}

export function failed(sentence: string, change: string): Verdict {
  return { outcome: "failed", sentence, change };
}

export function skipped(sentence: string): Verdict {
  return { outcome: "skipped", sentence };
}

export function finding(arrow: Arrow, check: string, verdict: Verdict): Finding {
  return { check, arrow, ...verdict };
}
