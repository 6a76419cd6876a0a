import { isRight, type LinkOption, linkOptions, optionNames, tickedIn } from "../../links/linkOptions.ts";
import type { EditLink } from "../../links/links.ts";
import type { DocumentRight } from "../../model/documentRight.ts";
import { fill } from "../../words/fill.ts";
import type { Language } from "../../words/language.ts";
import { wordsIn } from "../../words/words.ts";
import { type Html, html } from "../html.ts";
import { layout } from "./layout.ts";
import { fieldLine, fillHtml, flag, joined, moment, named, nothing, notice } from "./markup.ts";
import type { Page, PageContext } from "./page.ts";

/** Length limits of the fields, in UTF-16 units as browsers count. */
export const linkFormLimits = { password: 200, note: 500 } as const;

/** Days from now, as `expires_in` sends them; `""` is never. */
export const expiryChoices = ["", "1", "7", "30", "90"] as const;

/** The form's fields as they were sent, without the password, which is never sent back. */
export interface LinkFormValues {
  readonly permission: string;
  readonly expiresIn: string;
  readonly removePassword: boolean;
  readonly note: string;
  readonly askName: boolean;
  readonly ticked: readonly LinkOption[];
}

export interface LinkFormFacts {
  readonly file: { readonly id: string; readonly name: string };
  /** `file` is a folder. */
  readonly isFolder?: boolean;
  /** The link to change; left out = a new one. */
  readonly link?: EditLink;
  readonly values?: LinkFormValues;
  readonly error?: {
    readonly field: "permission" | "expires_in" | "password" | "note";
    readonly kind: "invalid" | "tooLong";
  };
  /** Between viewing and editing: what the file's editor keeps people to, and what the link allows already. */
  readonly limitedRights?: readonly DocumentRight[];
  /** The file's editor is known to ignore a watermark. */
  readonly hasNoWatermark?: boolean;
  /** How many other links to this file still work. */
  readonly otherLinks: number;
}

/**
 * Creates a link (`POST /share`) or changes one (`POST /links/ID`). Fields:
 * - `file_id`: only for a new link
 * - `permission`: `edit` | `view`; `review` and `comment` where the editor keeps people to that
 * - `expires_in`: days, one of `expiryChoices`; on change also `keep`
 * - `password`: empty = none, on change = unchanged; `remove_password` (on change, if there is one)
 * - `note`: empty = none
 * - `ask_name`, and a box for each of `linkOptions`
 *
 * A ticked box sends `1`, an unticked one nothing.
 */
export function linkFormPage(context: PageContext, facts: LinkFormFacts): Page {
  const words = wordsIn[context.language].pages;
  const { file, link, otherLinks } = facts;
  const values = facts.values ?? (link === undefined ? newLink : valuesOf(link));
  const [newTitle, newLead, others] =
    facts.isFolder === true
      ? [words.newFolderLinkTitle, words.newFolderLinkLead, words.otherFolderLinks]
      : [words.newLinkTitle, words.newLinkLead, words.otherLinks];
  const title = link === undefined ? newTitle : words.changeLinkTitle;
  const back = link === undefined ? `${context.bridgeUrl}/` : `${context.bridgeUrl}/links/${link.id}`;
  const action = link === undefined ? `${context.bridgeUrl}/share` : back;
  return layout(context, {
    title: `${title}: ${file.name}`,
    isNarrow: true,
    main: html`<article>
<h1>${title}</h1>
<p><strong>${named(file.name)}</strong></p>
<p class="lead">${link === undefined ? newLead : words.changeLinkLead}</p>
${otherLinks === 0 ? nothing : notice("plain", html`${fill(others, { count: otherLinks })} <a href="${context.bridgeUrl}/links">${words.seeMyLinks}</a>`)}
<form method="post" action="${action}">
${link === undefined ? html`<input type="hidden" name="file_id" value="${file.id}">` : nothing}
${permissionField(context, values, facts)}
${joined(optionNames.filter(isRight).map((name) => optionBox(context, values, name)))}
${expiryField(context, values, facts)}
${passwordField(context, values, facts)}
${noteField(context, values, facts.error)}
${box("ask_name", words.askName, values.askName, words.askNameHint)}
${restrictionFields(context, values, facts)}
<button>${link === undefined ? words.makeLink : words.saveChanges}</button>
</form>
<p class="aside"><a href="${back}">${words.cancel}</a></p>
</article>`,
  });
}

const newLink: LinkFormValues = {
  permission: "edit",
  expiresIn: "",
  removePassword: false,
  note: "",
  askName: true,
  ticked: [],
};

function valuesOf(link: EditLink): LinkFormValues {
  return {
    permission: link.permission,
    expiresIn: "keep",
    removePassword: false,
    note: link.note ?? "",
    askName: link.asksName,
    ticked: tickedIn(link),
  };
}

function permissionField({ language }: PageContext, values: LinkFormValues, facts: LinkFormFacts): Html {
  const { error, isFolder, limitedRights = [] } = facts;
  const words = wordsIn[language].pages;
  const isWrong = error?.field === "permission";
  const choices = [
    ["edit", words.mayEdit, isFolder === true ? words.mayEditFolderHint : words.mayEditHint],
    ["review", words.mayReview, words.mayReviewHint],
    ["comment", words.mayComment, words.mayCommentHint],
    ["view", words.mayView, words.mayViewHint],
  ] as const;
  const offered = choices.filter(([value]) => value === "edit" || value === "view" || limitedRights.includes(value));
  return html`<fieldset${isWrong ? html` aria-describedby="permission-line"` : nothing}>
<legend>${words.permission}</legend>
${joined(
  offered.map(
    ([value, label, hint], at) =>
      html`<label><input type="radio" name="permission" value="${value}" required${flag("checked", values.permission === value)}${flag("autofocus", isWrong && at === 0)}> <span>${label}<small>${hint}</small></span></label>`,
  ),
)}
${limitedRights.length === 0 ? nothing : html`<p><small>${words.limitedMeans}</small></p>`}
${isWrong ? fieldLine("permission-line", words.choiceInvalid, true) : nothing}
</fieldset>`;
}

function expiryField({ language }: PageContext, values: LinkFormValues, { error, link }: LinkFormFacts): Html {
  const words = wordsIn[language].pages;
  const isWrong = error?.field === "expires_in";
  const nowEnds =
    link === undefined
      ? nothing
      : link.expiresAtMs === undefined
        ? html`${words.endsNever}`
        : fillHtml(words.endsNow, { time: moment(link.expiresAtMs, language) });
  const hasLine = isWrong || link !== undefined;
  return html`<label for="expires-in">${words.expiresIn}</label>
<select id="expires-in" name="expires_in"${hasLine ? html` aria-describedby="expires-line"` : nothing}${invalid(isWrong)}>${expiryOptions(language, link, values.expiresIn)}</select>
${isWrong ? fieldLine("expires-line", words.choiceInvalid, true) : hasLine ? html`<small id="expires-line">${nowEnds}</small>` : nothing}`;
}

/** For `expires_in`. @param link to change; left out = a new one */
export function expiryOptions(language: Language, link: EditLink | undefined, chosen: string): Html {
  const words = wordsIn[language].pages;
  const labelled = (choice: string): string => {
    if (choice === "keep") return words.keepExpiry;
    if (choice === "") return words.never;
    return choice === "1" ? words.afterOneDay : fill(words.afterDays, { days: choice });
  };
  return joined(
    [...(link === undefined ? [] : ["keep"]), ...expiryChoices].map(
      (choice) => html`<option value="${choice}"${flag("selected", chosen === choice)}>${labelled(choice)}</option>`,
    ),
  );
}

function passwordField({ language }: PageContext, values: LinkFormValues, { error, link }: LinkFormFacts): Html {
  const words = wordsIn[language].pages;
  const isWrong = error?.field === "password";
  const hasPassword = link?.passwordHash !== undefined;
  const line = hasPassword ? `${words.keepPasswordHint} ${words.passwordHint}` : words.passwordHint;
  const tooLong = fill(words.tooLong, { count: linkFormLimits.password });
  // Readable, because the owner has to pass it on; and browsers must not save it as the owner's own.
  return html`<label for="password">${hasPassword ? words.newPassword : words.optionalPassword}</label>
<input id="password" name="password" type="text" autocomplete="off" autocapitalize="none" spellcheck="false" maxlength="${linkFormLimits.password}" aria-describedby="password-line"${invalid(isWrong)}>
${fieldLine("password-line", isWrong ? tooLong : line, isWrong)}
${hasPassword ? box("remove_password", words.removePassword, values.removePassword) : nothing}`;
}

function noteField({ language }: PageContext, { note }: LinkFormValues, error: LinkFormFacts["error"]): Html {
  const words = wordsIn[language].pages;
  const isWrong = error?.field === "note";
  const tooLong = fill(words.tooLong, { count: linkFormLimits.note });
  // Browsers drop a line break right after the tag; here they drop this one and not the note's.
  return html`<label for="note">${words.note}</label>
<textarea id="note" name="note" rows="2" maxlength="${linkFormLimits.note}" dir="auto" aria-describedby="note-line"${invalid(isWrong)}>
${note}</textarea>
${fieldLine("note-line", isWrong ? tooLong : words.noteHint, isWrong)}`;
}

function restrictionFields(context: PageContext, values: LinkFormValues, { hasNoWatermark }: LinkFormFacts): Html {
  const words = wordsIn[context.language].pages;
  const restrictions = optionNames.filter((name) => !isRight(name));
  return html`<details${flag(
    "open",
    restrictions.some((name) => values.ticked.includes(name)),
  )}>
<summary>${words.restrictions}</summary>
${joined(restrictions.map((name) => (name === "watermark" && hasNoWatermark === true ? html`<p><small>${words.noWatermark}</small></p>` : optionBox(context, values, name))))}
<p><small>${words.restrictionsHint}</small></p>
</details>`;
}

function optionBox({ language }: PageContext, { ticked }: LinkFormValues, name: LinkOption): Html {
  const words = wordsIn[language].pages;
  const option = linkOptions[name];
  return box(
    option.field,
    words[option.label],
    ticked.includes(name),
    "hint" in option ? words[option.hint] : undefined,
  );
}

function box(name: string, label: string, isTicked: boolean, hint?: string): Html {
  const line = hint === undefined ? nothing : html`<small>${hint}</small>`;
  return html`<label><input type="checkbox" name="${name}" value="1"${flag("checked", isTicked)}> <span>${label}${line}</span></label>`;
}

function invalid(isInvalid: boolean): Html {
  return isInvalid ? html` aria-invalid="true" autofocus` : nothing;
}
