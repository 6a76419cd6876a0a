import { renderSVG } from "uqr";
import type { EditLink } from "../../links/links.ts";
import { Html, html } from "../html.ts";
import { pageWords } from "../words/pageWords.ts";
import { layout } from "./layout.ts";
import { terms } from "./linkTerms.ts";
import { named, nothing, notice } from "./markup.ts";
import type { Page, PageContext } from "./page.ts";

export interface LinkMadeFacts {
  readonly file: { readonly id: string; readonly name: string };
  readonly link: EditLink;
  /** The link's full address, with its secret. */
  readonly url: string;
}

/** Shows a link's address, this one time only. Switching the language would lose it, so it is not offered. */
export function linkMadePage(context: PageContext, { file, link, url }: LinkMadeFacts): Page {
  const words = pageWords[context.language];
  const { bridgeUrl } = context;
  return layout(context, {
    title: `${words.linkMadeTitle}: ${file.name}`,
    isNarrow: true,
    canSwitchLanguage: false,
    main: html`<article>
<h1>${words.linkMadeTitle}</h1>
<p><strong>${named(file.name)}</strong><br>${terms(link, context.language)}</p>
${notice("plain", words.linkMadeLead)}
<label for="link-url">${words.linkAddress}</label>
<div role="group">
<input id="link-url" type="url" readonly value="${url}" autofocus>
<button type="button" data-copies="link-url" data-copied="${words.copied}" data-failed="${words.copyByHand}" hidden>${words.copy}</button>
</div>
<p role="status" id="copy-state"></p>
${link.passwordHash === undefined ? nothing : html`<p>${words.sendPasswordApart}</p>`}
<figure class="qr" aria-label="${words.qrCode}">
${qrCode(url)}
<figcaption>${words.qrHint}</figcaption>
</figure>
<p class="aside"><a href="${bridgeUrl}/links/${link.id}">${words.linkSettings}</a> · <a href="${bridgeUrl}/">${words.backToDocuments}</a></p>
</article>`,
  });
}

/** Always dark on light with a margin: many cameras read nothing else. */
function qrCode(url: string): Html {
  return new Html(
    renderSVG(url, { ecc: "M", border: 3 }).replace("<svg", '<svg width="176" height="176" aria-hidden="true"'),
  );
}
