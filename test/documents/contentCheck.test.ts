import { describe, expect, it } from "vitest";
import { isWorthless, judgeContent } from "../../src/documents/contentCheck.ts";

const zip = Buffer.from("PK\u0003\u0004rest", "latin1");
const ole = Buffer.from("d0cf11e0a1b11ae100", "hex");
const pdf = Buffer.from("%PDF-1.7");
const page = Buffer.from("<html>502 Bad Gateway</html>");
const nothing = Buffer.alloc(0);
const content = (start: Buffer | undefined) => ({ sizeBytes: start?.length ?? 5, start });

describe("What an editor sends for a document", () => {
  it.each([
    ["a zip over a zip", "a.docx", zip, zip, "meant"],
    ["a document with a password, which is an OLE file", "a.docx", ole, zip, "meant"],
    ["the same without its password again", "a.xlsx", zip, ole, "meant"],
    ["an OLE file over OpenDocument, which has none", "a.odt", ole, zip, "damaged"],
    ["no bytes over a zip", "a.docx", nothing, zip, "empty"],
    ["no bytes over something that is no zip", "a.docx", nothing, page, "empty"],
    ["no bytes, with only the stored size known", "a.docx", nothing, undefined, "empty"],
    ["no bytes over no bytes", "a.docx", nothing, nothing, "meant"],
    ["anything over no bytes", "a.docx", page, nothing, "meant"],
    ["an error page over a zip", "a.pptx", page, zip, "damaged"],
    ["an error page over something that is no zip either", "a.docx", page, page, "meant"],
    ["a wrong beginning, with the stored one not read", "a.docx", page, undefined, "unknown"],
    ["a body not read", "a.docx", undefined, zip, "unknown"],
    ["a body shorter than any mark", "a.docx", Buffer.from("P"), zip, "damaged"],
    ["an OLE file over an OLE file", "a.doc", ole, ole, "meant"],
    ["a zip over an OLE file", "a.xls", zip, ole, "damaged"],
    ["text over a spreadsheet that is text in truth", "a.xls", page, page, "meant"],
    ["a PDF over a PDF", "a.pdf", pdf, pdf, "meant"],
    ["a PDF with something before its header", "a.pdf", Buffer.concat([page, pdf]), pdf, "meant"],
    ["an error page over a PDF", "a.PDF", page, pdf, "damaged"],
    ["no bytes over text", "a.txt", nothing, page, "meant"],
    ["no bytes over a flat document", "a.fodt", nothing, page, "meant"],
    ["a zip over a table in text", "a.csv", zip, page, "meant"],
    ["anything over a file without an extension", "README", nothing, zip, "meant"],
  ] as const)("%s (%s)", (_what, name, body, stored, verdict) => {
    expect(judgeContent(name, content(body), content(stored))).toBe(verdict);
  });

  it.each([
    ["no bytes", nothing, "unknown"],
    ["a wrong beginning", page, "unknown"],
    ["a right beginning", zip, "meant"],
  ] as const)("can't be judged before the document is looked at, unless it is right: %s", (_what, body, verdict) => {
    expect(judgeContent("a.docx", content(body), undefined)).toBe(verdict);
  });

  it.each([
    ["a.docx", 0, true],
    ["a.docx", 1, false],
    ["a.txt", 0, false],
  ] as const)("is worthless whatever is stored: %s with %i bytes is %s", (name, sizeBytes, expected) => {
    expect(isWorthless(name, sizeBytes)).toBe(expected);
  });
});
