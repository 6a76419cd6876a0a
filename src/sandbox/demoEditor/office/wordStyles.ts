import type { ParagraphKind } from "../browser/documentMarkup.js";
import { attribute, child, children, type Document, type Element, sibling } from "./xml.ts";

const names: Partial<Record<ParagraphKind, string>> = {
  title: "title",
  heading1: "heading 1",
  heading2: "heading 2",
  heading3: "heading 3",
};

const sizes: Partial<Record<ParagraphKind, string>> = { title: "56", heading1: "32", heading2: "26", heading3: "24" };

/** The paragraph styles of a document, by the names that all languages of Word write. */
export class WordStyles {
  readonly #root: Element | undefined;
  #isChanged = false;

  constructor(part: Document | undefined) {
    this.#root = part?.documentElement ?? undefined;
  }

  get isChanged(): boolean {
    return this.#isChanged;
  }

  /** @returns undefined for a style without a meaning here */
  kindOf(styleId: string | undefined): ParagraphKind | undefined {
    const name = attribute(child(this.#style(styleId), "name"), "val")?.toLowerCase() ?? "";
    const [, level] = /^heading ([1-9])$/.exec(name) ?? [];
    if (level !== undefined) return `heading${Math.min(Number(level), 3) as 1 | 2 | 3}`;
    return name === "title" ? "title" : undefined;
  }

  /** The list that a style puts its paragraphs into. */
  listOf(styleId: string | undefined): Element | undefined {
    return child(child(this.#style(styleId), "pPr"), "numPr");
  }

  /** The id of a kind's style, which is made when there is none. */
  idFor(kind: ParagraphKind): string | undefined {
    const name = names[kind];
    if (name === undefined || this.#root === undefined) return undefined;
    const found = this.#all().find((style) => attribute(child(style, "name"), "val")?.toLowerCase() === name);
    if (found !== undefined) return attribute(found, "styleId");
    let styleId = kind === "title" ? "Title" : `Heading${kind.at(-1)}`;
    while (this.#style(styleId) !== undefined) styleId += "1";
    const root = this.#root;
    const level = kind === "title" ? [] : [sibling(root, "outlineLvl", { val: String(Number(kind.at(-1)) - 1) })];
    root.appendChild(
      sibling(root, "style", { type: "paragraph", styleId }, [
        sibling(root, "name", { val: name }),
        sibling(root, "qFormat"),
        sibling(root, "pPr", {}, [
          sibling(root, "keepNext"),
          sibling(root, "spacing", { before: "240", after: "80" }),
          ...level,
        ]),
        sibling(root, "rPr", {}, [sibling(root, "b"), sibling(root, "sz", { val: sizes[kind] ?? "24" })]),
      ]),
    );
    this.#isChanged = true;
    return styleId;
  }

  #all(): Element[] {
    return children(this.#root, "style").filter((style) => attribute(style, "type") === "paragraph");
  }

  #style(styleId: string | undefined): Element | undefined {
    return styleId === undefined ? undefined : this.#all().find((style) => attribute(style, "styleId") === styleId);
  }
}
