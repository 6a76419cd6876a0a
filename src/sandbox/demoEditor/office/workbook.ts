import { entryLine, readEntries } from "../browser/sheetEntries.js";
import { cellLooks } from "./cellLooks.ts";
import { dropPart, type OfficeFile, UnreadableFile } from "./officeFile.ts";
import type { OfficeText } from "./officeText.ts";
import type { WorkbookForm } from "./pageForm.ts";
import { sharedStrings } from "./sharedStrings.ts";
import { Worksheet } from "./worksheet.ts";
import { child, children, type Document, type Element, sibling } from "./xml.ts";

/** A file of Excel's as a text to share: its cells. @throws UnreadableFile */
export function readWorkbook(file: OfficeFile, part: string): OfficeText<WorkbookForm> {
  const { sheets } = openSheets(file, part);
  if (sheets.length === 0) throw new UnreadableFile("This file is damaged: it holds no sheet.");
  const styles = file.target(part, "styles");
  const text = sheets
    .flatMap(({ sheet }, index) => [...sheet.inputs()].map(([cell, input]) => entryLine(index, cell, input)))
    .join("");
  return {
    text,
    form: {
      kind: "workbook",
      looks: styles === undefined || !file.has(styles) ? [] : cellLooks(file.xml(styles)),
      sheets: sheets.map(({ name, sheet }) => ({ name, ...sheet.look() })),
    },
    write: (changedText) => write(file, part, text, changedText),
  };
}

function write(file: OfficeFile, part: string, loadedText: string, text: string): Buffer {
  const { workbook, sheets } = openSheets(file, part);
  const loaded = readEntries(loadedText);
  const changed = new Map<string, Document | undefined>();
  let formulasChanged = false;
  for (const [key, input] of readEntries(text)) {
    const [index = "", cell = ""] = key.split("!");
    const found = sheets[Number(index)];
    if (found === undefined || input === (loaded.get(key) ?? "")) continue;
    formulasChanged ||= input.startsWith("=") || loaded.get(key)?.startsWith("=") === true;
    if (found.sheet.set(cell, input)) changed.set(found.part, found.sheet.document);
  }
  if (changed.size > 0) {
    // Results that depend on a changed cell are out of date: the next program to open the file reckons anew.
    calculateAtLoad(workbook);
    changed.set(part, workbook);
    const order = file.target(part, "calcChain");
    if (formulasChanged && order !== undefined) dropPart(file, changed, { name: order, source: part });
  }
  return file.write(changed);
}

function openSheets(file: OfficeFile, part: string) {
  const workbook = file.xml(part);
  const targets = file.targets(part);
  const sharedPart = targets.find(({ kind }) => kind === "sharedStrings")?.part;
  const strings = sharedPart === undefined || !file.has(sharedPart) ? [] : sharedStrings(file.xml(sharedPart));
  const sheets = children(child(workbook.documentElement ?? undefined, "sheets"), "sheet").flatMap((sheet) => {
    const id = [...sheet.attributes].find(({ localName, prefix }) => localName === "id" && prefix !== null)?.value;
    const found = targets.find((each) => each.id === id && each.kind === "worksheet");
    if (found === undefined || (sheet.getAttribute("state") ?? "visible") !== "visible") return [];
    const tables = file.targets(found.part).filter(({ kind }) => kind === "table");
    const headers = tables.flatMap((table) => headerRange(file.xml(table.part).documentElement));
    const opened = new Worksheet(file.xml(found.part), strings, headers);
    return [{ name: sheet.getAttribute("name") ?? "", part: found.part, sheet: opened }];
  });
  return { workbook, sheets };
}

/** A table's first row names its columns elsewhere in the file too. */
function headerRange(table: Element | null): string[] {
  const [from = "", to = ""] = (table?.getAttribute("ref") ?? "").split(":");
  if (table?.getAttribute("headerRowCount") === "0") return [];
  return [`${from}:${to.replace(/\d+$/, "")}${from.replace(/^[A-Z]+/, "")}`];
}

function calculateAtLoad(workbook: Document): void {
  const root = workbook.documentElement;
  if (root === null) return;
  let settings = child(root, "calcPr");
  if (settings === undefined) {
    settings = sibling(root, "calcPr");
    const later = ["oleSize", "customWorkbookViews", "pivotCaches", "smartTagPr", "smartTagTypes", "webPublishing"];
    const rest = [...later, "fileRecoveryPr", "webPublishObjects", "extLst"];
    root.insertBefore(settings, children(root).find(({ localName }) => rest.includes(localName ?? "")) ?? null);
  }
  settings.setAttribute("fullCalcOnLoad", "1");
}
