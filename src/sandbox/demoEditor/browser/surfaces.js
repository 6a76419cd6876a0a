import { documentSurface } from "./documentSurface.js";
import { element } from "./pageParts.js";
import { sheetSurface } from "./sheetSurface.js";
import { textSurface } from "./textSurface.js";

/** What of the page belongs to which kind of document. */
const parts = {
  plain: ["text"],
  document: ["document-tools", "desk"],
  workbook: ["cell-tools", "workbook"],
};

/** @returns a function that brings the surface for a kind of document into view */
export function surfaces(heard) {
  const all = {
    plain: textSurface(heard),
    document: documentSurface(heard),
    workbook: sheetSurface(heard),
  };
  return (kind) => {
    for (const [each, ids] of Object.entries(parts)) for (const id of ids) element(id).hidden = each !== kind;
    return all[kind];
  };
}
