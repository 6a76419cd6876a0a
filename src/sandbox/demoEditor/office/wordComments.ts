import { listPart, type OfficeFile } from "./officeFile.ts";
import type { CommentLook } from "./pageForm.ts";
import { attribute, children, type Document, type Element, parseXml, sibling } from "./xml.ts";

const relationship = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/comments";
const contentType = "application/vnd.openxmlformats-officedocument.wordprocessingml.comments+xml";
const ranges = ["commentRangeStart", "commentRangeEnd"];

/** The part of a Word file that holds its comments; the document only says where they belong. */
export class WordComments {
  readonly #file: OfficeFile;
  readonly #source: string;
  readonly #name: string;
  readonly #document: Document;
  readonly #root: Element;
  readonly #isNew: boolean;
  #isChanged = false;

  /** @param source the part with the document @param body of it */
  constructor(file: OfficeFile, source: string, body: Element) {
    const known = file.target(source, "comments");
    const isThere = known !== undefined && file.has(known);
    const folder = source.slice(0, source.lastIndexOf("/") + 1);
    const free = file.has(`${folder}comments.xml`) ? `${folder}new-comments.xml` : `${folder}comments.xml`;
    this.#file = file;
    this.#source = source;
    this.#isNew = !isThere;
    this.#name = isThere ? known : free;
    this.#document = isThere ? file.xml(known) : parseXml(`<w:comments xmlns:w="${body.namespaceURI}"></w:comments>`);
    const root = this.#document.documentElement;
    if (root === null) throw new Error("comments without a root");
    this.#root = root;
  }

  /** The comment that a piece of the document stands for; undefined when it is something else. */
  behind(elements: readonly Element[]): CommentLook | undefined {
    const id = elements.map(referenceIn).find((each) => each !== undefined);
    const comment = children(this.#root, "comment").find((each) => id !== undefined && attribute(each, "id") === id);
    if (comment === undefined) return undefined;
    return {
      author: attribute(comment, "author") ?? "",
      at: attribute(comment, "date") ?? "",
      text: children(comment, "p").map(lettersOf).join("\n"),
    };
  }

  /** @returns what stands for it in the document */
  add({ author, at, text }: CommentLook, body: Element): Element[] {
    const ids = children(this.#root, "comment").map((each) => Number(attribute(each, "id") ?? 0));
    const id = String(Math.max(-1, ...ids) + 1);
    const lines = text.split("\n").map((line) => {
      const letters = sibling(this.#root, "t", { "xml:space": "preserve" }, [line]);
      return sibling(this.#root, "p", {}, [sibling(this.#root, "r", {}, [letters])]);
    });
    const initials = author
      .split(/\s+/)
      .map((word) => [...word][0] ?? "")
      .join("");
    this.#root.appendChild(sibling(this.#root, "comment", { id, author, date: at, initials }, lines));
    this.#isChanged = true;
    return [sibling(body, "r", {}, [sibling(body, "commentReference", { id })])];
  }

  /** Takes away the comments that the document has lost: one without a place is shown nowhere, but stays in the file. */
  drop(lost: ReadonlySet<string>, body: Element): void {
    for (const comment of children(this.#root, "comment")) {
      if (!lost.has(attribute(comment, "id") ?? "")) continue;
      this.#root.removeChild(comment);
      this.#isChanged = true;
    }
    for (const name of ranges)
      for (const each of [...body.getElementsByTagNameNS("*", name)])
        if (lost.has(attribute(each, "id") ?? "")) each.parentNode?.removeChild(each);
  }

  /** Adds the part to those that are written, if anything in it has changed. */
  writeTo(changed: Map<string, Document | undefined>): void {
    if (!this.#isChanged) return;
    changed.set(this.#name, this.#document);
    if (this.#isNew)
      listPart(this.#file, changed, { name: this.#name, source: this.#source, relationship, contentType });
  }
}

/** Ids of all comments that have a place in the document. */
export function commentsPlacedIn(body: Element): Set<string> {
  return new Set([...body.getElementsByTagNameNS("*", "commentReference")].map((each) => attribute(each, "id") ?? ""));
}

function referenceIn(element: Element): string | undefined {
  return attribute([...element.getElementsByTagNameNS("*", "commentReference")][0], "id");
}

function lettersOf(paragraph: Element): string {
  return [...paragraph.getElementsByTagNameNS("*", "t")].map(({ textContent }) => textContent ?? "").join("");
}
