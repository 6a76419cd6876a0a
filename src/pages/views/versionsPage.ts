import type { SavedVersion } from "../../documents/versionRecord.ts";
import { longestVersionName } from "../../documents/versionRecord.ts";
import type { DriveVersion } from "../../model/drive.ts";
import type { LockHolder } from "../../model/failure.ts";
import { fill } from "../../words/fill.ts";
import { wordsIn } from "../../words/words.ts";
import { type Html, html } from "../html.ts";
import { copyRow, type ListedCopy } from "./copyRows.ts";
import { layout } from "./layout.ts";
import { fillHtml, joined, moment, named, nothing, notice, size } from "./markup.ts";
import type { Page, PageContext } from "./page.ts";

interface ListedVersion extends DriveVersion {
  /** What the owner calls it. */
  readonly name?: string;
  /** undefined: it was stored past the bridge, or so long ago that nobody knows. */
  readonly save?: SavedVersion;
}

/** Why a version was not restored. */
export type NotRestored =
  /** by: empty when it isn't known */
  | { readonly why: "edited"; readonly by: string }
  | { readonly why: "locked"; readonly holder: LockHolder }
  | { readonly why: "changed" | "noRoom" | "gone" | "notDone" };

export interface VersionsFacts {
  readonly file: { readonly id: string; readonly name: string; readonly version: string };
  /** The newest first. */
  readonly versions: readonly ListedVersion[];
  readonly copies: readonly ListedCopy[];
  /** Who edits the document now; empty when it isn't known, undefined when nobody does. */
  readonly editedBy?: string | undefined;
  /** Whether an editor opens files of this type. */
  readonly canOpen: boolean;
  /** What the page follows. `replacedGone`: restored, but the drive does not keep what was current before. */
  readonly done?: "restored" | "replacedGone" | "named" | undefined;
  readonly notRestored?: NotRestored;
}

/**
 * All versions of a document, and the copies beside it. `/versions/ID/open?version=`, `/versions/ID/content?version=`,
 * `/versions/ID/compare?from=`; `POST /versions/ID/restore` (version, current) and `POST /versions/ID/name` (version, name).
 */
export function versionsPage(context: PageContext, facts: VersionsFacts): Page {
  const words = wordsIn[context.language].pages;
  const { file, versions, copies } = facts;
  return layout(context, {
    title: `${words.versions}: ${file.name}`,
    main: html`<nav aria-label="${words.folderPath}"><p><a href="${context.bridgeUrl}/">${words.documents}</a></p></nav>
<h1>${named(file.name)}</h1>
${notices(context, facts)}
<section aria-labelledby="versions">
<h2 id="versions">${words.versions}</h2>
${
  versions.length === 0
    ? html`<p class="empty">${words.noVersions}</p>`
    : html`<p><small>${words.versionsLead}</small></p>
<ol class="rows" reversed>
${joined(versions.map((version) => row(context, version, facts)))}
</ol>`
}
</section>
<section aria-labelledby="copies">
<h2 id="copies">${words.copies}</h2>
${
  copies.length === 0
    ? html`<p><small>${words.noCopies}</small></p>`
    : html`<p><small>${words.copiesLead}</small></p>
<ul class="rows">
${joined(copies.map((copy) => copyRow(context, copy)))}
</ul>`
}
</section>`,
  });
}

function notices(context: PageContext, facts: VersionsFacts): Html {
  const words = wordsIn[context.language].pages;
  const { done, notRestored, editedBy } = facts;
  if (notRestored !== undefined) return notice("bad", notRestoredLine(context, notRestored, facts.file.id));
  const news =
    done === undefined
      ? nothing
      : notice(
          done === "replacedGone" ? "plain" : "good",
          { restored: words.versionRestored, replacedGone: words.versionRestoredOnly, named: words.versionNamed }[done],
        );
  const edited = editedBy === undefined ? nothing : notice("plain", editedLine(context, editedBy, facts.file.id));
  return html`${news}${edited}`;
}

function editedLine({ bridgeUrl, language }: PageContext, by: string, fileId: string): Html {
  const words = wordsIn[language].pages;
  const line = fillHtml(words.restoreWhenClosed, { name: by === "" ? words.somebody : named(by) });
  return html`${line} <a href="${bridgeUrl}/takeover?file_id=${fileId}">${words.takeOver}</a>`;
}

function notRestoredLine(context: PageContext, not: NotRestored, fileId: string): Html {
  const words = wordsIn[context.language].pages;
  if (not.why === "edited") return editedLine(context, not.by, fileId);
  if (not.why === "locked") {
    const holders = {
      editor: words.heldByCloudreveEditor,
      upload: words.heldByUpload,
      webdav: words.heldByWebdav,
      other: words.heldByOther,
    };
    return html`${holders[not.holder]} ${words.restoreAgainLater}`;
  }
  const lines = {
    changed: words.restoreChanged,
    noRoom: words.restoreNoRoom,
    gone: words.versionGone,
    notDone: words.restoreNotDone,
  };
  return html`${lines[not.why]}`;
}

function row(context: PageContext, one: ListedVersion, { file, versions, canOpen }: VersionsFacts): Html {
  const { bridgeUrl, language } = context;
  const words = wordsIn[language].pages;
  const isCurrent = one.version === file.version;
  const time = moment(one.storedAt, language);
  const path = `${bridgeUrl}/versions/${file.id}`;
  const query = new URLSearchParams({ version: one.version }).toString();
  // Times are the same for everybody only as the machine writes them; the script shows local ones.
  const label = one.name ?? `${one.storedAt.slice(0, 16).replace("T", " ")} UTC`;
  const open = isCurrent ? `${bridgeUrl}/open?file_id=${file.id}` : `${path}/open?${query}`;
  return html`<li>
<div><span>${one.name === undefined ? time : html`<strong>${named(one.name)}</strong>`}${
    isCurrent ? html` <span class="badge good">${words.currentVersion}</span>` : nothing
  }</span><small>${one.name === undefined ? nothing : html`${time} · `}${savedBy(context, one, versions)} · ${size(one.sizeBytes, language)}</small></div>
<div class="acts">${
    canOpen
      ? html`<a role="button" class="secondary" href="${open}" target="_blank" rel="noopener" aria-label="${isCurrent ? fill(words.openName, { name: file.name }) : fill(words.openVersionOf, { time: label })}">${words.open}</a>
`
      : nothing
  }<a role="button" class="secondary" href="${path}/content?${query}" download aria-label="${fill(words.downloadName, { name: label })}">${words.download}</a>
${
  isCurrent || versions.length < 2
    ? nothing
    : html`<a role="button" class="secondary" href="${path}/compare?${new URLSearchParams({ from: one.version }).toString()}" aria-label="${fill(words.compareVersionOf, { time: label })}">${words.compare}</a>
<form method="post" action="${path}/restore">
<input type="hidden" name="version" value="${one.version}">
<input type="hidden" name="current" value="${file.version}">
<button class="secondary" aria-label="${fill(words.restoreVersionOf, { time: label })}">${words.restore}</button>
</form>`
}</div>
<details class="naming">
<summary>${one.name === undefined ? words.nameVersion : words.renameVersion}<span class="unseen">: ${label}</span></summary>
<form method="post" action="${path}/name" role="group">
<input type="hidden" name="version" value="${one.version}">
<input name="name" value="${one.name ?? ""}" maxlength="${longestVersionName}" autocomplete="off" aria-label="${fill(words.nameVersionOf, { time: label })}">
<button>${words.saveName}</button>
</form>
</details>
</li>`;
}

/** Who stored it, and by which way they came. */
function savedBy({ language }: PageContext, { save }: ListedVersion, versions: readonly ListedVersion[]): Html {
  const words = wordsIn[language].pages;
  if (save === undefined) return html`${words.savedOutside}`;
  const name = save.person.name === "" ? words.somebody : named(save.person.name);
  if (save.restoredFrom !== undefined) {
    const from = versions.find(({ version }) => version === save.restoredFrom);
    if (from === undefined) return fillHtml(words.restoredBy, { name });
    const version = from.name === undefined ? moment(from.storedAt, language) : html`“${named(from.name)}”`;
    return fillHtml(words.restoredVersionBy, { name, version });
  }
  const portal = save.through?.startsWith("portal:") ? save.through.slice("portal:".length) : undefined;
  if (save.linkId !== undefined) return html`${name} (${words.throughLink})`;
  return portal === undefined ? html`${name}` : html`${name} (${fillHtml(words.throughPortal, { portal })})`;
}
