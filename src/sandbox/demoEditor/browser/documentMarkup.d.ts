export type ParagraphKind = "text" | "title" | "heading1" | "heading2" | "heading3" | "bullet" | "number" | "block";

/** Letters of one look, or the number of something that only the file knows. */
export type Piece = { text: string; run: number; format: number; kept?: never } | { kept: number; text?: never };

export interface DocumentLine {
  /** Whose properties in the file it has, from 1; 0 = nobody's. */
  paragraph: number;
  kind: ParagraphKind;
  pieces: Piece[];
}

export const limits: { readonly runs: number; readonly kept: number; readonly paragraphs: number };
export const kinds: readonly ParagraphKind[];
/** Bits of a piece's format. */
export const bold: number;
export const italic: number;
export const underline: number;
/** A line break inside a paragraph. */
export const lineBreak: string;
/** Whether a character is no letter. */
export function isMark(codePoint: number): boolean;
/** What stands in the text for something that only the file knows, by its number. */
export function keptMark(kept: number): string;
/** Where the letters of a paragraph begin, from any place in it. */
export function lettersStart(text: string, place: number): number;
export function readLine(line: string): DocumentLine;
export function writeLine(line: DocumentLine): string;
export function textsBetween(before: string, after: string): string[];
