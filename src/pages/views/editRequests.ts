import type { EditLink } from "../../links/links.ts";
import { timeOf, type VisitorRight } from "../../links/visitorRights.ts";
import { fill } from "../../words/fill.ts";
import { wordsIn } from "../../words/words.ts";
import { type Html, html } from "../html.ts";
import { fillHtml, joined, moment, named, nothing } from "./markup.ts";
import type { PageContext } from "./page.ts";

/**
 * Visitors who asked to edit, and those who may. Each button posts to `/links/ID/access`: `person`, `answer` (`grant`,
 * `refuse`, `takeBack`) and `seen`, the moment of what the owner saw; in the list with `q`, `state` and `page` too.
 * @param back hidden fields that lead back to the list
 */
export function editRequests(
  context: PageContext,
  link: EditLink,
  rights: readonly VisitorRight[],
  back: Html = nothing,
): Html {
  if (rights.length === 0) return nothing;
  return html`<ul class="rows asks">${joined(rights.map((right) => row(context, link, right, back)))}</ul>`;
}

function row({ bridgeUrl, language }: PageContext, { id }: EditLink, right: VisitorRight, back: Html): Html {
  const words = wordsIn[language].pages;
  const { person, state } = right;
  const sentence = {
    asked: words.asksToEdit,
    granted: words.mayEditSince,
    refused: words.notAllowedToEdit,
    takenBack: words.mayEditNoMore,
  }[state];
  const button = (answer: string, label: string, labelFor: string, isPlain: boolean): Html =>
    html`<button name="answer" value="${answer}"${isPlain ? html` class="secondary"` : nothing} aria-label="${fill(labelFor, { name: person.name })}">${label}</button>`;
  const allow = button("grant", words.allowToEdit, words.allowNameToEdit, state === "refused");
  const buttons = {
    asked: html`${allow}${button("refuse", words.refuseToEdit, words.refuseNameToEdit, true)}`,
    granted: button("takeBack", words.takeRightBack, words.takeRightBackFrom, true),
    refused: allow,
    takenBack: nothing,
  }[state];
  return html`<li><div>${fillHtml(sentence, { name: html`<strong>${named(person.name)}</strong>` })}<small>${moment(timeOf(right), language)}</small></div>
${
  state === "takenBack"
    ? nothing
    : html`<form class="acts" method="post" action="${bridgeUrl}/links/${id}/access">${back}<input type="hidden" name="person" value="${person.id}"><input type="hidden" name="seen" value="${timeOf(right)}">${buttons}</form>`
}</li>`;
}
