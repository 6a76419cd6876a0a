import { strToU8, unzipSync, type Zippable, zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { blankDocument } from "../../src/blanks/blankDocument.ts";
import { isOfficeName, officeTextOf } from "../../src/officeText/officeText.ts";
import { sampleDocument, sampleWorkbook } from "../../src/sandbox/sampleOffice.ts";

async function* inChunks(bytes: Uint8Array, chunkBytes = 65_536): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

async function read(name: string, bytes: Uint8Array, limit = 1_000_000): Promise<string> {
  const found = await officeTextOf(name, inChunks(bytes), limit);
  return "text" in found ? found.text : found.why;
}

const zipped = (parts: Record<string, string>): Uint8Array =>
  zipSync(Object.fromEntries(Object.entries(parts).map(([path, text]) => [path, strToU8(text)])) satisfies Zippable);
const word = (body: string): Uint8Array =>
  zipped({ "word/document.xml": `<?xml version="1.0"?><w:document><w:body>${body}</w:body></w:document>` });
const paragraph = (text: string): string => `<w:p><w:r><w:t>${text}</w:t></w:r></w:p>`;
const odt = (body: string): Uint8Array =>
  zipped({ mimetype: "x", "content.xml": `<office:text>${body}</office:text>` });
const ods = (rows: string): Uint8Array =>
  zipped({
    "content.xml": `<office:spreadsheet><table:table table:name="Costs">${rows}</table:table></office:spreadsheet>`,
  });
const xlsx = (rows: string, strings = ""): Uint8Array =>
  zipped({
    "xl/workbook.xml": '<x:workbook><x:sheets><x:sheet name="A &amp; B" r:id="r1"/></x:sheets></x:workbook>',
    "xl/_rels/workbook.xml.rels":
      '<Relationships><Relationship Target="/xl/worksheets/s.xml" Id="r1"/></Relationships>',
    "xl/sharedStrings.xml": `<sst>${strings}</sst>`,
    "xl/worksheets/s.xml": `<worksheet><sheetData>${rows}</sheetData></worksheet>`,
  });

describe("the text of a document", () => {
  it.each([
    ["paragraphs", word(paragraph("One &lt;&#50;&#x33;&gt;") + paragraph("Two")), "One <23>\nTwo\n"],
    [
      "tabs and breaks, not tab stops",
      word(
        "<w:p><w:pPr><w:tabs><w:tab/></w:tabs></w:pPr><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t></w:r></w:p>",
      ),
      "a\tb\nc\n",
    ],
    [
      "cells",
      word(`<w:tbl><w:tr><w:tc>${paragraph("a")}</w:tc><w:tc>${paragraph("b")}</w:tc></w:tr></w:tbl>`),
      "a\nb\n",
    ],
    [
      "no text that a tracked change took away",
      word(
        "<w:p><w:ins><w:r><w:t>new</w:t></w:r></w:ins><w:del><w:r><w:delText>old</w:delText></w:r></w:del><w:moveFrom><w:r><w:t>old</w:t></w:r></w:moveFrom></w:p>",
      ),
      "new\n",
    ],
    [
      "a text box once",
      word(
        `<w:p><mc:AlternateContent><mc:Choice>${paragraph("box")}</mc:Choice><mc:Fallback>${paragraph("box")}</mc:Fallback></mc:AlternateContent></w:p>`,
      ),
      "box\n\n",
    ],
    ["what looks like markup", word('<!-- <w:p> --><w:p w:x="a>b"><w:r><w:t><![CDATA[<&]]></w:t></w:r></w:p>'), "<&\n"],
  ])("Word: %s", async (_name, bytes, text) => expect(await read("a.docx", bytes)).toBe(text));

  it.each([
    [
      "odt",
      odt(
        '<text:h>Head</text:h><text:tracked-changes><text:p>old</text:p></text:tracked-changes><text:p>a <text:s text:c="2"/>b\n  c<text:tab/>d<text:note><text:note-citation>7</text:note-citation></text:note><office:annotation><text:p>said</text:p></office:annotation></text:p>',
      ),
      "Head\na   b c\td\n",
    ],
    [
      "ods",
      ods(
        '<table:table-row><table:table-cell table:number-columns-repeated="2"><text:p>a</text:p></table:table-cell><table:table-cell/><table:table-cell office:value="4"/></table:table-row><table:table-row table:number-rows-repeated="1048575"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>',
      ),
      "Costs\na\ta\t\t4\n",
    ],
    [
      "xlsx",
      xlsx(
        '<row><c r="A1" t="s"><v>0</v></c><c r="C1"><f>1+1</f><v>2</v></c><c r="D1"><f>A1</f></c></row><row/><row><c t="inlineStr"><is><t>in</t></is></c><c t="b"><v>1</v></c></row>',
        "<si><r><t>Tr</t></r><r><t>ain</t></r><rPh><t>x</t></rPh></si>",
      ),
      "A & B\nTrain\t\t2\t=A1\nin\tTRUE\n",
    ],
    [
      "pptx",
      zipped({
        "ppt/slides/slide10.xml": "<p:sld><a:p><a:r><a:t>ten</a:t></a:r></a:p></p:sld>",
        "ppt/slides/slide2.xml": "<p:sld><a:p><a:r><a:t>two</a:t></a:r></a:p></p:sld>",
      }),
      "———\ntwo\n———\nten\n",
    ],
    [
      "odp",
      zipped({
        "content.xml": "<office:presentation><draw:page><text:p>one</text:p></draw:page></office:presentation>",
      }),
      "———\none\n",
    ],
  ])("%s", async (type, bytes, text) => expect(await read(`a.${type}`, bytes)).toBe(text));

  it("of a workbook has dates as dates, and numbers alike, whoever wrote them", async () => {
    const parts = (workbook: string): Record<string, string> => ({
      "xl/workbook.xml": `<workbook>${workbook}<sheets><sheet name="Plan" r:id="r1"/></sheets></workbook>`,
      "xl/_rels/workbook.xml.rels": '<Relationships><Relationship Target="worksheets/s.xml" Id="r1"/></Relationships>',
      "xl/styles.xml":
        '<styleSheet><numFmts><numFmt numFmtId="165" formatCode="dd\\.mm\\.yyyy"/></numFmts><cellStyleXfs><xf numFmtId="22"/></cellStyleXfs><cellXfs><xf/><xf numFmtId="165"/><xf numFmtId="9"/></cellXfs><dxfs><dxf><numFmt numFmtId="165" formatCode="0"/></dxf></dxfs></styleSheet>',
      "xl/worksheets/s.xml":
        '<worksheet><row><c s="1"><v>46355</v></c><c s="2"><v>0.5</v></c><c s="0"><v>46355</v></c><c s="1" t="str"><v>46355</v></c><c s="7"><v>0.30000000000000004</v></c></row></worksheet>',
    });
    expect(await read("a.xlsx", zipped(parts("")))).toBe("Plan\n2026-11-29\t50%\t46355\t46355\t0.3\n");
    expect(await read("a.xlsx", zipped(parts('<workbookPr date1904="1"/>')))).toContain("2030-11-30\t50%");
  });

  it("is read of what this bridge and the demo editor make", async () => {
    expect(await read("a.docx", blankDocument("docx"))).toBe("\n");
    expect(await read("a.xlsx", blankDocument("xlsx"))).toBe("Sheet1\n");
    expect(await read("a.pptx", blankDocument("pptx"))).toBe("———\n");
    expect(await read("a.docx", sampleDocument())).toContain("\nGood shoes: the way up takes 40 minutes\n");
    expect(await read("a.xlsx", sampleWorkbook())).toMatch(
      /^Costs\nItem\tCount\tPrice\tTotal\nTrain tickets\t12\t38.5\t462\n/,
    );
    const parts = unzipSync(new Uint8Array(blankDocument("docx")));
    const filled = new TextDecoder().decode(parts["word/document.xml"]).replace("<w:p/>", paragraph("Zoë"));
    expect(await read("a.docx", zipSync({ ...parts, "word/document.xml": strToU8(filled) }))).toBe("Zoë\n");
  });

  it("is told by the name", () => {
    expect(["a.docx", "B.ODS", "c.pptx"].map(isOfficeName)).toEqual([true, true, true]);
    expect(["a.doc", "docx.txt", "a.constructor"].map(isOfficeName)).toEqual([false, false, false]);
  });
});

describe("a hostile or damaged document", () => {
  const good = word(paragraph("good"));
  const changed = (bytes: Uint8Array, at: number, value: number): Uint8Array => {
    const copy = new Uint8Array(bytes);
    new DataView(copy.buffer).setUint32(at, value, true);
    return copy;
  };
  const nested = (depth: number): string => "<a>".repeat(depth) + "</a>".repeat(depth);

  it.each<[string, string, Uint8Array]>([
    ["no zip", "unreadable", strToU8("old")],
    ["empty", "unreadable", new Uint8Array(0)],
    ["an OLE file, as Word encrypts", "unreadable", Buffer.from(`d0cf11e0a1b11ae1${"00".repeat(2000)}`, "hex")],
    ["cut off", "unreadable", good.subarray(0, 100)],
    ["a compressed size that is too small", "unreadable", changed(good, 18, 20)],
    ["a compressed size that is too large", "unreadable", changed(good, 18, 100_000)],
    ["another compression", "unreadable", changed(good, 8, 12)],
    [
      "an encrypted part",
      "unreadable",
      zipSync({ "word/document.xml": [Buffer.from("9f8c01ff77e2", "hex"), { level: 0 }] }),
    ],
    ["without its text", "unreadable", zipped({ "word/styles.xml": "<a/>" })],
    [
      "entities",
      "unreadable",
      zipped({ "word/document.xml": `<!DOCTYPE a [<!ENTITY b "x">]><a>${paragraph("&b;")}</a>` }),
    ],
    ["an entity that nobody declared", "unreadable", word(paragraph("&b;"))],
    ["__proto__ as an entity", "unreadable", word(paragraph("&__proto__;"))],
    ["nested without end", "unreadable", word(nested(200_000))],
    ["elements that overlap", "unreadable", word("<w:p><w:r></w:p></w:r>")],
    ["an element without end", "unreadable", word("<w:p")],
    ["a tag without end", "unreadable", word(`<w:p a="${"x".repeat(1_000_001)}"/>`)],
    ["one text without end", "tooLarge", word(paragraph("&amp;".repeat(200_000)))],
    ["more text than is compared", "tooLarge", word(paragraph("x".repeat(999)).repeat(1_001))],
  ])("%s: %s", async (_name, why, bytes) => expect(await read("a.docx", bytes)).toBe(why));

  it.each<[string, string, string, Uint8Array]>([
    [
      "cells repeat one text",
      "xlsx",
      "tooLarge",
      xlsx('<row><c t="s"><v>0</v></c></row>'.repeat(3_000), `<si><t>${"x".repeat(32_000)}</t></si>`),
    ],
    [
      "cells are repeated",
      "ods",
      "tooLarge",
      ods(
        `<table:table-row><table:table-cell table:number-columns-repeated="16384"><text:p>${"x".repeat(999)}</text:p></table:table-cell></table:table-row>`,
      ),
    ],
    [
      "rows are repeated",
      "ods",
      "tooLarge",
      ods(
        '<table:table-row table:number-rows-repeated="1048576"><table:table-cell><text:p>x</text:p></table:table-cell></table:table-row>',
      ),
    ],
    ["spaces are repeated", "odt", "tooLarge", odt(`<text:p>${'<text:s text:c="999999999"/>'.repeat(5_000)}</text:p>`)],
  ])("%s (%s): %s", async (_name, type, why, bytes) => expect(await read(`a.${type}`, bytes)).toBe(why));

  it("lies about the size that comes out, or not", async () => {
    expect(await read("a.docx", changed(good, 22, 1))).toBe("good\n");
    expect(await read("a.docx", changed(good, 22, 0xffff_fff0))).toBe("good\n");
  });

  it("holds a part twice", async () => {
    const twice = Buffer.concat([good, word(paragraph("bad"))]);
    expect(await read("a.docx", twice)).toBe("unreadable");
  });

  it("comes in chunks of any size", async () => {
    for (const chunkBytes of [1, 7, 1000]) {
      const found = await officeTextOf("a.docx", inChunks(good, chunkBytes), 1000);
      expect(found).toEqual({ text: "good\n" });
    }
  });

  it("leaves a drive's failure to who reads it", async () => {
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield good.subarray(0, 50);
      throw new RangeError("drive");
    }
    await expect(officeTextOf("a.docx", failing(), 1000)).rejects.toThrow("drive");
  });
});
