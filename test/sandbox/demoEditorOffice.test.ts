import { beforeEach, describe, expect, it } from "vitest";
import { entryLine, readEntries } from "../../src/sandbox/demoEditor/browser/sheetEntries.js";
import { openOfficeFile } from "../../src/sandbox/demoEditor/office/openOfficeFile.ts";
import { eventually } from "./demoEditorPage.ts";
import { demoSession, loadedTime } from "./demoEditorSession.ts";
import { excelFile, paragraph, partOf, wordFile } from "./officeSamples.ts";

const demo = demoSession();
const document = wordFile(paragraph("Hello") + paragraph("World"));
const workbook = excelFile('<row r="1"><c r="A1"><v>1</v></c></row>');

function host(name: string, content: Buffer): void {
  demo.host.files.set("1", { name, content, lastModifiedTime: loadedTime });
}

const putCells = () => readEntries(openOfficeFile(demo.host.last("PUT").body, "")?.text ?? "");

describe("a Word file in the demo editor's hands", () => {
  beforeEach(() => host("Report.docx", document));

  it("is written by two people at once and saved as a Word file", async () => {
    const ann = await demo.open("ann");
    const bob = await demo.open("bob");
    expect((await bob.heard("opened")).form.kind).toBe("document");
    ann.type(ann.text.replace("Hello", "Hello Bob"));
    bob.type(bob.text.replace("World", "World, says Bob"));
    await eventually(() => ann.text === bob.text && ann.text.includes("Hello Bob") && ann.text.includes("says Bob"));
    expect((await bob.save())?.success).toBe(true);
    const saved = partOf(demo.host.last("PUT").body, "word/document.xml");
    expect(saved).toContain(">Hello Bob<");
    expect(saved).toContain(">World, says Bob<");
  });

  it("is saved as the last one leaves, and goes untouched when nobody typed", async () => {
    const ann = await demo.open("ann");
    await ann.leave();
    await eventually(() => demo.host.operations().includes("UNLOCK"));
    expect(demo.host.operations()).not.toContain("PUT");
    const bob = await demo.open("bob");
    bob.type(bob.text.replace("Hello", "Bye"));
    await eventually(() => bob.settled);
    await bob.leave();
    await eventually(() => demo.host.operations().includes("PUT"));
    expect(partOf(demo.host.last("PUT").body, "word/document.xml")).toContain(">Bye<");
    expect(demo.host.last("PUT").headers["x-cool-wopi-isexitsave"]).toBe("true");
  });

  it("is copied byte for byte by Save as before anybody typed", async () => {
    const ann = await demo.open("ann");
    await ann.command({ command: "saveAs", request: 1, name: "Copy.docx" });
    expect(demo.host.last("PUT_RELATIVE").body.equals(document)).toBe(true);
  });
});

describe("an Excel file in the demo editor's hands", () => {
  beforeEach(() => host("Plan.xlsx", workbook));

  it("holds what both of two people put into it; in one cell the later value wins", async () => {
    const ann = await demo.open("ann");
    const bob = await demo.open("bob");
    ann.type(ann.text + entryLine(0, "A1", "12") + entryLine(0, "B1", "ann's"));
    bob.type(bob.text + entryLine(0, "A1", "34") + entryLine(0, "C1", "bob's"));
    await eventually(() => ann.settled && bob.settled && ann.text === bob.text && ann.text.includes("bob's"));
    await ann.save();
    expect(putCells().get("0!A1")).toMatch(/^(12|34)$/);
    expect(putCells().get("0!A1")).toBe(readEntries(ann.text).get("0!A1"));
    expect(putCells().get("0!B1")).toBe("ann's");
    expect(putCells().get("0!C1")).toBe("bob's");
  });
});

describe("a broken file", () => {
  it.each([
    ["Report.docx", document.subarray(0, 900), "This file is damaged: it is not a whole office document."],
    ["Report.docx", Buffer.from("d0cf11e0a1b11ae1ff", "hex"), "This file is encrypted, or older than 2007"],
    ["Plan.xlsx", wordFile("", { "word/document.xml": "<document><body>" }), "a part of the document can't be read"],
  ])("%s is not locked, never saved over, and the person reads why", async (name, content, sentence) => {
    host(name, Buffer.from(content));
    const ann = await demo.open("ann");
    expect((await ann.heard("access")).readOnly?.reason).toContain(sentence);
    ann.type("typed all the same");
    await ann.heard("reload");
    expect((await ann.save())?.success).toBe(false);
    await ann.leave();
    expect(demo.host.operations()).not.toContain("LOCK");
    expect(demo.host.operations()).not.toContain("PUT");
  });
});
