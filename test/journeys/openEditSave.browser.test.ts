import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Newcomer, newcomer, save, typeAtEnd } from "./newcomer.ts";

let at: Newcomer;
beforeAll(async () => {
  at = await newcomer();
});
afterAll(async () => {
  await at?.close();
});

describe("a newcomer at the sandbox's portal", () => {
  it("opens a document, types, saves, and finds the new bytes in the drive", async () => {
    const { page, editor, leave } = await at.openDocument("Meeting notes.txt", "Edit", "Anna");
    await typeAtEnd(page, editor, "- written in the browser\n");
    await save(editor);
    expect(await at.stranger.read("Meeting notes.txt")).toMatch(/any other business\n- written in the browser\n$/);
    await leave();
  });
});
