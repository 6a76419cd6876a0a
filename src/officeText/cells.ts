import { NotRead } from "./notRead.ts";
import { type NumberKind, numberKindOf, shownNumber } from "./numberFormat.ts";
import { timesIn } from "./paragraphs.ts";
import type { TextLines } from "./textLines.ts";
import { walkXml } from "./xmlWalk.ts";

/** A row with a text far to the right is no line of thousands of tabs. */
const mostTabs = 100;

/** A row is a line, its cells with a tab between: a new row marks one line, not all below it. Empty rows are left out. */
class Rows {
  readonly #lines: TextLines;
  #line = "";
  #column = 0;
  #filledTo = 0;

  constructor(lines: TextLines) {
    this.#lines = lines;
  }

  /** @param column from 0; undefined = the next */
  cell(text: string, column = this.#column): void {
    this.#column = column + 1;
    if (text === "") return;
    const piece =
      "\t".repeat(Math.max(0, Math.min(column - this.#filledTo, mostTabs))) + text.replace(/\s*\n\s*/g, " ");
    this.#lines.count(piece.length);
    this.#line += piece;
    this.#filledTo = column;
  }

  leave(columns: number): void {
    this.#column += columns;
  }

  /** @param times how often the row is there */
  end(times = 1): void {
    if (this.#line !== "") for (let at = 0; at < times; at++) this.#lines.add(this.#line);
    [this.#line, this.#column, this.#filledTo] = ["", 0, 0];
  }
}

/** `B7` is in column 1. */
function columnOf(address: string | undefined): number | undefined {
  const [letters] = /^[A-Z]{1,3}(?=[0-9]+$)/.exec(address ?? "") ?? [];
  if (letters === undefined) return undefined;
  return [...letters].reduce((column, letter) => column * 26 + letter.charCodeAt(0) - 64, 0) - 1;
}

/** Excel's texts, which cells refer to by number. */
async function sharedStrings(xml: string | undefined): Promise<readonly string[]> {
  const strings: string[] = [];
  if (xml === undefined) return strings;
  let [text, texts] = ["", 0];
  await walkXml(xml, {
    skipped: new Set(["rPh", "rPr"]),
    open: ({ name }) => {
      if (name === "si") text = "";
      if (name === "t") texts += 1;
    },
    close: (name) => {
      if (name === "si") strings.push(text);
      if (name === "t") texts -= 1;
    },
    text: (more) => {
      if (texts > 0) text += more;
    },
  });
  return strings;
}

/** What else a workbook says about formatting, which has number formats of its own. */
const skippedInStyles = new Set(["cellStyleXfs", "dxfs", "fonts", "fills", "borders", "tableStyles", "extLst"]);

/** What numbers mean, by the number of a cell's style. */
async function numberKinds(xml: string | undefined): Promise<readonly NumberKind[]> {
  const kinds: NumberKind[] = [];
  if (xml === undefined) return kinds;
  const codes = new Map<number, string | undefined>();
  let isInCells = false;
  await walkXml(xml, {
    skipped: skippedInStyles,
    open: (tag) => {
      if (tag.name === "numFmt") codes.set(Number(tag.attribute("numFmtId")), tag.attribute("formatCode"));
      if (tag.name === "cellXfs") isInCells = true;
      if (tag.name !== "xf" || !isInCells) return;
      const id = Number(tag.attribute("numFmtId") ?? "0");
      kinds.push(numberKindOf(id, codes.get(id)));
    },
    close: (name) => {
      if (name === "cellXfs") isInCells = false;
    },
  });
  return kinds;
}

interface Workbook {
  readonly sheets: readonly { readonly name: string; readonly path: string }[];
  readonly strings: readonly string[];
  readonly kinds: readonly NumberKind[];
  /** Its days count from 1904. */
  readonly is1904: boolean;
}

/** What all sheets share, and the sheets in their order. */
async function workbookOf(parts: ReadonlyMap<string, string>): Promise<Workbook> {
  const [workbook, relationships] = [parts.get("xl/workbook.xml"), parts.get("xl/_rels/workbook.xml.rels")];
  if (workbook === undefined || relationships === undefined) throw new NotRead("unreadable");
  const targets = new Map<string, string>();
  await walkXml(relationships, {
    open: (tag) => {
      if (tag.name !== "Relationship") return;
      const target = tag.attribute("Target") ?? "";
      targets.set(tag.attribute("Id") ?? "", target.startsWith("/") ? target.slice(1) : `xl/${target}`);
    },
  });
  const sheets: { name: string; path: string }[] = [];
  let is1904 = false;
  await walkXml(workbook, {
    open: (tag) => {
      if (tag.name === "workbookPr") is1904 = /^(?:1|true)$/.test(tag.attribute("date1904") ?? "");
      if (tag.name !== "sheet") return;
      sheets.push({ name: tag.attribute("name") ?? "", path: targets.get(tag.attribute("r:id") ?? "") ?? "" });
    },
  });
  const [strings, kinds] = [
    await sharedStrings(parts.get("xl/sharedStrings.xml")),
    await numberKinds(parts.get("xl/styles.xml")),
  ];
  return { sheets, strings, kinds, is1904 };
}

/** A workbook of Excel's: the name of each sheet, then its rows. Values, and formulas that have none. */
export async function readWorkbook(parts: ReadonlyMap<string, string>, lines: TextLines): Promise<void> {
  const workbook = await workbookOf(parts);
  for (const { name, path } of workbook.sheets) {
    lines.add(name);
    const sheet = parts.get(path);
    // A chart has a sheet of its own.
    if (sheet !== undefined) await readSheet(sheet, workbook, lines);
  }
}

interface Cell {
  readonly type: string;
  readonly style: number;
  readonly column: number | undefined;
  value: string;
  formula: string;
}

async function readSheet(xml: string, workbook: Workbook, lines: TextLines): Promise<void> {
  const rows = new Rows(lines);
  let cell: Cell | undefined;
  let inside = "";
  await walkXml(xml, {
    skipped: new Set(["rPh", "rPr", "extLst"]),
    open: (tag) => {
      if (tag.name === "c") {
        const [column, style] = [columnOf(tag.attribute("r")), Number(tag.attribute("s") ?? "0")];
        cell = { type: tag.attribute("t") ?? "n", style, column, value: "", formula: "" };
      }
      if (tag.name === "v" || tag.name === "t" || tag.name === "f") inside = tag.name;
    },
    close: (name) => {
      inside = "";
      if (name === "row") rows.end();
      if (name !== "c" || cell === undefined) return;
      rows.cell(shown(cell, workbook) || (cell.formula === "" ? "" : `=${cell.formula}`), cell.column);
      cell = undefined;
    },
    text: (text) => {
      if (cell === undefined) return;
      if (inside === "f") cell.formula += text;
      else if (inside !== "") cell.value += text;
    },
  });
}

function shown({ type, style, value }: Cell, { strings, kinds, is1904 }: Workbook): string {
  if (type === "s") return strings[Number(value)] ?? "";
  if (type === "b") return value === "1" ? "TRUE" : "FALSE";
  return type === "n" ? shownNumber(value, kinds[style] ?? "number", is1904) : value;
}

/** An OpenDocument spreadsheet: the name of each table, then its rows. */
export async function readOdfSheets(xml: string, lines: TextLines): Promise<void> {
  const rows = new Rows(lines);
  let cell: { text: string; value: string; times: number } | undefined;
  let rowTimes = 1;
  let paragraphs = 0;
  const append = (text: string): void => {
    if (cell !== undefined) cell.text += text;
  };
  await walkXml(xml, {
    skipped: new Set(["tracked-changes", "annotation", "svg:title", "svg:desc", "shapes"]),
    open: (tag) => {
      if (tag.name === "table") lines.add(tag.attribute("table:name") ?? "");
      if (tag.name === "table-row") rowTimes = timesIn(tag.attribute("table:number-rows-repeated"), 2_000_000);
      if (tag.name === "table-cell" || tag.name === "covered-table-cell") {
        const value = tag.attribute("office:value") ?? tag.attribute("office:date-value") ?? "";
        cell = { text: "", value, times: timesIn(tag.attribute("table:number-columns-repeated"), 20_000) };
      }
      if (tag.name === "p") {
        if (cell?.text !== "") append(" ");
        paragraphs += 1;
      }
      if (tag.name === "s" || tag.name === "tab" || tag.name === "line-break") append(" ");
    },
    close: (name) => {
      if (name === "p") paragraphs -= 1;
      if (name === "table-row") rows.end(rowTimes);
      if ((name !== "table-cell" && name !== "covered-table-cell") || cell === undefined) return;
      const text = cell.text || cell.value;
      if (text === "") rows.leave(cell.times);
      else for (let at = 0; at < cell.times; at++) rows.cell(text);
      cell = undefined;
    },
    text: (text) => {
      if (paragraphs > 0) append(text.replace(/[\t\r\n ]+/g, " "));
    },
  });
}
