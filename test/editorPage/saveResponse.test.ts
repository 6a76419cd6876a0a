import { expect, it } from "vitest";
import { meaningOf } from "../../src/editorPage/browser/saveResponse.ts";

const nothing = { forSave: false, forNewFile: false };
const newFile = { forSave: false, forNewFile: true };
const both = { forSave: true, forNewFile: true };

it.each([
  ["a save of the document", { success: true, result: "" }, nothing, "saved"],
  ["a save while a new file is made", { success: true }, newFile, "saved"],
  ["a refused save", { success: false, errorMsg: "no" }, nothing, "saved"],
  ["a refused save that was asked for while a new file is made", { success: false }, both, "saved"],
  ["a refused new file", { success: false, result: "Save failed" }, newFile, "refused"],
  ["a new file that the editor goes on in", { success: true, fileName: "Copy.docx" }, newFile, "moved"],
  ["one that the editor made by itself, as after a conflict", { success: true, fileName: "a.docx" }, nothing, "moved"],
  ["an export", { success: true, fileName: "a.pdf", result: "exportas" }, newFile, "exported"],
  ["an export without a name", { success: true, result: "exportas" }, newFile, "exported"],
  ["a save with an empty name", { success: true, fileName: "" }, newFile, "saved"],
] as const)("Action_Save_Resp is understood: %s", (_what, values, waits, meaning) => {
  expect(meaningOf(values, waits)).toBe(meaning);
});
