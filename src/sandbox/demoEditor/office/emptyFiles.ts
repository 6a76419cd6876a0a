import { OfficeFile } from "./officeFile.ts";

const head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const packageSpace = "http://schemas.openxmlformats.org/package/2006";
const officeSpace = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const wordSpace = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
const sheetSpace = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const openXml = "application/vnd.openxmlformats-officedocument";

const headingStyle = (level: number, halfPoints: number) =>
  paragraphStyle(
    `Heading${level}`,
    `heading ${level}`,
    `<w:pPr><w:keepNext/><w:spacing w:before="280" w:after="80"/><w:outlineLvl w:val="${level - 1}"/></w:pPr>` +
      `<w:rPr><w:b/><w:color w:val="1F4E79"/><w:sz w:val="${halfPoints}"/></w:rPr>`,
  );

const listLevel = (format: string, text: string) =>
  `<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="${format}"/><w:lvlText w:val="${text}"/><w:lvlJc w:val="left"/>` +
  '<w:pPr><w:ind w:left="720" w:hanging="360"/></w:pPr></w:lvl>';

/** A document with one empty paragraph, the usual styles and a list of each kind. */
export function emptyDocument(): OfficeFile {
  return OfficeFile.of({
    "[Content_Types].xml": contentTypes({
      "word/document.xml": `${openXml}.wordprocessingml.document.main+xml`,
      "word/styles.xml": `${openXml}.wordprocessingml.styles+xml`,
      "word/numbering.xml": `${openXml}.wordprocessingml.numbering+xml`,
    }),
    "_rels/.rels": relationships({ officeDocument: "word/document.xml" }),
    "word/_rels/document.xml.rels": relationships({ styles: "styles.xml", numbering: "numbering.xml" }),
    "word/document.xml":
      `${head}<w:document xmlns:w="${wordSpace}"><w:body><w:p/><w:sectPr><w:pgSz w:w="11906" w:h="16838"/>` +
      '<w:pgMar w:top="1440" w:right="1440" w:bottom="1440" w:left="1440" w:header="708" w:footer="708" w:gutter="0"/>' +
      "</w:sectPr></w:body></w:document>",
    "word/styles.xml":
      `${head}<w:styles xmlns:w="${wordSpace}"><w:docDefaults><w:rPrDefault><w:rPr>` +
      '<w:rFonts w:ascii="Calibri" w:hAnsi="Calibri" w:cs="Calibri"/><w:sz w:val="22"/></w:rPr></w:rPrDefault>' +
      '<w:pPrDefault><w:pPr><w:spacing w:after="120" w:line="276" w:lineRule="auto"/></w:pPr></w:pPrDefault></w:docDefaults>' +
      '<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/><w:qFormat/></w:style>' +
      paragraphStyle(
        "Title",
        "Title",
        '<w:pPr><w:spacing w:after="200"/></w:pPr><w:rPr><w:color w:val="1F4E79"/><w:sz w:val="56"/></w:rPr>',
      ) +
      `${headingStyle(1, 32)}${headingStyle(2, 26)}${headingStyle(3, 24)}</w:styles>`,
    "word/numbering.xml":
      `${head}<w:numbering xmlns:w="${wordSpace}">` +
      `<w:abstractNum w:abstractNumId="1"><w:multiLevelType w:val="singleLevel"/>${listLevel("bullet", "•")}</w:abstractNum>` +
      `<w:abstractNum w:abstractNumId="2"><w:multiLevelType w:val="singleLevel"/>${listLevel("decimal", "%1.")}</w:abstractNum>` +
      '<w:num w:numId="1"><w:abstractNumId w:val="1"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="2"/></w:num>' +
      "</w:numbering>",
  });
}

/** Cells' looks in an empty workbook's style sheet: plain, a head line, an amount, a sum. */
export const emptyWorkbookLooks = { plain: 0, head: 1, amount: 2, sum: 3 } as const;

const workbookStyles =
  `${head}<styleSheet xmlns="${sheetSpace}">` +
  '<fonts count="3"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><color rgb="FFFFFFFF"/><name val="Calibri"/></font>' +
  '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>' +
  '<fills count="4"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>' +
  '<fill><patternFill patternType="solid"><fgColor rgb="FF1F6F5C"/></patternFill></fill>' +
  '<fill><patternFill patternType="solid"><fgColor rgb="FFE3F1EC"/></patternFill></fill></fills>' +
  '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>' +
  '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>' +
  '<cellXfs count="4"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>' +
  '<xf numFmtId="0" fontId="1" fillId="2" borderId="0" xfId="0" applyFont="1" applyFill="1"/>' +
  '<xf numFmtId="4" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>' +
  '<xf numFmtId="4" fontId="2" fillId="3" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1" applyFill="1"/></cellXfs>' +
  '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>';

/** @param sheets the XML inside of each one's `worksheet`, by its name */
export function emptyWorkbook(sheets: Readonly<Record<string, string>> = { "Sheet 1": "<sheetData/>" }): OfficeFile {
  const names = Object.keys(sheets);
  const part = (index: number) => `worksheets/sheet${index + 1}.xml`;
  return OfficeFile.of({
    "[Content_Types].xml": contentTypes({
      "xl/workbook.xml": `${openXml}.spreadsheetml.sheet.main+xml`,
      "xl/styles.xml": `${openXml}.spreadsheetml.styles+xml`,
      ...Object.fromEntries(names.map((_, index) => [`xl/${part(index)}`, `${openXml}.spreadsheetml.worksheet+xml`])),
    }),
    "_rels/.rels": relationships({ officeDocument: "xl/workbook.xml" }),
    "xl/workbook.xml":
      `${head}<workbook xmlns="${sheetSpace}" xmlns:r="${officeSpace}"><sheets>` +
      names
        .map((name, index) => `<sheet name="${name}" sheetId="${index + 1}" r:id="worksheet${index + 1}"/>`)
        .join("") +
      "</sheets></workbook>",
    "xl/_rels/workbook.xml.rels": relationships({
      styles: "styles.xml",
      ...Object.fromEntries(names.map((_, index) => [`worksheet${index + 1}`, part(index)])),
    }),
    "xl/styles.xml": workbookStyles,
    ...Object.fromEntries(
      Object.values(sheets).map((content, index) => [
        `xl/${part(index)}`,
        `${head}<worksheet xmlns="${sheetSpace}">${content}</worksheet>`,
      ]),
    ),
  });
}

function paragraphStyle(styleId: string, name: string, properties: string): string {
  return (
    `<w:style w:type="paragraph" w:styleId="${styleId}"><w:name w:val="${name}"/><w:basedOn w:val="Normal"/>` +
    `<w:next w:val="Normal"/><w:qFormat/>${properties}</w:style>`
  );
}

function contentTypes(parts: Readonly<Record<string, string>>): string {
  return (
    `${head}<Types xmlns="${packageSpace}/content-types">` +
    `<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
    '<Default Extension="xml" ContentType="application/xml"/>' +
    Object.entries(parts)
      .map(([part, type]) => `<Override PartName="/${part}" ContentType="${type}"/>`)
      .join("") +
    "</Types>"
  );
}

/** @param targets by kind, which is the id too; a number at its end counts several of a kind */
function relationships(targets: Readonly<Record<string, string>>): string {
  return (
    `${head}<Relationships xmlns="${packageSpace}/relationships">` +
    Object.entries(targets)
      .map(
        ([id, target]) =>
          `<Relationship Id="${id}" Type="${officeSpace}/${id.replace(/\d+$/, "")}" Target="${target}"/>`,
      )
      .join("") +
    "</Relationships>"
  );
}
