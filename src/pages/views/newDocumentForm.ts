import { type PageWords, wordsIn } from "../../words/words.ts";
import { type Html, html } from "../html.ts";
import { fileIcon, folderIcon } from "./fileIcon.ts";
import { fieldLine, flag, joined, named, nothing } from "./markup.ts";
import type { PageContext } from "./page.ts";

/** What the form can create without a template. `folder` is a folder. */
export const newTypes = ["docx", "xlsx", "pptx", "txt", "md", "folder"] as const;
type NewType = (typeof newTypes)[number];

const typeNames = (words: PageWords): Readonly<Record<NewType, string>> => ({
  docx: words.typeText,
  xlsx: words.typeSheet,
  pptx: words.typeSlides,
  txt: words.typePlain,
  md: words.typeMarkdown,
  folder: words.folder,
});

interface Template {
  readonly id: string;
  readonly name: string;
}

export interface NewDocumentFacts {
  readonly types: readonly NewType[];
  /** Documents in the person's folder of templates; left out, the page's script asks for them when the form is opened. */
  readonly templates?: readonly Template[];
  readonly isOpen?: true;
  /** What was sent and refused. */
  readonly refused?: { readonly type: string; readonly name: string; readonly sentence: string };
}

/** The button “New” with its form: type, name, create. Posts `folder`, `type` (`template.ID` for one's own) and `name`. */
export function newDocumentForm(
  context: PageContext,
  facts: NewDocumentFacts,
  place: { readonly folderUri: string; readonly listUrl: string },
): Html {
  const words = wordsIn[context.language].pages;
  const names = typeNames(words);
  const { types, templates, refused } = facts;
  const values = [...types, ...(templates ?? []).map(templateValue)];
  const chosen = values.find((value) => value === refused?.type) ?? values[0];
  const line = refused === undefined ? nothing : fieldLine("new-name-line", refused.sentence, true);
  return html`<details class="menu new" id="new"${flag("open", refused !== undefined || facts.isOpen === true)}>
<summary role="button">${words.newDocument}</summary>
<form method="post" action="${context.bridgeUrl}/documents">
<input type="hidden" name="folder" value="${place.folderUri}">
<fieldset>
<legend>${words.newType}</legend>
${joined(types.map((type) => choice(type, type === "folder" ? folderIcon() : fileIcon(`x.${type}`), names[type], chosen)))}</fieldset>
<div id="templates" data-address="${context.bridgeUrl}/documents/templates">${
    templates === undefined
      ? html`<p class="hint"><a href="${place.listUrl}${place.listUrl.endsWith("?") ? "" : "&"}new=1">${words.ownTemplates}</a></p>`
      : templateChoices(context, templates, chosen)
  }</div>
<label for="new-name">${words.newName}</label>
<input id="new-name" name="name" value="${refused?.name ?? words.untitled}" required maxlength="200" autocomplete="off" dir="auto"${refused === undefined ? nothing : html` aria-invalid="true" aria-describedby="new-name-line"`}${flag("autofocus", refused !== undefined)}>
${line}
<button>${words.create}</button>
</form>
</details>`;
}

/** The person's own templates, to choose one. @param chosen the `type` that is chosen already */
export function templateChoices({ language }: PageContext, templates: readonly Template[], chosen?: string): Html {
  const words = wordsIn[language].pages;
  if (templates.length === 0) return html`<p class="hint">${words.templatesHint}</p>`;
  const choices = templates.map((one) => choice(templateValue(one), fileIcon(one.name), named(one.name), chosen));
  return html`<fieldset class="templates">
<legend>${words.ownTemplates}</legend>
${joined(choices)}</fieldset>`;
}

const templateValue = ({ id }: Template): string => `template.${id}`;

function choice(value: string, icon: Html, label: Html | string, chosen: string | undefined): Html {
  return html`<label><input type="radio" name="type" value="${value}"${flag("checked", value === chosen)}>${icon}<span>${label}</span></label>
`;
}
