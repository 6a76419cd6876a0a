import { describe, expect, it } from "vitest";
import { cellText } from "../../src/sandbox/demoEditor/browser/cellText.js";
import { calculator } from "../../src/sandbox/demoEditor/browser/formula.js";
import { entryLine, readEntries } from "../../src/sandbox/demoEditor/browser/sheetEntries.js";
import { openOfficeFile } from "../../src/sandbox/demoEditor/office/openOfficeFile.ts";
import { sampleWorkbook } from "../../src/sandbox/sampleOffice.ts";
import { excelFile, partOf, partsOf } from "./officeSamples.ts";

function opened(bytes: Buffer) {
  const office = openOfficeFile(bytes, "Plan.xlsx");
  if (office === undefined) throw new Error("no office document");
  return office;
}

const cellsOf = (bytes: Buffer) => Object.fromEntries(readEntries(opened(bytes).text));

/** The file after some cells of its first sheet were filled, one after the other. */
function filled(bytes: Buffer, inputs: Readonly<Record<string, string>>): Buffer {
  const { text, write } = opened(bytes);
  return write(
    text +
      Object.entries(inputs)
        .map(([cell, input]) => entryLine(0, cell, input))
        .join(""),
  );
}

const rows =
  '<row r="1" spans="1:2"><c r="A1" s="4" t="s"><v>0</v></c><c r="B1" s="7"><v>1200.5</v></c></row>' +
  '<row r="3"><c r="A3" t="s"><v>1</v></c><c r="B3"><f>B1*2</f><v>2401</v></c><c r="C3" t="b"><v>1</v></c></row>';

describe("an Excel file in the demo editor", () => {
  it("shows numbers, text, truth and formulas", () => {
    expect(cellsOf(excelFile(rows))).toEqual({
      "0!A1": "Rent",
      "0!B1": "1200.5",
      "0!A3": "Some",
      "0!B3": "=B1*2",
      "0!C3": "TRUE",
    });
  });

  it("puts a cell in its place, keeps its look, and leaves all the rest as it was", () => {
    const file = excelFile(rows);
    const saved = filled(file, { B1: "99", B2: "new", D3: "7" });
    const sheet = partOf(saved, "xl/worksheets/sheet1.xml");
    expect(sheet).toContain('<c r="B1" s="7"><v>99</v></c></row><row r="2"><c r="B2" t="inlineStr">');
    expect(sheet).toContain('<c r="C3" t="b"><v>1</v></c><c r="D3"><v>7</v></c></row>');
    expect(sheet).toContain('<row r="1" spans="1:2"><c r="A1" s="4" t="s"><v>0</v></c>');
    expect(sheet).toContain("<f>B1*2</f>");
    expect(sheet).toContain('<pageMargins left="0.7"/>');
    const [before, after] = [partsOf(file), partsOf(saved)];
    expect(Object.keys(after)).toEqual(Object.keys(before));
    for (const name of ["xl/sharedStrings.xml", "xl/media/image1.png", "xl/calcChain.xml"])
      expect(after[name]).toEqual(before[name]);
    expect(partOf(saved, "xl/workbook.xml")).toContain('<definedNames/><calcPr fullCalcOnLoad="1"/>');
  });

  it("reads again what it has saved", () => {
    const inputs = { A1: "two\nlines \\n & <more>", B1: "", E5: "=SUM(A1:A2)", F9: "'007", G1: "-1.5e3", A3: "FALSE" };
    const {
      "0!A1": a1,
      "0!E5": e5,
      "0!F9": f9,
      "0!G1": g1,
      "0!A3": a3,
      ...rest
    } = cellsOf(filled(excelFile(rows), inputs));
    expect([a1, e5, f9, g1, a3]).toEqual([inputs.A1, inputs.E5, inputs.F9, "-1500", "FALSE"]);
    expect(rest).not.toHaveProperty("0!B1");
  });

  it("forgets the order of calculation when a formula goes: Excel would call the file damaged", () => {
    const saved = filled(excelFile(rows), { B3: "5" });
    expect(partsOf(saved)).not.toHaveProperty("xl/calcChain.xml");
    expect(partOf(saved, "xl/_rels/workbook.xml.rels")).not.toContain("calcChain");
    expect(partOf(saved, "[Content_Types].xml")).not.toContain("calcChain");
  });

  it("does not tear formulas for a whole range, nor the names of a table's columns", () => {
    const shared = '<row r="1"><c r="A1"><f t="shared" ref="A1:A2" si="0">1+1</f><v>2</v></c></row>';
    const file = excelFile(shared, {
      "xl/worksheets/_rels/sheet1.xml.rels":
        '<Relationships xmlns="x"><Relationship Id="t" Type="http://x/table" Target="../tables/table1.xml"/></Relationships>',
      "xl/tables/table1.xml": '<table xmlns="x" ref="C1:D4"/>',
    });
    const saved = filled(file, { A1: "9", C1: "other", C2: "free" });
    expect(cellsOf(saved)).toEqual({ "0!A1": "=1+1", "0!C2": "free" });
    expect(opened(file).form).toMatchObject({ sheets: [{ cells: { A1: { isFixed: true } } }] });
  });

  it("leaves the bytes of every part alone when a cell gets back what it held", () => {
    const file = excelFile(rows);
    expect(partsOf(filled(file, { B1: "1", C3: "TRUE", A1: "Rent", B2: "" }))["xl/styles.xml"]).toBeUndefined();
    expect(partsOf(filled(file, { C3: "TRUE", A1: "Rent" }))).toEqual(partsOf(file));
  });

  it("leaves a text that only begins like a zip file to the text editor", () => {
    expect(openOfficeFile(Buffer.from("PKW is short for car"), "Words.txt")).toBeUndefined();
  });

  it("takes lines that are none without harm", () => {
    const { text, write } = opened(excelFile(rows));
    const saved = write(`${text}9!A1\tno sheet\n0!ZZZ9999999\tfar\n0!A0\tx\nnonsense\n0!XFE1\tbeyond\n`);
    expect(cellsOf(saved)).toEqual(cellsOf(excelFile(rows)));
  });

  it("opens an empty file as an empty workbook, and the sample with two sheets", () => {
    expect(cellsOf(filled(Buffer.alloc(0), { A1: "1" }))).toEqual({ "0!A1": "1" });
    expect(opened(sampleWorkbook()).form).toMatchObject({ sheets: [{ name: "Costs" }, { name: "People" }] });
  });
});

describe("two people in one cell", () => {
  it("leave what came last, whole", () => {
    expect(readEntries(entryLine(0, "A1", "12") + entryLine(0, "A1", "34"))).toEqual(new Map([["0!A1", "34"]]));
  });
});

describe("a formula in the page", () => {
  const inputs: Record<string, string> = {
    "0!A1": "2",
    "0!A2": "3.5",
    "0!A3": "words",
    "0!B1": "=A1*A2",
    "0!B2": "=B2+1",
    "1!A1": "10",
  };
  const result = (formula: string) =>
    calculator({
      sheetNames: ["First", "Other one"],
      inputOf: (sheet, cell) => (cell === "Z9" ? formula : inputs[`${sheet}!${cell}`]),
    })(0, "Z9");

  it.each([
    ["=1+2*3^2", 19],
    ["=(1+2)*-3", -9],
    ["=50%", 0.5],
    ['=A1&" of "&A3', "2 of words"],
    ["=SUM(A1:A3, 4)", 9.5],
    ["=AVERAGE(A1:A2)", 2.75],
    ["=min(a1:a2)+MAX(A1:A2)", 5.5],
    ["=COUNT(A1:A4)+COUNTA(A1:A4)", 5],
    ['=IF(A1>=2,"yes","no")', "yes"],
    ["=ROUND($A$2/3;2)", 1.17],
    ["=B1", 7],
    ["='Other one'!A1*2", 20],
    ["=C1", 0],
    ["=A1/0", "#DIV/0!"],
    ["=A3+1", "#VALUE!"],
    ["=Missing!A1", "#REF!"],
    ["=B2", "#REF!"],
    ["=VLOOKUP(A1,A1:A2,1)", undefined],
    ["=A1:A2", undefined],
    ["=1+", undefined],
    ["=)", undefined],
  ])("%s is %s", (formula, expected) => {
    expect(result(formula)).toBe(expected);
  });

  it.each([
    [1234.5, "#,##0.00", "1,234.50"],
    [0.256, "0.0%", "25.6%"],
    [-3, "0", "-3"],
    [-3, "0;(0)", "(3)"],
    [5, '"EUR" 0.00', "EUR 5.00"],
    [45000.5, "yyyy-mm-dd hh:mm", "2023-03-15 12:00"],
    [0.1 + 0.2, undefined, "0.3"],
    [true, undefined, "TRUE"],
    ["text", "0.00", "text"],
  ])("%s as %s shows %s", (value, format, expected) => {
    expect(cellText(value, format)).toBe(expected);
  });
});
