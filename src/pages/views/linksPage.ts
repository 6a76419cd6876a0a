import type { EditLink, LinkGuesses, LinkVisit } from "../../links/links.ts";
import { type Html, html } from "../html.ts";
import { pageWords } from "../words/pageWords.ts";
import { layout } from "./layout.ts";
import { guessesLine, type LinkEnd, lastVisits, stateBadge, terms } from "./linkTerms.ts";
import { joined, named, nothing } from "./markup.ts";
import type { Page, PageContext } from "./page.ts";

export interface ListedLink {
  readonly link: EditLink;
  readonly end?: LinkEnd;
  readonly visits: readonly LinkVisit[];
  readonly guesses?: LinkGuesses;
}

export interface LinksFacts {
  /** In display order. */
  readonly links: readonly ListedLink[];
}

/** All links of a person; each leads to `/links/ID`. */
export function linksPage(context: PageContext, { links }: LinksFacts): Page {
  const words = pageWords[context.language];
  const empty = html`<div class="empty"><p>${words.noLinks}</p>
<p><small>${words.noLinksHint}</small></p></div>
<p><a role="button" class="secondary" href="${context.bridgeUrl}/">${words.toMyDocuments}</a></p>`;
  return layout(context, {
    title: words.myLinks,
    current: "links",
    main: html`<h1>${words.myLinks}</h1>
${links.length === 0 ? empty : joined(links.map((listed) => card(context, listed)))}`,
  });
}

function card({ bridgeUrl, language }: PageContext, { link, end, guesses, visits }: ListedLink): Html {
  return html`<article>
<h2><a href="${bridgeUrl}/links/${link.id}">${named(link.fileName)}</a> ${stateBadge(end, language)}</h2>
${link.note === undefined ? nothing : html`<blockquote dir="auto">${link.note}</blockquote>`}
<p>${terms(link, language)}${lastVisits(visits, language)}${guesses === undefined ? nothing : html`<br><small>${guessesLine(pageWords[language].wrongPasswords, guesses, language)}</small>`}</p>
</article>`;
}
