import { contentTypes, relationships, relationshipTypes, xmlHead } from "./packageParts.ts";
import { zipFile } from "./zipFile.ts";

const namespace = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"';

/** An .xlsx with one empty sheet. */
export function blankSpreadsheet(): Buffer {
  return zipFile([
    contentTypes({
      "xl/workbook.xml": "spreadsheetml.sheet.main",
      "xl/worksheets/sheet1.xml": "spreadsheetml.worksheet",
      "xl/styles.xml": "spreadsheetml.styles",
    }),
    relationships("_rels/.rels", [["officeDocument", "xl/workbook.xml"]]),
    relationships("xl/_rels/workbook.xml.rels", [
      ["worksheet", "worksheets/sheet1.xml"],
      ["styles", "styles.xml"],
    ]),
    [
      "xl/workbook.xml",
      `${xmlHead}<workbook ${namespace} xmlns:r="${relationshipTypes}"><sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>`,
    ],
    ["xl/worksheets/sheet1.xml", `${xmlHead}<worksheet ${namespace}><sheetData/></worksheet>`],
    ["xl/styles.xml", `${xmlHead}<styleSheet ${namespace}>${styles}</styleSheet>`],
  ]);
}

/** Excel repairs a file whose styles lack one of these lists. */
const styles = [
  '<fonts count="1"><font><sz val="11"/><name val="Calibri"/><family val="2"/></font></fonts>',
  '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>',
  '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>',
  '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>',
  '<cellXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/></cellXfs>',
  '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>',
].join("");
