import { fill } from "../../words/fill.ts";
import { languageNames, languages, shortNames } from "../../words/language.ts";
import { type PageWords, wordsIn } from "../../words/words.ts";
import { assetUrl } from "../assets.ts";
import { type Html, html } from "../html.ts";
import { joined, named, nothing } from "./markup.ts";
import type { Page, PageContext } from "./page.ts";

interface Content {
  /** Plain text for the browser's tab. */
  readonly title: string;
  /** Contains the page's only h1. */
  readonly main: Html;
  /** Open Graph: what a chat or mail program shows of a link to the page, to whomever it is sent. */
  readonly preview?: { readonly title: string; readonly text: string };
  /** For a page with one task. */
  readonly isNarrow?: boolean;
  /** For what stands side by side: as wide as the window. */
  readonly isWide?: boolean;
  /** The page shows other pages of the bridge in frames. */
  readonly hasFrames?: boolean;
  /** A list of documents: it has a style of its own, and its script sends requests to the bridge. */
  readonly isList?: boolean;
  /** The description of the API, which has a style of its own. */
  readonly isApiDocs?: boolean;
  readonly current?: "documents" | "links" | "admin";
  /** Portals that may frame the page, besides the bridge itself; left out = no one. */
  readonly embedOrigins?: readonly string[];
}

/** What all pages share: head, navigation, headers. */
export function layout(context: PageContext, content: Content): Page {
  const words = wordsIn[context.language].pages;
  const { brand = {}, bridgeUrl, nonce } = context;
  const productName = brand.name ?? words.productName;
  const logo = brand.logoUrl === undefined ? "" : ` ${new URL(brand.logoUrl).origin}`;
  const body = html`<!doctype html>
<html lang="${context.language}">
<head>
<meta charset="utf-8">
<title>${content.title} · ${productName}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
${preview(context, productName, content.preview)}<meta name="color-scheme" content="light dark">
${
  brand.logoUrl === undefined
    ? html`<link rel="icon" href="${assetUrl(bridgeUrl, "icon.svg")}" type="image/svg+xml">`
    : html`<link rel="icon" href="${brand.logoUrl}">`
}
<link rel="stylesheet" href="${assetUrl(bridgeUrl, "pico.css")}" nonce="${nonce}">
<link rel="stylesheet" href="${assetUrl(bridgeUrl, "pages.css")}" nonce="${nonce}">
<link rel="stylesheet" href="${assetUrl(bridgeUrl, "lists.css")}" nonce="${nonce}">
${
  content.isList
    ? html`<link rel="stylesheet" href="${assetUrl(bridgeUrl, "documents.css")}" nonce="${nonce}">
`
    : nothing
}${
  content.current === "admin"
    ? html`<link rel="stylesheet" href="${assetUrl(bridgeUrl, "admin.css")}" nonce="${nonce}">
`
    : nothing
}${
  content.isApiDocs
    ? html`<link rel="stylesheet" href="${assetUrl(bridgeUrl, "docs.css")}" nonce="${nonce}">
`
    : nothing
}<script src="${assetUrl(bridgeUrl, "pages.js")}" nonce="${nonce}" defer></script>
</head>
<body>
<a id="skip" href="#main">${words.skipToContent}</a>
${pageHeader(context, content)}
<main id="main" tabindex="-1"${content.isNarrow ? html` class="narrow"` : content.isWide ? html` class="wide"` : nothing}>
${content.main}
</main>
</body>
</html>
`;
  const ancestors = content.embedOrigins === undefined ? "'none'" : ["'self'", ...content.embedOrigins].join(" ");
  return {
    body,
    headers: {
      "Content-Security-Policy": [
        "default-src 'none'",
        `style-src 'nonce-${nonce}'`,
        `script-src 'nonce-${nonce}'`,
        // Pico draws arrows and ticks with data: images.
        `img-src 'self' data:${logo}`,
        ...(content.isList ? ["connect-src 'self'"] : []),
        // Also applies to the addresses that a form is redirected to.
        "form-action 'self'",
        ...(content.hasFrames ? [`frame-src 'self' ${new URL(bridgeUrl).origin}`] : []),
        `frame-ancestors ${ancestors}`,
        "base-uri 'none'",
      ].join("; "),
      // With no-referrer, browsers send `Origin: null` with a form, and the check against other sites would refuse it.
      "Referrer-Policy": "same-origin",
      "Cache-Control": "no-store",
    },
  };
}

function preview({ bridgeUrl, brand }: PageContext, siteName: string, shown: Content["preview"]): Html {
  if (shown === undefined) return nothing;
  return html`<meta property="og:type" content="website">
<meta property="og:site_name" content="${siteName}">
<meta property="og:title" content="${shown.title}">
<meta property="og:description" content="${shown.text}">
<meta property="og:image" content="${brand?.logoUrl ?? assetUrl(bridgeUrl, "preview.png")}">
<meta name="twitter:card" content="summary">
`;
}

function pageHeader(context: PageContext, { current, embedOrigins }: Content): Html {
  const words = wordsIn[context.language].pages;
  const { bridgeUrl } = context;
  // Pages that can be framed get no buttons, against clickjacking.
  const person = embedOrigins === undefined ? context.person : undefined;
  const brand = brandMark(context);
  return html`<header>
<nav aria-label="${words.mainNavigation}">
${person === undefined ? html`<span class="brand">${brand}</span>` : html`<a class="brand" href="${bridgeUrl}/">${brand}</a>`}
<ul>
${
  person === undefined
    ? nothing
    : html`<li><a href="${bridgeUrl}/"${here(current === "documents")}>${words.documents}</a></li>
<li><a href="${bridgeUrl}/links"${here(current === "links")}>${words.myLinks}${requestCount(words, person.requests ?? 0)}</a></li>`
}
${languageSwitch(context)}
${person === undefined ? nothing : personMenu(context, person, current === "admin")}
</ul>
</nav>
</header>`;
}

/** A logo usually shows the name; beside a name of its own it is an ornament. */
function brandMark({ brand: { name, logoUrl } = {}, bridgeUrl, language }: PageContext): Html {
  const { productName } = wordsIn[language].pages;
  if (logoUrl === undefined) {
    return html`<img src="${assetUrl(bridgeUrl, "icon.svg")}" alt="" width="28" height="28"> <strong>${name ?? productName}</strong>`;
  }
  return name === undefined
    ? html`<img class="logo" src="${logoUrl}" alt="${productName}" height="28">`
    : html`<img class="logo" src="${logoUrl}" alt="" height="28"> <strong>${name}</strong>`;
}

function requestCount(words: PageWords, count: number): Html {
  if (count === 0) return nothing;
  const label = fill(words.requestsWaiting, { count });
  return html` <span class="count" role="img" aria-label="${label}" title="${label}">${count}</span>`;
}

function here(isHere: boolean): Html {
  return isHere ? html` aria-current="page"` : nothing;
}

/** Links, so that pages that can be framed may have it, and without script. */
function languageSwitch({ bridgeUrl, language, path }: PageContext): Html {
  const choices = languages.map((one) => {
    const query = new URLSearchParams({ to: one, return_to: path });
    const isRead = one === language ? html` aria-current="true"` : nothing;
    return html`<a href="${bridgeUrl}/language?${query.toString()}" lang="${one}" hreflang="${one}"${isRead}>${languageNames[one]}</a>
`;
  });
  return html`<li><details class="menu languages">
<summary><span class="unseen">${wordsIn[language].pages.language}: </span><bdi>${languageNames[language]}</bdi><bdi class="short">${shortNames[language]}</bdi></summary>
<div>
${joined(choices)}</div>
</details></li>`;
}

function personMenu(
  { bridgeUrl, language }: PageContext,
  { name, isAdministrator }: NonNullable<PageContext["person"]>,
  isHere: boolean,
): Html {
  const words = wordsIn[language].pages;
  return html`<li><details class="menu">
<summary>${named(name)}</summary>
<form method="post" action="${bridgeUrl}/signout">
${isAdministrator ? html`<a role="button" class="secondary" href="${bridgeUrl}/admin"${here(isHere)}>${words.adminTitle}</a>` : nothing}
<button class="secondary">${words.signOut}</button>
<button class="secondary" name="everywhere" value="1">${words.signOutEverywhere}</button>
</form>
</details></li>`;
}
