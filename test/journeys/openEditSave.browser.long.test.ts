import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { until } from "../support/until.ts";
import { type Newcomer, newcomer, save, typeAtEnd } from "./newcomer.ts";

let at: Newcomer;
beforeAll(async () => {
  at = await newcomer();
});
afterAll(async () => {
  await at?.close();
});

describe("a newcomer at the sandbox's portal", () => {
  it("edits one document together with somebody in another browser", async () => {
    const anna = await at.openDocument("Welcome.md", "Edit", "Anna");
    const ben = await at.openDocument("Welcome.md", "Edit", "Ben");
    await typeAtEnd(anna.page, anna.editor, "\nAnna was here.");
    await until("Ben sees it", async () => (await ben.editor.locator("#text").inputValue()).includes("Anna was here."));
    await typeAtEnd(ben.page, ben.editor, "\nBen too.");
    await until("Anna sees it", async () => (await anna.editor.locator("#text").inputValue()).includes("Ben too."));
    await save(ben.editor);
    expect(await at.stranger.read("Welcome.md")).toMatch(/Anna was here\.\nBen too\.$/);
    await anna.leave();
    await ben.leave();
  });

  it("keeps a third party from writing while the document is open, and lets it in afterwards", async () => {
    const { leave } = await at.openDocument("Budget.csv", "Edit", "Anna");
    await until("the drive is locked", async () => (await at.stranger.put("Budget.csv", "mine")) === 40073);
    await leave();
    await until("the drive is free", async () => (await at.stranger.put("Budget.csv", "mine")) === 0, 15_000);
    expect(await at.stranger.read("Budget.csv")).toBe("mine");
  });

  it("saves what was typed when the window is closed without saving", async () => {
    const { page, editor, leave } = await at.openDocument("settings.json", "Edit", "Anna");
    await typeAtEnd(page, editor, "// left open");
    const ben = await at.openDocument("settings.json", "View", "Ben");
    const seen = async () => (await ben.editor.locator("#text").inputValue()).endsWith("// left open");
    await until("the editor's server has it", seen);
    await ben.leave();
    await leave();
    await until("it is saved", async () => (await at.stranger.read("settings.json")).endsWith("// left open"), 15_000);
  });

  it("reads a document without being able to change it", async () => {
    const { editor, leave } = await at.openDocument("Notice.html", "View", "Anna");
    await until("the text is there", async () => (await editor.locator("#text").inputValue()).includes("kitchen"));
    expect(await editor.locator("#text").getAttribute("readonly")).not.toBeNull();
    await leave();
  });

  it("finds everything again after the sandbox was stopped and started", async () => {
    await at.stranger.put("Budget.csv", "before the restart");
    expect(await at.restart()).toBe(0);
    expect(await at.stranger.read("Budget.csv")).toBe("before the restart");
    expect(await at.stranger.read("Welcome.md")).toContain("Anna was here.");
    const { leave } = await at.openDocument("Budget.csv", "Edit", "Ben");
    await leave();
  });
});
