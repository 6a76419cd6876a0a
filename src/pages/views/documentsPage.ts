import type { DriveOrder } from "../../model/drive.ts";
import { fill } from "../../words/fill.ts";
import { type PageWords, wordsIn } from "../../words/words.ts";
import { type Html, html } from "../html.ts";
import { documentRow } from "./documentRow.ts";
import { type DocumentsFacts, listUrl, rootUri, type Told, usualOrder } from "./documentsFacts.ts";
import { layout } from "./layout.ts";
import { fillHtml, joined, named, nothing, notice } from "./markup.ts";
import { newDocumentForm } from "./newDocumentForm.ts";
import { newsList } from "./newsList.ts";
import type { Page, PageContext } from "./page.ts";
import { uploadArea, uploadButton } from "./uploadArea.ts";

/**
 * A person's documents. Links: folders (`/?folder=`), next page (`&next=`), orders (`&sort=&order=`), `/?recent=1`,
 * `/?q=`, and what `documentRow` says.
 */
export function documentsPage(context: PageContext, facts: DocumentsFacts): Page {
  const words = wordsIn[context.language].pages;
  const { adding, folderUri = rootUri } = facts;
  const title = titleOf(words, facts);
  return layout(context, {
    title,
    current: "documents",
    isList: true,
    main: html`<div class="bar">
${searchForm(context, facts.search)}
${
  adding === undefined
    ? nothing
    : html`<div class="acts">${newDocumentForm(context, adding, { folderUri, listUrl: listUrl(context, facts) })}
${uploadButton(context, adding.limitBytes)}</div>`
}
</div>
${facts.told === undefined ? nothing : news(context, facts.told)}
${waitingNotice(context, facts.waitingSaves ?? 0)}
${newsList(context, facts.news ?? [])}
${adding === undefined ? nothing : uploadArea(context, { folderUri, listUrl: listUrl(context, facts) }, adding.limitBytes)}
<div class="bar head">
<div>${crumbTrail(context, facts.crumbs)}
<h1>${named(title)}</h1></div>
${views(context, facts)}
</div>
<div id="list" data-in-use="${context.bridgeUrl}/documents/in-use">
${list(context, facts)}
</div>`,
  });
}

function titleOf(words: PageWords, { crumbs, isRecent, search }: DocumentsFacts): string {
  if (search !== undefined) return fill(words.foundTitle, { text: search });
  return isRecent ? words.recentDocuments : (crumbs.at(-1)?.name ?? words.documents);
}

function list(context: PageContext, facts: DocumentsFacts): Html {
  const words = wordsIn[context.language].pages;
  const { entries, next } = facts;
  return html`${
    entries.length === 0
      ? html`<p class="empty">${emptyWords(words, facts)}</p>`
      : html`${facts.isRecent || facts.search !== undefined ? nothing : sortLinks(context, facts)}
<ul class="files"${facts.watch === undefined ? nothing : html` data-watch="${facts.watch}"`}>
${joined(entries.map((entry) => documentRow(context, entry, facts)))}
</ul>`
  }
${next === undefined ? nothing : html`<p><a role="button" class="secondary" rel="next" href="${listUrl(context, { ...facts, next })}">${words.moreDocuments}</a></p>`}`;
}

function emptyWords(words: PageWords, { isRecent, next, search }: DocumentsFacts): Html | string {
  if (isRecent) return words.noRecent;
  if (search !== undefined) {
    return next === undefined ? fill(words.nothingFound, { text: search }) : words.nothingFoundYet;
  }
  return html`${words.emptyFolder}<br>${words.emptyFolderHint}`;
}

function searchForm({ bridgeUrl, language }: PageContext, search: string | undefined): Html {
  const words = wordsIn[language].pages;
  return html`<form role="search" action="${bridgeUrl}/" class="search">
<input type="search" id="search" name="q" value="${search ?? ""}" required maxlength="200" placeholder="${words.searchDocuments}" aria-label="${words.searchDocuments}" aria-keyshortcuts="/">
<button class="secondary">${words.search}</button>
</form>`;
}

function views(context: PageContext, { isRecent, search }: DocumentsFacts): Html {
  const words = wordsIn[context.language].pages;
  const here = (isHere: boolean) => (isHere ? html` aria-current="page"` : nothing);
  return html`<nav class="views" aria-label="${words.documents}"><a href="${context.bridgeUrl}/"${here(!isRecent && search === undefined)}>${words.allDocuments}</a> <a href="${context.bridgeUrl}/?recent=1"${here(isRecent === true)}>${words.recentDocuments}</a></nav>`;
}

/** The heads of the columns. The one that sorts turns around. */
function sortLinks(context: PageContext, facts: DocumentsFacts): Html {
  const words = wordsIn[context.language].pages;
  const { order = usualOrder } = facts;
  const link = (by: DriveOrder["by"], label: string) => {
    const isSorting = order.by === by;
    // What is newest or largest is wanted first.
    const first = by === "name" ? "asc" : "desc";
    const turned = order.direction === "asc" ? "desc" : "asc";
    const { next: _next, ...here } = facts;
    const url = listUrl(context, { ...here, order: { by, direction: isSorting ? turned : first } });
    const mark = isSorting ? html` <span aria-hidden="true">${order.direction === "asc" ? "↑" : "↓"}</span>` : nothing;
    return html`<a class="by-${by}" href="${url}"${isSorting ? html` aria-current="true"` : nothing}>${label}${mark}</a>`;
  };
  return html`<nav class="sort" aria-label="${words.sortBy}">${link("name", words.sortName)}
${link("modifiedAt", words.sortChanged)}
${link("size", words.sortSize)}</nav>`;
}

function news({ bridgeUrl, language }: PageContext, { kind, id, name }: NonNullable<DocumentsFacts["told"]>): Html {
  const words = wordsIn[language].pages;
  const sentences: Readonly<Record<Told, string>> = {
    deleted: words.deleted,
    restored: words.restored,
    renamed: words.renamed,
    inUse: words.documentInUse,
    inUseBelow: words.documentInUseBelow,
    restoreTaken: words.restoreTaken,
    restoreGone: words.restoreGone,
  };
  const isGood = ["deleted", "restored", "renamed"].includes(kind);
  const said = fillHtml(sentences[kind], { name: named(name) });
  const undo =
    kind === "deleted" || kind === "restoreTaken"
      ? html`<form method="post" action="${bridgeUrl}/documents/${encodeURIComponent(id)}/restore"><button class="secondary">${words.undo}</button></form>`
      : nothing;
  return html`<div class="notice ${isGood ? "good" : "bad"} told" role="${isGood ? "status" : "alert"}"><p>${said}</p>${undo}</div>`;
}

function waitingNotice({ bridgeUrl, language }: PageContext, count: number): Html {
  const words = wordsIn[language].pages;
  if (count === 0) return nothing;
  const told = fill(words.waitingSavesNotice, { count });
  return notice("plain", html`${told} <a href="${bridgeUrl}/saves">${words.seeWaitingSaves}</a>`);
}

/** The folders above the current one. */
function crumbTrail(context: PageContext, crumbs: DocumentsFacts["crumbs"]): Html {
  const words = wordsIn[context.language].pages;
  if (crumbs.length === 0) return nothing;
  const above = crumbs.slice(0, -1).map(({ name, uri }) => {
    const url = listUrl(context, uri === undefined ? {} : { folderUri: uri });
    return html` › ${uri === undefined ? named(name) : html`<a href="${url}">${named(name)}</a>`}`;
  });
  return html`<nav class="crumbs" aria-label="${words.folderPath}"><a href="${context.bridgeUrl}/">${words.documents}</a>${joined(above)}</nav>`;
}
