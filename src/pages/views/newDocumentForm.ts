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

export interface NewDocumentFacts {
  readonly types: readonly NewType[];
  /** Documents in the person's folder of templates. */
  readonly templates: readonly { readonly id: string; readonly name: string }[];
  /** What was sent and refused. */
  readonly refused?: { readonly type: string; readonly name: string; readonly sentence: string };
}

/** The button “New” with its form: type, name, create. Posts `folder`, `type` (`template.ID` for one's own) and `name`. */
export function newDocumentForm(context: PageContext, facts: NewDocumentFacts, folderUri: string): Html {
  const words = wordsIn[context.language].pages;
  const names = typeNames(words);
  const { types, templates, refused } = facts;
  const values = [...types, ...templates.map(({ id }) => `template.${id}`)];
  const chosen = values.find((value) => value === refused?.type) ?? values[0];
  const choice = (value: string, icon: Html, label: Html | string) =>
    html`<label><input type="radio" name="type" value="${value}"${flag("checked", value === chosen)}>${icon}<span>${label}</span></label>
`;
  const line = refused === undefined ? nothing : fieldLine("new-name-line", refused.sentence, true);
  return html`<details class="menu new" id="new"${flag("open", refused !== undefined)}>
<summary role="button">${words.newDocument}</summary>
<form method="post" action="${context.bridgeUrl}/documents">
<input type="hidden" name="folder" value="${folderUri}">
<fieldset>
<legend>${words.newType}</legend>
${joined(types.map((type) => choice(type, type === "folder" ? folderIcon() : fileIcon(`x.${type}`), names[type])))}</fieldset>
${
  templates.length === 0
    ? html`<p class="hint">${words.templatesHint}</p>`
    : html`<fieldset class="templates">
<legend>${words.ownTemplates}</legend>
${joined(templates.map(({ id, name }) => choice(`template.${id}`, fileIcon(name), named(name))))}</fieldset>`
}
<label for="new-name">${words.newName}</label>
<input id="new-name" name="name" value="${refused?.name ?? words.untitled}" required maxlength="200" autocomplete="off" dir="auto"${refused === undefined ? nothing : html` aria-invalid="true" aria-describedby="new-name-line"`}${flag("autofocus", refused !== undefined)}>
${line}
<button>${words.create}</button>
</form>
</details>`;
}
