import type { LogFn, Logger } from "pino";
import { withoutSecrets } from "./requestLog.ts";

/** What a bridge warned of lately; the same again counts up. */
export interface LastError {
  readonly text: string;
  /** What the line said besides: `failure=driveUnreachable`. */
  readonly facts: readonly string[];
  readonly isError: boolean;
  readonly count: number;
  readonly lastAtMs: number;
}

const keptErrors = 50;
const longestFact = 300;
/** Of a line's facts, those that tell what went wrong; names of documents and of people are not among them. */
const shownFacts = [
  "method",
  "path",
  "status",
  "failure",
  "said",
  "reason",
  "cause",
  "why",
  "call",
  "operation",
  "stack",
];
/** These differ each time, and are shown of the last time only. */
const latestFacts = ["file", "correlationId"];

/** The last warnings and errors of this process, in memory only. */
export class LastErrors {
  readonly #secrets: readonly string[];
  readonly #now: () => number;
  readonly #errors = new Map<string, LastError>();

  /** @param secrets never shown, wherever they stand */
  constructor(secrets: readonly string[], now: () => number) {
    this.#secrets = secrets;
    this.#now = now;
  }

  /** @returns the newest first */
  all(): readonly LastError[] {
    return [...this.#errors.values()].reverse();
  }

  /** The same logger; what it warns of is remembered too, even where the log's level leaves it out. */
  noting(logger: Logger): Logger {
    const noting: Logger = Object.create(logger);
    for (const level of ["warn", "error", "fatal"] as const) {
      const write = (...line: unknown[]): void => {
        this.#note(line, level !== "warn");
        Reflect.apply(logger[level], logger, line);
      };
      noting[level] = write as LogFn;
    }
    return noting;
  }

  #note(line: readonly unknown[], isError: boolean): void {
    const [first, second] = line;
    const given = typeof first === "object" && first !== null ? (first as Readonly<Record<string, unknown>>) : {};
    const text = typeof first === "string" ? first : typeof second === "string" ? second : "a request failed";
    const facts = this.#shown(given, shownFacts);
    const key = [text, ...facts].join("\n");
    const count = (this.#errors.get(key)?.count ?? 0) + 1;
    // Behind all others: a Map keeps the order of writing.
    this.#errors.delete(key);
    const latest = this.#shown(given, latestFacts);
    this.#errors.set(key, { text, facts: [...facts, ...latest], isError, count, lastAtMs: this.#now() });
    const [oldest] = this.#errors.keys();
    if (this.#errors.size > keptErrors && oldest !== undefined) this.#errors.delete(oldest);
  }

  #shown(given: Readonly<Record<string, unknown>>, names: readonly string[]): string[] {
    return names.flatMap((name) => {
      const value = given[name];
      if (typeof value !== "string" && typeof value !== "number") return [];
      // Of a stack, the first line: what was thrown.
      const [said = ""] = this.#clean(String(value)).split("\n", 1);
      return [`${name}=${name === "correlationId" ? value : withoutSecrets(said).slice(0, longestFact)}`];
    });
  }

  #clean(text: string): string {
    return this.#secrets.reduce((rest, secret) => rest.replaceAll(secret, "***"), text);
  }
}
