import type { TextLines } from "./textLines.ts";
import { walkXml } from "./xmlWalk.ts";

/** Between two slides: a number would mark all slides after a new one as changed. */
const slideMark = "———";

/** Paragraphs inside each other, as in text boxes, become lines of their own. */
class Paragraphs {
  readonly #lines: TextLines;
  readonly #keepsEmpty: boolean;
  readonly #begun: string[] = [];

  constructor(lines: TextLines, keepsEmpty: boolean) {
    this.#lines = lines;
    this.#keepsEmpty = keepsEmpty;
  }

  begin(): void {
    this.#begun.push("");
  }

  append(text: string): void {
    const last = this.#begun.length - 1;
    if (last < 0) return;
    this.#lines.count(text.length);
    this.#begun[last] += text;
  }

  end(): void {
    const text = this.#begun.pop();
    if (text === undefined) return;
    for (const line of text.split("\n")) if (this.#keepsEmpty || line !== "") this.#lines.add(line.trimEnd());
  }
}

/** Formatting, and what tracked changes have taken away; a text box is there twice, the second time for old programs. */
const skippedInWord = new Set(["pPr", "rPr", "del", "moveFrom", "instrText", "Fallback"]);

/** A part of Word's or PowerPoint's: a line per paragraph. @param keepsEmpty empty paragraphs are lines too */
export async function readOoxmlParagraphs(xml: string, lines: TextLines, keepsEmpty: boolean): Promise<void> {
  const paragraphs = new Paragraphs(lines, keepsEmpty);
  let texts = 0;
  await walkXml(xml, {
    skipped: skippedInWord,
    open: ({ name }) => {
      if (name === "p") paragraphs.begin();
      if (name === "t") texts += 1;
      if (name === "tab" || name === "ptab") paragraphs.append("\t");
      if (name === "br" || name === "cr") paragraphs.append("\n");
      if (name === "noBreakHyphen") paragraphs.append("-");
    },
    close: (name) => {
      if (name === "p") paragraphs.end();
      if (name === "t") texts -= 1;
    },
    text: (text) => {
      if (texts > 0) paragraphs.append(text);
    },
  });
}

/** A slide of PowerPoint's. */
export async function readSlide(xml: string, lines: TextLines): Promise<void> {
  lines.add(slideMark);
  await readOoxmlParagraphs(xml, lines, false);
}

const skippedInOpenDocument = new Set([
  "tracked-changes",
  "annotation",
  "svg:title",
  "svg:desc",
  "text:number",
  "note-citation",
]);
const mostSpaces = 1_000;

/** A part of an OpenDocument text or presentation: a line per paragraph. */
export async function readOdfParagraphs(xml: string, lines: TextLines, keepsEmpty: boolean): Promise<void> {
  const paragraphs = new Paragraphs(lines, keepsEmpty);
  await walkXml(xml, {
    skipped: skippedInOpenDocument,
    open: (tag) => {
      if (tag.name === "page") lines.add(slideMark);
      if (tag.name === "p" || tag.name === "h") paragraphs.begin();
      if (tag.name === "tab") paragraphs.append("\t");
      if (tag.name === "line-break") paragraphs.append("\n");
      if (tag.name === "s") paragraphs.append(" ".repeat(timesIn(tag.attribute("text:c"), mostSpaces)));
    },
    close: (name) => {
      if (name === "p" || name === "h") paragraphs.end();
    },
    text: (text) => paragraphs.append(text.replace(/[\t\r\n ]+/g, " ")),
  });
}

/** How often something is repeated, as its attribute says. */
export function timesIn(attribute: string | undefined, atMost: number): number {
  return /^[1-9][0-9]{0,8}$/.test(attribute ?? "") ? Math.min(Number(attribute), atMost) : 1;
}
