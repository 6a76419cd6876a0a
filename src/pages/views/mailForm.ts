import type { EditLink } from "../../links/links.ts";
import { longestMessage, mailsPerHour } from "../../mail/linkMail.ts";
import type { MailReport } from "../../mail/mailReports.ts";
import { recipientsAtMost } from "../../mail/recipients.ts";
import { fill } from "../../words/fill.ts";
import { type PageWords, wordsIn } from "../../words/words.ts";
import { type Html, html } from "../html.ts";
import { fieldLine, fillHtml, flag, joined, minutes, nothing, notice } from "./markup.ts";
import type { PageContext } from "./page.ts";

export interface MailFormFacts {
  /** A form is sent once. */
  readonly formId: string;
  /** Where answers go; undefined when nobody knows the owner's address. */
  readonly replyTo?: string;
  /** What became of the form before. */
  readonly report?: MailReport;
}

/**
 * `POST /links/ID/mail`: `to` (addresses), `message` and `form` (its id).
 * @param mailProgramUrl opens the person's own mail program instead
 */
export function mailForm(
  { bridgeUrl, language }: PageContext,
  link: EditLink,
  facts: MailFormFacts,
  mailProgramUrl: string,
): Html {
  const words = wordsIn[language].pages;
  const { formId, replyTo, report } = facts;
  const hasPassword = link.passwordHash !== undefined;
  const mistake = report === undefined ? undefined : mistakeIn(words, report);
  const again = report === undefined ? undefined : [...(report.refused ?? []), ...(report.notSent ?? [])];
  const isOver = report?.state === "underWay" || (report?.state === "done" && again?.length === 0);
  const to = isOver ? "" : report?.state === "done" ? (again ?? []).join("\n") : (report?.to ?? "");
  // Nothing is told before a link's password, so its note is not offered either.
  const message = (isOver ? undefined : report?.message) ?? (hasPassword ? "" : (link.note ?? ""));
  const toLine = mistake ?? fill(words.mailToHint, { count: recipientsAtMost });
  const messageLine = [
    ...(hasPassword ? [words.mailTellsNoPassword] : []),
    replyTo === undefined ? words.mailNoReplies : fill(words.mailReplies, { email: replyTo }),
  ].join(" ");
  // Browsers drop a line break right after a textarea's tag; here they drop this one.
  return html`<details id="mail"${flag("open", report !== undefined)}>
<summary>${words.sendByMail}</summary>
${report === undefined ? nothing : notices(words, report)}<form method="post" action="${bridgeUrl}/links/${link.id}/mail">
<input type="hidden" name="form" value="${formId}">
<label for="mail-to">${words.mailTo}</label>
<textarea id="mail-to" name="to" rows="2" maxlength="8000" required autocapitalize="none" spellcheck="false" dir="ltr" aria-describedby="mail-to-line"${mistake === undefined ? nothing : html` aria-invalid="true"`}>
${to}</textarea>
${fieldLine("mail-to-line", toLine, mistake !== undefined)}
<label for="mail-message">${words.mailMessage}</label>
<textarea id="mail-message" name="message" rows="3" maxlength="${longestMessage}" dir="auto" aria-describedby="mail-message-line">
${message}</textarea>
${fieldLine("mail-message-line", messageLine, false)}
<div class="actions">
<button>${words.mailSend}</button>
<a role="button" class="secondary" href="${mailProgramUrl}">${words.sendByOwnMail}</a>
</div>
</form>
</details>`;
}

/** What is wrong with what was typed. */
function mistakeIn(words: PageWords, { state, odd = [], retryAfterSeconds }: MailReport): string | undefined {
  switch (state) {
    case "odd":
      return fill(words.mailOdd, { addresses: odd.map((one) => one.slice(0, 100)).join(", ") });
    case "none":
      return words.mailToNobody;
    case "tooMany":
      return fill(words.mailTooMany, { count: recipientsAtMost });
    case "tooOften":
      return fill(words.mailTooOften, { count: mailsPerHour.most, minutes: minutes(retryAfterSeconds) });
    default:
      return undefined;
  }
}

/** What became of the mails before. */
function notices(words: PageWords, report: MailReport): Html {
  if (report.state === "underWay") return notice("plain", words.mailUnderWay);
  const line = (tone: "good" | "bad" | "plain", sentence: string, addresses: readonly string[] = []): Html =>
    addresses.length === 0
      ? nothing
      : notice(
          tone,
          fillHtml(sentence, {
            addresses: joined(addresses.map((one, at) => html`${at === 0 ? "" : ", "}<bdi>${one}</bdi>`)),
          }),
        );
  const notSent = report.fault === "wrong" ? words.mailNotTaken : words.mailNotAnswered;
  return html`${line("good", words.mailSent, report.sent)}${line("bad", words.mailRefused, report.refused)}${line("plain", words.mailUnsure, report.unsure)}${line("bad", notSent, report.notSent)}`;
}

/** Whether the owner is told of requests by mail. `POST /request-mails`: `wanted` (`yes`, `no`). */
export function requestMails(
  { bridgeUrl, language }: PageContext,
  { email, isOff }: { readonly email: string; readonly isOff: boolean },
): Html {
  const words = wordsIn[language].pages;
  const sentence = isOff ? words.requestMailsOff : words.requestMailsOn;
  return html`<form id="request-mails" method="post" action="${bridgeUrl}/request-mails">
<p><small>${fillHtml(sentence, { email: html`<bdi>${email}</bdi>` })}</small></p>
<div class="actions"><button class="secondary" name="wanted" value="${isOff ? "yes" : "no"}">${isOff ? words.wantRequestMails : words.noRequestMails}</button></div>
</form>`;
}
