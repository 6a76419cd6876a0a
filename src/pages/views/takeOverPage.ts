import { wordsIn } from "../../words/words.ts";
import { html } from "../html.ts";
import { layout } from "./layout.ts";
import { fillHtml, named, nothing, notice } from "./markup.ts";
import type { Page, PageContext } from "./page.ts";

interface TakeOverFacts {
  readonly file: { readonly id: string; readonly name: string };
  /** Who holds the document's lock: empty when it isn't known, undefined when there is none. */
  readonly heldBy: string | undefined;
  /** The page follows a take-over. */
  readonly isDone: boolean;
}

/** Who is editing a document; `POST /takeover/ID` (no fields) ends their lock. */
export function takeOverPage(context: PageContext, { file, heldBy, isDone }: TakeOverFacts): Page {
  const words = wordsIn[context.language].pages;
  const { bridgeUrl } = context;
  const id = encodeURIComponent(file.id);
  const holder = heldBy === "" ? words.somebody : named(heldBy ?? "");
  return layout(context, {
    title: `${words.takeOverTitle}: ${file.name}`,
    isNarrow: true,
    main: html`<article>
<h1>${words.takeOverTitle}</h1>
<p><strong>${named(file.name)}</strong></p>
${isDone && heldBy === undefined ? notice("good", words.takenOver) : nothing}
${
  heldBy === undefined
    ? html`<p>${words.notBeingEdited}</p>
<a role="button" href="${bridgeUrl}/open?file_id=${id}">${words.open}</a>`
    : html`<p>${fillHtml(words.beingEditedBy, { name: holder })}</p>
<p>${words.takeOverMeans}</p>
<form method="post" action="${bridgeUrl}/takeover/${id}"><button>${words.takeOver}</button></form>`
}
<p class="aside"><a href="${bridgeUrl}/">${words.backToDocuments}</a></p>
</article>`,
  });
}
