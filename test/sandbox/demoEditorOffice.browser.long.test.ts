import type { Browser, Frame, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { bold, italic, readLine, underline } from "../../src/sandbox/demoEditor/browser/documentMarkup.js";
import { readEntries } from "../../src/sandbox/demoEditor/browser/sheetEntries.js";
import { type DemoEditor, openDemoEditor } from "../../src/sandbox/demoEditor/demoEditor.ts";
import { openOfficeFile } from "../../src/sandbox/demoEditor/office/openOfficeFile.ts";
import { sampleDocument, sampleWorkbook } from "../../src/sandbox/sampleOffice.ts";
import { openBrowser } from "../support/browser.ts";
import { until } from "../support/until.ts";
import { type DemoHost, openDemoHost } from "./demoEditorHost.ts";
import { partOf, wordFile } from "./officeSamples.ts";

let browser: Browser;
let host: DemoHost;
let editor: DemoEditor;
const complaints: string[] = [];

beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser.close());

beforeEach(async () => {
  host = await openDemoHost();
  editor = await openDemoEditor({ port: 0, signs: false });
});
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
  await editor.kill();
  await host.close();
  expect(complaints.splice(0)).toEqual([]);
});

function hosted(name: string, content: Buffer): void {
  host.files.set("1", { name, content, lastModifiedTime: "2026-11-20T10:00:00Z" });
}

async function openAs(token: string): Promise<{ page: Page; frame: Frame }> {
  const context = await browser.newContext({ permissions: ["clipboard-read", "clipboard-write"] });
  const page = await context.newPage();
  page.on("pageerror", ({ message }) => complaints.push(message));
  const action = `${editor.url}/editor/edit?WOPISrc=${encodeURIComponent(host.wopiSrc("1"))}`;
  const form = `<form method="post" action="${action}" target="editor"><input name="access_token" value="${token}"></form>`;
  const html = `<!doctype html><meta charset="utf-8">${form}<iframe name="editor" style="width:90vw;height:80vh"></iframe><script>document.forms[0].submit()</script>`;
  await page.goto(host.page(`/host-page-${token}`, html));
  await until("the editor is there", async () => page.frame("editor")?.url().startsWith(editor.url) === true);
  const frame = page.frame("editor");
  if (frame === null) throw new Error("no editor");
  await frame.locator("#state").filter({ hasText: "saved" }).waitFor();
  return { page, frame };
}

const paragraphs = (frame: Frame) =>
  frame.locator("#paper > div").evaluateAll((blocks) => blocks.map(({ textContent }) => textContent ?? ""));

async function save(frame: Frame): Promise<Buffer> {
  const before = host.operations().filter((each) => each === "PUT").length;
  await frame.locator("#save").click();
  await until("it is saved", async () => host.operations().filter((each) => each === "PUT").length > before);
  return host.last("PUT").body;
}

const linesOf = (bytes: Buffer) => (openOfficeFile(bytes, "")?.text ?? "").split("\n").map(readLine);

/** Puts the caret at the end of the paragraph with this text. */
async function goTo(page: Page, frame: Frame, text: string): Promise<void> {
  await frame.locator("#paper > div", { hasText: text }).first().click();
  await page.keyboard.press("End");
}

describe("a document on the demo editor's paper", () => {
  beforeEach(() => hosted("Annual offsite.docx", sampleDocument()));

  it("takes words, formatting, headings and lists, and saves them", async () => {
    const { page, frame } = await openAs("ann");
    await goTo(page, frame, "Draft for the team");
    await page.keyboard.press("Enter");
    await page.keyboard.type("Plain, ");
    await page.keyboard.press("Control+b");
    await page.keyboard.type("important");
    await page.keyboard.press("Control+b");
    await page.keyboard.press("Enter");
    await page.keyboard.type("Who comes");
    await frame.getByLabel("Paragraph style").selectOption("heading2");
    await page.keyboard.press("Enter");
    await page.keyboard.type("Anna");
    await frame.getByRole("button", { name: "Numbered list" }).click();
    await page.keyboard.press("Enter");
    await page.keyboard.type("Ben");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
    await page.keyboard.type("and friends");
    const lines = linesOf(await save(frame)).slice(2, 7);
    expect(lines.map(({ kind, pieces }) => [kind, pieces.map(({ text }) => text).join("")])).toEqual([
      ["text", "Plain, important"],
      ["heading2", "Who comes"],
      ["number", "Anna"],
      ["number", "Ben"],
      ["text", "and friends"],
    ]);
    expect(lines[0]?.pieces.at(-1)).toMatchObject({ text: "important", format: bold | italic });
  });

  it("formats what is selected over several paragraphs, and takes it back", async () => {
    const { page, frame } = await openAs("ann");
    await frame.locator("#paper").focus();
    await page.keyboard.press("Control+a");
    await frame.getByRole("button", { name: "Underline" }).click();
    const pieces = linesOf(await save(frame)).flatMap((line) => line.pieces);
    expect(pieces.every((piece) => piece.kept === undefined && (piece.format & underline) !== 0)).toBe(true);
    await frame.getByRole("button", { name: "Underline" }).click();
    expect(linesOf(await save(frame))).toEqual(linesOf(sampleDocument()));
  });

  it("lets two people write at once: neither loses a letter, nor the caret", async () => {
    const ann = await openAs("ann");
    const bob = await openAs("bob");
    await goTo(ann.page, ann.frame, "Draft for the team");
    await goTo(bob.page, bob.frame, "Who books the train");
    await Promise.all([
      ann.page.keyboard.type(" Ann writes a line above", { delay: 15 }),
      bob.page.keyboard.type(" Bob writes a line below", { delay: 15 }),
    ]);
    await ann.page.keyboard.press("Enter");
    await ann.page.keyboard.type("A paragraph more");
    await bob.page.keyboard.type(" and goes on");
    const whole = (all: string[]) =>
      all.some((text) => text.endsWith("write in it. Ann writes a line above")) &&
      all.includes("A paragraph more") &&
      all.some((text) => text.endsWith("budget.xlsx. Bob writes a line below and goes on"));
    await until("Ann sees it all", async () => whole(await paragraphs(ann.frame)));
    await until("Bob sees it all", async () => whole(await paragraphs(bob.frame)));
    expect(await paragraphs(ann.frame)).toEqual(await paragraphs(bob.frame));
  });

  it("lets two people format the same word without doubling it", async () => {
    const ann = await openAs("ann");
    const bob = await openAs("bob");
    for (const { frame } of [ann, bob]) await frame.locator("#paper > div").nth(2).click({ clickCount: 3 });
    await Promise.all([ann.page.keyboard.press("Control+b"), bob.page.keyboard.press("Control+i")]);
    await until("both have it", async () => {
      const [one, other] = await Promise.all([ann, bob].map(({ frame }) => frame.locator("#paper").innerHTML()));
      return one === other && /<[bi]>/.test(one ?? "");
    });
    expect((await paragraphs(ann.frame))[2]).toBe("Why we go");
  });

  it("takes pasted text as plain paragraphs, and everything selected away", async () => {
    const { page, frame } = await openAs("ann");
    await frame.locator("#paper").focus();
    await page.keyboard.press("Control+a");
    await page.keyboard.press("Delete");
    await frame.evaluate(() => {
      const data = new DataTransfer();
      data.setData("text/html", "<h1 style='color:red'>one</h1><script>bad</script>");
      data.setData("text/plain", "one\ntwo");
      const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
      document.getElementById("paper")?.dispatchEvent(event);
    });
    const lines = linesOf(await save(frame));
    expect(lines.map(({ pieces }) => pieces.map(({ text }) => text).join(""))).toEqual(["one", "two"]);
  });

  it("takes the browser's undo", async () => {
    const { page, frame } = await openAs("ann");
    const before = await paragraphs(frame);
    await goTo(page, frame, "Draft for the team");
    for (const letter of "oops") await page.keyboard.type(letter);
    for (const _ of "oops") await page.keyboard.press("Control+z");
    await until("it is gone", async () => JSON.stringify(await paragraphs(frame)) === JSON.stringify(before));
  });

  it("shows what it can't change, and keeps it", async () => {
    const picture = '<w:r><w:drawing><x:pic r:embed="image1"/></w:drawing></w:r>';
    const table = "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>a cell</w:t></w:r></w:p></w:tc></w:tr></w:tbl>";
    hosted("Report.docx", wordFile(`<w:p><w:r><w:t>See </w:t></w:r>${picture}</w:p>${table}<w:p/>`));
    const { page, frame } = await openAs("ann");
    expect(await frame.locator("#paper td").textContent()).toBe("a cell");
    await frame.locator("#paper > div").last().click();
    await page.keyboard.type("below");
    await frame
      .locator("#paper > div")
      .first()
      .click({ position: { x: 2, y: 8 } });
    await page.keyboard.press("Home");
    await page.keyboard.type("Please ");
    const saved = partOf(await save(frame), "word/document.xml");
    expect(saved).toContain(picture);
    expect(saved).toContain(table);
    expect(saved).toMatch(/Please See .*drawing.*tbl.*below/s);
  });

  it("says of a broken file what is wrong, and saves nothing over it", async () => {
    hosted("Report.docx", sampleDocument().subarray(0, 1500));
    const { page, frame } = await openAs("ann");
    await frame.getByText("This file is damaged: it is not a whole office document.").waitFor();
    await page.keyboard.press("Control+s");
    await page.close();
    expect(host.operations()).not.toContain("PUT");
  });
});

describe("a workbook in the demo editor's grid", () => {
  beforeEach(() => hosted("Annual offsite budget.xlsx", sampleWorkbook()));

  const cell = (frame: Frame, name: string) => frame.locator(`[data-cell=${name}]`);

  it("takes what is typed, reckons anew for everybody, and saves it", async () => {
    const ann = await openAs("ann");
    const bob = await openAs("bob");
    expect(await cell(bob.frame, "D7").textContent()).toBe("2,046.00");
    await cell(ann.frame, "B2").click();
    await ann.page.keyboard.type("20");
    await ann.page.keyboard.press("Enter");
    await ann.page.keyboard.press("ArrowRight");
    await ann.page.keyboard.press("F2");
    await ann.page.keyboard.press("Backspace");
    await ann.page.keyboard.type("5");
    await ann.page.keyboard.press("Tab");
    await until("Bob sees the sum", async () => (await cell(bob.frame, "D7").textContent()) === "2,347.00");
    await cell(bob.frame, "F1").click();
    await bob.frame.getByLabel("Content of the selected cell").fill("=SUM(B2:B3)");
    await bob.page.keyboard.press("Enter");
    await until("Ann sees it", async () => (await cell(ann.frame, "F1").textContent()) === "27");
    await cell(bob.frame, "A9").click();
    await bob.page.keyboard.press("Delete");
    const cells = readEntries(openOfficeFile(await save(bob.frame), "")?.text ?? "");
    expect(["B2", "C3", "D7", "F1", "A9"].map((name) => cells.get(`0!${name}`))).toEqual([
      "20",
      "95",
      "=SUM(D2:D6)",
      "=SUM(B2:B3)",
      undefined,
    ]);
  });

  it("has other sheets behind tabs, takes pasted cells, and Escape", async () => {
    const { page, frame } = await openAs("ann");
    await frame.getByRole("tab", { name: "People" }).click();
    expect(await cell(frame, "A2").textContent()).toBe("Anna");
    await cell(frame, "D1").click();
    await frame.evaluate(() => {
      const data = new DataTransfer();
      data.setData("text/plain", "1\t2\r\n3\t4\r\n");
      const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
      document.querySelector("[data-cell=D1]")?.dispatchEvent(event);
    });
    await cell(frame, "A2").dblclick();
    await page.keyboard.type("never");
    await page.keyboard.press("Escape");
    expect(await cell(frame, "A2").textContent()).toBe("Anna");
    const cells = readEntries(openOfficeFile(await save(frame), "")?.text ?? "");
    expect(["D1", "E1", "D2", "E2", "A2"].map((name) => cells.get(`1!${name}`))).toEqual(["1", "2", "3", "4", "Anna"]);
  });
});
