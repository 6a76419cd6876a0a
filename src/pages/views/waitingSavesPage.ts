import { fill } from "../../words/fill.ts";
import { wordsIn } from "../../words/words.ts";
import { type Html, html } from "../html.ts";
import { layout } from "./layout.ts";
import { fillHtml, joined, moment, named, nothing, notice, size } from "./markup.ts";
import type { Page, PageContext } from "./page.ts";

/** A save of one of the owner's documents that is not in the drive yet. */
interface ListedSave {
  readonly id: string;
  readonly fileName: string;
  readonly personName: string;
  readonly receivedAtMs: number;
  readonly endsAtMs: number;
  readonly sizeBytes: number;
  readonly isBroken: boolean;
}

export interface WaitingSavesFacts {
  /** Oldest first. */
  readonly saves: readonly ListedSave[];
  /** The page follows a dismissal. */
  readonly dismissed: boolean;
}

/** Waiting saves: `/saves/ID/content` downloads one, `POST /saves/ID/dismiss` (no fields) deletes it. */
export function waitingSavesPage(context: PageContext, { saves, dismissed }: WaitingSavesFacts): Page {
  const words = wordsIn[context.language].pages;
  return layout(context, {
    title: words.waitingSavesTitle,
    main: html`<h1>${words.waitingSavesTitle}</h1>
${dismissed ? notice("good", words.saveDismissed) : nothing}
${
  saves.length === 0
    ? html`<p class="empty">${words.noWaitingSaves}</p>
<p><a role="button" class="secondary" href="${context.bridgeUrl}/">${words.toMyDocuments}</a></p>`
    : html`<p>${words.waitingSavesLead}</p>
${joined(saves.map((save) => card(context, save)))}`
}`,
  });
}

function card({ bridgeUrl, language }: PageContext, save: ListedSave): Html {
  const words = wordsIn[language].pages;
  const { id, fileName: name } = save;
  const of = fillHtml(words.savedBy, { name: named(save.personName), time: moment(save.receivedAtMs, language) });
  const ends = fillHtml(words.keptUntil, { time: moment(save.endsAtMs, language) });
  return html`<article>
<h2>${named(name)}</h2>
<p>${of} · ${size(save.sizeBytes, language)}<br><small>${ends}</small></p>
${save.isBroken ? notice("bad", words.saveBroken) : nothing}
<p><a role="button" class="secondary" href="${bridgeUrl}/saves/${id}/content" download aria-label="${fill(words.downloadName, { name })}">${words.download}</a></p>
<details class="danger">
<summary>${words.dismissSave}</summary>
<p>${words.dismissMeans}</p>
<form method="post" action="${bridgeUrl}/saves/${id}/dismiss"><button aria-label="${fill(words.dismissName, { name })}">${words.dismissNow}</button></form>
</details>
</article>`;
}
