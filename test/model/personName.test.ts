import { describe, expect, it } from "vitest";
import { cleanName } from "../../src/model/personName.ts";

describe("a person's name", () => {
  it.each([
    ["letters of any script", "Zoë Müller-O’Brien 李雷 Ελένη", "Zoë Müller-O’Brien 李雷 Ελένη"],
    ["blanks around and inside", "  Ann \t\n  Lee\u00a0 ", "Ann Lee"],
    ["an emoji that is joined of several", "Ann 👩‍💻", "Ann 👩‍💻"],
    ["a family and a flag", "👨‍👩‍👧‍👦 🏴󠁧󠁢󠁥󠁮󠁧󠁿 ❤️", "👨‍👩‍👧‍👦 🏴󠁧󠁢󠁥󠁮󠁧󠁿 ❤️"],
    ["a joiner that belongs to the word", "می‌خواهم", "می‌خواهم"],
    ["Hebrew and Arabic", "שרה خالد", "שרה خالد"],
    ["controls", "An\u0000n\u001b[31m\u0085", "An n [31m"],
    ["what turns the text around it", "Ann\u202Excod.exe\u202C \u2066x\u2069", "Ann xcod.exe x"],
    ["marks of direction and of byte order", "\uFEFFAnn\u200F\u061C", "Ann"],
    ["blanks that can't be seen", "\u200BAnn\u2060\u200B", "Ann"],
    ["line and paragraph separators", "Ann\u2028Lee\u2029", "Ann Lee"],
    ["markup, which is text", "<b>Ann</b> & \"co\" 'x'", "<b>Ann</b> & \"co\" 'x'"],
    ["half a character", "Ann\ud800", "Ann\ufffd"],
  ])("keeps what is a name and drops what is none: %s", (_what, typed, name) => {
    expect(cleanName(typed)).toBe(name);
  });

  it.each([
    "",
    "   \t\n",
    "\u0000\u0007",
    "\u202E\u202C",
    "\u200D",
    "\u200B\u2060\u00AD",
    "\uFE0F",
    "\u3164",
    "\u2800\u2800",
    "\u{E0041}",
  ])("is none when nothing of it can be seen: %j", (typed) => {
    expect(cleanName(typed)).toBeUndefined();
  });

  it.each([undefined, null, 7, ["Ann"], { name: "Ann" }])("is none when it is no text: %j", (typed) => {
    expect(cleanName(typed)).toBeUndefined();
  });

  it("is cut after sixty-four characters and never in the middle of one", () => {
    expect(cleanName("x".repeat(10_000))).toBe("x".repeat(64));
    expect(cleanName("😀".repeat(10_000))).toBe("😀".repeat(64));
    expect(cleanName(`${"x".repeat(63)} family`)).toBe("x".repeat(63));
  });

  it("leaves no joiner at the cut, which would join it to what is written behind it", () => {
    expect(cleanName(`${"x".repeat(62)}👩‍💻`)).toBe(`${"x".repeat(62)}👩`);
  });

  it("does not change when it is cleaned again", () => {
    for (const typed of [" Ann\u202E ", `${"x".repeat(62)}👩‍💻`, "a\u0000".repeat(200)]) {
      expect(cleanName(cleanName(typed))).toBe(cleanName(typed));
    }
  });
});
