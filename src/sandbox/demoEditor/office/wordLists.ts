import { attribute, child, children, type Document, type Element, sibling } from "./xml.ts";

type ListKind = "bullet" | "number";

/** The lists of a document: which of them have bullets, and one of each kind for paragraphs that join a list. */
export class WordLists {
  readonly #root: Element | undefined;
  #isChanged = false;

  constructor(part: Document | undefined) {
    this.#root = part?.documentElement ?? undefined;
  }

  get isChanged(): boolean {
    return this.#isChanged;
  }

  /** @param numPr a paragraph's or a style's */
  kindOf(numPr: Element | undefined): ListKind | undefined {
    const numId = attribute(child(numPr, "numId"), "val");
    if (numId === undefined || numId === "0") return undefined;
    return this.#kindOf(numId, attribute(child(numPr, "ilvl"), "val") ?? "0");
  }

  /** The id of a list of this kind, which is made when there is none. */
  idFor(kind: ListKind): string | undefined {
    const ids = children(this.#root, "num").map((num) => attribute(num, "numId") ?? "");
    const found = ids.find((numId) => this.#kindOf(numId, "0") === kind);
    if (found !== undefined || this.#root === undefined) return found;
    const root = this.#root;
    const abstracts = children(root, "abstractNum");
    const abstractId = nextNumber(abstracts.map((each) => attribute(each, "abstractNumId")));
    const numId = nextNumber(ids);
    const level = sibling(root, "lvl", { ilvl: "0" }, [
      sibling(root, "start", { val: "1" }),
      sibling(root, "numFmt", { val: kind === "bullet" ? "bullet" : "decimal" }),
      sibling(root, "lvlText", { val: kind === "bullet" ? "•" : "%1." }),
      sibling(root, "lvlJc", { val: "left" }),
      sibling(root, "pPr", {}, [sibling(root, "ind", { left: "720", hanging: "360" })]),
    ]);
    const made = sibling(root, "abstractNum", { abstractNumId: abstractId }, [
      sibling(root, "multiLevelType", { val: "singleLevel" }),
      level,
    ]);
    // All abstract lists come before the lists made of them.
    root.insertBefore(made, children(root, "num")[0] ?? children(root, "numIdMacAtCleanup")[0] ?? null);
    root.insertBefore(
      sibling(root, "num", { numId }, [sibling(root, "abstractNumId", { val: abstractId })]),
      children(root, "numIdMacAtCleanup")[0] ?? null,
    );
    this.#isChanged = true;
    return numId;
  }

  #kindOf(numId: string, level: string): ListKind | undefined {
    const num = children(this.#root, "num").find((each) => attribute(each, "numId") === numId);
    const abstractId = attribute(child(num, "abstractNumId"), "val");
    if (abstractId === undefined) return undefined;
    const abstract = children(this.#root, "abstractNum").find(
      (each) => attribute(each, "abstractNumId") === abstractId,
    );
    const found = children(abstract, "lvl").find((each) => attribute(each, "ilvl") === level);
    return attribute(child(found, "numFmt"), "val") === "bullet" ? "bullet" : "number";
  }
}

function nextNumber(taken: readonly (string | undefined)[]): string {
  return String(Math.max(0, ...taken.map((each) => Number(each) || 0)) + 1);
}
