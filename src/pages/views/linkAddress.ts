import { renderSVG } from "uqr";
import type { EditLink } from "../../links/links.ts";
import { letterText } from "../../mail/letter.ts";
import { linkLetter } from "../../mail/linkLetter.ts";
import type { Language } from "../../words/language.ts";
import { wordsIn } from "../../words/words.ts";
import { Html, html } from "../html.ts";
import { type MailFormFacts, mailForm } from "./mailForm.ts";
import { flag, nothing } from "./markup.ts";
import type { PageContext } from "./page.ts";

/**
 * A link's address on its page: to copy, to mail, for the browser's share sheet, and as a QR code.
 * @param mail it can be sent from here
 */
export function linkAddress(
  context: PageContext,
  link: EditLink,
  url: string,
  isNew: boolean,
  mail: MailFormFacts | undefined,
): Html {
  const { language } = context;
  const mailProgramUrl = mailAddress(language, link, url);
  const words = wordsIn[language].pages;
  return html`<label for="link-url">${words.linkAddress}</label>
<div role="group">
<input id="link-url" type="url" readonly value="${url}"${flag("autofocus", isNew)}>
<button type="button" data-copies="link-url" data-copied="${words.copied}" data-failed="${words.copyByHand}" hidden>${words.copy}</button>
</div>
<p role="status" id="copy-state"></p>
${link.passwordHash === undefined ? nothing : html`<p>${words.sendPasswordApart}</p>`}
<div class="actions">
${mail === undefined ? html`<a role="button" class="secondary" href="${mailProgramUrl}">${words.sendByMail}</a>` : nothing}
<button type="button" class="secondary" data-shares="${url}" data-title="${link.passwordHash === undefined ? link.fileName : words.sharedDocument}" hidden>${words.shareAddress}</button>
</div>
${mail === undefined ? nothing : mailForm(context, link, mail, mailProgramUrl)}
<details${flag("open", isNew)}>
<summary>${words.qrCode}</summary>
<figure class="qr">
${qrCode(url)}
<figcaption>${words.qrHint}</figcaption>
</figure>
</details>`;
}

/** Opens the person's own mail program with the message written (RFC 6068). */
function mailAddress(language: Language, link: EditLink, url: string): string {
  const letter = linkLetter({ link, url, language, message: "" });
  const body = letterText(letter).replaceAll("\n", "\r\n");
  return `mailto:?subject=${encodeURIComponent(letter.subject)}&body=${encodeURIComponent(body)}`;
}

/** Always dark on light with a margin: many cameras read nothing else. */
function qrCode(url: string): Html {
  return new Html(
    renderSVG(url, { ecc: "M", border: 3 }).replace("<svg", '<svg width="176" height="176" aria-hidden="true"'),
  );
}
