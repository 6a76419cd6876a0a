import { columnName, inputOfText, placeOf, readInput } from "../browser/sheetEntries.js";
import type { SheetLook } from "./pageForm.ts";
import { lettersOf } from "./sharedStrings.ts";
import { child, children, cleaned, type Document, type Element, sibling } from "./xml.ts";

const lastColumn = 16_384;
const lastRow = 1_048_576;

/** One sheet's cells in its XML: read as what somebody would type, and changed in place. */
export class Worksheet {
  readonly document: Document;
  readonly #root: Element | undefined;
  readonly #data: Element | undefined;
  readonly #strings: readonly string[];
  readonly #cells = new Map<string, Element>();
  readonly #rows = new Map<number, Element>();
  /** Cells that hold together with others: formulas for a whole range, columns' names. */
  readonly #fixed = new Set<string>();

  constructor(document: Document, strings: readonly string[], fixedRanges: readonly string[]) {
    this.document = document;
    this.#root = document.documentElement ?? undefined;
    this.#data = child(this.#root, "sheetData");
    this.#strings = strings;
    let row = 0;
    for (const each of children(this.#data, "row")) {
      row = Number(each.getAttribute("r") ?? row + 1);
      this.#rows.set(row, each);
      let column = 0;
      for (const cell of children(each, "c")) {
        column = cell.hasAttribute("r") ? placeOf(cell.getAttribute("r") ?? "").column : column + 1;
        const name = `${columnName(column)}${row}`;
        this.#cells.set(name, cell);
        if (child(cell, "f")?.hasAttribute("t")) this.#fixed.add(name);
      }
    }
    for (const range of fixedRanges) for (const name of cellsIn(range)) this.#fixed.add(name);
  }

  /** What would be typed to fill each cell that is not empty. */
  *inputs(): Generator<[cell: string, input: string]> {
    for (const [name, cell] of this.#cells) {
      const input = this.#inputOf(cell);
      if (input !== "") yield [name, input];
    }
  }

  look(): Omit<SheetLook, "name"> {
    const widths: Record<number, number> = {};
    for (const column of children(child(this.#root, "cols"), "col")) {
      const last = Math.min(Number(column.getAttribute("max")), Number(column.getAttribute("min")) + 100);
      for (let number = Number(column.getAttribute("min")); number <= last; number++)
        widths[number] = Number(column.getAttribute("width"));
    }
    const cells: SheetLook["cells"] = {};
    for (const [name, cell] of this.#cells) {
      const look = Number(cell.getAttribute("s") ?? 0);
      const result = child(cell, "f") === undefined ? undefined : this.#valueOf(cell);
      const known = {
        ...(look > 0 ? { look } : {}),
        ...(result === undefined ? {} : { result }),
        ...(this.#fixed.has(name) ? { isFixed: true } : {}),
      };
      if (Object.keys(known).length > 0) cells[name] = known;
    }
    const merged = children(child(this.#root, "mergeCells"), "mergeCell").map((each) => each.getAttribute("ref") ?? "");
    return { widths, merged, cells };
  }

  /** @returns false where nothing can be put */
  set(name: string, input: string): boolean {
    const { column, row } = placeOf(name);
    if (this.#fixed.has(name) || column > lastColumn || row > lastRow || this.#data === undefined) return false;
    const wanted = readInput(input);
    const found = this.#cells.get(name);
    if (found === undefined && wanted.kind === "empty") return false;
    const cell = found ?? this.#add(name, column, row);
    for (const each of children(cell)) if (each.localName !== "extLst") cell.removeChild(each);
    for (const attribute of ["t", "cm", "vm"]) cell.removeAttribute(attribute);
    const put = (...elements: Element[]) => {
      for (const each of elements.reverse()) cell.insertBefore(each, cell.firstChild);
    };
    if (wanted.kind === "number") put(sibling(cell, "v", {}, [String(wanted.number)]));
    else if (wanted.kind === "formula") put(sibling(cell, "f", {}, [cleaned(wanted.formula)]));
    else if (wanted.kind === "boolean") {
      cell.setAttribute("t", "b");
      put(sibling(cell, "v", {}, [wanted.isTrue ? "1" : "0"]));
    } else if (wanted.kind === "text") {
      cell.setAttribute("t", "inlineStr");
      put(sibling(cell, "is", {}, [sibling(cell, "t", { "xml:space": "preserve" }, [cleaned(wanted.text)])]));
    }
    return true;
  }

  #inputOf(cell: Element): string {
    const formula = child(cell, "f");
    // A formula shared with a range is written out at its first cell only.
    if (formula !== undefined) return formula.textContent ? `=${formula.textContent}` : `=${this.#valueOf(cell)}`;
    const value = this.#valueOf(cell);
    return ["s", "str", "inlineStr", "e", "d"].includes(cell.getAttribute("t") ?? "n") ? inputOfText(value) : value;
  }

  #valueOf(cell: Element): string {
    const value = child(cell, "v")?.textContent ?? "";
    switch (cell.getAttribute("t") ?? "n") {
      case "s":
        return this.#strings[Number(value)] ?? "";
      case "inlineStr": {
        const item = child(cell, "is");
        return item === undefined ? "" : lettersOf(item);
      }
      case "b":
        return value === "1" ? "TRUE" : "FALSE";
      default:
        return value;
    }
  }

  #add(name: string, column: number, rowNumber: number): Element {
    const row = this.#row(rowNumber);
    const made = sibling(row, "c", { r: name });
    // A hint at which columns the row fills.
    row.removeAttribute("spans");
    const later = children(row, "c").find((each) => placeOf(each.getAttribute("r") ?? "").column > column);
    row.insertBefore(made, later ?? null);
    // As a row or a column formats its new cells.
    const look = row.getAttribute("customFormat") === "1" ? row.getAttribute("s") : this.#columnLook(column);
    if (look) made.setAttribute("s", look);
    this.#cells.set(name, made);
    return made;
  }

  #row(number: number): Element {
    const found = this.#rows.get(number);
    if (found !== undefined) return found;
    if (this.#data === undefined) throw new RangeError("no cells");
    const made = sibling(this.#data, "row", { r: String(number) });
    const next = [...this.#rows.keys()].filter((each) => each > number);
    const later = next.length === 0 ? undefined : this.#rows.get(Math.min(...next));
    this.#data.insertBefore(made, later ?? null);
    this.#rows.set(number, made);
    return made;
  }

  #columnLook(column: number): string | null {
    const found = children(child(this.#root, "cols"), "col").find(
      (each) => Number(each.getAttribute("min")) <= column && column <= Number(each.getAttribute("max")),
    );
    return found?.getAttribute("style") ?? null;
  }
}

function* cellsIn(range: string): Generator<string> {
  const [from = "", to = from] = range.split(":");
  const start = placeOf(from);
  const end = placeOf(to);
  for (let row = start.row; row <= Math.min(end.row, start.row + 1000); row++)
    for (let column = start.column; column <= Math.min(end.column, start.column + 1000); column++)
      yield `${columnName(column)}${row}`;
}
