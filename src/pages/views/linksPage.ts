import type { EditLink, LinkGuesses, LinkVisit } from "../../links/links.ts";
import { type LinkFilter, type LinkState, linkStates, portalOf } from "../../links/ownedLinks.ts";
import type { VisitorRight } from "../../links/visitorRights.ts";
import { fill } from "../../words/fill.ts";
import { type PageWords, wordsIn } from "../../words/words.ts";
import { type Html, html } from "../html.ts";
import { editRequests } from "./editRequests.ts";
import { layout } from "./layout.ts";
import { expiryOptions } from "./linkFormPage.ts";
import { guessesLine, lastVisits, stateBadge, terms } from "./linkTerms.ts";
import { requestMails } from "./mailForm.ts";
import { fillHtml, flag, joined, named, nothing, notice } from "./markup.ts";
import type { Page, PageContext } from "./page.ts";

export interface ListedLink {
  readonly link: EditLink;
  readonly state: LinkState;
  readonly visits: readonly LinkVisit[];
  readonly guesses?: LinkGuesses;
  /** Open requests to edit, while the link works. */
  readonly asked?: readonly VisitorRight[];
  /** The link's address, if it was kept. */
  readonly url?: string;
}

export interface ListedDocument {
  readonly name: string;
  readonly isFolder: boolean;
  /** The drive knows no such document any more. */
  readonly isGone: boolean;
  readonly links: readonly ListedLink[];
}

export interface LinksFacts {
  /** In display order. */
  readonly documents: readonly ListedDocument[];
  readonly asked: LinkFilter & { readonly page: number };
  readonly pages: number;
  /** The person has links, whether the filter shows them or not. */
  readonly hasLinks: boolean;
  /** The page follows a change. */
  readonly changed: boolean;
  /** The page follows an answer that came too late. */
  readonly hasChanged?: boolean;
  /** Whether the person is told of requests to edit by mail; left out where nobody is. */
  readonly requestMails?: { readonly email: string; readonly isOff: boolean };
}

/**
 * All links of a person by document; each leads to `/links/ID`. The filter sends `q` and `state`. In the list,
 * `POST /links/ID/expiry` (`expires_in`) and `POST /links/ID/revoke` change a link; with `q`, `state` and `page` they
 * lead back to the same place.
 */
export function linksPage(context: PageContext, facts: LinksFacts): Page {
  const words = wordsIn[context.language].pages;
  const { documents } = facts;
  const list =
    documents.length === 0
      ? html`<div class="empty"><p>${words.noLinksFound}</p><p><a href="${context.bridgeUrl}/links">${words.showAllLinks}</a></p></div>`
      : joined(documents.map((document) => card(context, facts, document)));
  const empty = html`<div class="empty"><p>${words.noLinks}</p>
<p><small>${words.noLinksHint}</small></p></div>
<p><a role="button" class="secondary" href="${context.bridgeUrl}/">${words.toMyDocuments}</a></p>`;
  return layout(context, {
    title: words.myLinks,
    current: "links",
    main: html`<h1>${words.myLinks}</h1>
${facts.changed ? notice("good", words.linkChanged) : nothing}${facts.hasChanged === true ? notice("plain", words.requestHasChanged) : nothing}
${facts.hasLinks ? html`${filterForm(context, facts)}${list}${pageLinks(context, facts)}` : empty}
${facts.requestMails === undefined ? nothing : requestMails(context, facts.requestMails)}
<p role="status" id="copy-state" class="unseen"></p>`,
  });
}

function filterForm({ bridgeUrl, language }: PageContext, { asked }: LinksFacts): Html {
  const words = wordsIn[language].pages;
  const labels = { all: words.allStates, ...stateWords(words) };
  const options = (["all", ...linkStates] as const).map(
    (state) => html`<option value="${state}"${flag("selected", asked.state === state)}>${labels[state]}</option>`,
  );
  return html`<form class="filter" aria-label="${words.filterLinks}" action="${bridgeUrl}/links">
<input type="search" name="q" value="${asked.text}" maxlength="200" aria-label="${words.searchLinks}" placeholder="${words.searchLinks}">
<select name="state" aria-label="${words.linkStateLabel}">${joined(options)}</select>
<button class="secondary">${words.filterLinks}</button>
</form>`;
}

/** In the words of a link's badge. */
function stateWords(words: PageWords): Readonly<Record<LinkState, string>> {
  return {
    active: words.linkWorks,
    signInNeeded: words.linkNeedsSignIn,
    expired: words.linkEndedExpired,
    revoked: words.linkEndedRevoked,
  };
}

function card(context: PageContext, facts: LinksFacts, document: ListedDocument): Html {
  const words = wordsIn[context.language].pages;
  const gone = document.isGone ? html` <span class="badge">${words.documentGone}</span>` : nothing;
  return html`<article class="shared">
<h2><span id="name-${document.links[0]?.link.id ?? ""}">${named(document.name)}</span>${document.isFolder ? html` <small>${words.folder}</small>` : nothing}${gone}</h2>
<ul class="rows">${joined(document.links.map((listed) => row(context, facts, document, listed)))}</ul>
</article>`;
}

function row(
  context: PageContext,
  facts: LinksFacts,
  { name, links }: ListedDocument,
  { link, state, guesses, visits, url, asked = [] }: ListedLink,
): Html {
  const { bridgeUrl, language } = context;
  const words = wordsIn[language].pages;
  const portal = portalOf(link);
  const madeBy =
    portal === undefined ? nothing : html`<br><small>${fillHtml(words.madeByPortal, { name: named(portal) })}</small>`;
  const copyButton =
    url === undefined || state === "expired"
      ? nothing
      : html`<button type="button" class="secondary" data-copies="${url}" data-copied="${words.copied}" data-failed="${words.copyByHand}" aria-label="${fill(words.copyLinkTo, { name })}" hidden>${words.copy}</button>`;
  return html`<li id="link-${link.id}">
<div>
<a id="terms-${link.id}" href="${bridgeUrl}/links/${link.id}" aria-labelledby="name-${links[0]?.link.id ?? ""} terms-${link.id}">${terms(link, language)}</a> ${stateBadge(state, language)}${madeBy}${
    link.note === undefined ? nothing : html`<br><small dir="auto">${link.note}</small>`
  }${lastVisits(visits, language)}${guesses === undefined ? nothing : html`<br><small>${guessesLine(words.wrongPasswords, guesses, language)}</small>`}
</div>
${editRequests(context, link, asked, backFields(facts))}
${copyButton}
${state === "revoked" ? nothing : manage(context, facts, link, name)}
</li>`;
}

/** Lead a change in the list back to the same place. */
function backFields({ asked }: LinksFacts): Html {
  return html`<input type="hidden" name="q" value="${asked.text}"><input type="hidden" name="state" value="${asked.state}"><input type="hidden" name="page" value="${asked.page}">`;
}

function manage({ bridgeUrl, language }: PageContext, facts: LinksFacts, link: EditLink, name: string): Html {
  const words = wordsIn[language].pages;
  const back = backFields(facts);
  return html`<details class="manage">
<summary aria-label="${fill(words.manageLinkTo, { name })}">${words.manageLink}</summary>
<form method="post" action="${bridgeUrl}/links/${link.id}/expiry">
${back}
<label>${words.expiresIn} <select name="expires_in">${expiryOptions(language, link, "keep")}</select></label>
<button class="secondary">${words.saveChanges}</button>
</form>
<details class="danger">
<summary>${words.revokeLink}</summary>
<p><small>${words.revokeMeans}</small></p>
<form method="post" action="${bridgeUrl}/links/${link.id}/revoke">${back}<button>${words.revokeNow}</button></form>
</details>
</details>`;
}

function pageLinks({ bridgeUrl, language }: PageContext, { asked, pages }: LinksFacts): Html {
  if (pages === 1) return nothing;
  const words = wordsIn[language].pages;
  const to = (page: number, label: string): Html => {
    const query = new URLSearchParams({ q: asked.text, state: asked.state, page: String(page) });
    return html`<a role="button" class="secondary" href="${bridgeUrl}/links?${query.toString()}">${label}</a> `;
  };
  return html`<nav class="actions" aria-label="${words.morePages}">
${asked.page > 1 ? to(asked.page - 1, words.newerLinks) : nothing}${asked.page < pages ? to(asked.page + 1, words.olderLinks) : nothing}
</nav>`;
}
