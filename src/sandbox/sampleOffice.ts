import { bold, italic, type ParagraphKind, type Piece, writeLine } from "./demoEditor/browser/documentMarkup.js";
import { emptyDocument, emptyWorkbook, emptyWorkbookLooks } from "./demoEditor/office/emptyFiles.ts";
import { officeText } from "./demoEditor/office/openOfficeFile.ts";

/** Like `**bold**` and `_italic_` in the text. */
function line(kind: ParagraphKind, text: string): string {
  const pieces: Piece[] = text.split(/(\*\*.+?\*\*|_.+?_)/).map((part) => {
    if (part.startsWith("**")) return { text: part.slice(2, -2), run: 0, format: bold };
    if (part.startsWith("_")) return { text: part.slice(1, -1), run: 0, format: italic };
    return { text: part, run: 0, format: 0 };
  });
  return writeLine({ paragraph: 0, kind, pieces });
}

/** A document as a newcomer would write one. */
export function sampleDocument(): Buffer {
  return officeText(emptyDocument()).write(
    [
      line("title", "Annual offsite"),
      line("text", "_Draft for the team – everybody may write in it._"),
      line("heading1", "Why we go"),
      line(
        "text",
        "Once a year we leave our desks and plan **the next twelve months** together. This time we meet in the hills " +
          "near the lake, two hours by train.",
      ),
      line("heading1", "What to bring"),
      line("bullet", "Good shoes: the way up takes **40 minutes**"),
      line("bullet", "One idea that fits on one page"),
      line("bullet", "A charger, and something warm for the evening"),
      line("heading1", "How the day goes"),
      line("number", "Breakfast at nine, then each team shows its year"),
      line("number", "Lunch, and a walk around the lake"),
      line("number", "We agree on **three** goals, no more"),
      line("heading2", "Open questions"),
      line("text", "Who books the train? What does it cost? The figures are in _Annual offsite budget.xlsx_."),
    ].join("\n"),
  );
}

const items: readonly (readonly [item: string, count: number, price: number])[] = [
  ["Train tickets", 12, 38.5],
  ["Rooms, one night", 7, 96],
  ["Meeting room", 1, 240],
  ["Lunch and dinner", 12, 41],
  ["Boat on the lake", 1, 180],
];

/** A spreadsheet with formulas, and a second sheet. */
export function sampleWorkbook(): Buffer {
  const { head, amount, sum } = emptyWorkbookLooks;
  const text = (cell: string, value: string, look = 0) =>
    `<c r="${cell}" s="${look}" t="inlineStr"><is><t>${value}</t></is></c>`;
  const number = (cell: string, value: number, look = 0) => `<c r="${cell}" s="${look}"><v>${value}</v></c>`;
  const formula = (cell: string, what: string, result: number, look: number) =>
    `<c r="${cell}" s="${look}"><f>${what}</f><v>${result}</v></c>`;
  const row = (index: number, ...cells: string[]) => `<row r="${index}">${cells.join("")}</row>`;
  const last = items.length + 1;
  const total = items.reduce((before, [, count, price]) => before + count * price, 0);
  const costs = [
    row(1, text("A1", "Item", head), text("B1", "Count", head), text("C1", "Price", head), text("D1", "Total", head)),
    ...items.map(([item, count, price], index) => {
      const at = index + 2;
      const cells = [text(`A${at}`, item), number(`B${at}`, count), number(`C${at}`, price, amount)];
      return row(at, ...cells, formula(`D${at}`, `B${at}*C${at}`, count * price, amount));
    }),
    row(
      last + 1,
      text(`A${last + 1}`, "All together", sum),
      `<c r="B${last + 1}" s="${sum}"/><c r="C${last + 1}" s="${sum}"/>`,
      formula(`D${last + 1}`, `SUM(D2:D${last})`, total, sum),
    ),
    row(
      last + 3,
      text(`A${last + 3}`, "For each person"),
      formula(`D${last + 3}`, `D${last + 1}/B2`, total / 12, amount),
    ),
  ].join("");
  const people = ["Anna", "Ben", "Chloé", "Davud", "李雷"].map((name, index) =>
    row(index + 2, text(`A${index + 2}`, name), text(`B${index + 2}`, index % 2 === 0 ? "vegetarian" : "everything")),
  );
  return officeText(
    emptyWorkbook({
      Costs: `<cols><col min="1" max="1" width="24" customWidth="1"/></cols><sheetData>${costs}</sheetData>`,
      People:
        '<cols><col min="1" max="2" width="18" customWidth="1"/></cols><sheetData>' +
        `${row(1, text("A1", "Name", head), text("B1", "Eats", head))}${people.join("")}</sheetData>`,
    }),
  ).write("");
}
