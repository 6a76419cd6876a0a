import { readFileSync } from "node:fs";
import { type AccessGrant, editorOrigin } from "../model/accessGrants.ts";
import { Html, html, jsonForScript } from "./html.ts";

// Our own files: they hold no closing tag and need no escaping.
const script = new Html(readFileSync(new URL("./browser/hostPage.js", import.meta.url), "utf8"));
const style = new Html(readFileSync(new URL("./browser/hostPage.css", import.meta.url), "utf8"));

/** A page and the headers that only it needs. */
export interface Page {
  readonly body: Html;
  readonly headers: Readonly<Record<string, string>>;
}

export interface HostPageFacts {
  readonly grant: AccessGrant;
  readonly accessToken: string;
  readonly fileName: string;
  readonly nonce: string;
  readonly embedOrigins: readonly string[];
}

/**
 * The page around the editor: posts the token into the editor's frame. The token is in the form alone, never in an
 * address. Works without cookies.
 * @see reference wopi.md sections 3 and 14
 */
export function hostPage({ grant, accessToken, fileName, nonce, embedOrigins }: HostPageFacts): Page {
  const editor = editorOrigin(grant);
  const body = html`<!doctype html>
<html lang="${grant.language}">
<head>
<meta charset="utf-8">
<title>${fileName}</title>
<meta name="viewport" content="width=device-width, initial-scale=1, maximum-scale=1, minimum-scale=1, user-scalable=no">
<meta name="robots" content="noindex">
<style nonce="${nonce}">${style}</style>
</head>
<body>
<p id="status" role="status">Loading ${fileName} …</p>
<div id="frame-holder"></div>
<form id="editor-form" method="post" action="${grant.actionUrl}" target="editor-frame" hidden>
<input type="hidden" name="access_token" value="${accessToken}">
<input type="hidden" name="access_token_ttl" value="${grant.expiresAtMs}">
<input type="hidden" name="user_id" value="${grant.person.id}">
<input type="hidden" name="owner_id" value="${grant.ownerId}">
</form>
<script type="application/json" id="facts" nonce="${nonce}">${jsonForScript({
    editorOrigin: editor,
    fileName,
    embedOrigins,
  })}</script>
<script nonce="${nonce}">${script}</script>
<noscript>The editor needs JavaScript.</noscript>
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
        "img-src 'self'",
        "connect-src 'self'",
        `frame-src ${editor}`,
        `form-action ${editor}`,
        `frame-ancestors ${ancestors}`,
        "base-uri 'none'",
      ].join("; "),
      "Permissions-Policy": `clipboard-read=(self "${editor}"), clipboard-write=(self "${editor}"), fullscreen=(self "${editor}")`,
    },
  };
}

/** A plain page with one message, framed nowhere but where the host page may be. */
export function messagePage(title: string, text: string, nonce: string, embedOrigins: readonly string[]): Page {
  return {
    body: html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style nonce="${nonce}">${style}</style>
</head>
<body class="message">
<main>
<h1>${title}</h1>
<p>${text}</p>
</main>
</body>
</html>`,
    headers: {
      "Content-Security-Policy": `default-src 'none'; style-src 'nonce-${nonce}'; base-uri 'none'; form-action 'none'; frame-ancestors ${["'self'", ...embedOrigins].join(" ")}`,
    },
  };
}
