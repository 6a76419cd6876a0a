import { strFromU8, strToU8, unzipSync, zipSync } from "fflate";

const head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
const sheet = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";

/** Bytes that no XML parser would leave as they are. */
export const pictureBytes = Uint8Array.from({ length: 500 }, (_, index) => (index * 37) % 256);

/** A zip file of these parts. */
function zipOf(parts: Readonly<Record<string, string | Uint8Array>>): Buffer {
  const bytes = Object.entries(parts).map(([name, content]) => [
    name,
    typeof content === "string" ? strToU8(content) : content,
  ]);
  return Buffer.from(zipSync(Object.fromEntries(bytes)));
}

/** A zip file's parts by name. */
export function partsOf(bytes: Buffer): Record<string, Uint8Array> {
  return unzipSync(bytes);
}

/** One part as text. */
export function partOf(bytes: Buffer, name: string): string {
  return strFromU8(partsOf(bytes)[name] ?? new Uint8Array());
}

function relations(targets: Readonly<Record<string, string>>): string {
  const all = Object.entries(targets).map(([id, target]) => {
    const kind = id.replace(/\d+$/, "");
    return `<Relationship Id="${id}" Type="${office}/${kind}" Target="${target}"/>`;
  });
  return `${head}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${all.join("")}</Relationships>`;
}

const types = `${head}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>`;

/** A document as a German Word writes it, with what the demo editor does not understand. */
export function wordFile(body: string, more: Readonly<Record<string, string | Uint8Array>> = {}): Buffer {
  return zipOf({
    "[Content_Types].xml": types,
    "_rels/.rels": relations({ officeDocument: "word/document.xml" }),
    "word/_rels/document.xml.rels": relations({
      styles: "styles.xml",
      image1: "media/image1.png",
      header1: "header1.xml",
    }),
    "word/document.xml": `${head}<w:document xmlns:w="${word}" xmlns:r="${office}" xmlns:x="urn:more"><w:body>${body}<w:sectPr x:kept="yes"><w:headerReference w:type="default" r:id="header1"/></w:sectPr></w:body></w:document>`,
    "word/styles.xml": `${head}<w:styles xmlns:w="${word}"><w:style w:type="paragraph" w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style></w:styles>`,
    "word/header1.xml": `${head}<w:hdr xmlns:w="${word}"><w:p/></w:hdr>`,
    "word/media/image1.png": pictureBytes,
    ...more,
  });
}

/** A workbook as Excel writes it. */
export function excelFile(cells: string, more: Readonly<Record<string, string | Uint8Array>> = {}): Buffer {
  return zipOf({
    "[Content_Types].xml": types.replace(
      "</Types>",
      '<Override PartName="/xl/calcChain.xml" ContentType="application/calc"/></Types>',
    ),
    "_rels/.rels": relations({ officeDocument: "xl/workbook.xml" }),
    "xl/workbook.xml": `${head}<workbook xmlns="${sheet}" xmlns:r="${office}"><sheets><sheet name="Plan" sheetId="1" r:id="worksheet1"/></sheets><definedNames/></workbook>`,
    "xl/_rels/workbook.xml.rels": relations({
      worksheet1: "worksheets/sheet1.xml",
      sharedStrings1: "sharedStrings.xml",
      calcChain1: "calcChain.xml",
    }),
    "xl/worksheets/sheet1.xml": `${head}<worksheet xmlns="${sheet}"><sheetData>${cells}</sheetData><pageMargins left="0.7"/></worksheet>`,
    "xl/sharedStrings.xml": `${head}<sst xmlns="${sheet}"><si><t>Rent</t></si><si><r><rPr><b/></rPr><t>So</t></r><r><t>me</t></r></si></sst>`,
    "xl/calcChain.xml": `${head}<calcChain xmlns="${sheet}"><c r="B3" i="1"/></calcChain>`,
    "xl/media/image1.png": pictureBytes,
    ...more,
  });
}

/** A paragraph of one run. @param properties its `w:pPr` */
export function paragraph(text: string, properties = ""): string {
  return `<w:p>${properties}<w:r><w:t>${text}</w:t></w:r></w:p>`;
}
