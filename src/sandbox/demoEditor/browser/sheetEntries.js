/**
 * The shared text of a workbook, for the page and the editor's server alike: a line for each cell that was ever
 * filled, `SHEET!CELL<tab>VALUE`, the last one of a cell being what it holds. Edits only add lines at the end: of two
 * people in one cell the later one wins, whole.
 */

const entryShape = /^(\d+)!([A-Z]{1,3}[1-9]\d{0,6})\t(.*)$/;

/** One line; `input` is what somebody would type: a number, `=formula`, or text. */
export function entryLine(sheet, cell, input) {
  return `${sheet}!${cell}\t${input.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n`;
}

/** What each cell holds, by `SHEET!CELL`. Lines of no such shape are passed over. */
export function readEntries(text, into = new Map()) {
  for (const line of text.split("\n")) {
    const [, sheet, cell, escaped] = entryShape.exec(line) ?? [];
    if (cell !== undefined)
      into.set(
        `${sheet}!${cell}`,
        escaped.replaceAll(/\\([\\n])/g, (_, which) => (which === "n" ? "\n" : "\\")),
      );
  }
  return into;
}

/** 1 → A, 27 → AA */
export function columnName(column) {
  const rest = Math.floor((column - 1) / 26);
  return (rest > 0 ? columnName(rest) : "") + String.fromCharCode(65 + ((column - 1) % 26));
}

/** B3 → column 2, row 3 */
export function placeOf(cell) {
  const [, letters = "", digits = ""] = /^([A-Z]+)(\d+)$/.exec(cell) ?? [];
  let column = 0;
  for (const letter of letters) column = column * 26 + letter.charCodeAt(0) - 64;
  return { column, row: Number(digits) };
}

/** What was typed, as a spreadsheet reads it. An apostrophe in front makes anything text. */
export function readInput(input) {
  if (input === "") return { kind: "empty" };
  if (input.startsWith("'")) return { kind: "text", text: input.slice(1) };
  if (input.startsWith("=") && input.length > 1) return { kind: "formula", formula: input.slice(1) };
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$/i.test(input) && Number.isFinite(Number(input)))
    return { kind: "number", number: Number(input) };
  if (/^(true|false)$/i.test(input)) return { kind: "boolean", isTrue: /^t/i.test(input) };
  return { kind: "text", text: input };
}

/** The input that reads as this text. */
export function inputOfText(text) {
  return readInput(text).kind === "text" && !text.startsWith("'") ? text : text === "" ? "" : `'${text}`;
}
