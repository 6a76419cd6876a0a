import type { DocumentRight } from "../../model/documentRight.ts";
import type { DriveEntry } from "../../model/drive.ts";
import { fill } from "../../words/fill.ts";
import { wordsIn } from "../../words/words.ts";
import { type Html, html } from "../html.ts";
import { fileIcon, folderIcon } from "./fileIcon.ts";
import { layout } from "./layout.ts";
import { fillHtml, joined, moment, named, nothing, size } from "./markup.ts";
import type { Page, PageContext } from "./page.ts";

export interface FolderFacts {
  /** Of the link, below the bridge: `/l/SECRET`. */
  readonly linkPath: string;
  readonly ownerName: string;
  readonly permission: DocumentRight;
  /** What the visitor may do, and may not, in words. */
  readonly youMay?: string;
  readonly note?: string;
  /** The shared folder first, the one that is listed last. */
  readonly path: readonly { readonly id: string; readonly name: string }[];
  readonly entries: readonly DriveEntry[];
  readonly next?: string;
}

/** A link's folder, for its visitors. Links: folders (`?folder=ID`), next page (`&next=`), documents (`/l/SECRET/ID`). */
export function folderPage(context: PageContext, facts: FolderFacts): Page {
  const words = wordsIn[context.language].pages;
  const { entries, next, note, path, permission } = facts;
  const owner = { name: named(facts.ownerName) };
  const title = path.at(-1)?.name ?? "";
  const lead = {
    edit: words.folderEditLead,
    review: words.folderReviewLead,
    comment: words.folderCommentLead,
    view: words.folderViewLead,
  }[permission];
  const isShared = path.length === 1;
  return layout(context, {
    title,
    main: html`${crumbTrail(context, facts)}
<h1>${named(title)}</h1>
${isShared ? html`<p class="lead">${fillHtml(lead, owner)} ${facts.youMay ?? ""}</p>` : nothing}
${isShared && note !== undefined ? html`<blockquote dir="auto">${note}<footer>${fillHtml(words.noteFrom, owner)}</footer></blockquote>` : nothing}
${
  entries.length === 0
    ? html`<p class="empty">${next === undefined ? words.noDocumentsHere : words.noDocumentsYet}</p>`
    : html`<ul class="rows">
${joined(entries.map((entry) => row(context, entry, facts)))}
</ul>`
}
${next === undefined ? nothing : html`<p><a role="button" class="secondary" rel="next" href="${listUrl(context, facts, path.at(-1)?.id, next)}">${words.moreDocuments}</a></p>`}`,
  });
}

/** From the shared folder down; visitors learn of nothing above it. */
function crumbTrail(context: PageContext, facts: FolderFacts): Html {
  const words = wordsIn[context.language].pages;
  const above = facts.path.slice(0, -1);
  if (above.length === 0) return nothing;
  const links = above.map(
    ({ id, name }, at) =>
      html`${at === 0 ? nothing : " › "}<a href="${listUrl(context, facts, at === 0 ? undefined : id)}">${named(name)}</a>`,
  );
  return html`<nav aria-label="${words.folderPath}"><p>${joined(links)}</p></nav>`;
}

function row(context: PageContext, entry: DriveEntry, facts: FolderFacts): Html {
  const { bridgeUrl, language } = context;
  const words = wordsIn[language].pages;
  const { id, name } = entry;
  if (entry.kind === "folder") {
    return html`<li>${folderIcon()}
<div><a href="${listUrl(context, facts, id)}">${named(name)}</a><small>${words.folder}</small></div>
</li>`;
  }
  const [label, labelFor] = facts.permission !== "view" ? [words.open, words.openName] : [words.view, words.viewName];
  return html`<li>${fileIcon(name)}
<div><span>${named(name)}</span><small>${size(entry.sizeBytes, language)} · ${moment(entry.modifiedAt, language)}</small></div>
<div class="acts"><a role="button" class="secondary" href="${bridgeUrl}${facts.linkPath}/${encodeURIComponent(id)}" target="_blank" rel="noopener" aria-label="${fill(labelFor, { name })}">${label}</a></div>
</li>`;
}

function listUrl(
  { bridgeUrl }: PageContext,
  { linkPath }: FolderFacts,
  folderId: string | undefined,
  next?: string,
): string {
  const query = new URLSearchParams({
    ...(folderId === undefined ? {} : { folder: folderId }),
    ...(next === undefined ? {} : { next }),
  }).toString();
  return `${bridgeUrl}${linkPath}${query === "" ? "" : `?${query}`}`;
}
