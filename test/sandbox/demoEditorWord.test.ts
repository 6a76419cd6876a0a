import { describe, expect, it } from "vitest";
import {
  bold,
  type DocumentLine,
  readLine,
  textsBetween,
  writeLine,
} from "../../src/sandbox/demoEditor/browser/documentMarkup.js";
import { UnreadableFile } from "../../src/sandbox/demoEditor/office/officeFile.ts";
import { openOfficeFile } from "../../src/sandbox/demoEditor/office/openOfficeFile.ts";
import { sampleDocument } from "../../src/sandbox/sampleOffice.ts";
import { paragraph, partOf, partsOf, pictureBytes, wordFile } from "./officeSamples.ts";

function opened(bytes: Buffer) {
  const office = openOfficeFile(bytes, "Report.docx");
  if (office === undefined) throw new Error("no office document");
  return office;
}

const lettersOf = (text: string) =>
  text.split("\n").map((line) =>
    readLine(line)
      .pieces.map((piece) => piece.text ?? "◇")
      .join(""),
  );

/** The file after some lines were changed. */
function changed(bytes: Buffer, change: (lines: DocumentLine[]) => DocumentLine[]): Buffer {
  const { text, write } = opened(bytes);
  return write(change(text.split("\n").map(readLine)).map(writeLine).join("\n"));
}

const bodyOf = (bytes: Buffer) => /<w:body>(.*)<\/w:body>/s.exec(partOf(bytes, "word/document.xml"))?.[1] ?? "";
const typed = (text: string, format = 0) => ({ text, run: 0, format });
const picture = '<w:r><w:drawing><x:pic r:embed="image1"/></w:drawing></w:r>';

describe("a Word file in the demo editor", () => {
  it("shows paragraphs, headings, lists and formatting", () => {
    const lines = opened(sampleDocument()).text.split("\n").map(readLine);
    expect(lines.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(["title", "heading1", "heading2", "bullet", "number", "text"]),
    );
    expect(lines.flatMap(({ pieces }) => pieces)).toContainEqual({ text: "40 minutes", run: 0, format: bold });
  });

  it("knows a heading by its style's name, whatever Word's language calls its id", () => {
    const file = wordFile(paragraph("Ziel", '<w:pPr><w:pStyle w:val="berschrift1"/></w:pPr>'));
    expect(readLine(opened(file).text).kind).toBe("heading1");
    const twice = changed(file, (lines) => [...lines, { paragraph: 0, kind: "heading1", pieces: [typed("Weg")] }]);
    expect(bodyOf(twice).match(/<w:pStyle w:val="berschrift1"\/>/g)).toHaveLength(2);
    expect(partOf(twice, "word/styles.xml")).toBe(partOf(file, "word/styles.xml"));
  });

  it("saves what is typed, and leaves every other part of the file as it was", () => {
    const file = wordFile(paragraph("Hello") + paragraph("World"));
    const saved = changed(file, ([first, second]) => [
      { ...first, pieces: [typed("Hello "), typed("you", bold)] } as DocumentLine,
      second as DocumentLine,
    ]);
    expect(bodyOf(saved)).toBe(
      '<w:p><w:r><w:t xml:space="preserve">Hello </w:t></w:r>' +
        '<w:r><w:rPr><w:b/><w:bCs/></w:rPr><w:t xml:space="preserve">you</w:t></w:r></w:p>' +
        `${paragraph("World")}<w:sectPr x:kept="yes"><w:headerReference w:type="default" r:id="header1"/></w:sectPr>`,
    );
    const before = partsOf(file);
    const after = partsOf(saved);
    expect(Object.keys(after)).toEqual(Object.keys(before));
    for (const name of Object.keys(before))
      if (name !== "word/document.xml") expect(after[name], name).toEqual(before[name]);
    expect(partsOf(saved)["word/media/image1.png"]).toEqual(pictureBytes);
  });

  it("keeps a picture where it stands while the letters around it change", () => {
    const file = wordFile(`<w:p><w:r><w:t>See </w:t></w:r>${picture}<w:r><w:t> here</w:t></w:r></w:p>`);
    expect(lettersOf(opened(file).text)).toEqual(["See ◇ here"]);
    const saved = changed(file, ([line]) => [
      { ...line, pieces: [typed("Look: "), ...(line?.pieces.slice(1) ?? [])] } as DocumentLine,
    ]);
    expect(bodyOf(saved)).toContain(`Look: </w:t></w:r>${picture}<w:r>`);
    expect(lettersOf(opened(saved).text)).toEqual(["Look: ◇ here"]);
  });

  it("keeps links, fields, tables, bookmarks and colours", () => {
    const link = '<w:hyperlink r:id="rId9"><w:r><w:t>a link</w:t></w:r></w:hyperlink>';
    const field =
      '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>PAGE</w:instrText></w:r>' +
      '<w:r><w:fldChar w:fldCharType="separate"/></w:r><w:r><w:t>7</w:t></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r>';
    const table = "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>cell</w:t></w:r></w:p></w:tc></w:tr></w:tbl>";
    const red = '<w:r><w:rPr><w:color w:val="CC0000"/><w:sz w:val="40"/></w:rPr><w:t>red</w:t></w:r>';
    const marked = `<w:p><w:bookmarkStart w:id="1" w:name="here"/>${red}<w:bookmarkEnd w:id="1"/>${link}${field}</w:p>`;
    const file = wordFile(marked + table + paragraph("end"));
    const { text, form } = opened(file);
    expect(lettersOf(text)).toEqual(["red◇◇", "", "end"]);
    expect(form).toMatchObject({
      runs: [{}, { color: "#CC0000", sizePt: 20 }],
      kept: [
        { what: "link", text: "a link" },
        { what: "other", text: "7" },
      ],
      paragraphs: { 2: { rows: [["cell"]] } },
    });
    const saved = bodyOf(
      changed(file, ([first, ...rest]) => [
        {
          ...first,
          pieces: [{ text: "redder", run: 1, format: bold }, ...(first?.pieces.slice(1) ?? [])],
        } as DocumentLine,
        ...rest,
      ]),
    );
    expect(saved).toContain(
      '<w:rPr><w:b/><w:bCs/><w:color w:val="CC0000"/><w:sz w:val="40"/></w:rPr><w:t xml:space="preserve">redder</w:t>',
    );
    for (const kept of [link, field, table]) expect(saved).toContain(kept);
    expect(saved).toMatch(/<w:bookmarkStart .*redder.*<w:bookmarkEnd [^>]*\/><\/w:p>/);
  });

  it("splits a paragraph into two with the same properties, and joins two into one", () => {
    const centred = '<w:pPr><w:jc w:val="center"/></w:pPr>';
    const file = wordFile(paragraph("onetwo", centred) + paragraph("three"));
    const split = changed(file, ([first, second]) => [
      { ...first, pieces: [typed("one")] } as DocumentLine,
      { ...first, pieces: [typed("two")] } as DocumentLine,
      second as DocumentLine,
    ]);
    expect(lettersOf(opened(split).text)).toEqual(["one", "two", "three"]);
    expect(bodyOf(split).match(/<w:jc w:val="center"\/>/g)).toHaveLength(2);
    const joined = changed(split, ([first]) => [first as DocumentLine]);
    expect(lettersOf(opened(joined).text)).toEqual(["one"]);
    expect(bodyOf(joined)).toContain("<w:sectPr");
  });

  it("makes a style and a list where the file has none", () => {
    const saved = changed(wordFile(paragraph("a") + paragraph("b")), ([first, second]) => [
      { ...first, kind: "title" } as DocumentLine,
      { ...second, kind: "number" } as DocumentLine,
    ]);
    expect(
      opened(saved)
        .text.split("\n")
        .map((line) => readLine(line).kind),
    ).toEqual(["title", "number"]);
    expect(partOf(saved, "[Content_Types].xml")).toContain('PartName="/word/numbering.xml"');
    expect(partOf(saved, "word/_rels/document.xml.rels")).toContain("relationships/numbering");
  });

  it("makes the same bytes of the same text, twice", () => {
    const { text, write } = opened(wordFile(paragraph("x")));
    expect(write(`${text}!`).equals(write(`${text}!`))).toBe(true);
  });

  it("opens an empty file as an empty document", () => {
    const { text, write } = opened(Buffer.alloc(0));
    expect(lettersOf(text)).toEqual([""]);
    expect(lettersOf(opened(write("first words")).text)).toEqual(["first words"]);
  });

  it.each([
    ["cut off", sampleDocument().subarray(0, 1500), "damaged"],
    ["zip of something else", wordFile("", { "_rels/.rels": "<Relationships/>" }), "something else"],
    ["document without body", wordFile("", { "word/document.xml": "<document/>" }), "damaged"],
    ["document of broken XML", wordFile("", { "word/document.xml": "<document><body>" }), "damaged"],
    ["document with entities", wordFile("", { "word/document.xml": "<!DOCTYPE x><document/>" }), "damaged"],
    ["old or encrypted file", Buffer.from("d0cf11e0a1b11ae1", "hex"), "encrypted"],
  ])("says in a sentence why it can't open a %s", (_, bytes, word) => {
    expect(() => opened(Buffer.from(bytes))).toThrow(UnreadableFile);
    expect(() => opened(Buffer.from(bytes))).toThrow(word);
  });

  it("takes whatever two people's edits have made of the marks", () => {
    const file = wordFile(paragraph("Hello") + paragraph("World"));
    const { text, write } = opened(file);
    const letters = [...text];
    for (let at = 0; at < letters.length; at += 2) {
      const saved = write(
        [...letters.slice(0, at), ...letters.slice(at + 2), ...letters.slice(0, 3), "\u0001\u{F8123}"].join(""),
      );
      expect(lettersOf(opened(saved).text).length).toBeGreaterThan(0);
    }
  });
});

describe("formatting a word in the shared text", () => {
  it("leaves the letters between the two marks alone", () => {
    const before = writeLine({ paragraph: 1, kind: "text", pieces: [typed("one two three")] });
    const after = writeLine({
      paragraph: 1,
      kind: "text",
      pieces: [typed("one "), typed("two", bold), typed(" three")],
    });
    const texts = textsBetween(before, after);
    expect(texts.at(-1)).toBe(after);
    expect(texts).toHaveLength(2);
    expect(texts.map((text) => text.length)).toEqual([before.length + 2, before.length + 4]);
  });
});
