import { child, children, type Document, type Element } from "./xml.ts";

/** The strings that a workbook's cells name by number. */
export function sharedStrings(part: Document): string[] {
  return children(part.documentElement ?? undefined, "si").map(lettersOf);
}

/** Without what a phonetic guide says. */
export function lettersOf(item: Element): string {
  return children(item)
    .filter(({ localName }) => localName === "t" || localName === "r")
    .map((each) => (each.localName === "t" ? each : child(each, "t"))?.textContent ?? "")
    .join("")
    .replaceAll("\r\n", "\n");
}
