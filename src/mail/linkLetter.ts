import type { EditLink } from "../links/links.ts";
import { plainLine } from "../model/plainLine.ts";
import { momentText } from "../pages/views/markup.ts";
import { fill } from "../words/fill.ts";
import type { Language } from "../words/language.ts";
import { wordsIn } from "../words/words.ts";
import type { Letter, LetterPart } from "./letter.ts";

/** In a mail; a subject is shorter. */
const longestName = 300;
const longestInSubject = 100;

export interface LinkLetterFacts {
  readonly link: Pick<EditLink, "expiresAtMs" | "fileName" | "folder" | "owner" | "passwordHash" | "permission">;
  readonly url: string;
  readonly language: Language;
  /** The owner's own words; empty = none. */
  readonly message: string;
  /** What sends it; undefined for the owner's own mail program. */
  readonly product?: string;
}

/** An invitation to a link. Of one with a password it does not tell the name: nothing is told before the password. */
export function linkLetter({ link, url, language, message, product }: LinkLetterFacts): Letter {
  const words = wordsIn[language].mail;
  const owner = ownerName(link.owner.name, language);
  const isHidden = link.passwordHash !== undefined;
  const isFolder = link.folder === true;
  const hiddenSubject = isFolder ? words.sharesFolder : words.sharesDocument;
  const parts: (LetterPart | undefined)[] = [
    { is: "line", text: fill(leadOf(link, language), { name: owner }) },
    isHidden ? undefined : { is: "name", text: plainLine(link.fileName, longestName) },
    message === "" ? undefined : { is: "quote", text: message },
    { is: "address", url, label: isFolder ? wordsIn[language].pages.openFolder : wordsIn[language].pages.openDocument },
    isHidden ? { is: "line", text: fill(words.passwordApart, { owner }) } : undefined,
    { is: "line", text: words.noAccount },
    link.expiresAtMs === undefined
      ? undefined
      : {
          is: "line",
          text: fill(wordsIn[language].pages.opensUntil, { time: momentText(new Date(link.expiresAtMs), language) }),
        },
    product === undefined ? undefined : { is: "small", text: fill(words.sentWith, { owner, product }) },
  ];
  return {
    language,
    subject: isHidden
      ? fill(hiddenSubject, { owner })
      : fill(words.sharesNamed, { owner, name: plainLine(link.fileName, longestInSubject) }),
    parts: parts.filter((part) => part !== undefined),
  };
}

/** As people know an owner; Cloudreve lets somebody be called by nothing that can be seen. */
function ownerName(name: string, language: Language): string {
  return plainLine(name, 64) || wordsIn[language].pages.somebody;
}

function leadOf({ folder, permission }: Pick<EditLink, "folder" | "permission">, language: Language): string {
  const words = wordsIn[language].pages;
  const [toDocument, toFolder] = {
    edit: [words.doorEditLead, words.folderEditLead],
    review: [words.doorReviewLead, words.folderReviewLead],
    comment: [words.doorCommentLead, words.folderCommentLead],
    view: [words.doorViewLead, words.folderViewLead],
  }[permission];
  return (folder === true ? toFolder : toDocument) ?? "";
}
