import { comparedAtMost, type DifferenceRow } from "../../documents/textDifference.ts";
import { fill } from "../../words/fill.ts";
import { wordsIn } from "../../words/words.ts";
import { type Html, html } from "../html.ts";
import { layout } from "./layout.ts";
import { fillHtml, flag, joined, moment, momentText, named, nothing, notice, size } from "./markup.ts";
import type { Page, PageContext } from "./page.ts";

/** One of the two that are compared. */
export interface ComparedSide {
  /** The document, or a copy of it. */
  readonly fileId: string;
  readonly version: string;
  readonly storedAt: string;
  /** What the owner calls the version. */
  readonly name?: string;
  readonly isCurrent: boolean;
  /** The file name of a copy; undefined = a version of the document itself. */
  readonly copyName?: string;
}

/** Why differences are not marked. */
export type WhyFrames = "asked" | "otherType" | "unreadable" | "tooLarge" | "tooDifferent";

export interface CompareFacts {
  readonly file: { readonly id: string; readonly name: string };
  readonly before: ComparedSide;
  readonly after: ComparedSide;
  /** All versions of the document, to choose from, the newest first. */
  readonly versions: readonly ComparedSide[];
  readonly shown: /** `text`: there is more in the documents than what is compared. */
    | { readonly as: "rows"; readonly rows: readonly DifferenceRow[]; readonly of: "all" | "text" }
    /** Two editors, read only. */
    | { readonly as: "frames"; readonly why: WhyFrames }
    | { readonly as: "nothing"; readonly why: "tooLarge" | "tooDifferent" | "noEditor" };
}

/** More make a page that browsers are slow with. */
const rowsAtMost = 3_000;

/** Two versions, or a copy and the document, side by side; `/versions/ID/compare?from=&to=` chooses two others. */
export function comparePage(context: PageContext, facts: CompareFacts): Page {
  const words = wordsIn[context.language].pages;
  const { file, before, after, shown } = facts;
  const path = `${context.bridgeUrl}/versions/${file.id}`;
  return layout(context, {
    title: `${words.compare}: ${file.name}`,
    isWide: true,
    hasFrames: shown.as === "frames",
    main: html`<nav aria-label="${words.folderPath}"><p><a href="${context.bridgeUrl}/">${words.documents}</a> › <a href="${path}">${named(file.name)}</a></p></nav>
<h1>${words.compare}</h1>
${facts.versions.length < 2 ? nothing : chooser(context, facts, `${path}/compare`)}
${shown.as === "rows" && shown.of === "text" ? html`<p>${words.compareTextOnly} <a href="${`${path}/compare?${queryOf(facts, true)}`}">${words.compareShowBoth}</a></p>` : nothing}
${shown.as === "rows" ? differences(context, facts, shown.rows, shown.of) : nothing}
${shown.as === "frames" ? whyFrames(context, facts, shown.why) : nothing}
${shown.as === "nothing" ? notice("plain", whyNothing(context, shown.why)) : nothing}
<div class="sides">${side(context, before, shown.as === "frames")}${side(context, after, shown.as === "frames")}</div>`,
  });
}

/** The same two again. */
function queryOf({ file, before, after }: CompareFacts, asDocuments: boolean): string {
  const of = after.fileId === file.id ? { to: after.version } : { copy: after.fileId };
  return new URLSearchParams({ from: before.version, ...of, ...(asDocuments ? { as: "documents" } : {}) }).toString();
}

function whyFrames(context: PageContext, facts: CompareFacts, why: WhyFrames): Html {
  const words = wordsIn[context.language].pages;
  const sentence = {
    asked: "",
    otherType: words.compareOtherType,
    unreadable: words.compareUnreadable,
    tooLarge: words.compareLongText,
    tooDifferent: words.compareUnlike,
  }[why];
  const path = `${context.bridgeUrl}/versions/${facts.file.id}/compare?${queryOf(facts, false)}`;
  const back = why === "asked" ? html` <a href="${path}">${words.compareText}</a>` : nothing;
  return html`<p><small>${sentence} ${words.compareByEye}${back}</small></p>`;
}

function label({ language }: PageContext, one: ComparedSide): Html {
  const words = wordsIn[language].pages;
  if (one.copyName !== undefined) return fillHtml(words.copyNamed, { name: named(one.copyName) });
  const time = moment(one.storedAt, language);
  const dated = one.name === undefined ? time : html`${named(one.name)} (${time})`;
  return one.isCurrent ? fillHtml(words.currentVersionOf, { time: dated }) : dated;
}

function chooser(context: PageContext, { before, after, versions }: CompareFacts, action: string): Html {
  const words = wordsIn[context.language].pages;
  // Markup is not allowed in an option: the script puts the local time in place of this one.
  const timeOf = (one: ComparedSide): string => momentText(new Date(one.storedAt), context.language);
  const plain = (one: ComparedSide): string => {
    const time = timeOf(one);
    const dated = one.name === undefined ? time : `${one.name} (${time})`;
    return one.isCurrent ? fill(words.currentVersionOf, { time: dated }) : dated;
  };
  const choice = (name: string, title: string, chosen: ComparedSide): Html => html`<label>${title}
<select name="${name}">${joined(
    versions.map(
      (one) =>
        html`<option value="${one.version}" data-time="${one.storedAt}" data-said="${timeOf(one)}"${flag("selected", one.version === chosen.version)}>${plain(one)}</option>`,
    ),
  )}</select></label>`;
  return html`<form method="get" action="${action}" class="choose">
${choice("from", words.before, before)}
${choice("to", words.after, after)}
<button class="secondary">${words.compare}</button>
</form>`;
}

function side(context: PageContext, one: ComparedSide, isFramed: boolean): Html {
  const words = wordsIn[context.language].pages;
  const path = `${context.bridgeUrl}/versions/${one.fileId}`;
  const query = new URLSearchParams({ version: one.version }).toString();
  const title = one.copyName ?? one.name ?? one.storedAt;
  return html`<section>
<h2>${label(context, one)}</h2>
${isFramed ? html`<iframe src="${path}/open?${query}&amp;bare=#line=none" title="${title}" allow="fullscreen"></iframe>` : nothing}
<p><a role="button" class="secondary" href="${path}/content?${query}" download aria-label="${fill(words.downloadName, { name: title })}">${words.download}</a></p>
</section>`;
}

function whyNothing({ language }: PageContext, why: "tooLarge" | "tooDifferent" | "noEditor"): string {
  const words = wordsIn[language].pages;
  if (why === "tooLarge") return fill(words.compareTooLarge, { size: size(comparedAtMost, language) });
  return why === "tooDifferent" ? words.compareTooDifferent : words.compareNoEditor;
}

function differences(
  context: PageContext,
  { before, after }: CompareFacts,
  rows: readonly DifferenceRow[],
  of: "all" | "text",
): Html {
  const words = wordsIn[context.language].pages;
  if (rows.every(({ is }) => is !== "changed")) {
    return notice("good", of === "text" ? words.sameText : words.noDifferences);
  }
  return html`<table class="compared${of === "all" ? " verbatim" : ""}">
<thead><tr><th scope="col">${label(context, before)}</th><th scope="col">${label(context, after)}</th></tr></thead>
<tbody>
${joined(rows.slice(0, rowsAtMost).map((row) => differenceRow(context, row)))}
</tbody>
</table>
${rows.length > rowsAtMost ? notice("plain", words.moreDifferences) : nothing}`;
}

function differenceRow({ language }: PageContext, row: DifferenceRow): Html {
  if (row.is === "folded") {
    const told = fill(wordsIn[language].pages.foldedLines, { count: row.lines });
    return html`<tr><td colspan="2" class="folded">${told}</td></tr>`;
  }
  if (row.is === "same") return html`<tr><td dir="auto">${row.text}</td><td dir="auto">${row.text}</td></tr>`;
  const side = (parts: typeof row.before, mark: "ins" | "del"): Html =>
    joined(
      (parts ?? []).map(({ text, isMarked }) => {
        if (!isMarked) return html`${text}`;
        return mark === "ins" ? html`<ins>${text}</ins>` : html`<del>${text}</del>`;
      }),
    );
  return html`<tr><td dir="auto">${side(row.before, "del")}</td><td dir="auto">${side(row.after, "ins")}</td></tr>`;
}
