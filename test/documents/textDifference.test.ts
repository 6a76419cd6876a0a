import { describe, expect, it } from "vitest";
import { type DifferenceRow, differenceOf, isTextName, textIn } from "../../src/documents/textDifference.ts";

/** A row as text: `=same`, `~12` folded, `-before|+after` with marked pieces in [ ]. */
function shown(row: DifferenceRow): string {
  if (row.is === "same") return `=${row.text}`;
  if (row.is === "folded") return `~${row.lines}`;
  const side = (parts: (DifferenceRow & { is: "changed" })["before"]) =>
    parts?.map(({ text, isMarked }) => (isMarked ? `[${text}]` : text)).join("") ?? "";
  return `-${side(row.before)}|+${side(row.after)}`;
}
const rows = async (before: string, after: string) => (await differenceOf(before, after))?.map(shown);
const numbered = (count: number) => Array.from({ length: count }, (_, at) => `line ${at}\n`).join("");

describe("two texts side by side", () => {
  it.each([
    ["the words that changed", "a big dog\n", "a small dog\n", ["-a [big] dog|+a [small] dog"]],
    ["a line that came", "one\nthree\n", "one\ntwo\nthree\n", ["=one", "-|+[two]", "=three"]],
    ["a line that went", "one\ntwo\n", "one\n", ["=one", "-[two]|+"]],
    ["nothing in equal texts", "one\ntwo\n", "one\ntwo\n", ["=one", "=two"]],
    ["nothing but the words, however lines end", "one\r\ntwo\r\n", "one\nto\n", ["=one", "-[two]|+[to]"]],
    ["no rows for two empty ones", "", "", []],
  ])("mark %s", async (_name, before, after, expected) => {
    expect(await rows(before, after)).toEqual(expected);
  });

  it("fold what is far from any change, not what is near", async () => {
    const found = await rows(`${numbered(40)}old\n${numbered(40)}`, `${numbered(40)}new\n${numbered(40)}`);
    expect(found).toEqual([
      "~37",
      ...["=line 37", "=line 38", "=line 39", "-[old]|+[new]", "=line 0", "=line 1", "=line 2"],
      "~37",
    ]);
  });
});

describe("what is compared as text", () => {
  it("is told by the name, and by the bytes", () => {
    expect(["a.txt", "B.CSV", "c.md"].map(isTextName)).toEqual([true, true, true]);
    expect(["a.docx", "txt", "a.txt.zip"].map(isTextName)).toEqual([false, false, false]);
    expect(textIn(Buffer.from("Zoë"))).toBe("Zoë");
    expect(textIn(Buffer.from([0x5a, 0xeb]))).toBeUndefined();
    expect(textIn(Buffer.from("a\0b"))).toBeUndefined();
  });
});
