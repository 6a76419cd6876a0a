import { describe, expect, it } from "vitest";
import { type NumberKind, numberKindOf, shownNumber } from "../../src/officeText/numberFormat.ts";

describe("a number format means", () => {
  it.each<[NumberKind, number, string | undefined]>([
    ["number", 0, undefined],
    ["number", 44, undefined],
    ["percent", 10, undefined],
    ["date", 14, undefined],
    ["time", 20, undefined],
    ["dateTime", 22, undefined],
    ["date", 31, undefined],
    ["date", 57, undefined],
    ["time", 45, undefined],
    ["duration", 46, undefined],
    ["number", 14, "0.00"],
    ["date", 165, "yyyy\\-mm\\-dd"],
    ["dateTime", 166, "dd\\.mm\\.yyyy\\ hh:mm"],
    ["time", 167, "hh:mm:ss"],
    ["time", 167, "mm:ss.0"],
    ["time", 167, "h:mm AM/PM"],
    ["percent", 168, "0.00%"],
    ["duration", 169, "[hh]:mm"],
    ["duration", 169, "[m]"],
    ["number", 170, "#,##0.00\\ [$€-407]"],
    ["number", 170, '0.0" days";[Red]\\-0.0" days"'],
    ["number", 170, "[Red][<100]0.0"],
    ["number", 170, "_d0_h"],
    ["number", 170, "0.00E+00"],
    ["date", 171, 'dddd, ""d". "mmmm\\ yyyy'],
    ["date", 171, "mmm"],
    ["date", 171, '[$-411]ggge"年"m"月"d"日";@'],
    ["number", 171, '0;"paid on" dd'],
    ["boolean", 172, '"TRUE";"TRUE";"FALSE"'],
    ["number", 164, "General"],
    ["number", 164, ""],
  ])("%s: %s %s", (kind, id, code) => expect(numberKindOf(id, code)).toBe(kind));
});

describe("a number in a workbook shows", () => {
  it.each<[string, NumberKind, string]>([
    ["0.30000000000000004", "number", "0.3"],
    ["491701234567", "number", "491701234567"],
    ["-1.5E-3", "number", "-0.0015"],
    ["", "number", ""],
    ["", "date", ""],
    ["soon", "date", "soon"],
    ["0.1234", "percent", "12.34%"],
    ["0.07", "percent", "7%"],
    ["1", "boolean", "TRUE"],
    ["0", "boolean", "FALSE"],
    ["46355", "date", "2026-11-29"],
    ["46355.58", "date", "2026-11-29"],
    ["46355.5868055556", "dateTime", "2026-11-29 14:05"],
    ["46355.99999999999", "dateTime", "2026-11-30 00:00"],
    ["0.344097222222222", "time", "08:15:30"],
    ["46355.25", "time", "06:00"],
    ["0.000016203703703703704", "time", "00:00:01.4"],
    ["1.5625", "duration", "37:30"],
    ["1", "date", "1900-01-01"],
    ["59", "date", "1900-02-28"],
    ["61", "date", "1900-03-01"],
    ["0.5", "date", "12:00"],
    ["-1", "date", "-1"],
    ["2958465", "date", "9999-12-31"],
    ["2958466", "date", "2958466"],
    ["1e300", "duration", "1e+300"],
  ])("%s as a %s: %s", (value, kind, shown) => expect(shownNumber(value, kind, false)).toBe(shown));

  it("a day of a workbook that counts from 1904", () => {
    expect(shownNumber("44893", "date", true)).toBe("2026-11-29");
    expect(shownNumber("0", "date", true)).toBe("1904-01-01");
  });
});
