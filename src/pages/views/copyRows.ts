import type { CopyMade } from "../../documents/versionRecord.ts";
import { fill } from "../../words/fill.ts";
import { type PageWords, wordsIn } from "../../words/words.ts";
import { type Html, html } from "../html.ts";
import { fillHtml, moment, named, nothing } from "./markup.ts";
import type { PageContext } from "./page.ts";

export interface ListedCopy extends CopyMade {
  /** Deleted since, or moved to the trash. */
  readonly isGone: boolean;
}

/** A copy beside a document: whose changes, when, and why they are not in the document. */
export function copyRow(context: PageContext, copy: ListedCopy): Html {
  const { bridgeUrl, language } = context;
  const words = wordsIn[language].pages;
  const { name, copyId: id } = copy;
  const by = fillHtml(words.savedBy, { name: named(copy.person.name), time: moment(copy.atMs, language) });
  return html`<li>
<div><span>${named(name)} <span class="badge">${kindOf(copy, words)}</span></span><small>${by}${
    copy.isGone ? html` · ${words.copyGone}` : nothing
  }</small></div>
${
  copy.isGone
    ? nothing
    : html`<div class="acts"><a role="button" class="secondary" href="${bridgeUrl}/open?file_id=${id}" target="_blank" rel="noopener" aria-label="${fill(words.openName, { name })}">${words.open}</a>
<a role="button" class="secondary" href="${bridgeUrl}/versions/${copy.fileId}/copies/${id}/content" download aria-label="${fill(words.downloadName, { name })}">${words.download}</a>
<a role="button" class="secondary" href="${bridgeUrl}/versions/${copy.fileId}/compare?copy=${id}" aria-label="${fill(words.compareCopyName, { name })}">${words.compare}</a></div>`
}
</li>`;
}

function kindOf({ isLate, linkId, why }: CopyMade, words: PageWords): string {
  if (isLate === true) return linkId === undefined ? words.copyAfterSession : words.copyAfterLink;
  return why === "fileMissing" ? words.copyOfDeleted : words.copyConflict;
}
