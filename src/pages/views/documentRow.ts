import type { DriveEntry } from "../../model/drive.ts";
import { fill } from "../../words/fill.ts";
import type { Language } from "../../words/language.ts";
import { wordsIn } from "../../words/words.ts";
import { type Html, html } from "../html.ts";
import { type DocumentsFacts, listUrl } from "./documentsFacts.ts";
import { fileIcon, folderIcon } from "./fileIcon.ts";
import { joined, moment, named, nothing, size } from "./markup.ts";
import type { PageContext } from "./page.ts";

type RowFacts = Pick<DocumentsFacts, "opens" | "locked" | "people" | "isRecent" | "search">;

/** More people than these are counted. */
const namedPeople = 3;

/**
 * A document or folder in the list. Links: `/open?file_id=`, `/share?file_id=`, `/takeover?file_id=`, `/versions/ID`,
 * `/documents/ID/rename`, `…/download`, `…/delete`.
 */
export function documentRow(context: PageContext, entry: DriveEntry, facts: RowFacts): Html {
  const { bridgeUrl, language } = context;
  const words = wordsIn[language].pages;
  const { id, kind, name } = entry;
  const isFolder = kind === "folder";
  const opens = !isFolder && facts.opens(name);
  const isLocked = facts.locked?.has(id) === true;
  const address = isFolder
    ? html`<a href="${listUrl(context, { folderUri: entry.uri })}">${named(name)}</a>`
    : opens
      ? html`<a href="${bridgeUrl}/open?file_id=${encodeURIComponent(id)}" target="_blank" rel="noopener" title="${name}">${named(name)}</a>`
      : html`<a href="${bridgeUrl}/documents/${encodeURIComponent(id)}/download" title="${words.noEditorForFile}">${named(name)}</a>`;
  const place = facts.isRecent || facts.search !== undefined ? folderNameIn(entry.uri) : undefined;
  const people = facts.people?.get(id) ?? [];
  const use = useLine(language, people, isLocked);
  const notes = [
    ...(place === undefined ? [] : [html`<small>${fill(words.inFolder, { name: place })}</small>`]),
    ...(use === undefined ? [] : [html`<small class="use badge${use.isOpen ? " good" : ""}">${use.text}</small>`]),
  ];
  return html`<li${isFolder ? nothing : html` data-file="${id}"`}>${isFolder ? folderIcon() : fileIcon(name)}
<div class="name">${address}${notes.length === 0 ? nothing : html`<div class="notes">${joined(notes)}</div>`}</div>
<small class="changed">${moment(entry.modifiedAt, language)}</small>
<small class="size">${isFolder ? nothing : size(entry.sizeBytes, language)}</small>
<div class="acts">${isFolder || opens ? shareLink(context, entry) : nothing}${menu(context, entry, opens, isLocked)}</div>
</li>
`;
}

function shareLink({ bridgeUrl, language }: PageContext, { id, kind, name }: DriveEntry): Html {
  const words = wordsIn[language].pages;
  const label = fill(kind === "folder" ? words.shareFolderName : words.shareNameForEditing, { name });
  const text = kind === "folder" ? words.shareFolder : words.shareForEditing;
  return html`<a role="button" class="secondary share" href="${bridgeUrl}/share?file_id=${encodeURIComponent(id)}" aria-label="${label}">${text}</a>`;
}

function menu({ bridgeUrl, language }: PageContext, entry: DriveEntry, opens: boolean, isLocked: boolean): Html {
  const words = wordsIn[language].pages;
  const { kind, name } = entry;
  const id = encodeURIComponent(entry.id);
  const own = `${bridgeUrl}/documents/${id}`;
  const isFile = kind === "file";
  const items = [
    ...(isLocked
      ? [
          html`<a href="${bridgeUrl}/takeover?file_id=${id}" aria-label="${fill(words.takeOverName, { name })}">${words.takeOver}</a>`,
        ]
      : []),
    ...(opens ? [html`<a href="${bridgeUrl}/versions/${id}">${words.versions}</a>`] : []),
    ...(isFile && !opens
      ? []
      : [html`<a href="${bridgeUrl}/share?file_id=${id}">${isFile ? words.shareForEditing : words.shareFolder}</a>`]),
    html`<a href="${own}/rename">${words.rename}</a>`,
    ...(isFile
      ? [html`<a href="${own}/download" aria-label="${fill(words.downloadName, { name })}">${words.download}</a>`]
      : []),
  ];
  return html`<details class="menu more"><summary aria-label="${fill(words.moreActions, { name })}"><span aria-hidden="true">⋮</span></summary>
<form method="post" action="${own}/delete">${joined(items)}<button>${words.delete}</button></form></details>`;
}

/** Who has a document open; undefined = nobody. */
export function useLine(
  language: Language,
  people: readonly string[],
  isLocked: boolean,
): { readonly text: string; readonly isOpen: boolean } | undefined {
  const words = wordsIn[language].pages;
  if (people.length === 0) return isLocked ? { text: words.beingEdited, isOpen: false } : undefined;
  return { text: fill(words.openedBy, { names: namesOf(language, people) }), isOpen: true };
}

function namesOf(language: Language, people: readonly string[]): string {
  const words = wordsIn[language].pages;
  const names = people.slice(0, namedPeople).join(words.between);
  const more = people.length - namedPeople;
  return more > 0 ? fill(words.andMore, { names, count: more }) : names;
}

/** @returns undefined at the root */
function folderNameIn(uri: string): string | undefined {
  const name = uri.split("/").at(-2);
  if (name === undefined || name === "" || /^([^@]*@)?my$/.test(name)) return undefined;
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
