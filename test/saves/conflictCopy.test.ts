import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { conflictCopyName } from "../../src/saves/conflictCopy.ts";

const atMs = Date.parse("2026-11-21T08:15:59.999Z");
const bytesOf = (name: string) => Buffer.byteLength(name);
const halfACharacter = /\p{Cs}/u;
const illegal = /[\\/:*?"<>|]/;

describe("the name of a conflict copy", () => {
  it("tells the document, the person and the moment, and keeps the extension", () => {
    expect(conflictCopyName("Report.docx", "Ann Lee", atMs, 0)).toBe(
      "Report (conflict, Ann Lee, 2026-11-21 08.15).docx",
    );
  });

  it("counts up while the name is taken", () => {
    expect(conflictCopyName("Report.docx", "Ann", atMs, 1)).toBe("Report (conflict, Ann, 2026-11-21 08.15) 2.docx");
    expect(conflictCopyName("Report.docx", "Ann", atMs, 11)).toBe("Report (conflict, Ann, 2026-11-21 08.15) 12.docx");
  });

  it("is another for each attempt, also when the stem is cut", () => {
    const names = Array.from({ length: 120 }, (_, attempt) => conflictCopyName("x".repeat(251), "Ann", atMs, attempt));
    expect(new Set(names).size).toBe(120);
    for (const name of names) expect(bytesOf(name)).toBeLessThanOrEqual(255);
  });

  it.each([
    ["no extension", "Makefile", "Makefile (conflict, Ann, 2026-11-21 08.15)"],
    ["a dot in front alone", ".profile", ".profile (conflict, Ann, 2026-11-21 08.15)"],
    ["a dot in front and an extension", ".notes.txt", ".notes (conflict, Ann, 2026-11-21 08.15).txt"],
    ["two extensions", "backup.tar.gz", "backup.tar (conflict, Ann, 2026-11-21 08.15).gz"],
    ["a dot at the end", "Report.", "Report (conflict, Ann, 2026-11-21 08.15)."],
    ["spaces and brackets", "a (1) .docx", "a (1)  (conflict, Ann, 2026-11-21 08.15).docx"],
  ])("can be made for a document with %s", (_name, fileName, copy) => {
    expect(conflictCopyName(fileName, "Ann", atMs, 0)).toBe(copy);
  });

  it.each([
    ["what names may not hold", 'A\\n/n:*?"<>|e', "A n n       e"],
    ["control characters", "An\u0000n\u0007\te\u0085x\u007f", "An n  e x"],
    ["nothing", "", "unknown"],
    ["nothing but spaces and slashes", " // ", "unknown"],
    ["more than forty characters", `${"n".repeat(39)} family`, "n".repeat(39)],
    ["emoji", "Ann 👩‍💻", "Ann 👩‍💻"],
  ])("can be made for a person whose name holds %s", (_name, person, shown) => {
    expect(conflictCopyName("a.docx", person, atMs, 0)).toBe(`a (conflict, ${shown}, 2026-11-21 08.15).docx`);
  });

  it("counts forty characters by code points and never half an emoji", () => {
    const name = conflictCopyName("a.docx", "😀".repeat(60), atMs, 0);
    expect(name).toBe(`a (conflict, ${"😀".repeat(40)}, 2026-11-21 08.15).docx`);
  });

  it.each([
    ["Chinese", "报".repeat(83)],
    ["emoji", "😀".repeat(62)],
    ["a mixture that does not come out even", `a${"报😀".repeat(35)}`],
  ])("has room for the words Cloudreve adds on its disk, the stem cut between two characters: %s", (_name, stem) => {
    const name = conflictCopyName(`${stem}.docx`, "Ann", atMs, 0);
    expect(bytesOf(name)).toBeLessThanOrEqual(230);
    expect(bytesOf(name)).toBeGreaterThan(230 - 4);
    expect(name).not.toMatch(halfACharacter);
    const kept = name.slice(0, name.indexOf(" (conflict"));
    expect(stem.startsWith(kept)).toBe(true);
    expect(name.endsWith(".docx")).toBe(true);
  });

  it("is not all extension when the name has its one dot at the beginning of a long text", () => {
    const name = conflictCopyName(`v1.${"x".repeat(250)}`, "Ann", atMs, 0);
    expect(bytesOf(name)).toBeLessThanOrEqual(255);
    expect(name).toMatch(/^v1\.x+ \(conflict, Ann, 2026-11-21 08\.15\)$/);
  });

  it("is one that Cloudreve takes, whatever the document and the person are called", () => {
    const legalName = fc
      .string({ unit: "grapheme", minLength: 1, maxLength: 255 })
      .filter((name) => bytesOf(name) <= 255 && !illegal.test(name));
    const anyPerson = fc.string({ unit: "grapheme", maxLength: 300 });
    fc.assert(
      fc.property(legalName, anyPerson, fc.nat(200), (fileName, person, attempt) => {
        const name = conflictCopyName(fileName, person, atMs, attempt);
        expect(bytesOf(name)).toBeLessThanOrEqual(255);
        expect(name).not.toMatch(illegal);
        expect(name).toContain(" (conflict, ");
        expect(name).not.toMatch(halfACharacter);
      }),
    );
  });
});
