import type { Comment } from "../../documents/comments.ts";
import { isRight, type LinkOption, linkOptions, optionNames, tickedIn } from "../../links/linkOptions.ts";
import type { EditLink, LinkGuesses, LinkVisit } from "../../links/links.ts";
import { portalOf } from "../../links/ownedLinks.ts";
import type { VisitorRight } from "../../links/visitorRights.ts";
import { wordsIn } from "../../words/words.ts";
import { type Html, html } from "../html.ts";
import { copyRow, type ListedCopy } from "./copyRows.ts";
import { editRequests } from "./editRequests.ts";
import { layout } from "./layout.ts";
import { linkAddress } from "./linkAddress.ts";
import { guessesLine, isGuessedAt, type LinkEnd, stateBadge } from "./linkTerms.ts";
import type { MailFormFacts } from "./mailForm.ts";
import { fillHtml, joined, moment, named, nothing, notice } from "./markup.ts";
import type { Page, PageContext } from "./page.ts";
import { visitorMay } from "./visitorMay.ts";

export interface LinkFacts {
  readonly link: EditLink;
  readonly end?: LinkEnd;
  readonly visits: readonly LinkVisit[];
  readonly guesses?: LinkGuesses;
  /** Who asked to edit, and who may. */
  readonly rights?: readonly VisitorRight[];
  /** The page follows an answer that came too late. */
  readonly hasChanged?: boolean;
  /** By its visitors, the newest first. */
  readonly comments?: readonly Comment[];
  /** Of its visitors' changes that could not go into the document, the newest first. */
  readonly copies?: readonly ListedCopy[];
  /** The drive refuses the owner's credential: the link works again once the owner signs in. */
  readonly signInEnded: boolean;
  /** The page follows a change. */
  readonly changed?: boolean;
  /** The page follows the making of the link. */
  readonly isNew?: boolean;
  /** The drive knows no such document any more. */
  readonly isGone?: boolean;
  /** The link's full address, with its secret, if it was kept. */
  readonly url?: string;
  /** The link can be mailed from here. */
  readonly mail?: MailFormFacts;
}

/** One link: its terms, its visitors, `/links/ID/change`, and revoking with `POST /links/ID/revoke` (no fields). */
export function linkPage(context: PageContext, facts: LinkFacts): Page {
  const words = wordsIn[context.language].pages;
  const { link, end } = facts;
  const path = `/links/${link.id}`;
  // An expired link can get a new end; a revoked one is over.
  const canChange = end?.because !== "revoked";
  return layout(context, {
    title: link.fileName,
    current: "links",
    main: html`<nav aria-label="${words.folderPath}"><p><a href="${context.bridgeUrl}/links">${words.myLinks}</a></p></nav>
<h1>${named(link.fileName)} ${stateBadge(end?.because ?? (facts.signInEnded ? "signInNeeded" : "active"), context.language)}</h1>
${link.folder === true ? html`<p class="lead">${words.folderAndBelow}</p>` : nothing}
${facts.isGone === true ? notice("bad", words.documentGoneMeans) : nothing}
${notices(context, facts)}
${requests(context, facts)}
${canChange ? addressSection(context, facts) : nothing}
<section aria-labelledby="details">
<h2 id="details">${words.details}</h2>
${terms(context, link)}
${canChange ? html`<a role="button" class="secondary" href="${context.bridgeUrl}${path}/change">${words.changeLink}</a>` : nothing}
</section>
<section aria-labelledby="activity">
<h2 id="activity">${words.activity}</h2>
${visitTable(context, facts.visits)}
${commentLines(context, facts.comments ?? [])}
${facts.guesses === undefined ? nothing : html`<p><small>${guessesLine(words.wrongPasswords, facts.guesses, context.language)}</small></p>`}
</section>
${copies(context, facts.copies ?? [])}
${
  canChange
    ? html`<details class="danger">
<summary>${words.revokeLink}</summary>
<p>${words.revokeMeans}</p>
<form method="post" action="${context.bridgeUrl}${path}/revoke"><button>${words.revokeNow}</button></form>
</details>`
    : nothing
}`,
  });
}

/** Only while the link works: nothing can be granted on one that has ended. */
function requests(context: PageContext, { end, link, rights = [] }: LinkFacts): Html {
  if (end !== undefined || rights.length === 0) return nothing;
  const words = wordsIn[context.language].pages;
  return html`<section aria-labelledby="requests">
<h2 id="requests">${words.requestsToEdit}</h2>
${editRequests(context, link, rights)}
<p><small>${words.allowMeans}</small></p>
</section>`;
}

function addressSection(context: PageContext, facts: LinkFacts): Html {
  const words = wordsIn[context.language].pages;
  const { end, link, mail, signInEnded, url, isNew = false } = facts;
  if (url === undefined) return html`<p><small>${words.addressNotKept}</small></p>`;
  // Nobody is invited to what they can't open.
  const mailFacts = end !== undefined || signInEnded ? undefined : mail;
  return html`<section class="address">
${linkAddress(context, link, url, isNew, mailFacts)}
${link.sharedFor === undefined ? nothing : html`<p><small>${words.addressInEditor}</small></p>`}
</section>`;
}

function notices(context: PageContext, facts: LinkFacts): Html {
  const { bridgeUrl, language } = context;
  const { changed, end, guesses, isNew, link, signInEnded } = facts;
  const words = wordsIn[language].pages;
  const query = new URLSearchParams({ return_to: `/links/${link.id}` });
  const ended =
    end === undefined
      ? nothing
      : notice(
          "plain",
          fillHtml(end.because === "revoked" ? words.linkWasRevoked : words.linkHasExpired, {
            time: moment(end.atMs, language),
          }),
        );
  return html`${isNew === true && end === undefined ? notice("good", html`<strong>${words.linkMadeTitle}</strong> ${words.linkMadeLead}`) : nothing}${changed === true ? notice("good", words.linkChanged) : nothing}${facts.hasChanged === true ? notice("plain", words.requestHasChanged) : nothing}${ended}${
    signInEnded && end === undefined
      ? notice(
          "bad",
          html`${words.linkSignInEnded} <a href="${bridgeUrl}/signin?${query.toString()}">${words.signInAgain}</a>`,
        )
      : nothing
  }${end === undefined && isGuessedAt(guesses) ? notice("bad", guessesLine(words.linkGuessed, guesses, language)) : nothing}`;
}

function terms({ language }: PageContext, link: EditLink): Html {
  const words = wordsIn[language].pages;
  const ticked = tickedIn(link);
  const wordOf = (name: LinkOption) => words[linkOptions[name].label];
  const set = ticked.filter((name) => !isRight(name));
  const restricted =
    set.length === 0 ? html`${words.none}` : joined(set.map((name) => html`<div>${wordOf(name)}</div>`));
  const portal = portalOf(link);
  const rights = link.permission === "edit" ? optionNames.filter(isRight) : [];
  const { may, mayNot } = visitorMay(link, link.permission, language);
  const permission = { edit: words.mayEdit, review: words.mayReview, comment: words.mayComment, view: words.mayView };
  const row = (term: string, value: string | Html): Html =>
    html`<tr><th scope="row">${term}</th><td>${value}</td></tr>`;
  return html`<table class="facts"><tbody>
${row(words.permissionLabel, permission[link.permission])}
${row(words.peopleMay, may)}
${mayNot === undefined ? nothing : row(words.peopleMayNot, mayNot)}
${joined(rights.map((name) => row(wordOf(name), ticked.includes(name) ? words.yes : words.no)))}
${row(words.made, html`${moment(link.createdAtMs, language)}${portal === undefined ? nothing : html`<br>${fillHtml(words.madeByPortal, { name: named(portal) })}`}`)}
${row(words.ends, link.expiresAtMs === undefined ? words.never : moment(link.expiresAtMs, language))}
${row(words.password, link.passwordHash === undefined ? words.no : words.yes)}
${row(words.asksForName, link.asksName ? words.yes : words.no)}
${row(words.restrictions, restricted)}
${link.note === undefined ? nothing : row(words.noteLabel, html`<div class="said" dir="auto">${link.note}</div>`)}
</tbody></table>`;
}

function visitTable({ language }: PageContext, visits: readonly LinkVisit[]): Html {
  const words = wordsIn[language].pages;
  if (visits.length === 0) return html`<p class="empty">${words.notOpenedYet}</p>`;
  const rows = visits.map(
    ({ person, openedAtMs, savedAtMs }) => html`<tr><th scope="row">${named(person.name)}</th>
<td>${moment(openedAtMs, language)}</td>
<td>${savedAtMs === undefined ? html`<small>${words.notSaved}</small>` : moment(savedAtMs, language)}</td></tr>`,
  );
  return html`<table>
<thead><tr><th scope="col">${words.visitor}</th><th scope="col">${words.opened}</th><th scope="col">${words.saved}</th></tr></thead>
<tbody>${joined(rows)}</tbody>
</table>`;
}

function copies(context: PageContext, made: readonly ListedCopy[]): Html {
  const words = wordsIn[context.language].pages;
  if (made.length === 0) return nothing;
  return html`<section aria-labelledby="copies">
<h2 id="copies">${words.copies}</h2>
<p><small>${words.copiesLead}</small></p>
<ul class="rows">
${joined(made.map((copy) => copyRow(context, copy)))}
</ul>
</section>`;
}

function commentLines({ language }: PageContext, comments: readonly Comment[]): Html {
  const words = wordsIn[language].pages;
  const lines = comments.map(({ person, atMs, mentioned }) => {
    const names = mentioned.flatMap(({ name }) => (name === undefined ? [] : [name]));
    const values = { name: named(person.name), time: moment(atMs, language) };
    const line =
      names.length === 0
        ? fillHtml(words.commented, values)
        : fillHtml(words.commentedAndMentioned, {
            ...values,
            people: joined(names.map((name, at) => html`${at === 0 ? "" : words.between}${named(name)}`)),
          });
    return html`<li><small>${line}</small></li>`;
  });
  return lines.length === 0 ? nothing : html`<ul>${joined(lines)}</ul>`;
}
