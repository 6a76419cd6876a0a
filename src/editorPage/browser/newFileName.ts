// The name of a new file, as a person may give it.
import { brokenRule, type NameFault, splitName } from "../../model/nameRules.ts";

export interface ProposedName {
  readonly stem: string;
  /** With its dot; empty for a document that has none. It decides the format, so the person can't change it. */
  readonly extension: string;
  /** Another format than the document's. */
  readonly isExport: boolean;
}

/** @param format as the editor names it, such as `pdf`; anything else means the document's own */
export function proposedName(fileName: string, format: unknown): ProposedName {
  const { stem, extension } = splitName(fileName);
  const wanted =
    typeof format === "string" && /^[a-z0-9]{1,10}$/i.test(format) ? `.${format.toLowerCase()}` : extension;
  return { stem, extension: wanted, isExport: wanted !== extension.toLowerCase() && wanted !== extension };
}

/** The whole name, or what is wrong with what was typed. */
export function newFileName(
  typed: string,
  extension: string,
): { readonly name: string } | { readonly fault: NameFault } {
  const text = typed.trim();
  const hasExtension = extension !== "" && text.toLowerCase().endsWith(extension.toLowerCase());
  const stem = hasExtension ? text.slice(0, -extension.length) : text;
  if (stem === "") return { fault: "empty" };
  // Dots before an extension look like a mistake, and editors take what follows the last one for the format.
  const fault = brokenRule(stem)?.fault ?? brokenRule(stem + extension)?.fault;
  return fault === undefined ? { name: stem + extension } : { fault };
}
