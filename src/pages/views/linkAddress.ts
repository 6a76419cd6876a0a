import { renderSVG } from "uqr";
import type { EditLink } from "../../links/links.ts";
import { fill } from "../../words/fill.ts";
import { type PageWords, wordsIn } from "../../words/words.ts";
import { Html, html } from "../html.ts";
import { flag, nothing } from "./markup.ts";
import type { PageContext } from "./page.ts";

/** A link's address on its page: to copy, to mail, for the browser's share sheet, and as a QR code. */
export function linkAddress({ language }: PageContext, link: EditLink, url: string, isNew: boolean): Html {
  const words = wordsIn[language].pages;
  return html`<label for="link-url">${words.linkAddress}</label>
<div role="group">
<input id="link-url" type="url" readonly value="${url}"${flag("autofocus", isNew)}>
<button type="button" data-copies="link-url" data-copied="${words.copied}" data-failed="${words.copyByHand}" hidden>${words.copy}</button>
</div>
<p role="status" id="copy-state"></p>
${link.passwordHash === undefined ? nothing : html`<p>${words.sendPasswordApart}</p>`}
<div class="actions">
<a role="button" class="secondary" href="${mailAddress(words, link, url)}">${words.sendByMail}</a>
<button type="button" class="secondary" data-shares="${url}" data-title="${link.fileName}" hidden>${words.shareAddress}</button>
</div>
<details${flag("open", isNew)}>
<summary>${words.qrCode}</summary>
<figure class="qr">
${qrCode(url)}
<figcaption>${words.qrHint}</figcaption>
</figure>
</details>`;
}

/** Opens the person's own mail program with the message written (RFC 6068). */
function mailAddress(words: PageWords, { fileName, folder }: EditLink, url: string): string {
  const sentence = folder === true ? words.mailFolderText : words.mailText;
  const subject = encodeURIComponent(fill(words.mailSubject, { name: fileName }));
  const body = encodeURIComponent(`${fill(sentence, { name: fileName })}\r\n\r\n${url}\r\n`);
  return `mailto:?subject=${subject}&body=${body}`;
}

/** Always dark on light with a margin: many cameras read nothing else. */
function qrCode(url: string): Html {
  return new Html(
    renderSVG(url, { ecc: "M", border: 3 }).replace("<svg", '<svg width="176" height="176" aria-hidden="true"'),
  );
}
