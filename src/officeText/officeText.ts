import { readOdfSheets, readWorkbook } from "./cells.ts";
import { NotRead, type WhyNotRead } from "./notRead.ts";
import { readOdfParagraphs, readOoxmlParagraphs, readSlide } from "./paragraphs.ts";
import { TextLines } from "./textLines.ts";
import { zipParts } from "./zipParts.ts";

type Parts = ReadonlyMap<string, string>;

interface Format {
  readonly isWanted: (path: string) => boolean;
  readonly read: (parts: Parts, lines: TextLines) => Promise<void>;
}

const wordBody = /^word\/document\d*\.xml$/;
const wordRest = /^word\/(?:header|footer|footnotes|endnotes)\d*\.xml$/;
const slides = /^ppt\/slides\/slide(\d+)\.xml$/;
const notes = /^ppt\/notesSlides\/notesSlide(\d+)\.xml$/;

const word: Format = {
  isWanted: (path) => wordBody.test(path) || wordRest.test(path),
  async read(parts, lines) {
    for (const xml of required(matching(parts, wordBody))) await readOoxmlParagraphs(xml, lines, true);
    for (const xml of matching(parts, wordRest)) await readOoxmlParagraphs(xml, lines, false);
  },
};

const excel: Format = {
  isWanted: (path) =>
    /^xl\/(?:workbook\.xml|_rels\/workbook\.xml\.rels|(?:sharedStrings|styles)\.xml|worksheets\/[^/]+\.xml)$/.test(
      path,
    ),
  read: readWorkbook,
};

/** Slides by the numbers of their files: PowerPoint numbers them anew in their order. */
const powerPoint: Format = {
  isWanted: (path) => slides.test(path) || notes.test(path),
  async read(parts, lines) {
    for (const xml of required(matching(parts, slides))) await readSlide(xml, lines);
    for (const xml of matching(parts, notes)) await readOoxmlParagraphs(xml, lines, false);
  },
};

const odfText: Format = {
  isWanted: (path) => path === "content.xml" || path === "styles.xml",
  async read(parts, lines) {
    for (const xml of required(matching(parts, /^content\.xml$/))) await readOdfParagraphs(xml, lines, true);
    // Headers and footers.
    for (const xml of matching(parts, /^styles\.xml$/)) await readOdfParagraphs(xml, lines, false);
  },
};

const odfSheets: Format = {
  isWanted: (path) => path === "content.xml",
  async read(parts, lines) {
    for (const xml of required([...parts.values()])) await readOdfSheets(xml, lines);
  },
};

const odfSlides: Format = {
  isWanted: (path) => path === "content.xml",
  async read(parts, lines) {
    for (const xml of required([...parts.values()])) await readOdfParagraphs(xml, lines, false);
  },
};

const formats: Readonly<Record<string, Format>> = {
  docx: word,
  docm: word,
  xlsx: excel,
  xlsm: excel,
  pptx: powerPoint,
  pptm: powerPoint,
  odt: odfText,
  ods: odfSheets,
  odp: odfSlides,
};

function formatOf(name: string): Format | undefined {
  const extension = name.slice(name.lastIndexOf(".") + 1).toLowerCase();
  return Object.hasOwn(formats, extension) ? formats[extension] : undefined;
}

/** Larger files are not read, in bytes: most of it would be pictures. */
export const officeReadAtMost = 50_000_000;

/** Whether `officeTextOf` reads it, by its name. */
export const isOfficeName = (name: string): boolean => formatOf(name) !== undefined;

/**
 * The text of an office document, a line per paragraph or row. Damaged and encrypted ones are `unreadable`.
 * @param name tells the type @param body is read up to the first thing that ends it @param limitLength of the text
 * @throws what the body throws
 */
export async function officeTextOf(
  name: string,
  body: AsyncIterable<Uint8Array>,
  limitLength: number,
): Promise<{ readonly text: string } | { readonly why: WhyNotRead }> {
  try {
    const format = formatOf(name);
    if (format === undefined) throw new NotRead("unreadable");
    const lines = new TextLines(limitLength);
    await format.read(await zipParts(body, format.isWanted), lines);
    return { text: lines.text() };
  } catch (error) {
    if (error instanceof NotRead) return { why: error.why };
    throw error;
  }
}

/** By the numbers in their names. */
function matching(parts: Parts, pattern: RegExp): string[] {
  return [...parts]
    .filter(([path]) => pattern.test(path))
    .sort(([one], [other]) => one.localeCompare(other, "en", { numeric: true }))
    .map(([, xml]) => xml);
}

function required(xmls: string[]): string[] {
  if (xmls.length === 0) throw new NotRead("unreadable");
  return xmls;
}
