import type { DriveEntry } from "../../model/drive.ts";
import { type Html, html } from "../html.ts";
import { fill } from "../words/fill.ts";
import { pageWords } from "../words/pageWords.ts";
import { layout } from "./layout.ts";
import { joined, moment, named, nothing, notice, size } from "./markup.ts";
import type { Page, PageContext } from "./page.ts";

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
}

/** A person's folder. Links: folders (`/?folder=`), next page (`&next=`), `/open?file_id=`, `/share?file_id=`. */
export function documentsPage(context: PageContext, facts: DocumentsFacts): Page {
  const words = pageWords[context.language];
  const title = facts.crumbs.at(-1)?.name ?? words.documents;
  return layout(context, {
    title,
    current: "documents",
    main: html`${crumbTrail(context, facts.crumbs)}
<h1>${named(title)}</h1>
${waitingNotice(context, facts.waitingSaves ?? 0)}
${
  facts.entries.length === 0
    ? html`<p class="empty">${words.emptyFolder}</p>`
    : html`<ul class="rows">
${joined(facts.entries.map((entry) => row(context, entry, facts)))}
</ul>`
}
${facts.next === undefined ? nothing : html`<p><a role="button" class="secondary" rel="next" href="${folderUrl(context, facts.folderUri, facts.next)}">${words.moreDocuments}</a></p>`}`,
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
    return html`<li>${icon("folder")}
<div><a href="${folderUrl(context, entry.uri)}">${named(entry.name)}</a><small>${words.folder}</small></div>
</li>`;
  }
  const id = encodeURIComponent(entry.id);
  const { name } = entry;
  const isLocked = locked?.has(entry.id) === true;
  return html`<li>${icon(kindOf(name))}
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

type Kind = "folder" | "text" | "sheet" | "slides" | "other";

const kinds: readonly (readonly [Kind, RegExp])[] = [
  ["text", /\.(docx?|docm|dotx?|odt|ott|fodt|rtf|txt|md|pdf)$/i],
  ["sheet", /\.(xlsx?|xlsm|xlsb|xltx|ods|ots|fods|csv)$/i],
  ["slides", /\.(pptx?|pptm|ppsx|potx|odp|otp|fodp)$/i],
];

function kindOf(name: string): Kind {
  return kinds.find(([, pattern]) => pattern.test(name))?.[0] ?? "other";
}

/** Each icon's colour, readable on light and dark, and its lines. */
const pictures: Readonly<Record<Kind, readonly [color: string, path: string]>> = {
  folder: ["#b58105", "M3 6.5h6l2 2h10v10.5H3z"],
  text: ["#2b7cd3", "M6 3h8l4 4v14H6zM14 3v4h4M9 11h6M9 14h6M9 17h4"],
  sheet: ["#1f9d63", "M6 3h8l4 4v14H6zM14 3v4h4M8.5 11h7v6.5h-7zM8.5 14.2h7M12 11v6.5"],
  slides: ["#d35f30", "M6 3h8l4 4v14H6zM14 3v4h4M8.5 11.5h7V16h-7zM12 16v2"],
  other: ["#7b8495", "M6 3h8l4 4v14H6zM14 3v4h4"],
};

function icon(kind: Kind): Html {
  const [color, path] = pictures[kind];
  return html`<svg width="28" height="28" viewBox="0 0 24 24" fill="none" stroke="${color}" stroke-width="1.5" stroke-linejoin="round" stroke-linecap="round" aria-hidden="true"><path d="${path}"/></svg>`;
}
