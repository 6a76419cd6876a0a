import { DOMParser, type Document, type Element, type Node, onErrorStopParsing, XMLSerializer } from "@xmldom/xmldom";

export type { Document, Element, Node };

/** @throws Error for anything that is not well-formed; a document type is none of an office file's things */
export function parseXml(text: string): Document {
  if (text.includes("<!DOCTYPE")) throw new Error("a document type");
  return new DOMParser({ onError: onErrorStopParsing }).parseFromString(text.replace(/^\uFEFF/, ""), "text/xml");
}

export function writeXml(document: Document): string {
  return new XMLSerializer().serializeToString(document);
}

function isElement(node: Node | null): node is Element {
  return node?.nodeType === 1;
}

/** @param name without prefix; every child element when left out */
export function children(parent: Element | undefined, name?: string): Element[] {
  return [...(parent?.childNodes ?? [])]
    .filter(isElement)
    .filter(({ localName }) => name === undefined || localName === name);
}

export function child(parent: Element | undefined, name: string): Element | undefined {
  return children(parent, name)[0];
}

/** An attribute under its bare name or, as Word writes them, under the prefix of its element. */
export function attribute(element: Element | undefined, name: string): string | undefined {
  if (element === undefined) return undefined;
  const value = element.prefix === null ? null : element.getAttribute(`${element.prefix}:${name}`);
  return value ?? element.getAttribute(name) ?? undefined;
}

/** An element of the same namespace and prefix as another one. */
export function sibling(
  of: Element,
  name: string,
  attributes: Readonly<Record<string, string>> = {},
  content: readonly (Node | string)[] = [],
): Element {
  const document = of.ownerDocument;
  if (document === null) throw new Error("an element without document");
  const prefix = of.prefix ? `${of.prefix}:` : "";
  const made = document.createElementNS(of.namespaceURI, prefix + name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.includes(":") || prefix === "") made.setAttribute(key, value);
    else made.setAttributeNS(of.namespaceURI, prefix + key, value);
  }
  for (const each of content)
    made.appendChild(typeof each === "string" ? document.createTextNode(cleaned(each)) : each);
  return made;
}

/** Without what XML can't hold. */
export function cleaned(text: string): string {
  return text.toWellFormed().replaceAll(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, "");
}
