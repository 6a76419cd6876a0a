/** How a page shows the text that it shares: as it is, as a document on paper, or as the sheets of a workbook. */
export type PageForm = { kind: "plain" } | DocumentForm | WorkbookForm;

/** What a document's text leaves to the file, by the numbers in it. */
export interface DocumentForm {
  kind: "document";
  runs: RunLook[];
  /** From 1, as the text counts them. */
  paragraphs: Record<number, ParagraphLook>;
  kept: KeptLook[];
}

export interface RunLook {
  color?: string;
  background?: string;
  sizePt?: number;
  struck?: boolean;
}

export interface ParagraphLook {
  align?: "center" | "right" | "justify";
  /** Of a list's item, from 0. */
  level?: number;
  /** Of a block that is only shown: a table's cells. */
  rows?: string[][];
}

/** Something inside a line that is only shown. */
export interface KeptLook {
  what: "picture" | "link" | "comment" | "other";
  text: string;
  /** Of a comment, whose place in the text this is. */
  comment?: CommentLook;
}

export interface CommentLook {
  author: string;
  /** ISO 8601; empty when the file does not tell. */
  at: string;
  text: string;
}

export interface WorkbookForm {
  kind: "workbook";
  sheets: SheetLook[];
  /** By number, as the sheets' cells name them. */
  looks: CellLook[];
}

export interface SheetLook {
  name: string;
  /** Of columns that are not as wide as usual, in characters, by number. */
  widths: Record<number, number>;
  merged: string[];
  /** By cell: which look, and what a formula's last result was. */
  cells: Record<string, { look?: number; result?: string; isFixed?: boolean }>;
}

export interface CellLook {
  bold?: boolean;
  italic?: boolean;
  color?: string;
  background?: string;
  align?: "left" | "center" | "right";
  /** A number format's code, such as `0.00%`. */
  format?: string;
}
