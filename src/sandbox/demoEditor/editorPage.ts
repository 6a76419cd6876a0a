export interface EditorPage {
  viewId: string;
  closeButton: boolean;
}

/** Scripts, styles and calls of the page come from its own origin only; who may frame it is the host's business. */
export const pageHeaders = {
  "Content-Type": "text/html; charset=utf-8",
  "Cache-Control": "no-store",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
    "form-action 'none'; base-uri 'none'",
};

/** The editor's page: everything it shows arrives later, through the view it names. */
export function editorPage({ viewId, closeButton }: EditorPage): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Demo editor</title>
<link rel="icon" href="/editor/assets/icon.svg">
<link rel="stylesheet" href="/editor/assets/page.css">
<link rel="stylesheet" href="/editor/assets/office.css">
<script type="module" src="/editor/assets/page.js"></script>
</head>
<body data-view="${escapeHtml(viewId)}">
<header>
  <div class="names"><h1 id="name">…</h1> <span id="state" role="status">loading</span></div>
  <ul id="people" aria-label="Who is here"></ul>
  <div class="commands" role="toolbar" aria-label="Document">
    <button id="save" type="button" disabled>Save</button>
    <button id="save-as" type="button" hidden>Save as</button>
    <button id="rename" type="button" hidden>Rename</button>
    <button id="comment" type="button" hidden>Comment</button>
    <button id="share" type="button" hidden>Share</button>
    <span id="host-buttons"></span>
    <button id="close" type="button"${closeButton ? "" : " hidden"}>Close</button>
  </div>
</header>
<p id="read-only" class="notice" role="status" hidden>
  <span id="read-only-reason"></span> <button id="try-lock" type="button" hidden>Try again</button>
</p>
<p id="notice" class="notice" role="status" hidden><span id="notice-text"></span> <button id="notice-close" type="button" aria-label="Dismiss">×</button></p>
<main>
<div id="document-tools" class="tools" role="toolbar" aria-label="Formatting" hidden>
  <select id="paragraph-kind" aria-label="Paragraph style">
    <option value="text">Text</option>
    <option value="title">Title</option>
    <option value="heading1">Heading 1</option>
    <option value="heading2">Heading 2</option>
    <option value="heading3">Heading 3</option>
  </select>
  <span class="group">
    <button type="button" data-command="bold" aria-pressed="false" aria-label="Bold" title="Bold (Ctrl+B)"><b>B</b></button>
    <button type="button" data-command="italic" aria-pressed="false" aria-label="Italic" title="Italic (Ctrl+I)"><i>I</i></button>
    <button type="button" data-command="underline" aria-pressed="false" aria-label="Underline" title="Underline (Ctrl+U)"><u>U</u></button>
  </span>
  <span class="group">
    <button type="button" data-kind="bullet" aria-pressed="false" aria-label="Bulleted list" title="Bulleted list"><span class="list-icon bullets"></span></button>
    <button type="button" data-kind="number" aria-pressed="false" aria-label="Numbered list" title="Numbered list"><span class="list-icon numbers"></span></button>
  </span>
</div>
<div id="cell-tools" class="tools" role="toolbar" aria-label="Cell" hidden>
  <output id="cell-name" aria-label="Selected cell"></output>
  <input id="cell-input" aria-label="Content of the selected cell" autocomplete="off" spellcheck="false" readonly>
</div>
<textarea id="text" aria-label="Document text" spellcheck="false" readonly></textarea>
<div id="desk" hidden><div id="paper" role="textbox" aria-multiline="true" aria-label="Document text" spellcheck="false" tabindex="0"></div>
  <aside id="comments" aria-label="Comments" hidden><h2>Comments</h2><ul id="comment-list"></ul></aside>
</div>
<div id="workbook" hidden>
  <div id="grid-holder"><table id="grid" role="grid" aria-label="Cells"></table></div>
  <p id="grid-end" class="notice" hidden></p>
  <div id="sheet-tabs" role="tablist" aria-label="Sheets"></div>
</div>
</main>
<dialog id="conflict" aria-labelledby="conflict-title">
  <h1 id="conflict-title">Changed in storage</h1>
  <p>Somebody has changed this document outside this editor. What was typed here is not saved yet.</p>
  <div class="choices">
    <button id="conflict-save-as" type="button">Save to new file</button>
    <button id="conflict-overwrite" type="button">Overwrite</button>
    <button id="conflict-discard" type="button">Discard</button>
    <button id="conflict-later" type="button">Not now</button>
  </div>
</dialog>
<dialog id="ask-comment" aria-labelledby="ask-comment-title">
  <form id="ask-comment-form" method="dialog">
    <h1 id="ask-comment-title">Comment</h1>
    <p>It belongs to the paragraph with the cursor.</p>
    <label for="new-comment">Your comment</label> <textarea id="new-comment" rows="4" maxlength="4000" required></textarea>
    <div class="choices">
      <button id="ask-comment-ok" type="submit">Comment</button>
      <button id="ask-comment-cancel" type="button">Cancel</button>
    </div>
  </form>
</dialog>
<dialog id="ask-name" aria-labelledby="ask-name-title">
  <form id="ask-name-form" method="dialog">
    <h1 id="ask-name-title">Save as</h1>
    <label for="new-name">File name</label> <input id="new-name" autocomplete="off" required>
    <div class="choices">
      <button id="ask-name-ok" type="submit">OK</button>
      <button id="ask-name-cancel" type="button">Cancel</button>
    </div>
  </form>
</dialog>
</body>
</html>
`;
}

/** A page that only says why there is no document. */
export function refusalPage(reason: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Demo editor</title>
<link rel="stylesheet" href="/editor/assets/page.css">
</head>
<body><p class="notice" id="state">${escapeHtml(reason)}</p></body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}
