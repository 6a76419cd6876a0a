import { strFromU8, strToU8, type Unzipped, unzipSync, type Zippable, zipSync } from "fflate";
import { type Document, parseXml, writeXml } from "./xml.ts";

const openedLimitBytes = 256 * 1024 * 1024;
// Zip's own beginning of time, as Office writes it: the same content makes the same bytes.
const neverMs = Date.UTC(1980, 0, 1, 12);
const contentTypes = "[Content_Types].xml";

/** Why this editor can't open a file, as a sentence for the person. */
export class UnreadableFile extends Error {}

/** The parts of an office file by name, without a leading slash. Parts that nobody writes stay byte for byte. */
export class OfficeFile {
  readonly #parts: Unzipped;

  private constructor(parts: Unzipped) {
    this.#parts = parts;
  }

  /** @throws UnreadableFile when it is no whole zip file, or a huge one */
  static read(bytes: Uint8Array): OfficeFile {
    let openedBytes = 0;
    try {
      const parts = unzipSync(bytes, {
        filter: ({ originalSize }) => {
          openedBytes += originalSize;
          return openedBytes <= openedLimitBytes;
        },
      });
      if (openedBytes <= openedLimitBytes && Object.hasOwn(parts, contentTypes)) return new OfficeFile(parts);
    } catch {
      throw new UnreadableFile("This file is damaged: it is not a whole office document.");
    }
    throw new UnreadableFile(
      openedBytes > openedLimitBytes
        ? "This document is too large for this editor."
        : "This file is no office document, whatever its name says.",
    );
  }

  /** @param parts from the name of each to its XML */
  static of(parts: Readonly<Record<string, string>>): OfficeFile {
    return new OfficeFile(Object.fromEntries(Object.entries(parts).map(([name, text]) => [name, strToU8(text)])));
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#parts, name);
  }

  /** @returns a document of the caller's own @throws UnreadableFile when the part is missing or no XML */
  xml(name: string): Document {
    const bytes = this.has(name) ? this.#parts[name] : undefined;
    if (bytes === undefined) throw new UnreadableFile("This file is damaged: a part of the document is missing.");
    try {
      return parseXml(strFromU8(bytes));
    } catch {
      throw new UnreadableFile("This file is damaged: a part of the document can't be read.");
    }
  }

  /** @returns the zip file with other parts in place of some, undefined taking one away */
  write(changed: ReadonlyMap<string, Document | undefined>): Buffer {
    const parts: Zippable = {};
    for (const [name, bytes] of Object.entries(this.#parts))
      if (!changed.has(name)) parts[name] = entry(bytes);
      else if (changed.get(name) === undefined) continue;
      else parts[name] = entry(new Uint8Array());
    for (const [name, document] of changed)
      if (document !== undefined) parts[name] = entry(strToU8(writeXml(document)));
    return Buffer.from(zipSync(parts));
  }

  /** The part that a relationship leads to, the first of its kind. @param source the part it starts from, "" the file itself */
  target(source: string, kind: string): string | undefined {
    return this.targets(source).find((each) => each.kind === kind)?.part;
  }

  /** @throws UnreadableFile when the list is no XML */
  targets(source: string): { id: string; kind: string; part: string }[] {
    const relations = relationsOf(source);
    if (!this.has(relations)) return [];
    return [...this.xml(relations).getElementsByTagNameNS("*", "Relationship")]
      .filter((each) => each.getAttribute("TargetMode") !== "External")
      .map((each) => ({
        id: each.getAttribute("Id") ?? "",
        kind: (each.getAttribute("Type") ?? "").split("/").at(-1) ?? "",
        part: resolved(source, each.getAttribute("Target") ?? ""),
      }));
  }
}

/** Adds a part that the file does not have yet to its lists. */
export function listPart(
  file: OfficeFile,
  changed: Map<string, Document | undefined>,
  part: { name: string; source: string; relationship: string; contentType: string },
): void {
  const relations = relationsOf(part.source);
  const list = changed.get(relations) ?? (file.has(relations) ? file.xml(relations) : parseXml(emptyRelations));
  const taken = new Set([...list.getElementsByTagNameNS("*", "Relationship")].map((each) => each.getAttribute("Id")));
  let number = taken.size + 1;
  while (taken.has(`rId${number}`)) number++;
  add(list, "Relationship", { Id: `rId${number}`, Type: part.relationship, Target: `/${part.name}` });
  changed.set(relations, list);
  const types = changed.get(contentTypes) ?? file.xml(contentTypes);
  add(types, "Override", { PartName: `/${part.name}`, ContentType: part.contentType });
  changed.set(contentTypes, types);
}

/** Takes a part away, and its mention in the lists. */
export function dropPart(
  file: OfficeFile,
  changed: Map<string, Document | undefined>,
  part: { name: string; source: string },
): void {
  if (!file.has(part.name)) return;
  changed.set(part.name, undefined);
  const relations = relationsOf(part.source);
  const list = changed.get(relations) ?? file.xml(relations);
  for (const each of [...list.getElementsByTagNameNS("*", "Relationship")])
    if (resolved(part.source, each.getAttribute("Target") ?? "") === part.name) each.parentNode?.removeChild(each);
  changed.set(relations, list);
  const types = changed.get(contentTypes) ?? file.xml(contentTypes);
  for (const each of [...types.getElementsByTagNameNS("*", "Override")])
    if (each.getAttribute("PartName") === `/${part.name}`) each.parentNode?.removeChild(each);
  changed.set(contentTypes, types);
}

const emptyRelations = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"></Relationships>`;

function add(document: Document, name: string, attributes: Record<string, string>): void {
  const root = document.documentElement;
  if (root === null) return;
  const element = document.createElementNS(root.namespaceURI, name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  root.appendChild(element);
}

function entry(bytes: Uint8Array): [Uint8Array, { mtime: number; level: 6 }] {
  return [bytes, { mtime: neverMs, level: 6 }];
}

function relationsOf(source: string): string {
  const at = source.lastIndexOf("/") + 1;
  return `${source.slice(0, at)}_rels/${source.slice(at)}.rels`;
}

function resolved(source: string, target: string): string {
  return decodeURI(new URL(target, `file:///${source}`).pathname.slice(1));
}
