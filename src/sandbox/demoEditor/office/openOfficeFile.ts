import { emptyDocument, emptyWorkbook } from "./emptyFiles.ts";
import { OfficeFile, UnreadableFile } from "./officeFile.ts";
import type { OfficeText } from "./officeText.ts";
import { readWordFile } from "./wordDocument.ts";
import { readWorkbook } from "./workbook.ts";

const emptyFiles: Readonly<Record<string, () => OfficeFile>> = { docx: emptyDocument, xlsx: emptyWorkbook };

/**
 * What the content of a file is, whatever its name says; an empty file is by its name.
 * @returns undefined when it is none of Office's @throws UnreadableFile when it seems to be one
 */
export function openOfficeFile(bytes: Uint8Array, fileName: string): OfficeText | undefined {
  const extension = /\.([^.]+)$/.exec(fileName)?.[1]?.toLowerCase() ?? "";
  const empty = Object.hasOwn(emptyFiles, extension) ? emptyFiles[extension] : undefined;
  if (bytes.length === 0) return empty === undefined ? undefined : officeText(empty());
  if (isZip(bytes)) return officeText(OfficeFile.read(bytes));
  if (isCompoundFile(bytes))
    throw new UnreadableFile("This file is encrypted, or older than 2007: this editor can't open it.");
  return undefined;
}

/** @throws UnreadableFile */
export function officeText(file: OfficeFile): OfficeText {
  const part = file.target("", "officeDocument");
  const root = part === undefined ? undefined : file.xml(part).documentElement?.localName;
  if (part !== undefined && root === "document") return readWordFile(file, part);
  if (part !== undefined && root === "workbook") return readWorkbook(file, part);
  throw new UnreadableFile("This editor opens text documents and spreadsheets; this file is something else.");
}

function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 0x03 && bytes[3] === 0x04;
}

function isCompoundFile(bytes: Uint8Array): boolean {
  return bytes[0] === 0xd0 && bytes[1] === 0xcf && bytes[2] === 0x11 && bytes[3] === 0xe0;
}
