import { type PageWords, wordsIn } from "../../words/words.ts";
import { type Html, html } from "../html.ts";
import { layout } from "./layout.ts";
import { nothing } from "./markup.ts";
import { notOpenedScript } from "./notOpened.ts";
import type { Page, PageContext } from "./page.ts";

export type MessageKind =
  | "linkUnknown"
  | "linkRevoked"
  | "linkExpired"
  /** Moved to the trash or deleted. */
  | "fileGone"
  /** For visitors of a link. */
  | "ownerSignInEnded"
  /** For the account's owner. */
  | "signInEnded"
  /** The drive's sign-in lasts only an hour: too short for a link. */
  | "signInShort"
  | "ticketUsed"
  | "notFound"
  | "originForeign"
  | "tooManyAttempts"
  | "driveAway"
  | "noEditor"
  | "unexpected";

interface MessageFacts {
  readonly kind: MessageKind;
  /** What an administrator needs to know, from the failure; shown below our own words. */
  readonly sentence?: string;
}

/**
 * One message: what happened and what to do.
 * @param embedOrigins portals that may frame it, when it takes the place of the editor's page; left out = no one
 */
export function messagePage(context: PageContext, facts: MessageFacts, embedOrigins?: readonly string[]): Page {
  const words = wordsIn[context.language].pages;
  const [title, text] = messages(words)[facts.kind];
  return layout(context, {
    title,
    isNarrow: true,
    ...(embedOrigins === undefined ? {} : { embedOrigins }),
    main: html`<article class="message">
<h1>${title}</h1>
<p>${text}</p>
${facts.sentence === undefined ? nothing : html`<p class="said">${facts.sentence}</p>`}
${wayOn(context, facts.kind, embedOrigins !== undefined)}
</article>
${embedOrigins === undefined ? nothing : notOpenedScript(context, facts.kind, embedOrigins)}`,
  });
}

function messages(words: PageWords): Readonly<Record<MessageKind, readonly [title: string, text: string]>> {
  return {
    linkUnknown: [words.linkUnknownTitle, words.linkUnknownText],
    linkRevoked: [words.linkRevokedTitle, words.linkRevokedText],
    linkExpired: [words.linkExpiredTitle, words.linkExpiredText],
    fileGone: [words.fileGoneTitle, words.fileGoneText],
    ownerSignInEnded: [words.ownerSignInEndedTitle, words.ownerSignInEndedText],
    signInEnded: [words.signInEndedTitle, words.signInEndedText],
    signInShort: [words.signInShortTitle, words.signInShortText],
    ticketUsed: [words.ticketUsedTitle, words.ticketUsedText],
    notFound: [words.notFoundTitle, words.notFoundText],
    originForeign: [words.originForeignTitle, words.originForeignText],
    tooManyAttempts: [words.tooManyAttemptsTitle, words.tooManyAttemptsText],
    driveAway: [words.driveAwayTitle, words.driveAwayText],
    noEditor: [words.noEditorTitle, words.noEditorText],
    unexpected: [words.unexpectedTitle, words.unexpectedText],
  };
}

function wayOn({ bridgeUrl, language, path, person }: PageContext, kind: MessageKind, canBeFramed: boolean): Html {
  const words = wordsIn[language].pages;
  if (kind === "signInEnded") {
    const query = new URLSearchParams({ return_to: path });
    // The sign-in page can't be framed.
    const target = canBeFramed ? html` target="_blank" rel="noopener"` : nothing;
    return html`<a role="button" href="${bridgeUrl}/signin?${query.toString()}"${target}>${words.signInAgain}</a>`;
  }
  if (kind === "driveAway")
    return html`<a role="button" class="secondary" href="${bridgeUrl}${path}">${words.tryAgain}</a>`;
  if (person === undefined && kind !== "notFound") return nothing;
  return html`<a role="button" class="secondary" href="${bridgeUrl}/">${words.toMyDocuments}</a>`;
}
