import { diffLines, diffWordsWithSpace } from "diff";

/** A piece of a line; marked when the other side does not have it. */
interface LinePart {
  readonly text: string;
  readonly isMarked: boolean;
}

/** One row of two texts side by side. */
export type DifferenceRow =
  | { readonly is: "same"; readonly text: string }
  /** Lines that are equal on both sides, and far from any change. */
  | { readonly is: "folded"; readonly lines: number }
  /** undefined: this side has no such line. */
  | {
      readonly is: "changed";
      readonly before: readonly LinePart[] | undefined;
      readonly after: readonly LinePart[] | undefined;
    };

/** In bytes, of each side. */
export const comparedAtMost = 1024 * 1024;
const foldedFrom = 8;
const shownAround = 3;
/** The comparison pauses between its steps, so that nobody else waits for it. */
const withinMs = 3_000;
/** Longer lines, and lines with less in common, are marked whole. */
const longestMarkedLine = 2_000;
const mostWordEdits = 100;

/**
 * Two texts side by side: equal lines far from changes are folded, changed words are marked.
 * @returns undefined when they differ too much to be compared in time
 */
export async function differenceOf(before: string, after: string): Promise<readonly DifferenceRow[] | undefined> {
  const [left, right] = [unixLines(before), unixLines(after)];
  const changes = await new Promise<ReturnType<typeof diffLines> | undefined>((resolve) => {
    diffLines(left, right, { timeout: withinMs, callback: (found) => resolve(found ?? undefined) });
  });
  if (changes === undefined) return undefined;
  const rows: DifferenceRow[] = [];
  for (let at = 0; at < changes.length; at++) {
    const change = changes[at];
    if (change === undefined) continue;
    const lines = linesOf(change.value);
    if (!change.added && !change.removed) {
      rows.push(...folded(lines, at === 0, at === changes.length - 1));
      continue;
    }
    const next = changes[at + 1];
    const isReplaced = change.removed && next?.added === true;
    if (isReplaced) at += 1;
    rows.push(...changed(change.removed ? lines : [], isReplaced ? linesOf(next.value) : change.added ? lines : []));
  }
  return rows;
}

function unixLines(text: string): string {
  return text.replace(/^\uFEFF/, "").replaceAll("\r\n", "\n");
}

function linesOf(text: string): string[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

function folded(lines: readonly string[], isFirst: boolean, isLast: boolean): DifferenceRow[] {
  const head = isFirst ? 0 : shownAround;
  const tail = isLast ? 0 : shownAround;
  const hidden = lines.length - head - tail;
  const same = (text: string): DifferenceRow => ({ is: "same", text });
  if (hidden < foldedFrom) return lines.map(same);
  return [
    ...lines.slice(0, head).map(same),
    { is: "folded", lines: hidden },
    ...lines.slice(lines.length - tail).map(same),
  ];
}

function changed(before: readonly string[], after: readonly string[]): DifferenceRow[] {
  return Array.from({ length: Math.max(before.length, after.length) }, (_, at) => {
    const [left, right] = [before[at], after[at]];
    if (left === undefined || right === undefined) {
      return { is: "changed", before: whole(left), after: whole(right) } satisfies DifferenceRow;
    }
    const isShort = Math.max(left.length, right.length) <= longestMarkedLine;
    const words = isShort ? diffWordsWithSpace(left, right, { maxEditLength: mostWordEdits }) : undefined;
    if (words === undefined) return { is: "changed", before: whole(left), after: whole(right) } satisfies DifferenceRow;
    const side = (own: "added" | "removed", other: "added" | "removed"): LinePart[] =>
      words.filter((word) => !word[other]).map((word) => ({ text: word.value, isMarked: word[own] }));
    return { is: "changed", before: side("removed", "added"), after: side("added", "removed") } satisfies DifferenceRow;
  });
}

function whole(line: string | undefined): readonly LinePart[] | undefined {
  return line === undefined ? undefined : [{ text: line, isMarked: true }];
}

const textExtensions =
  /\.(txt|text|md|markdown|csv|tsv|json|xml|html?|css|js|ts|ya?ml|ini|conf|log|tex|rst|svg|srt|vtt|eml|ics)$/i;

export const isTextName = (name: string): boolean => textExtensions.test(name);

/** @returns undefined when the bytes are no text in UTF-8 */
export function textIn(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return text.includes("\0") ? undefined : text;
  } catch {
    return undefined;
  }
}
