import type { NewsItem } from "../../documents/ownersNews.ts";
import { fill } from "../../words/fill.ts";
import { wordsIn } from "../../words/words.ts";
import { type Html, html } from "../html.ts";
import { fillHtml, joined, moment, named, nothing } from "./markup.ts";
import type { PageContext } from "./page.ts";

const shownAtMost = 5;

/** What others did to the person's documents lately; `POST /news/dismiss` (until) takes it away. */
export function newsList(context: PageContext, items: readonly NewsItem[]): Html {
  const words = wordsIn[context.language].pages;
  const [newest] = items;
  if (newest === undefined) return nothing;
  return html`<section class="notice plain told" aria-labelledby="news">
<div><h2 id="news">${words.newsTitle}</h2>
<ul>${joined(items.slice(0, shownAtMost).map((item) => newsRow(context, item)))}</ul></div>
<form method="post" action="${context.bridgeUrl}/news/dismiss"><input type="hidden" name="until" value="${String(newest.atMs)}"><button class="secondary">${words.newsDismiss}</button></form>
</section>`;
}

function newsRow({ bridgeUrl, language }: PageContext, item: NewsItem): Html {
  const words = wordsIn[language].pages;
  const { kind, fileId, fileName, copyId } = item;
  const sentences = {
    linkUsed: words.newsLinkUsed,
    saved: words.newsSaved,
    copy: words.newsCopy,
    lateCopy: words.newsLateCopy,
  };
  const said = fillHtml(sentences[kind], {
    person: named(item.person.name),
    name: named(fileName),
    time: moment(item.atMs, language),
  });
  const ways =
    copyId === undefined
      ? html`<a href="${bridgeUrl}/versions/${fileId}" aria-label="${fill(words.newsVersionsOf, { name: fileName })}">${words.versions}</a>`
      : html`<a href="${bridgeUrl}/open?file_id=${copyId}" aria-label="${fill(words.newsOpenCopyOf, { name: fileName })}">${words.newsOpenCopy}</a>
<a href="${bridgeUrl}/versions/${fileId}/compare?copy=${copyId}" aria-label="${fill(words.newsCompareCopyOf, { name: fileName })}">${words.compare}</a>`;
  return html`<li>${said} ${ways}</li>
`;
}
