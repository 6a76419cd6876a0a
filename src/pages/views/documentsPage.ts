import type { DriveEntry } from "../../model/drive.ts";
import { type Html, html } from "../html.ts";
import { fill } from "../words/fill.ts";
import { pageWords } from "../words/pageWords.ts";
import { fileIcon, folderIcon } from "./fileIcon.ts";
import { layout } from "./layout.ts";
import { joined, moment, named, nothing, notice, size } from "./markup.ts";
import { type NewDocumentFacts, newDocumentForm } from "./newDocumentForm.ts";
import type { Page, PageContext } from "./page.ts";
import { uploadArea, uploadButton } from "./uploadArea.ts";

export interface DocumentsFacts {
  /** Folders below the root, down to the current one, which needs no uri; empty at the root. */
  readonly crumbs: readonly { readonly name: string; readonly uri?: string }[];
  readonly entries: readonly DriveEntry[];
  readonly next?: string;
  /** Number of saves of this person's documents that are not in the drive yet; left out = none. */
  readonly waitingSaves?: number;
  /** Ids of documents that are being edited. */
  readonly locked?: ReadonlySet<string>;
  /** Left out at the root. */
  readonly folderUri?: string;
  /** Whether an editor opens files with this name. */
  readonly opens: (name: string) => boolean;
  /** What can be created here, and how large an upload may be. */
  readonly adding?: NewDocumentFacts & { readonly limitBytes: number };
}

export const rootUri = "cloudreve://my";

/** A person's folder. Links: folders (`/?folder=`), next page (`&next=`), `/open?file_id=`, `/share?file_id=`. */
export function documentsPage(context: PageContext, facts: DocumentsFacts): Page {
  const words = pageWords[context.language];
  const title = facts.crumbs.at(-1)?.name ?? words.documents;
  const { adding, folderUri = rootUri } = facts;
  return layout(context, {
    title,
    current: "documents",
    isWide: true,
    callsBridge: true,
    main: html`${crumbTrail(context, facts.crumbs)}
<div class="bar">
<h1>${named(title)}</h1>
${
  adding === undefined
    ? nothing
    : html`<div class="acts">${newDocumentForm(context, adding, folderUri)}
${uploadButton(context, adding.limitBytes)}</div>`
}
</div>
${waitingNotice(context, facts.waitingSaves ?? 0)}
${adding === undefined ? nothing : uploadArea(context, { folderUri, listUrl: folderUrl(context, facts.folderUri) }, adding.limitBytes)}
<div id="list">
${
  facts.entries.length === 0
    ? html`<p class="empty">${words.emptyFolder}</p>`
    : html`<ul class="rows">
${joined(facts.entries.map((entry) => row(context, entry, facts)))}
</ul>`
}
${facts.next === undefined ? nothing : html`<p><a role="button" class="secondary" rel="next" href="${folderUrl(context, facts.folderUri, facts.next)}">${words.moreDocuments}</a></p>`}
</div>`,
  });
}

function waitingNotice({ bridgeUrl, language }: PageContext, count: number): Html {
  const words = pageWords[language];
  if (count === 0) return nothing;
  const told = fill(words.waitingSavesNotice, { count });
  return notice("plain", html`${told} <a href="${bridgeUrl}/saves">${words.seeWaitingSaves}</a>`);
}

/** The folders above the current one. */
function crumbTrail(context: PageContext, crumbs: DocumentsFacts["crumbs"]): Html {
  const words = pageWords[context.language];
  if (crumbs.length === 0) return nothing;
  const above = crumbs.slice(0, -1).map(({ name, uri }) => {
    return html` › ${uri === undefined ? named(name) : html`<a href="${folderUrl(context, uri)}">${named(name)}</a>`}`;
  });
  return html`<nav aria-label="${words.folderPath}"><p><a href="${context.bridgeUrl}/">${words.documents}</a>${joined(above)}</p></nav>`;
}

function row(context: PageContext, entry: DriveEntry, { opens, locked }: DocumentsFacts): Html {
  const { bridgeUrl, language } = context;
  const words = pageWords[language];
  const time = moment(entry.modifiedAt, language);
  if (entry.kind === "folder") {
    return html`<li>${folderIcon()}
<div><a href="${folderUrl(context, entry.uri)}">${named(entry.name)}</a><small>${words.folder}</small></div>
<div class="acts"><a role="button" class="secondary" href="${bridgeUrl}/share?file_id=${encodeURIComponent(entry.id)}" aria-label="${fill(words.shareFolderName, { name: entry.name })}">${words.shareFolder}</a></div>
</li>`;
  }
  const id = encodeURIComponent(entry.id);
  const { name } = entry;
  const isLocked = locked?.has(entry.id) === true;
  return html`<li>${fileIcon(name)}
<div><span>${named(name)}</span><small>${size(entry.sizeBytes, language)} · ${time}${isLocked ? html` · ${words.beingEdited}` : nothing}</small></div>
<div class="acts">${
    isLocked
      ? html`<a role="button" class="secondary" href="${bridgeUrl}/takeover?file_id=${id}" aria-label="${fill(words.takeOverName, { name })}">${words.takeOver}</a>
`
      : nothing
  }${
    opens(entry.name)
      ? html`<a role="button" class="secondary" href="${bridgeUrl}/open?file_id=${id}" target="_blank" rel="noopener" aria-label="${fill(words.openName, { name })}">${words.open}</a>
<a role="button" class="secondary" href="${bridgeUrl}/share?file_id=${id}" aria-label="${fill(words.shareNameForEditing, { name })}">${words.shareForEditing}</a>`
      : html`<small>${words.noEditorForFile}</small>`
  }</div>
</li>`;
}

function folderUrl({ bridgeUrl }: PageContext, uri: string | undefined, next?: string): string {
  const query = new URLSearchParams({
    ...(uri === undefined ? {} : { folder: uri }),
    ...(next === undefined ? {} : { next }),
  });
  return `${bridgeUrl}/?${query.toString()}`;
}
