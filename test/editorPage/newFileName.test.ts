import { describe, expect, it } from "vitest";
import { newFileName, proposedName } from "../../src/editorPage/browser/newFileName.ts";
import { checkName } from "../../src/model/fileName.ts";

describe("the name that is proposed for a new file", () => {
  it.each([
    ["Report.docx", undefined, "Report", ".docx", false],
    ["Report.docx", "pdf", "Report", ".pdf", true],
    ["Report.docx", "PDF", "Report", ".pdf", true],
    ["Report.docx", "docx", "Report", ".docx", false],
    ["Report.DOCX", "docx", "Report", ".docx", false],
    ["Report.final.odt", "docx", "Report.final", ".docx", true],
    ["README", undefined, "README", "", false],
    ["README", "pdf", "README", ".pdf", true],
    ["Report.docx", "../etc", "Report", ".docx", false],
    ["Report.docx", 7, "Report", ".docx", false],
    ["Report.docx", "", "Report", ".docx", false],
  ])("is for %s as %s: %s and %s", (fileName, format, stem, extension, isExport) => {
    expect(proposedName(fileName, format)).toEqual({ stem, extension, isExport });
  });
});

describe("the name that somebody types", () => {
  it.each([
    ["Report", ".docx", "Report.docx"],
    ["Report.docx", ".docx", "Report.docx"],
    ["Report.DOCX", ".docx", "Report.docx"],
    ["Report.pdf", ".docx", "Report.pdf.docx"],
    ["  Report  ", ".docx", "Report.docx"],
    ["Größe 報告", ".odt", "Größe 報告.odt"],
    ["100%25", ".txt", "100%25.txt"],
    ["README", "", "README"],
  ])("%j with %j becomes %s", (typed, extension, name) => {
    expect(newFileName(typed, extension)).toEqual({ name });
    expect(checkName(name).ok).toBe(true);
  });

  it.each([
    ["", ".docx", "empty"],
    ["   ", ".docx", "empty"],
    [".docx", ".docx", "empty"],
    ["a/b", ".docx", "forbiddenCharacter"],
    ["a\\b", ".docx", "forbiddenCharacter"],
    ["a:b", ".docx", "forbiddenCharacter"],
    ["a\u0007b", ".docx", "controlCharacter"],
    ["a\u{d800}b", ".docx", "incompleteCharacter"],
    ["Report.", ".docx", "dotOrSpaceAtEnd"],
    ["..", ".docx", "relativePath"],
    ["con", ".docx", "reserved"],
    ["x".repeat(226), ".docx", "tooLong"],
    ["é".repeat(113), ".docx", "tooLong"],
  ])("%j with %j is refused: %s", (typed, extension, fault) => {
    expect(newFileName(typed, extension)).toEqual({ fault });
  });

  it("may be as long as the drive allows, extension included", () => {
    expect(newFileName("x".repeat(225), ".docx")).toHaveProperty("name");
  });
});
