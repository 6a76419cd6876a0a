import {
  type DocumentLine,
  isMark,
  limits,
  type ParagraphKind,
  type Piece,
  readLine,
  writeLine,
} from "../browser/documentMarkup.js";
import { listPart, type OfficeFile, UnreadableFile } from "./officeFile.ts";
import type { OfficeText } from "./officeText.ts";
import type { CommentLook, DocumentForm, KeptLook, ParagraphLook } from "./pageForm.ts";
import { commentsPlacedIn, WordComments } from "./wordComments.ts";
import { WordLists } from "./wordLists.ts";
import { formatOf, lookOf, makeRun, restOf, textOfRun } from "./wordRuns.ts";
import { WordStyles } from "./wordStyles.ts";
import { attribute, child, children, cleaned, type Document, type Element, parseXml, sibling } from "./xml.ts";

const officeRelationships = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const wordTypes = "application/vnd.openxmlformats-officedocument.wordprocessingml";
/** Mark a place or a stretch, and show nothing. */
const markers = new Set([
  ...["bookmarkStart", "bookmarkEnd", "commentRangeStart", "commentRangeEnd", "proofErr", "permStart", "permEnd"],
  ...["moveFromRangeStart", "moveFromRangeEnd", "moveToRangeStart", "moveToRangeEnd"],
]);
const alignments: Readonly<Record<string, ParagraphLook["align"]>> = {
  center: "center",
  right: "right",
  end: "right",
  both: "justify",
};
const fieldChange: Readonly<Record<string, number>> = { begin: 1, end: -1 };

/** A file of Word's as a text to share. @throws UnreadableFile */
export function readWordFile(file: OfficeFile, part: string): OfficeText<DocumentForm> {
  const reading = new Reading(file, part);
  const loaded = reading.lines.map(writeLine).join("\n");
  const form = reading.form();
  const firstAdded = form.kept.length;
  const added: CommentLook[] = [];
  return {
    text: loaded,
    form,
    write: (text) => new Reading(file, part).write(text, added),
    comment: (comment) => {
      if (firstAdded + added.length >= limits.kept) return undefined;
      added.push(comment);
      form.kept.push({ what: "comment", text: "", comment });
      return firstAdded + added.length - 1;
    },
  };
}

/** One reading of the document's XML; what is written changes it, so each save reads anew. */
class Reading {
  readonly lines: DocumentLine[] = [];
  readonly #file: OfficeFile;
  readonly #part: string;
  readonly #document: Document;
  readonly #body: Element;
  readonly #styles: WordStyles;
  readonly #stylesPart: { name: string; document: Document } | undefined;
  readonly #lists: WordLists;
  readonly #listsPart: { name: string; document: Document; isNew: boolean };
  /** In the body, by a line's paragraph from 1. */
  readonly #blocks: Element[] = [];
  readonly #looks: Record<number, ParagraphLook> = {};
  readonly #runs: Element[][] = [[]];
  readonly #runNumbers = new Map<string, number>([["", 0]]);
  readonly #comments: WordComments;
  readonly #kept: Element[][] = [];
  readonly #keptLooks: KeptLook[] = [];

  constructor(file: OfficeFile, part: string) {
    this.#file = file;
    this.#part = part;
    this.#document = file.xml(part);
    const body = child(this.#document.documentElement ?? undefined, "body");
    if (body === undefined) throw new UnreadableFile("This file is damaged: it holds no document.");
    this.#body = body;
    const styles = file.target(part, "styles");
    if (styles !== undefined && file.has(styles)) this.#stylesPart = { name: styles, document: file.xml(styles) };
    this.#styles = new WordStyles(this.#stylesPart?.document);
    const lists = file.target(part, "numbering");
    const hasLists = lists !== undefined && file.has(lists);
    this.#listsPart = hasLists
      ? { name: lists, document: file.xml(lists), isNew: false }
      : { name: besidePart(part, "numbering.xml", file), document: emptyLists(body), isNew: true };
    this.#lists = new WordLists(this.#listsPart.document);
    this.#comments = new WordComments(file, part, body);
    this.#readBody();
  }

  form(): DocumentForm {
    return { kind: "document", runs: this.#runs.map(lookOf), paragraphs: this.#looks, kept: this.#keptLooks };
  }

  /** @returns the file with this text in the document's place @param added comments, numbered after what was loaded */
  write(text: string, added: readonly CommentLook[]): Buffer {
    const placed = commentsPlacedIn(this.#body);
    this.#addPlaced(text, added);
    const usedBlocks = new Set<number>();
    const usedKept = new Set<number>();
    let last: Element | undefined;
    let lastNumber = 0;
    for (const line of text.split("\n").map(readLine)) {
      const isFirst = this.#blocks[line.paragraph - 1] !== undefined && !usedBlocks.has(line.paragraph);
      const loaded = this.lines[line.paragraph - 1];
      if (line.kind === "block" && (!isFirst || loaded?.kind !== "block")) continue;
      const block = isFirst ? this.#block(line.paragraph) : this.#newParagraph(line.paragraph);
      if (isFirst) usedBlocks.add(line.paragraph);
      if (line.kind !== "block") {
        this.#setKind(block, line, loaded);
        const isSame =
          isFirst && loaded !== undefined && writeLine(loaded) === writeLine({ ...line, kind: loaded.kind });
        if (isSame) for (const piece of line.pieces) usedKept.add(piece.kept ?? -1);
        else this.#setPieces(block, line.pieces, usedKept);
      }
      // What is still in its order stays where it is: so do the markers between paragraphs.
      if (!isFirst || line.paragraph < lastNumber) {
        this.#body.insertBefore(block, last === undefined ? this.#body.firstChild : last.nextSibling);
      } else lastNumber = line.paragraph;
      last = block;
    }
    this.#blocks.forEach((block, index) => {
      if (!usedBlocks.has(index + 1)) this.#remove(block);
    });
    const still = commentsPlacedIn(this.#body);
    this.#comments.drop(new Set([...placed].filter((id) => !still.has(id))), this.#body);
    return this.#file.write(this.#changedParts());
  }

  /** Only those whose place is still in the text. */
  #addPlaced(text: string, added: readonly CommentLook[]): void {
    const first = this.#kept.length;
    const inText = new Set(text.split("\n").flatMap((line) => readLine(line).pieces.map(({ kept }) => kept)));
    added.forEach((comment, index) => {
      if (inText.has(first + index)) this.#kept[first + index] = this.#comments.add(comment, this.#body);
    });
  }

  #readBody(): void {
    let openFields = 0;
    for (const block of children(this.#body)) {
      const name = block.localName ?? "";
      if (name === "sectPr" || markers.has(name)) continue;
      const before = openFields;
      openFields += fieldsOpenedIn(block);
      this.#blocks.push(block);
      const paragraph = this.#blocks.length;
      // A field that goes over several paragraphs, such as a table of contents, is kept whole.
      const pieces = name === "p" && before === 0 && openFields === 0 ? this.#piecesOf(block) : undefined;
      if (pieces === undefined) {
        this.lines.push({ paragraph, kind: "block", pieces: [] });
        this.#looks[paragraph] = { rows: rowsOf(block) };
      } else {
        this.lines.push({ paragraph, kind: this.#kindOf(block), pieces });
        const look = this.#lookOf(block);
        if (Object.keys(look).length > 0) this.#looks[paragraph] = look;
      }
    }
    if (this.#blocks.length > limits.paragraphs)
      throw new UnreadableFile("This document is too large for this editor.");
  }

  #piecesOf(paragraph: Element): Piece[] | undefined {
    const pieces: Piece[] = [];
    let field: Element[] | undefined;
    let depth = 0;
    for (const each of children(paragraph)) {
      const name = each.localName ?? "";
      if (name === "pPr" || (markers.has(name) && field === undefined)) continue;
      const text = name === "r" ? textOfRun(each) : undefined;
      const opened = fieldsOpenedIn(each);
      if (field !== undefined || depth + opened > 0) {
        field ??= [];
        field.push(each);
        depth += opened;
        if (depth === 0) {
          pieces.push(this.#keep(field));
          field = undefined;
        }
      } else if (text === undefined || [...text].some((character) => isMark(character.codePointAt(0) ?? 0))) {
        pieces.push(this.#keep([each]));
      } else {
        const properties = child(each, "rPr");
        const run = this.#runNumber(restOf(properties));
        if (run === undefined) return undefined;
        const format = formatOf(properties);
        const before = pieces.at(-1);
        if (before?.text !== undefined && before.run === run && before.format === format) before.text += text;
        else if (text !== "") pieces.push({ text, run, format });
      }
    }
    return this.#kept.length > limits.kept ? undefined : pieces;
  }

  #runNumber(rest: Element[]): number | undefined {
    const key = rest.map((each) => String(each)).join("");
    const known = this.#runNumbers.get(key);
    if (known !== undefined || this.#runs.length >= limits.runs) return known;
    this.#runs.push(rest);
    this.#runNumbers.set(key, this.#runs.length - 1);
    return this.#runs.length - 1;
  }

  #keep(elements: Element[]): Piece {
    this.#kept.push(elements);
    const comment = this.#comments.behind(elements);
    this.#keptLooks.push(comment === undefined ? keptLook(elements) : { what: "comment", text: "", comment });
    return { kept: this.#kept.length - 1 };
  }

  #kindOf(paragraph: Element): ParagraphKind {
    const properties = child(paragraph, "pPr");
    const style = attribute(child(properties, "pStyle"), "val");
    const heading = this.#styles.kindOf(style);
    return heading ?? this.#lists.kindOf(child(properties, "numPr") ?? this.#styles.listOf(style)) ?? "text";
  }

  #lookOf(paragraph: Element): ParagraphLook {
    const properties = child(paragraph, "pPr");
    const align = alignments[attribute(child(properties, "jc"), "val") ?? ""];
    const level = Number(attribute(child(child(properties, "numPr"), "ilvl"), "val") ?? 0);
    return { ...(align === undefined ? {} : { align }), ...(level > 0 ? { level: Math.min(level, 8) } : {}) };
  }

  #block(paragraph: number): Element {
    const block = this.#blocks[paragraph - 1];
    if (block === undefined) throw new RangeError(`no paragraph ${paragraph}`);
    return block;
  }

  /** A paragraph that was made by splitting another one has its properties, but ends no section. */
  #newParagraph(like: number): Element {
    const made = sibling(this.#body, "p");
    const model = this.#blocks[like - 1];
    const properties = model?.localName === "p" ? child(model, "pPr") : undefined;
    if (properties === undefined) return made;
    const copied = properties.cloneNode(true) as Element;
    for (const each of children(copied))
      if (each.localName === "sectPr" || each.localName === "pPrChange") copied.removeChild(each);
    made.appendChild(copied);
    return made;
  }

  #setKind(paragraph: Element, { kind }: DocumentLine, model: DocumentLine | undefined): void {
    if (kind === (model?.kind ?? "text")) return;
    let properties = child(paragraph, "pPr");
    if (properties === undefined) {
      properties = sibling(this.#body, "pPr");
      paragraph.insertBefore(properties, paragraph.firstChild);
    }
    for (const each of children(properties))
      if (["pStyle", "numPr", "outlineLvl"].includes(each.localName ?? "")) properties.removeChild(each);
    const styleId = this.#styles.idFor(kind);
    const numId = kind === "bullet" || kind === "number" ? this.#lists.idFor(kind) : undefined;
    if (numId !== undefined) {
      const numPr = sibling(this.#body, "numPr", {}, [
        sibling(this.#body, "ilvl", { val: "0" }),
        sibling(this.#body, "numId", { val: numId }),
      ]);
      const earlier = ["keepNext", "keepLines", "pageBreakBefore", "framePr", "widowControl"];
      const after = children(properties).find(({ localName }) => !earlier.includes(localName ?? ""));
      properties.insertBefore(numPr, after ?? null);
    }
    if (styleId !== undefined)
      properties.insertBefore(sibling(this.#body, "pStyle", { val: styleId }), properties.firstChild);
  }

  #setPieces(paragraph: Element, pieces: readonly Piece[], usedKept: Set<number>): void {
    const own = children(paragraph).filter(({ localName }) => localName !== "pPr");
    const held = own.filter(({ localName }) => markers.has(localName ?? "") && localName !== "proofErr");
    for (const each of own) paragraph.removeChild(each);
    // Marked stretches go on holding the whole paragraph: none is lost, none ends before it begins.
    const ends = held.filter(({ localName }) => localName?.endsWith("End"));
    for (const each of held) if (!ends.includes(each)) paragraph.appendChild(each);
    for (const piece of pieces) {
      if (piece.kept === undefined) {
        const letters = cleaned(piece.text);
        if (letters !== "")
          paragraph.appendChild(makeRun(this.#body, letters, this.#runs[piece.run] ?? [], piece.format));
      } else if (!usedKept.has(piece.kept)) {
        usedKept.add(piece.kept);
        for (const each of this.#kept[piece.kept] ?? []) paragraph.appendChild(each);
      }
    }
    for (const each of ends) paragraph.appendChild(each);
  }

  /** What marks a place outside of the paragraph's own letters stays in the document. */
  #remove(block: Element): void {
    for (const each of children(block))
      if (markers.has(each.localName ?? "") && each.localName !== "proofErr") this.#body.insertBefore(each, block);
    this.#body.removeChild(block);
  }

  #changedParts(): Map<string, Document | undefined> {
    const changed = new Map<string, Document | undefined>([[this.#part, this.#document]]);
    if (this.#stylesPart !== undefined && this.#styles.isChanged)
      changed.set(this.#stylesPart.name, this.#stylesPart.document);
    if (this.#lists.isChanged) {
      changed.set(this.#listsPart.name, this.#listsPart.document);
      if (this.#listsPart.isNew)
        listPart(this.#file, changed, {
          name: this.#listsPart.name,
          source: this.#part,
          relationship: `${officeRelationships}/numbering`,
          contentType: `${wordTypes}.numbering+xml`,
        });
    }
    this.#comments.writeTo(changed);
    return changed;
  }
}

function fieldsOpenedIn(element: Element): number {
  let opened = 0;
  for (const each of element.getElementsByTagNameNS("*", "fldChar"))
    opened += fieldChange[attribute(each, "fldCharType") ?? ""] ?? 0;
  return opened;
}

function lettersOf(element: Element): string {
  return [...element.getElementsByTagNameNS("*", "t")].map(({ textContent }) => textContent ?? "").join("");
}

/** A table's cells; anything else is one cell. */
function rowsOf(block: Element): string[][] {
  if (block.localName !== "tbl") return [[lettersOf(block)]];
  return children(block, "tr").map((row) =>
    children(row, "tc").map((cell) => children(cell, "p").map(lettersOf).join("\n")),
  );
}

function keptLook(elements: readonly Element[]): KeptLook {
  const text = elements.map(lettersOf).join("");
  const [first] = elements;
  if (first?.localName === "hyperlink") return { what: "link", text };
  const isPicture = ["drawing", "pict", "object"].some(
    (name) => (first?.getElementsByTagNameNS("*", name).length ?? 0) > 0,
  );
  return { what: isPicture ? "picture" : "other", text };
}

function besidePart(part: string, name: string, file: OfficeFile): string {
  const folder = part.slice(0, part.lastIndexOf("/") + 1);
  return file.has(folder + name) ? `${folder}new-${name}` : folder + name;
}

function emptyLists(of: Element): Document {
  return parseXml(
    `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<w:numbering xmlns:w="${of.namespaceURI}"></w:numbering>`,
  );
}
