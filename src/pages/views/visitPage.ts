import type { DocumentRight } from "../../model/documentRight.ts";
import { fill } from "../../words/fill.ts";
import { wordsIn } from "../../words/words.ts";
import { type Html, html } from "../html.ts";
import { layout } from "./layout.ts";
import { fieldLine, fillHtml, flag, minutes, moment, named, nothing, notice } from "./markup.ts";
import type { Page, PageContext } from "./page.ts";

export interface VisitFacts {
  readonly fileName: string;
  /** The link leads to a folder. */
  readonly isFolder?: boolean;
  readonly ownerName: string;
  readonly permission: DocumentRight;
  /** What the visitor may do, and may not, in words. */
  readonly youMay?: string;
  readonly note?: string;
  readonly asksName: boolean;
  /** Until it was entered, the page tells neither what is shared nor by whom. */
  readonly needsPassword: boolean;
  /** As just typed, otherwise as this browser remembers it. */
  readonly name?: string;
  readonly error?: "passwordWrong" | "nameMissing" | "tooMany";
  readonly retryAfterSeconds?: number;
  /** Path to post to. */
  readonly action: string;
  readonly expiresAtMs?: number;
}

/** The longest name that the bridge keeps. */
const visitorNameLength = 64;

/** Where a visitor enters. The form sends `name` and `password`, each only if asked for. */
export function visitPage(context: PageContext, facts: VisitFacts): Page {
  const words = wordsIn[context.language].pages;
  const { isFolder = false, note, ownerName, permission } = facts;
  const owner = { name: named(ownerName) };
  const isHidden = facts.needsPassword;
  const title = isHidden ? (isFolder ? words.sharedFolder : words.sharedDocument) : facts.fileName;
  const lead = isFolder
    ? {
        edit: words.folderEditLead,
        review: words.folderReviewLead,
        comment: words.folderCommentLead,
        view: words.folderViewLead,
      }
    : {
        edit: words.doorEditLead,
        review: words.doorReviewLead,
        comment: words.doorCommentLead,
        view: words.doorViewLead,
      };
  const opens = permission === "view" && !isHidden ? words.viewDocument : words.openDocument;
  const button = isFolder ? words.openFolder : opens;
  return layout(context, {
    title,
    isNarrow: true,
    // What chats show of the link.
    preview: { title, text: isHidden ? words.hiddenUntilPassword : fill(lead[permission], { name: ownerName }) },
    main: html`<article>
<h1>${named(title)}</h1>
<p class="lead">${isHidden ? words.hiddenUntilPassword : fillHtml(lead[permission], owner)}</p>
${isHidden || facts.youMay === undefined ? nothing : html`<p><small>${facts.youMay}</small></p>`}
${isHidden || note === undefined ? nothing : html`<blockquote dir="auto">${note}<footer>${fillHtml(words.noteFrom, owner)}</footer></blockquote>`}
${facts.error === "tooMany" ? notice("bad", fill(words.tooManyAttempts, { minutes: minutes(facts.retryAfterSeconds) })) : nothing}
<form method="post" action="${context.bridgeUrl}${facts.action}">
${facts.asksName ? nameField(context, facts) : nothing}
${facts.needsPassword ? passwordField(context, facts) : nothing}
<button>${button}</button>
</form>
${isHidden || facts.expiresAtMs === undefined ? nothing : html`<p class="aside">${fillHtml(words.opensUntil, { time: moment(facts.expiresAtMs, context.language) })}</p>`}
</article>`,
  });
}

function nameField({ language }: PageContext, { error, name }: VisitFacts): Html {
  const words = wordsIn[language].pages;
  const isMissing = error === "nameMissing";
  const startsHere = isMissing || (error === undefined && (name ?? "") === "");
  return html`<label for="name">${words.yourName}</label>
<input id="name" name="name" autocomplete="name" maxlength="${visitorNameLength}" required dir="auto" value="${name ?? ""}" aria-describedby="name-line"${isMissing ? html` aria-invalid="true"` : nothing}${flag("autofocus", startsHere)}>
${fieldLine("name-line", isMissing ? words.nameMissing : words.yourNameHint, isMissing)}`;
}

function passwordField({ language }: PageContext, { asksName, error, name }: VisitFacts): Html {
  const words = wordsIn[language].pages;
  const isWrong = error === "passwordWrong";
  const startsHere = isWrong || (error === undefined && (!asksName || (name ?? "") !== ""));
  // Off: it is the link's password, and browsers must not save it as the visitor's own.
  return html`<label for="password">${words.password}</label>
<input id="password" name="password" type="password" autocomplete="off" required aria-describedby="password-line"${isWrong ? html` aria-invalid="true"` : nothing}${flag("autofocus", startsHere)}>
${fieldLine("password-line", isWrong ? words.passwordWrong : words.passwordAskedHint, isWrong)}`;
}
