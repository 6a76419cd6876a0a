import { columnName, placeOf, readInput } from "./sheetEntries.js";

/** A formula that this editor can't reckon. */
class Unknown extends Error {}
/** What a cell shows in place of a value, such as #DIV/0! */
class CellError extends Error {}

const tokenShape =
  /\s*(?:(?<number>\d+\.?\d*(?:e[+-]?\d+)?|\.\d+)|(?<text>"(?:[^"]|"")*")|(?<ref>(?:(?:'(?:[^']|'')+'|[\p{L}_][\p{L}\d_.]*)!)?\$?[A-Z]{1,3}\$?[1-9]\d{0,6}(?![\p{L}\d_(]))|(?<name>[\p{L}_][\p{L}\d_.]*)|(?<sign><=|>=|<>|[-+*/^&=<>%(),:;]))/iuy;

const comparisons = {
  "=": (order) => order === 0,
  "<>": (order) => order !== 0,
  "<": (order) => order < 0,
  ">": (order) => order > 0,
  "<=": (order) => order <= 0,
  ">=": (order) => order >= 0,
};

const cellsLimit = 100_000;

/**
 * Reckons the formulas of a workbook. `inputOf` tells what is in a cell, as it would be typed.
 * @returns a function from sheet and cell to a number, a text, a boolean; undefined for what it can't reckon
 */
export function calculator({ sheetNames, inputOf }) {
  const known = new Map();
  const underWay = new Set();

  function valueAt(sheet, cell) {
    const key = `${sheet}!${cell}`;
    if (known.has(key)) return known.get(key);
    const input = readInput(inputOf(sheet, cell) ?? "");
    if (input.kind !== "formula") return plainValue(input);
    if (underWay.has(key)) throw new CellError("#REF!");
    underWay.add(key);
    try {
      const value = new Reckoning(input.formula, sheet, sheetNames, valueAt).result();
      known.set(key, value);
      return value;
    } finally {
      underWay.delete(key);
    }
  }

  return (sheet, cell) => {
    try {
      return valueAt(sheet, cell);
    } catch (error) {
      if (error instanceof CellError) return error.message;
      // Too deep a chain of cells is as unknown as an unknown function.
      if (error instanceof Unknown || error instanceof RangeError) return undefined;
      throw error;
    }
  };
}

function plainValue(input) {
  if (input.kind === "number") return input.number;
  if (input.kind === "text") return input.text;
  return input.kind === "boolean" ? input.isTrue : "";
}

/** One formula, read and reckoned from left to right. */
class Reckoning {
  #tokens;
  #at = 0;
  #sheet;
  #sheetNames;
  #valueAt;

  constructor(formula, sheet, sheetNames, valueAt) {
    this.#tokens = tokensOf(formula);
    this.#sheet = sheet;
    this.#sheetNames = sheetNames;
    this.#valueAt = valueAt;
  }

  result() {
    const value = single(this.#comparison());
    if (this.#at < this.#tokens.length) throw new Unknown();
    return value === "" ? 0 : value;
  }

  #takes(...signs) {
    const { sign } = this.#tokens[this.#at] ?? {};
    if (sign === undefined || !signs.includes(sign)) return undefined;
    this.#at++;
    return sign;
  }

  #comparison() {
    let left = this.#joined();
    for (let sign = this.#takes(...Object.keys(comparisons)); sign; sign = this.#takes(...Object.keys(comparisons)))
      left = comparisons[sign](order(single(left), single(this.#joined())));
    return left;
  }

  #joined() {
    let left = this.#sum();
    while (this.#takes("&")) left = textOf(single(left)) + textOf(single(this.#sum()));
    return left;
  }

  #sum() {
    let left = this.#product();
    for (let sign = this.#takes("+", "-"); sign; sign = this.#takes("+", "-")) {
      const right = numberOf(this.#product());
      left = sign === "+" ? numberOf(left) + right : numberOf(left) - right;
    }
    return left;
  }

  #product() {
    let left = this.#power();
    for (let sign = this.#takes("*", "/"); sign; sign = this.#takes("*", "/")) {
      const right = numberOf(this.#power());
      if (sign === "/" && right === 0) throw new CellError("#DIV/0!");
      left = sign === "*" ? numberOf(left) * right : numberOf(left) / right;
    }
    return left;
  }

  #power() {
    let left = this.#signed();
    while (this.#takes("^")) left = numberOf(left) ** numberOf(this.#signed());
    return left;
  }

  #signed() {
    if (this.#takes("-")) return -numberOf(this.#signed());
    if (this.#takes("+")) return this.#signed();
    let value = this.#value();
    while (this.#takes("%")) value = numberOf(value) / 100;
    return value;
  }

  #value() {
    const token = this.#tokens[this.#at++] ?? {};
    if (token.number !== undefined) return Number(token.number);
    if (token.text !== undefined) return token.text.slice(1, -1).replaceAll('""', '"');
    if (token.ref !== undefined) return this.#reference(token.ref);
    if (token.sign === "(") {
      const value = this.#comparison();
      if (!this.#takes(")")) throw new Unknown();
      return value;
    }
    const name = token.name?.toUpperCase();
    if (name === "TRUE" || name === "FALSE") return name === "TRUE";
    if (name === undefined || !Object.hasOwn(functions, name) || !this.#takes("(")) throw new Unknown();
    const given = [];
    while (!this.#takes(")")) {
      if (given.length > 0 && !this.#takes(",", ";")) throw new Unknown();
      given.push(this.#comparison());
    }
    return functions[name](...given);
  }

  #reference(text) {
    const from = this.#placed(text);
    if (!this.#takes(":")) return { cells: [() => this.#valueAt(from.sheet, from.cell)] };
    const { ref } = this.#tokens[this.#at++] ?? {};
    if (ref === undefined || ref.includes("!")) throw new Unknown();
    const start = placeOf(from.cell);
    const end = placeOf(this.#placed(ref).cell);
    if (Math.abs(end.row - start.row + 1) * Math.abs(end.column - start.column + 1) > cellsLimit) throw new Unknown();
    const cells = [];
    for (let row = Math.min(start.row, end.row); row <= Math.max(start.row, end.row); row++)
      for (let column = Math.min(start.column, end.column); column <= Math.max(start.column, end.column); column++)
        cells.push(() => this.#valueAt(from.sheet, `${columnName(column)}${row}`));
    return { cells, isRange: true };
  }

  #placed(ref) {
    const at = ref.lastIndexOf("!");
    const cell = ref
      .slice(at + 1)
      .replaceAll("$", "")
      .toUpperCase();
    if (at < 0) return { sheet: this.#sheet, cell };
    const name = ref
      .slice(0, at)
      .replace(/^'(.*)'$/, "$1")
      .replaceAll("''", "'");
    const sheet = this.#sheetNames.findIndex((each) => each.toLowerCase() === name.toLowerCase());
    if (sheet < 0) throw new CellError("#REF!");
    return { sheet, cell };
  }
}

const functions = {
  SUM: (...given) => numbersIn(given).reduce((sum, each) => sum + each, 0),
  COUNT: (...given) => numbersIn(given).length,
  COUNTA: (...given) => given.flatMap(valuesOf).filter((value) => value !== "").length,
  MIN: (...given) => Math.min(...orZero(numbersIn(given))),
  MAX: (...given) => Math.max(...orZero(numbersIn(given))),
  AVERAGE: (...given) => {
    const numbers = numbersIn(given);
    if (numbers.length === 0) throw new CellError("#DIV/0!");
    return functions.SUM(...numbers) / numbers.length;
  },
  ABS: (value) => Math.abs(numberOf(value)),
  ROUND: (value, digits = 0) => {
    const scale = 10 ** numberOf(digits);
    return Math.round(numberOf(value) * scale) / scale;
  },
  IF: (condition, then = true, otherwise = false) => {
    const value = single(condition);
    return single((typeof value === "boolean" ? value : numberOf(value) !== 0) ? then : otherwise);
  },
};

function tokensOf(formula) {
  const tokens = [];
  tokenShape.lastIndex = 0;
  const text = formula.trimEnd();
  while (tokenShape.lastIndex < text.length) {
    const found = tokenShape.exec(text);
    if (found === null) throw new Unknown();
    tokens.push(found.groups);
  }
  return tokens;
}

function valuesOf(value) {
  return value?.cells === undefined ? [value] : value.cells.map((cell) => defined(cell()));
}

/** Of a range only what is a number; a text given by itself has to be one. */
function numbersIn(given) {
  return given.flatMap((each) =>
    each?.cells === undefined ? [numberOf(each)] : valuesOf(each).filter((value) => typeof value === "number"),
  );
}

function orZero(numbers) {
  return numbers.length === 0 ? [0] : numbers;
}

function single(value) {
  if (value?.cells === undefined) return defined(value);
  if (value.isRange) throw new Unknown();
  return defined(value.cells[0]());
}

function defined(value) {
  if (value === undefined) throw new Unknown();
  if (typeof value === "string" && /^#[A-Z/0!?]+$/.test(value)) throw new CellError(value);
  return value;
}

function numberOf(given) {
  const value = single(given);
  if (typeof value === "number") return value;
  if (value === "" || typeof value === "boolean") return Number(value);
  const read = readInput(value);
  if (read.kind !== "number") throw new CellError("#VALUE!");
  return read.number;
}

function textOf(value) {
  return typeof value === "boolean" ? String(value).toUpperCase() : String(value);
}

function order(left, right) {
  if (typeof left === "number" && typeof right === "number") return left - right;
  return textOf(left).toLowerCase() < textOf(right).toLowerCase()
    ? -1
    : Number(textOf(left).toLowerCase() !== textOf(right).toLowerCase());
}
