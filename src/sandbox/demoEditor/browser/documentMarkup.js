/**
 * The shared text of a document with formatting, for the page and the editor's server alike. A line is a paragraph.
 * What is no letter is one private character, so that an edit can't break it in two:
 * - first in a line, the paragraph of the file whose properties it has, then its kind;
 * - before letters, the formatting of all that follow in the line;
 * - in place of something that only the file knows, such as a picture, its number there.
 */

const runBase = 0xf0000;
const kindBase = 0xf7f00;
const keptBase = 0xf8000;
const paragraphBase = 0x100000;

/** How many there can be of each; a document with more is not for this editor. */
export const limits = { runs: (kindBase - runBase) / 8 - 1, kept: 0x7f00, paragraphs: 0xff00 };

export const kinds = ["text", "title", "heading1", "heading2", "heading3", "bullet", "number", "block"];

export const bold = 1;
export const italic = 2;
export const underline = 4;

/** A line break inside a paragraph. */
export const lineBreak = "\u2028";

export function isMark(codePoint) {
  return codePoint >= runBase;
}

/** What stands in the text for something that only the file knows. */
export function keptMark(kept) {
  return String.fromCodePoint(keptBase + kept);
}

/** Where the letters of a paragraph begin, from any place in it. */
export function lettersStart(text, place) {
  let at = place <= 0 ? 0 : text.lastIndexOf("\n", place - 1) + 1;
  for (const character of text.slice(at)) {
    const code = character.codePointAt(0);
    if (!isMark(code) || (code >= keptBase && code < paragraphBase)) break;
    at += character.length;
  }
  return at;
}

export function readLine(line) {
  const read = { paragraph: 0, kind: "text", pieces: [] };
  let run = 0;
  let format = 0;
  let letters = "";
  const closePiece = () => {
    if (letters !== "") read.pieces.push({ text: letters, run, format });
    letters = "";
  };
  for (const character of line) {
    const code = character.codePointAt(0);
    if (code < runBase) {
      letters += character;
    } else if (code >= paragraphBase) {
      // Two paragraphs that became one keep the first one's properties.
      if (read.paragraph === 0) read.paragraph = code - paragraphBase;
    } else if (code >= keptBase) {
      closePiece();
      read.pieces.push({ kept: code - keptBase });
    } else if (code >= kindBase) {
      read.kind = kinds[code - kindBase] ?? read.kind;
    } else {
      closePiece();
      run = (code - runBase) >> 3;
      format = (code - runBase) & 7;
    }
  }
  closePiece();
  return read;
}

export function writeLine({ paragraph, kind, pieces }) {
  let line = paragraph === 0 ? "" : String.fromCodePoint(paragraphBase + paragraph);
  line += String.fromCodePoint(kindBase + kinds.indexOf(kind));
  let state = 0;
  for (const piece of pieces) {
    if (piece.kept !== undefined) {
      line += keptMark(piece.kept);
    } else if (piece.text !== "") {
      const wanted = piece.run * 8 + piece.format;
      if (wanted !== state) line += String.fromCodePoint(runBase + wanted);
      state = wanted;
      line += piece.text;
    }
  }
  return line;
}

/** A document of a file with another number of lines, or one line to be told apart letter by letter. */
const comparedLetters = 1_000_000;

/**
 * The texts on the way from one text to another, one edit from each to the next. Formatting changes a line at two
 * places: as one edit it would take the letters between them along, and two people doing so would double them.
 */
export function textsBetween(before, after) {
  const lines = before.split("\n");
  const wanted = after.split("\n");
  if (lines.length !== wanted.length) return [after];
  const texts = [];
  for (let index = lines.length - 1; index >= 0; index--) {
    for (const line of linesBetween(lines[index], wanted[index])) {
      lines[index] = line;
      texts.push(lines.join("\n"));
    }
  }
  return texts;
}

function linesBetween(before, after) {
  if (before === after) return [];
  const old = [...before];
  const next = [...after];
  if (old.length * next.length > comparedLetters) return [after];
  // common[i][j]: how many characters the rests from i and j have in common, in order.
  const width = next.length + 1;
  const common = new Uint32Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i--)
    for (let j = next.length - 1; j >= 0; j--)
      common[i * width + j] =
        old[i] === next[j]
          ? common[(i + 1) * width + j + 1] + 1
          : Math.max(common[(i + 1) * width + j], common[i * width + j + 1]);
  const steps = [];
  let i = 0;
  let j = 0;
  let done = "";
  let isOpen = false;
  while (i < old.length || j < next.length) {
    if (i < old.length && j < next.length && old[i] === next[j]) {
      if (isOpen) steps.push(done + old.slice(i).join(""));
      isOpen = false;
      done += next[j];
      i++;
      j++;
    } else {
      isOpen = true;
      if (j < next.length && (i === old.length || common[i * width + j + 1] >= common[(i + 1) * width + j])) {
        done += next[j];
        j++;
      } else i++;
    }
  }
  if (isOpen) steps.push(done);
  return steps;
}
