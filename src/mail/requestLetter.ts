import type { EditLink } from "../links/links.ts";
import { plainLine } from "../model/plainLine.ts";
import { fill } from "../words/fill.ts";
import type { Language } from "../words/language.ts";
import { wordsIn } from "../words/words.ts";
import type { Letter } from "./letter.ts";

/**
 * Tells an owner that a visitor asks to edit. It leads to the link's page, where the owner answers: programs that look
 * through mails open every address in them.
 */
export function requestLetter(facts: {
  readonly link: Pick<EditLink, "fileName" | "id">;
  readonly visitorName: string;
  readonly bridgeUrl: string;
  readonly language: Language;
  readonly product: string;
}): Letter {
  const { link, bridgeUrl, language, product } = facts;
  const words = wordsIn[language].mail;
  const visitor = unlinked(plainLine(facts.visitorName, 64));
  const name = plainLine(link.fileName, 100);
  return {
    language,
    subject: fill(words.asksToEdit, { visitor, name }),
    parts: [
      { is: "line", text: fill(words.asksToEditLead, { visitor }) },
      { is: "name", text: plainLine(link.fileName, 300) },
      { is: "address", url: `${bridgeUrl}/links/${link.id}`, label: words.answerRequest },
      { is: "small", text: fill(words.whyThisMail, { product }) },
      {
        is: "small",
        text: fill(words.switchMailsOff, {
          page: wordsIn[language].pages.myLinks,
          address: `${bridgeUrl}/links#request-mails`,
        }),
      },
    ],
  };
}

/** A name as a visitor typed it, which mail programs must not make a link of: `evil.example` → `evil. example`. */
function unlinked(name: string): string {
  return name.replace(/[.:/@](?=\S)/g, "$& ");
}
