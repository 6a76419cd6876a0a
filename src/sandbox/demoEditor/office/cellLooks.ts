import type { CellLook } from "./pageForm.ts";
import { child, children, type Document, type Element } from "./xml.ts";

const builtinFormats: Readonly<Record<number, string>> = {
  1: "0",
  2: "0.00",
  3: "#,##0",
  4: "#,##0.00",
  9: "0%",
  10: "0.00%",
  14: "yyyy-mm-dd",
  15: "yyyy-mm-dd",
  22: "yyyy-mm-dd hh:mm",
};
const aligned = new Set(["left", "center", "right"]);

/** How the cells of each number that a workbook's style sheet has look. */
export function cellLooks(styles: Document): CellLook[] {
  const root = styles.documentElement ?? undefined;
  const fonts = children(child(root, "fonts"), "font");
  const fills = children(child(root, "fills"), "fill");
  const formats = new Map(
    children(child(root, "numFmts"), "numFmt").map((each) => [
      Number(each.getAttribute("numFmtId")),
      each.getAttribute("formatCode") ?? "",
    ]),
  );
  return children(child(root, "cellXfs"), "xf").map((xf) => {
    const number = (name: string) => Number(xf.getAttribute(name) ?? 0);
    const font = fonts[number("fontId")];
    const color = colorOf(child(font, "color"));
    const pattern = child(fills[number("fillId")], "patternFill");
    const background =
      pattern?.getAttribute("patternType") === "solid" ? colorOf(child(pattern, "fgColor")) : undefined;
    const align = child(xf, "alignment")?.getAttribute("horizontal") ?? "";
    const format = formats.get(number("numFmtId")) ?? builtinFormats[number("numFmtId")];
    return {
      ...(isSet(child(font, "b")) ? { bold: true } : {}),
      ...(isSet(child(font, "i")) ? { italic: true } : {}),
      ...(color === undefined ? {} : { color }),
      ...(background === undefined ? {} : { background }),
      ...(aligned.has(align) ? { align: align as NonNullable<CellLook["align"]> } : {}),
      ...(format === undefined ? {} : { format }),
    };
  });
}

function isSet(element: Element | undefined): boolean {
  return element !== undefined && !["0", "false"].includes(element.getAttribute("val") ?? "1");
}

/** Colours of the theme are left to the page. */
function colorOf(element: Element | undefined): string | undefined {
  const rgb = element?.getAttribute("rgb") ?? "";
  return /^[0-9a-f]{8}$/i.test(rgb) ? `#${rgb.slice(2)}` : undefined;
}
