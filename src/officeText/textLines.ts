import { NotRead } from "./notRead.ts";

/** Lines as they come, up to a limit: a short document can repeat a long text without end. */
export class TextLines {
  readonly #lines: string[] = [];
  readonly #limitLength: number;
  #length = 0;

  constructor(limitLength: number) {
    this.#limitLength = limitLength;
  }

  /** @throws NotRead tooLarge */
  add(line: string): void {
    this.count(line.length + 1);
    this.#lines.push(line);
  }

  /** What is gathered for a line that is not complete counts too. @throws NotRead tooLarge */
  count(length: number): void {
    this.#length += length;
    // Twice: text that waits for its line is counted before and after.
    if (this.#length > 2 * this.#limitLength) throw new NotRead("tooLarge");
  }

  /** @throws NotRead tooLarge */
  text(): string {
    const text = this.#lines.map((line) => `${line}\n`).join("");
    if (text.length > this.#limitLength) throw new NotRead("tooLarge");
    return text;
  }
}
