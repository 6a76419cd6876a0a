import { bold, italic, lineBreak, underline } from "../browser/documentMarkup.js";
import type { RunLook } from "./pageForm.ts";
import { attribute, child, children, type Element, sibling } from "./xml.ts";

const afterBold = new Set(["rStyle", "rFonts"]);
const afterUnderline = new Set(["effect", "bdr", "shd", "fitText", "vertAlign", "rtl", "cs", "em", "lang"]);
const textNames = new Set(["rPr", "t", "tab", "br", "cr", "noBreakHyphen", "lastRenderedPageBreak"]);
const highlights: Readonly<Record<string, string>> = { yellow: "#fff59d", green: "#b9f6ca", cyan: "#b2ebf2" };

/** @returns a run's letters; undefined when it holds something that is none */
export function textOfRun(run: Element): string | undefined {
  let text = "";
  for (const each of children(run)) {
    const name = each.localName ?? "";
    const isPageBreak = name === "br" && (attribute(each, "type") ?? "textWrapping") !== "textWrapping";
    if (!textNames.has(name) || isPageBreak) return undefined;
    if (name === "t") text += (each.textContent ?? "").replaceAll(/[\r\n]+/g, " ");
    else if (name === "tab") text += "\t";
    else if (name === "br" || name === "cr") text += lineBreak;
    else if (name === "noBreakHyphen") text += "\u2011";
  }
  return text;
}

/** What this editor can set of a run's properties, as bits. */
export function formatOf(properties: Element | undefined): number {
  return (
    (isPlainlySet(properties, "b") ? bold : 0) | (isPlainlySet(properties, "i") ? italic : 0) | underlineOf(properties)
  );
}

/** All the rest of a run's properties. */
export function restOf(properties: Element | undefined): Element[] {
  return children(properties).filter((each) => !isOwn(each, properties));
}

function isOwn({ localName }: Element, properties: Element | undefined): boolean {
  if (localName === "b" || localName === "bCs") return isPlainlySet(properties, "b");
  if (localName === "i" || localName === "iCs") return isPlainlySet(properties, "i");
  return localName === "u" && underlineOf(properties) !== 0;
}

function isPlainlySet(properties: Element | undefined, name: string): boolean {
  const element = child(properties, name);
  return element !== undefined && ["true", "1", "on"].includes(attribute(element, "val") ?? "true");
}

function underlineOf(properties: Element | undefined): number {
  return attribute(child(properties, "u"), "val") === "single" ? underline : 0;
}

/** A run of letters, in the order that the schema wants. @param of any element of the document */
export function makeRun(of: Element, text: string, rest: readonly Element[], format: number): Element {
  const set = (bit: number, ...names: string[]) => (format & bit ? names.map((name) => sibling(of, name)) : []);
  const replaced = new Set(
    [format & bold ? ["b", "bCs"] : [], format & italic ? ["i", "iCs"] : [], format & underline ? ["u"] : []].flat(),
  );
  const others = rest
    .filter(({ localName }) => !replaced.has(localName ?? ""))
    .map((each) => each.cloneNode(true) as Element);
  const early = others.filter(({ localName }) => afterBold.has(localName ?? ""));
  const late = others.filter(({ localName }) => afterUnderline.has(localName ?? ""));
  const middle = others.filter((each) => !early.includes(each) && !late.includes(each));
  const properties = [
    ...early,
    ...set(bold, "b", "bCs"),
    ...set(italic, "i", "iCs"),
    ...middle,
    ...(format & underline ? [sibling(of, "u", { val: "single" })] : []),
    ...late,
  ];
  return sibling(of, "r", {}, [
    ...(properties.length === 0 ? [] : [sibling(of, "rPr", {}, properties)]),
    ...text.split(/([\t\u2028])/).flatMap((part) => {
      if (part === "") return [];
      if (part === "\t") return [sibling(of, "tab")];
      if (part === lineBreak) return [sibling(of, "br")];
      return [sibling(of, "t", { "xml:space": "preserve" }, [part])];
    }),
  ]);
}

export function lookOf(rest: readonly Element[]): RunLook {
  const value = (name: string) =>
    attribute(
      rest.find(({ localName }) => localName === name),
      "val",
    );
  const color = value("color");
  const halfPoints = Number(value("sz"));
  const background = highlights[value("highlight") ?? ""];
  return {
    ...(color !== undefined && /^[0-9a-f]{6}$/i.test(color) ? { color: `#${color}` } : {}),
    ...(background === undefined ? {} : { background }),
    ...(halfPoints >= 8 && halfPoints <= 144 ? { sizePt: halfPoints / 2 } : {}),
    ...(rest.some(({ localName }) => localName === "strike") ? { struck: true } : {}),
  };
}
