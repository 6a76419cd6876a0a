import { contentTypes, relationships, relationshipTypes, xmlHead } from "./packageParts.ts";
import { zipFile } from "./zipFile.ts";

const namespaces = `xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:r="${relationshipTypes}" xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"`;

/** A .pptx with one title slide, 16:9. */
export function blankPresentation(): Buffer {
  return zipFile([
    contentTypes({
      "ppt/presentation.xml": "presentationml.presentation.main",
      "ppt/slideMasters/slideMaster1.xml": "presentationml.slideMaster",
      "ppt/slideLayouts/slideLayout1.xml": "presentationml.slideLayout",
      "ppt/slideLayouts/slideLayout2.xml": "presentationml.slideLayout",
      "ppt/slides/slide1.xml": "presentationml.slide",
      "ppt/theme/theme1.xml": "theme",
    }),
    relationships("_rels/.rels", [["officeDocument", "ppt/presentation.xml"]]),
    relationships("ppt/_rels/presentation.xml.rels", [
      ["slideMaster", "slideMasters/slideMaster1.xml"],
      ["slide", "slides/slide1.xml"],
      ["theme", "theme/theme1.xml"],
    ]),
    [
      "ppt/presentation.xml",
      `${xmlHead}<p:presentation ${namespaces}><p:sldMasterIdLst><p:sldMasterId id="2147483648" r:id="rId1"/></p:sldMasterIdLst><p:sldIdLst><p:sldId id="256" r:id="rId2"/></p:sldIdLst><p:sldSz cx="12192000" cy="6858000"/><p:notesSz cx="6858000" cy="9144000"/></p:presentation>`,
    ],
    relationships("ppt/slideMasters/_rels/slideMaster1.xml.rels", [
      ["slideLayout", "../slideLayouts/slideLayout1.xml"],
      ["slideLayout", "../slideLayouts/slideLayout2.xml"],
      ["theme", "../theme/theme1.xml"],
    ]),
    ["ppt/slideMasters/slideMaster1.xml", `${xmlHead}<p:sldMaster ${namespaces}>${master}</p:sldMaster>`],
    relationships("ppt/slideLayouts/_rels/slideLayout1.xml.rels", [
      ["slideMaster", "../slideMasters/slideMaster1.xml"],
    ]),
    ["ppt/slideLayouts/slideLayout1.xml", layout("title", "Title Slide", titleShapes)],
    relationships("ppt/slideLayouts/_rels/slideLayout2.xml.rels", [
      ["slideMaster", "../slideMasters/slideMaster1.xml"],
    ]),
    ["ppt/slideLayouts/slideLayout2.xml", layout("obj", "Title and Content", contentShapes)],
    relationships("ppt/slides/_rels/slide1.xml.rels", [["slideLayout", "../slideLayouts/slideLayout1.xml"]]),
    [
      "ppt/slides/slide1.xml",
      `${xmlHead}<p:sld ${namespaces}>${slideData([shape(2, "Title 1", "ctrTitle"), shape(3, "Subtitle 2", "subTitle", 1)])}${ownColors}</p:sld>`,
    ],
    ["ppt/theme/theme1.xml", theme()],
  ]);
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A place for text. @param index tells apart places of one type @param box left out = as in the layout */
function shape(id: number, name: string, type: string, index?: number, box?: Box): string {
  const place =
    box === undefined
      ? ""
      : `<a:xfrm><a:off x="${box.x}" y="${box.y}"/><a:ext cx="${box.width}" cy="${box.height}"/></a:xfrm>`;
  const kind = `${type === "" ? "" : ` type="${type}"`}${index === undefined ? "" : ` idx="${index}"`}`;
  return `<p:sp><p:nvSpPr><p:cNvPr id="${id}" name="${name}"/><p:cNvSpPr><a:spLocks noGrp="1"/></p:cNvSpPr><p:nvPr><p:ph${kind}/></p:nvPr></p:nvSpPr><p:spPr>${place}</p:spPr><p:txBody><a:bodyPr/><a:lstStyle/><a:p><a:endParaRPr lang="en-US"/></a:p></p:txBody></p:sp>`;
}

function slideData(shapes: readonly string[], background = ""): string {
  return `<p:cSld>${background}<p:spTree><p:nvGrpSpPr><p:cNvPr id="1" name=""/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr><a:xfrm><a:off x="0" y="0"/><a:ext cx="0" cy="0"/><a:chOff x="0" y="0"/><a:chExt cx="0" cy="0"/></a:xfrm></p:grpSpPr>${shapes.join("")}</p:spTree></p:cSld>`;
}

const ownColors = "<p:clrMapOvr><a:masterClrMapping/></p:clrMapOvr>";
const titleBox = { x: 838_200, y: 365_125, width: 10_515_600, height: 1_325_563 };
const bodyBox = { x: 838_200, y: 1_825_625, width: 10_515_600, height: 4_351_338 };

const titleShapes = [
  shape(2, "Title 1", "ctrTitle", undefined, { x: 1_524_000, y: 1_122_363, width: 9_144_000, height: 2_387_600 }),
  shape(3, "Subtitle 2", "subTitle", 1, { x: 1_524_000, y: 3_602_038, width: 9_144_000, height: 1_655_762 }),
];
const contentShapes = [shape(2, "Title 1", "title"), shape(3, "Content 2", "", 1)];

function layout(type: string, name: string, shapes: readonly string[]): string {
  const data = slideData(shapes).replace("<p:cSld>", `<p:cSld name="${name}">`);
  return `${xmlHead}<p:sldLayout ${namespaces} type="${type}" preserve="1">${data}${ownColors}</p:sldLayout>`;
}

const textLevel = (level: number, hundredths: number): string =>
  `<a:lvl${level}pPr marL="${228_600 + (level - 1) * 457_200}" indent="-228600"><a:spcBef><a:spcPts val="500"/></a:spcBef><a:buFont typeface="Arial"/><a:buChar char="•"/><a:defRPr sz="${hundredths}"><a:solidFill><a:schemeClr val="tx1"/></a:solidFill><a:latin typeface="+mn-lt"/></a:defRPr></a:lvl${level}pPr>`;

const master = [
  slideData(
    [shape(2, "Title 1", "title", undefined, titleBox), shape(3, "Text 2", "body", 1, bodyBox)],
    '<p:bg><p:bgRef idx="1001"><a:schemeClr val="bg1"/></p:bgRef></p:bg>',
  ),
  '<p:clrMap bg1="lt1" tx1="dk1" bg2="lt2" tx2="dk2" accent1="accent1" accent2="accent2" accent3="accent3" accent4="accent4" accent5="accent5" accent6="accent6" hlink="hlink" folHlink="folHlink"/>',
  '<p:sldLayoutIdLst><p:sldLayoutId id="2147483649" r:id="rId1"/><p:sldLayoutId id="2147483650" r:id="rId2"/></p:sldLayoutIdLst>',
  '<p:txStyles><p:titleStyle><a:lvl1pPr><a:defRPr sz="4400"><a:solidFill><a:schemeClr val="tx1"/></a:solidFill><a:latin typeface="+mj-lt"/></a:defRPr></a:lvl1pPr></p:titleStyle>',
  `<p:bodyStyle>${[2800, 2400, 2000, 1800, 1800].map((size, at) => textLevel(at + 1, size)).join("")}</p:bodyStyle>`,
  '<p:otherStyle><a:defPPr><a:defRPr lang="en-US"/></a:defPPr></p:otherStyle></p:txStyles>',
].join("");

/** PowerPoint opens no presentation without a whole theme: twelve colours, two fonts, and three of each style. */
function theme(): string {
  const colors: readonly (readonly [string, string])[] = [
    ["dk2", "1F2937"],
    ["lt2", "E5E7EB"],
    ["accent1", "2B7CD3"],
    ["accent2", "D35F30"],
    ["accent3", "7B8495"],
    ["accent4", "B58105"],
    ["accent5", "1F9D63"],
    ["accent6", "7C3AED"],
    ["hlink", "0563C1"],
    ["folHlink", "6B4C9A"],
  ];
  const color = (name: string, value: string) => `<a:${name}>${value}</a:${name}>`;
  const system = [
    color("dk1", '<a:sysClr val="windowText" lastClr="000000"/>'),
    color("lt1", '<a:sysClr val="window" lastClr="FFFFFF"/>'),
  ];
  const scheme = [...system, ...colors.map(([name, hex]) => color(name, `<a:srgbClr val="${hex}"/>`))].join("");
  const font = (name: string) =>
    `<a:${name}><a:latin typeface="Calibri"/><a:ea typeface=""/><a:cs typeface=""/></a:${name}>`;
  const fill = '<a:solidFill><a:schemeClr val="phClr"/></a:solidFill>';
  const line = `<a:ln w="9525">${fill}<a:prstDash val="solid"/></a:ln>`;
  const effect = "<a:effectStyle><a:effectLst/></a:effectStyle>";
  const styles = [
    `<a:fillStyleLst>${fill.repeat(3)}</a:fillStyleLst>`,
    `<a:lnStyleLst>${line.repeat(3)}</a:lnStyleLst>`,
    `<a:effectStyleLst>${effect.repeat(3)}</a:effectStyleLst>`,
    `<a:bgFillStyleLst>${fill.repeat(3)}</a:bgFillStyleLst>`,
  ].join("");
  return `${xmlHead}<a:theme xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" name="Office"><a:themeElements><a:clrScheme name="Office">${scheme}</a:clrScheme><a:fontScheme name="Office">${font("majorFont")}${font("minorFont")}</a:fontScheme><a:fmtScheme name="Office">${styles}</a:fmtScheme></a:themeElements></a:theme>`;
}
