import { linkOptions, optionNames, tickedIn } from "../../links/linkOptions.ts";
import type { EditLink } from "../../links/links.ts";
import type { DocumentRight } from "../../model/documentRight.ts";
import { fill } from "../../words/fill.ts";
import type { Language } from "../../words/language.ts";
import { wordsIn } from "../../words/words.ts";

type Terms = Pick<EditLink, "mayRename" | "restrictions">;

/** What people may do through a link, besides what nobody doubts, and what they may not: as lists in words. */
export function visitorMay(
  link: Terms,
  right: DocumentRight,
  language: Language,
): { readonly may: string; readonly mayNot: string | undefined } {
  const words = wordsIn[language].pages;
  const doing = {
    view: [words.doView],
    comment: [words.doView, words.doComment],
    review: [words.doView, words.doReview],
    edit: [words.doEdit, ...(link.mayRename ? [words.doRename] : []), words.doSaveAs],
  };
  const verbs = { download: words.doDownload, print: words.doPrint, copy: words.doCopy };
  const forbidden = tickedIn(link).flatMap((name) =>
    name === "download" || name === "print" || name === "copy" ? [verbs[name]] : [],
  );
  const listed = (type: "conjunction" | "disjunction", what: readonly string[]) =>
    new Intl.ListFormat(language, { type }).format(what);
  return {
    may: listed("conjunction", doing[right]),
    mayNot: forbidden.length === 0 ? undefined : listed("disjunction", forbidden),
  };
}

/** The same, to a visitor. */
export function youMay(link: Terms, right: DocumentRight, language: Language): string {
  const words = wordsIn[language].pages;
  const { may, mayNot } = visitorMay(link, right, language);
  const sentences = [
    fill(words.youMay, { what: may }),
    ...(mayNot === undefined ? [] : [fill(words.youMayNot, { what: mayNot })]),
  ];
  return sentences.join(/^(zh|ja)/.test(language) ? "" : " ");
}

/** What a link forbids, in a few words for a list. */
export function forbiddenShort(link: Terms, language: Language): readonly string[] {
  const words = wordsIn[language].pages;
  const ticked = tickedIn(link);
  return optionNames
    .filter((name) => name !== "rename" && name !== "watermark" && ticked.includes(name))
    .map((name) => words[linkOptions[name].label]);
}
