import type { Failure } from "../model/failure.ts";
import { brokenRule } from "../model/nameRules.ts";
import type { Language } from "../words/language.ts";
import { nameFaultInWords } from "../words/nameFaults.ts";
import { wordsIn } from "../words/words.ts";

/** @returns why a name could not be given, in words for the person; undefined when the failure is about something else */
export function nameRefusal(language: Language, failure: Failure | undefined, name: string): string | undefined {
  const { pages: words, editorPage } = wordsIn[language];
  if (failure?.kind === "nameTaken") return words.nameTakenPlain;
  if (failure?.kind !== "nameIllegal") return undefined;
  const fault = brokenRule(name)?.fault;
  // Otherwise it is a rule of Cloudreve's own.
  return fault === undefined ? words.nameIllegal : nameFaultInWords(fault, editorPage);
}
