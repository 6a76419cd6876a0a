import { Breath } from "../model/breath.ts";
import { NotRead } from "./notRead.ts";

/** Pictures of old Word files are attributes; nothing real is longer. */
const longestTag = 1_000_000;
/** Word keeps each level of nested tables in some ten elements. */
const deepest = 1_000;
/** In characters; a document with more in one paragraph is not compared. */
const longestText = 500_000;
const betweenPauses = 5_000;

interface XmlTag {
  /** Without its prefix: `w:p` is `p`. */
  readonly name: string;
  /** @param name with its prefix @returns undefined when the element has none */
  attribute(name: string): string | undefined;
}

export interface XmlVisitor {
  /** Elements that are left out with all that is in them: `w:pPr` by `pPr` or `w:pPr`. */
  readonly skipped?: ReadonlySet<string>;
  readonly open?: (tag: XmlTag) => void;
  readonly close?: (name: string) => void;
  readonly text?: (text: string) => void;
}

/**
 * Tells a visitor of each element and text, in order. XML with a document type is refused, so that no entity is ever
 * declared.
 * @throws NotRead when it is not well formed, and what the visitor throws
 */
export async function walkXml(xml: string, visitor: XmlVisitor): Promise<void> {
  const breath = new Breath();
  const open: string[] = [];
  let [hasRoot, skippedFrom, pausedAt] = [false, 0, 0];
  const tell = (raw: string, isLiteral: boolean): void => {
    if (open.length === 0 && raw.trim() !== "") throw new NotRead("unreadable");
    if (raw === "" || skippedFrom > 0 || visitor.text === undefined || open.length === 0) return;
    if (raw.length > longestText) throw new NotRead("tooLarge");
    visitor.text(isLiteral ? raw : unescaped(raw));
  };
  const close = (): void => {
    const qualified = open.pop() ?? "";
    if (skippedFrom === 0) visitor.close?.(localName(qualified));
    else if (open.length < skippedFrom) skippedFrom = 0;
  };
  for (let at = xml.startsWith("\uFEFF") ? 1 : 0; at < xml.length; ) {
    if (at - pausedAt > betweenPauses) {
      await breath.draw();
      pausedAt = at;
    }
    const markup = xml.indexOf("<", at);
    tell(xml.slice(at, markup === -1 ? undefined : markup), false);
    if (markup === -1) break;
    if (xml.startsWith("<?", markup)) at = after(xml, "?>", markup);
    else if (xml.startsWith("<!--", markup)) at = after(xml, "-->", markup);
    else if (xml.startsWith("<![CDATA[", markup)) {
      at = after(xml, "]]>", markup);
      tell(xml.slice(markup + 9, at - 3), true);
    } else if (xml.startsWith("</", markup)) {
      at = after(xml, ">", markup);
      if (at - markup > longestTag || open.at(-1) !== xml.slice(markup + 2, at - 1).trimEnd())
        throw new NotRead("unreadable");
      close();
    } else {
      at = tagEnd(xml, markup);
      const tag = xml.slice(markup + 1, at - 1);
      const [qualified = ""] = /^[^\s/<>!&="']*/.exec(tag) ?? [];
      if (qualified === "" || open.length >= deepest || (hasRoot && open.length === 0)) throw new NotRead("unreadable");
      hasRoot = true;
      open.push(qualified);
      const name = localName(qualified);
      if (skippedFrom === 0) {
        if (visitor.skipped?.has(name) || visitor.skipped?.has(qualified)) skippedFrom = open.length;
        else visitor.open?.({ name, attribute: (wanted) => attributeIn(tag.slice(qualified.length), wanted) });
      }
      if (tag.endsWith("/")) close();
    }
  }
  if (!hasRoot || open.length > 0) throw new NotRead("unreadable");
}

const localName = (qualified: string): string => qualified.slice(qualified.indexOf(":") + 1);

function after(xml: string, mark: string, from: number): number {
  const found = xml.indexOf(mark, from);
  if (found === -1) throw new NotRead("unreadable");
  return found + mark.length;
}

/** A value may contain `>`. */
function tagEnd(xml: string, from: number): number {
  const end = Math.min(xml.length, from + longestTag);
  let quote = "";
  for (let at = from; at < end; at++) {
    const one = xml.charAt(at);
    if (quote !== "") quote = one === quote ? "" : quote;
    else if (one === '"' || one === "'") quote = one;
    else if (one === ">") return at + 1;
  }
  throw new NotRead("unreadable");
}

function attributeIn(tag: string, wanted: string): string | undefined {
  for (const [, name, value = ""] of tag.matchAll(/([^\s=/"']+)\s*=\s*("[^"]*"|'[^']*')/g)) {
    if (name === wanted) return unescaped(value.slice(1, -1));
  }
  return undefined;
}

const predefined: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", apos: "'", quot: '"' };

/** XML's five names and numbers; there are no others without a document type. */
function unescaped(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(/&([^;&]{0,10});?/g, (_whole, reference: string) => {
    const code = /^#(?:x([0-9a-f]{1,6})|([0-9]{1,7}))$/i.exec(reference);
    if (code === null) {
      const known = Object.hasOwn(predefined, reference) ? predefined[reference] : undefined;
      if (known === undefined) throw new NotRead("unreadable");
      return known;
    }
    const point = code[1] === undefined ? Number(code[2]) : Number.parseInt(code[1], 16);
    const isCharacter = point <= 0x10ffff && (point >= 32 || point === 9 || point === 10 || point === 13);
    return isCharacter ? String.fromCodePoint(point) : "\uFFFD";
  });
}
