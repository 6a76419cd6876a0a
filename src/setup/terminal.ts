import { createInterface } from "node:readline";
import { Writable } from "node:stream";

/** Whoever sits in front of setup. */
export interface Terminal {
  /** Prints a line. */
  say(line: string): void;
  /** @param hidden what is typed is not shown @returns the answer; undefined = there is no more input, or Ctrl+C */
  ask(question: string, hidden?: "hidden"): Promise<string | undefined>;
  close(): void;
}

/** The terminal of this process; without one, answers are read line by line from what is piped in. */
export function processTerminal(input = process.stdin, output = process.stdout): Terminal {
  let isHidden = false;
  const shown = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      if (!isHidden) output.write(chunk);
      done();
    },
  });
  const lines = createInterface({ input, output: shown, terminal: input.isTTY === true });
  const waiting: string[] = [];
  let isEnded = false;
  let answer: ((line: string | undefined) => void) | undefined;
  const told = (line: string | undefined): void => {
    const asked = answer;
    answer = undefined;
    asked?.(line);
  };
  lines.on("line", (line) => (answer === undefined ? waiting.push(line) : told(line)));
  lines.on("close", () => {
    isEnded = true;
    told(undefined);
  });
  return {
    say: (line) => void output.write(`${line}\n`),
    ask: async (question, hidden) => {
      output.write(question);
      isHidden = hidden !== undefined;
      // Otherwise the terminal's line editing would wipe the question.
      lines.setPrompt(isHidden ? "" : question);
      const early = waiting.shift();
      if (early === undefined && isEnded) return undefined;
      const line = early ?? (await new Promise<string | undefined>((resolve) => (answer = resolve)));
      if (isHidden || input.isTTY !== true) output.write("\n");
      isHidden = false;
      return line;
    },
    close: () => lines.close(),
  };
}
