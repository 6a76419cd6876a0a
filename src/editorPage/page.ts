import { readFileSync } from "node:fs";
import type { EditorIds } from "../documents/grants.ts";
import { type AccessGrant, editorOrigin } from "../documents/grants.ts";
import { mayInsertPictures } from "../documents/pictures.ts";
import { suiteOf } from "../editors/suites.ts";
import { assetUrl } from "../pages/assets.ts";
import { Html, html, jsonForScript } from "../pages/html.ts";
import type { Brand, Page } from "../pages/views/page.ts";
import type { Language } from "../words/language.ts";
import { type HostPageWords, wordsIn } from "../words/words.ts";
import { pageConfig } from "./pageConfig.ts";
import type { ScriptFacts } from "./pageMessages.ts";

// Our own file: it contains no closing tag and needs no escaping.
const style = new Html(readFileSync(new URL("./browser/hostPage.css", import.meta.url), "utf8"));

export interface HostPageFacts {
  readonly grant: AccessGrant;
  /** The same ids as in CheckFileInfo. */
  readonly editorIds: ReturnType<EditorIds>;
  readonly accessToken: string;
  /** The key with which the open page requests tokens and status. */
  readonly pageKey: string;
  readonly fileName: string;
  readonly nonce: string;
  readonly bridgeUrl: string;
  /** Name and logo of the operator's choice. */
  readonly brand: Brand;
  readonly embedOrigins: readonly string[];
  readonly language: Language;
  /** Whether the editor accepts a token by message; one that does not is reloaded with it. */
  readonly takesFreshTokens: boolean;
  /** The editor makes another file of it and then leads on to the page for that one. @see OpeningAddress */
  readonly isConversion: boolean;
  readonly mayShare: boolean;
  /** A link's visitor who may not edit, in a document that can be edited. */
  readonly mayAskToEdit: boolean;
  /** What a link's visitor may do and may not, in words; left out where there is nothing to say. */
  readonly youMay: string | undefined;
  /** Who shares the document, by name; undefined = that is not known. */
  readonly ownerName: string | undefined;
  /** Whether the person may see what the document was. */
  readonly maySeeVersions: boolean;
  /** The document's folder on our own pages, for its owner who is signed in there. */
  readonly homeUrl: string | undefined;
  /** Whether the page's address opens the document again. */
  readonly isReopenable: boolean;
}

/**
 * The page around the editor: posts the token into the editor's frame, shows the state of saves, renews the token, and
 * exchanges messages with the portal that frames it. The token is only in the form, never in an address. Works without
 * cookies and without storage.
 * @see reference wopi.md sections 3 and 14
 */
export function hostPage(facts: HostPageFacts): Page {
  const { grant, accessToken, fileName, nonce, brand, embedOrigins, language } = facts;
  const logo = brand.logoUrl === undefined ? "" : ` ${new URL(brand.logoUrl).origin}`;
  const editor = editorOrigin(grant);
  const words = wordsOf(language, facts.ownerName);
  const { takesPageConfig, savesWhenTold, tellsLocalSaves, warnsAtPostedEnd } = suiteOf(grant.actionUrl);
  const maySaveAs = grant.permission === "edit" && grant.saveAs !== "none";
  const scriptFacts: ScriptFacts = {
    editorOrigin: editor,
    fileName,
    fileId: grant.document.fileId,
    embedOrigins,
    bridgeUrl: facts.bridgeUrl,
    pageKey: facts.pageKey,
    permission: grant.permission,
    tokenEndsAtMs: grant.expiresAtMs,
    renewableUntilMs: grant.renewableUntilMs,
    takesFreshTokens: facts.takesFreshTokens,
    savesWhenTold,
    tellsLocalSaves,
    postsTokenEnd: !warnsAtPostedEnd,
    mayAskToEdit: facts.mayAskToEdit,
    hasName: grant.person.isNameless !== true,
    mayShare: facts.mayShare,
    maySeeVersions: facts.maySeeVersions,
    homeUrl: facts.homeUrl ?? null,
    isReopenable: facts.isReopenable,
    maySaveAs,
    mayInsertPictures: mayInsertPictures(grant),
    encodesNames: suiteOf(grant.actionUrl).encodesNames,
    language,
    words,
  };
  const body = html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<title>${fileName}</title>
<meta name="viewport" content="width=device-width, initial-scale=1, maximum-scale=1, minimum-scale=1, user-scalable=no">
<meta name="robots" content="noindex">
${
  brand.name === undefined
    ? ""
    : html`<meta name="application-name" content="${brand.name}">
`
}<link rel="icon" href="${brand.logoUrl ?? assetUrl(facts.bridgeUrl, "icon.svg")}">
<style nonce="${nonce}">${style}</style>
<script src="${assetUrl(facts.bridgeUrl, "hostPage.js")}" nonce="${nonce}" defer></script>
</head>
<body>
<div id="line">
<a id="home" hidden></a>
<p id="status" role="status"></p>
${facts.youMay === undefined ? "" : html`<span id="you-may">${facts.youMay}</span>`}
<button id="ask-access" type="button" hidden>${words.askToEdit}</button>
<button id="try-again" type="button" hidden>${words.tryAgain}</button>
<a id="download-changes" href="${facts.bridgeUrl}/saves" target="_blank" rel="noopener" hidden>${words.downloadChanges}</a>
<a id="take-over" href="${facts.bridgeUrl}/takeover?file_id=${grant.document.fileId}" target="_blank" rel="noopener" hidden>${words.takeOver}</a>
<a id="open-copy" href="${facts.bridgeUrl}/edit/${facts.pageKey}/copy" target="_blank" rel="noopener" hidden>${words.openCopy}</a>
<a id="own-tab" href="${facts.bridgeUrl}/edit/${facts.pageKey}/own-tab" target="_blank" rel="noopener" hidden>${words.openInOwnTab}</a>
<details id="people" hidden><summary></summary><ul aria-label="${words.peopleTitle}"></ul></details>
${facts.maySeeVersions ? html`<a id="versions" href="${facts.bridgeUrl}/versions/${grant.document.fileId}" target="_blank" rel="noopener">${words.versions}</a>` : ""}
</div>
${facts.mayAskToEdit ? nameForm(words) : ""}<div id="access" role="status"></div>
<div id="notice" role="status"></div>
<main id="frame-holder"></main>
<div id="news" role="status" aria-live="polite"></div>
<form id="editor-form" method="post" action="${grant.actionUrl}" target="${facts.isConversion ? "_self" : "editor-frame"}" hidden>
<input type="hidden" name="access_token" value="${accessToken}">
<input type="hidden" name="access_token_ttl" value="${warnsAtPostedEnd ? 0 : grant.expiresAtMs}">
<input type="hidden" name="user_id" value="${facts.editorIds.userId}">
<input type="hidden" name="owner_id" value="${facts.editorIds.ownerId}">
${takesPageConfig ? html`<input type="hidden" name="docs_api_config" value="${pageConfig(grant.restrictions)}">` : ""}
</form>
${maySaveAs ? saveAsDialog(words) : ""}${mayInsertPictures(grant) ? pictureDialog(words) : ""}<script type="application/json" id="facts" nonce="${nonce}">${jsonForScript(scriptFacts)}</script>
<noscript>${words.needsScript}</noscript>
</body>
</html>`;
  const ancestors = ["'self'", ...embedOrigins].join(" ");
  return {
    body,
    headers: {
      "Content-Security-Policy": [
        "default-src 'none'",
        `script-src 'nonce-${nonce}'`,
        `style-src 'nonce-${nonce}'`,
        `img-src 'self' data:${logo}`,
        "connect-src 'self'",
        `frame-src ${editor}`,
        // Browsers apply it to where the answer to a form leads on to as well.
        `form-action ${editor}${facts.isConversion ? " 'self'" : ""}`,
        `frame-ancestors ${ancestors}`,
        "base-uri 'none'",
      ].join("; "),
      "Permissions-Policy": `clipboard-read=(self "${editor}"), clipboard-write=(self "${editor}"), fullscreen=(self "${editor}")`,
    },
  };
}

/** With the owner's name: a colleague knows a person, not a drive. */
function wordsOf(language: Language, ownerName: string | undefined): HostPageWords {
  const words = wordsIn[language].editorPage;
  const owner = ownerName ?? words.theOwner;
  const named = (sentence: string): string => sentence.replace("{owner}", () => owner);
  return {
    ...words,
    editorAway: named(words.editorAway),
    askedToEdit: named(words.askedToEdit),
    grantedToEdit: named(words.grantedToEdit),
    refusedToEdit: named(words.refusedToEdit),
    askedTooOften: named(words.askedTooOften),
    whySignInNeeded: named(words.whySignInNeeded),
    whyFileUnproven: named(words.whyFileUnproven),
  };
}

/** For a visitor whom nobody asked for a name so far. */
function nameForm(words: HostPageWords): Html {
  return html`<form id="access-form" hidden>
<label for="access-name">${words.askName}</label>
<input id="access-name" autocomplete="name" maxlength="64" required dir="auto">
<button>${words.askSend}</button>
</form>
`;
}

/** The question for a new file's name; the page's script fills in title and extension. */
function saveAsDialog(words: HostPageWords): Html {
  return html`<dialog id="save-as" aria-labelledby="save-as-title" aria-describedby="save-as-hint">
<form id="save-as-form" novalidate>
<h1 id="save-as-title"></h1>
<label for="save-as-name">${words.fileName}</label>
<div class="name">
<input id="save-as-name" autocomplete="off" autocapitalize="off" spellcheck="false" enterkeyhint="done" aria-describedby="save-as-extension save-as-error" required>
<span id="save-as-extension"></span>
</div>
<p id="save-as-error" role="alert"></p>
<p id="save-as-hint">${words.saveAsHint}</p>
<div class="choices">
<button id="save-as-cancel" type="button">${words.cancel}</button>
<button class="primary">${words.saveAsDo}</button>
</div>
</form>
</dialog>
`;
}

/** What the owner chooses a picture in; the page's script fills in folders and pictures. */
function pictureDialog(words: HostPageWords): Html {
  return html`<dialog id="pictures" aria-labelledby="pictures-title">
<h1 id="pictures-title">${words.picturesTitle}</h1>
<nav id="pictures-path" aria-label="${words.picturesPath}"></nav>
<div class="both">
<ul id="pictures-list"></ul>
<img id="pictures-look" alt="" hidden>
</div>
<button id="pictures-more" type="button" hidden>${words.picturesMore}</button>
<p id="pictures-said" role="status"></p>
<div class="choices">
<button id="pictures-cancel" type="button">${words.cancel}</button>
<button id="pictures-insert" class="primary" type="button" disabled>${words.picturesInsert}</button>
</div>
</dialog>
`;
}
