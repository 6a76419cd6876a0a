import { beforeEach, describe, expect, it } from "vitest";
import { keptMark, readLine, writeLine } from "../../src/sandbox/demoEditor/browser/documentMarkup.js";
import { openOfficeFile } from "../../src/sandbox/demoEditor/office/openOfficeFile.ts";
import { sampleDocument } from "../../src/sandbox/sampleOffice.ts";
import { type DemoPage, eventually } from "./demoEditorPage.ts";
import { demoSession, loadedTime } from "./demoEditorSession.ts";
import { paragraph, partOf, partsOf, wordFile } from "./officeSamples.ts";

const at = "2026-11-29T08:15:00Z";

function opened(bytes: Buffer) {
  const office = openOfficeFile(bytes, "Report.docx");
  if (office?.comment === undefined || office.form.kind !== "document") throw new Error("no Word document");
  return { ...office, comment: office.comment, kept: office.form.kept };
}

/** The file with a comment at the end of its first paragraph. */
function commented(bytes: Buffer, text: string, author = "Ann Lee"): Buffer {
  const office = opened(bytes);
  const [first = "", ...rest] = office.text.split("\n");
  const kept = office.comment({ author, at, text }) ?? -1;
  return office.write([first + keptMark(kept), ...rest].join("\n"));
}

const commentsIn = (bytes: Buffer) => opened(bytes).kept.flatMap(({ comment }) => comment ?? []);

describe("a comment in a Word file", () => {
  const plain = wordFile(paragraph("Hello") + paragraph("World"));

  it("is written as Word does, and read again with author, time and lines", () => {
    const saved = commented(plain, "Why?\nReally <b>?");
    expect(partOf(saved, "word/comments.xml")).toContain(
      'w:author="Ann Lee" w:date="2026-11-29T08:15:00Z" w:initials="AL"',
    );
    expect(partOf(saved, "[Content_Types].xml")).toContain("/word/comments.xml");
    expect(partOf(saved, "word/_rels/document.xml.rels")).toContain("relationships/comments");
    expect(partOf(saved, "word/document.xml")).toContain(
      '>Hello</w:t></w:r><w:r><w:commentReference w:id="0"/></w:r></w:p>',
    );
    expect(commentsIn(saved)).toEqual([{ author: "Ann Lee", at, text: "Why?\nReally <b>?" }]);
  });

  it("leaves those of others and every other part as they were", () => {
    const saved = commented(commented(plain, "first", "Ann"), "second", "Bob");
    expect(commentsIn(saved).map(({ author, text }) => `${author}: ${text}`)).toEqual(["Ann: first", "Bob: second"]);
    const before = partsOf(plain);
    for (const name of ["word/styles.xml", "word/header1.xml", "word/media/image1.png"])
      expect(partsOf(saved)[name], name).toEqual(before[name]);
  });

  it("goes with its paragraph, its range too; the others stay", () => {
    const ranged = paragraph("Hello").replace(
      "</w:p>",
      '<w:commentRangeStart w:id="0"/><w:commentRangeEnd w:id="0"/></w:p>',
    );
    const file = commented(commented(wordFile(ranged + paragraph("World")), "gone"), "gone too");
    const [, second = ""] = opened(file).text.split("\n");
    const kept = commented(opened(file).write(second), "stays");
    expect(commentsIn(kept).map(({ text }) => text)).toEqual(["stays"]);
    expect(partOf(kept, "word/document.xml")).not.toContain("commentRange");
  });

  it("is not written when its place was deleted before the save", () => {
    const office = opened(plain);
    office.comment({ author: "Ann", at, text: "never mind" });
    expect(Object.keys(partsOf(office.write(office.text)))).not.toContain("word/comments.xml");
  });

  it("survives that its paragraph is written anew", () => {
    const { text, write } = opened(commented(plain, "stays"));
    const [first = "", ...rest] = text.split("\n");
    const read = readLine(first);
    const changed = writeLine({ ...read, pieces: [{ text: "Bye", run: 0, format: 0 }, ...read.pieces.slice(1)] });
    expect(commentsIn(write([changed, ...rest].join("\n"))).map((each) => each.text)).toEqual(["stays"]);
  });
});

describe("people who comment in the demo editor", () => {
  const demo = demoSession();
  beforeEach(() => {
    demo.host.files.set("1", { name: "Offsite.docx", content: sampleDocument(), lastModifiedTime: loadedTime });
    demo.host.people.set("carl", { UserCanWrite: false, UserCanOnlyComment: true });
    demo.host.people.set("vera", { UserCanWrite: false });
  });

  const say = (page: DemoPage, text: string, baseRevision = 0) =>
    page.command({ command: "comment", text, place: page.text.split("\n")[0]?.length ?? 0, baseRevision });

  it("are heard by all who are there, and the file holds it, though they may not type", async () => {
    const ann = await demo.open("ann");
    const carl = await demo.open("carl");
    expect(await carl.heard("access")).toMatchObject({ readOnly: { canTryAgain: false }, mayComment: true });
    expect((await say(carl, "Where?"))?.success).toBe(true);
    const { kept, look, own } = await ann.heard("comment");
    expect([look.text, own]).toEqual(["Where?", false]);
    await eventually(() => ann.text.includes(keptMark(kept)));
    carl.type(`HACKED ${carl.text}`);
    await carl.heard("reload");
    expect((await carl.save())?.success).toBe(true);
    expect(commentsIn(demo.host.last("PUT").body).map(({ text }) => text)).toEqual(["Where?"]);
    expect(partOf(demo.host.last("PUT").body, "word/document.xml")).not.toContain("HACKED");
  });

  it("are saved as they leave alone", async () => {
    const carl = await demo.open("carl");
    await say(carl, "On my way out");
    await carl.leave();
    await eventually(() => demo.host.operations().includes("PUT"));
    expect(commentsIn(demo.host.last("PUT").body)).toHaveLength(1);
  });

  it("find the place again that others have moved meanwhile", async () => {
    const ann = await demo.open("ann");
    const carl = await demo.open("carl");
    const place = carl.text.indexOf("\n");
    ann.type(ann.text.replace("Annual", "Our own annual"));
    await eventually(() => ann.settled);
    await carl.command({ command: "comment", text: "Here", place, baseRevision: 0 });
    const { kept } = await ann.heard("comment");
    await eventually(() => ann.text.split("\n")[0]?.includes(keptMark(kept)) === true);
  });

  it("change nothing of the text, whatever place they send", async () => {
    const ann = await demo.open("ann");
    const carl = await demo.open("carl");
    const before = ann.text;
    for (const place of [0, 1, 2, 3, 5, before.length - 1]) {
      const { length } = carl.messages;
      await carl.command({ command: "comment", text: "odd", place, baseRevision: 0 });
      await eventually(() => carl.messages.length > length);
    }
    expect((await carl.command({ command: "comment", text: "far", place: 1e9, baseRevision: 0 }))?.success).toBe(false);
    const marks = ann.messages.flatMap((message) => (message.type === "comment" ? [keptMark(message.kept)] : []));
    await eventually(() => marks.length === 6 && marks.every((mark) => ann.text.includes(mark)));
    expect(marks.reduce((text, mark) => text.replace(mark, ""), ann.text)).toBe(before);
    expect(ann.text.isWellFormed()).toBe(true);
  });

  it("take back their own comments only; whoever may type, all", async () => {
    const ann = await demo.open("ann");
    const carl = await demo.open("carl");
    await say(ann, "Ann's");
    await say(carl, "Carl's", 1);
    const [anns, carls] = await eventually(() => {
      const kept = carl.messages.flatMap((message) => (message.type === "comment" ? [message.kept] : []));
      return kept.length === 2 ? kept : undefined;
    });
    const remove = (page: DemoPage, kept = -1) => page.command({ command: "removeComment", kept });
    expect((await remove(carl, anns))?.success).toBe(false);
    expect((await remove(carl, carls))?.success).toBe(true);
    expect((await remove(ann, anns))?.success).toBe(true);
    await eventually(() => [anns, carls].every((kept) => !ann.text.includes(keptMark(kept ?? 0))));
    expect((await remove(ann, 9_999))?.success).toBe(false);
  });

  it("are none who may only read", async () => {
    const vera = await demo.open("vera");
    expect((await vera.heard("access")).mayComment).toBe(false);
    expect((await say(vera, "Me too"))?.success).toBe(false);
    expect(vera.messages.some(({ type }) => type === "comment")).toBe(false);
  });

  it("find no button in files that hold no comments", async () => {
    demo.host.files.set("1", { name: "Notes.txt", content: Buffer.from("hello"), lastModifiedTime: loadedTime });
    const ann = await demo.open("ann");
    expect((await ann.heard("access")).mayComment).toBe(false);
    expect((await say(ann, "no"))?.success).toBe(false);
  });
});
