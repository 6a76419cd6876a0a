import type { FolderContents } from "../../documents/deleteFolder.ts";
import type { DriveEntry } from "../../model/drive.ts";
import { fill } from "../../words/fill.ts";
import { wordsIn } from "../../words/words.ts";
import { html } from "../html.ts";
import { listUrl } from "./documentsFacts.ts";
import { layout } from "./layout.ts";
import { fillHtml, named } from "./markup.ts";
import type { Page, PageContext } from "./page.ts";

/** Asks before a folder with something in it is deleted. Posts `with=contents` to `/documents/ID/delete`. */
export function deleteFolderPage(
  context: PageContext,
  { id, name, uri }: Pick<DriveEntry, "id" | "name" | "uri">,
  { fileIds, isAll }: FolderContents,
): Page {
  const words = wordsIn[context.language].pages;
  const count = fileIds.length;
  const told = isAll ? (count === 1 ? words.folderHasOne : words.folderHas) : words.folderHasMore;
  const back = listUrl(context, { folderUri: uri.slice(0, uri.lastIndexOf("/")) });
  return layout(context, {
    title: fill(words.deleteFolderTitle, { name }),
    isNarrow: true,
    main: html`<article>
<h1>${fillHtml(words.deleteFolderTitle, { name: named(name) })}</h1>
<p>${fill(told, { count })} ${words.folderGoesToTrash}</p>
<form method="post" action="${context.bridgeUrl}/documents/${encodeURIComponent(id)}/delete" class="danger">
<button name="with" value="contents">${words.deleteFolder}</button>
</form>
<p class="aside"><a href="${back}">${words.cancel}</a></p>
</article>`,
  });
}
