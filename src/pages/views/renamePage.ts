import type { DriveEntry } from "../../model/drive.ts";
import { splitName } from "../../model/nameRules.ts";
import { fill } from "../../words/fill.ts";
import { wordsIn } from "../../words/words.ts";
import { html } from "../html.ts";
import { layout } from "./layout.ts";
import { fieldLine, fillHtml, named, nothing } from "./markup.ts";
import type { Page, PageContext } from "./page.ts";

/** Asks for a new name of a file or folder. @param refused what was sent, and why it can't be */
export function renamePage(
  context: PageContext,
  { id, kind, name }: Pick<DriveEntry, "id" | "kind" | "name">,
  refused?: { readonly name: string; readonly sentence: string },
): Page {
  const words = wordsIn[context.language].pages;
  const invalid = html` aria-invalid="true" aria-describedby="name-line"`;
  const value = refused?.name ?? (kind === "folder" ? name : splitName(name).stem);
  return layout(context, {
    title: fill(words.renameTitle, { name }),
    isNarrow: true,
    main: html`<article>
<h1>${fillHtml(words.renameTitle, { name: named(name) })}</h1>
<form method="post" action="${context.bridgeUrl}/documents/${encodeURIComponent(id)}/rename">
<label for="name">${words.newName}</label>
<input id="name" name="name" value="${value}" required maxlength="200" autocomplete="off" dir="auto" autofocus${refused === undefined ? nothing : invalid}>
${refused === undefined ? nothing : fieldLine("name-line", refused.sentence, true)}
<button>${words.rename}</button>
</form>
<p class="aside"><a href="${context.bridgeUrl}/">${words.cancel}</a></p>
</article>`,
  });
}
