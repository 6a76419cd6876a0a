import type { NameFault } from "../model/nameRules.ts";
import type { HostPageWords } from "./words.ts";

/** What is wrong with a name, for whoever typed it. */
export function nameFaultInWords(fault: NameFault, words: HostPageWords): string {
  const sentences: Readonly<Record<NameFault, string>> = {
    empty: words.nameEmpty,
    relativePath: words.nameDotOrSpaceAtEnd,
    forbiddenCharacter: words.nameForbiddenCharacter,
    controlCharacter: words.nameControlCharacter,
    incompleteCharacter: words.nameControlCharacter,
    spaceAtStart: words.nameSpaceAtStart,
    dotOrSpaceAtEnd: words.nameDotOrSpaceAtEnd,
    reserved: words.nameReserved,
    tooLong: words.nameTooLong,
  };
  return sentences[fault];
}
