import { fill } from "../../words/fill.ts";
import { wordsIn } from "../../words/words.ts";
import { type Html, html } from "../html.ts";
import { size } from "./markup.ts";
import type { PageContext } from "./page.ts";

/** The menu “Upload”. It needs the page's script, which shows it. */
export function uploadButton({ language }: PageContext, limitBytes: number): Html {
  const words = wordsIn[language].pages;
  const hint = fill(words.uploadHint, { limit: size(limitBytes, language) });
  return html`<details class="menu upload" id="upload" hidden><summary role="button" class="secondary" title="${hint}">${words.upload}</summary>
<div><button type="button" data-chooses="upload-files">${words.uploadFiles}</button><button type="button" data-chooses="upload-folder">${words.uploadFolder}</button></div></details>
<input type="file" id="upload-files" multiple hidden aria-label="${words.uploadFiles}">
<input type="file" id="upload-folder" webkitdirectory hidden aria-label="${words.uploadFolder}">`;
}

/** Where uploads and their progress are shown. The script finds its sentences here. */
export function uploadArea(
  { bridgeUrl, language }: PageContext,
  place: { readonly folderUri: string; readonly listUrl: string },
  limitBytes: number,
): Html {
  const words = wordsIn[language].pages;
  const limit = size(limitBytes, language);
  return html`<section id="uploads" aria-label="${words.uploads}" hidden data-address="${bridgeUrl}/documents" data-folder="${place.folderUri}" data-list="${place.listUrl}" data-limit-bytes="${limitBytes}" data-waiting="${words.uploadWaiting}" data-running="${words.uploadRunning}" data-storing="${words.uploadStoring}" data-done="${words.uploadDone}" data-cut="${words.uploadCut}" data-stopped="${words.uploadStopped}" data-failed="${words.uploadFailed}" data-too-large="${fill(words.uploadTooLarge, { limit })}" data-sum="${fill(words.uploadSum, { done: "%1", count: "%2" })}" data-too-many="${words.uploadTooMany}" data-as="${fill(words.uploadAs, { name: "%1" })}" data-signed-out="${words.uploadSignedOut}">
<p id="upload-sum" role="status" hidden></p>
<ul class="uploads"></ul>
<template>
<li><bdi></bdi><progress max="100" value="0"></progress><small role="status"></small>
<div class="acts"><button type="button" class="secondary" data-act="keepBoth" hidden>${words.keepBoth}</button><button type="button" class="secondary" data-act="otherName" hidden></button><button type="button" class="secondary" data-act="again" hidden>${words.tryAgain}</button><button type="button" class="secondary" data-act="stop">${words.cancel}</button></div></li>
</template>
</section>
<div id="drop" hidden><p>${words.dropHere}</p></div>`;
}
