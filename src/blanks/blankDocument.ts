import { blankPresentation } from "./blankPresentation.ts";
import { blankSpreadsheet } from "./blankSpreadsheet.ts";
import { blankText } from "./blankText.ts";

/** The types of documents that can be begun without a template, by extension. */
const blanks = {
  docx: blankText,
  xlsx: blankSpreadsheet,
  pptx: blankPresentation,
  // Nothing is a valid text file.
  txt: () => Buffer.alloc(0),
  md: () => Buffer.alloc(0),
} as const satisfies Record<string, () => Buffer>;
export type BlankType = keyof typeof blanks;

export const blankTypes = Object.keys(blanks) as BlankType[];

/** The content of an empty document, which Word, Excel, PowerPoint, Collabora and ONLYOFFICE open without repairs. */
export function blankDocument(type: BlankType): Buffer {
  return blanks[type]();
}
