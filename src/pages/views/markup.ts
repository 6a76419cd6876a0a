import { placeholder } from "../../words/fill.ts";
import type { Language } from "../../words/language.ts";
import { Html, html } from "../html.ts";

export const nothing = new Html("");

export function joined(pieces: readonly Html[]): Html {
  return new Html(pieces.map(({ text }) => text).join(""));
}

/** A boolean attribute, with a space before it. */
export function flag(name: "checked" | "selected" | "open" | "autofocus" | "required", isSet: boolean): Html {
  return isSet ? new Html(` ${name}`) : nothing;
}

/** Like `fill`, for HTML: values that are not Html are escaped. */
export function fillHtml(sentence: string, values: Readonly<Record<string, string | number | Html>>): Html {
  // Splitting by an expression with a group returns text and placeholder names alternately.
  return joined(
    sentence.split(placeholder).map((part, at) => html`${at % 2 === 1 ? (values[part] ?? `{${part}}`) : part}`),
  );
}

/** A name as typed, in the direction of its script. */
export function named(name: string): Html {
  return html`<bdi>${name}</bdi>`;
}

/** A time; the page's script shows it in the reader's time zone, which requests don't contain. */
export function moment(at: number | string, language: Language): Html {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return nothing;
  return html`<time datetime="${date.toISOString()}">${momentText(date, language)}</time>`;
}

/** As `moment`, where there is no script: in mails. */
export function momentText(date: Date, language: Language): string {
  const format = new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, {
    dateStyle: "medium",
    timeStyle: "short",
    timeZone: "UTC",
  });
  return `${format.format(date)} UTC`;
}

const sizeUnits = ["B", "KB", "MB", "GB", "TB"] as const;
const frenchUnits = ["o", "Ko", "Mo", "Go", "To"] as const;

/** `1.2 MB`, counted by 1024 as Cloudreve and Windows do, so that one file has one size everywhere. */
export function size(sizeBytes: number, language: Language): string {
  const power = sizeBytes < 1024 ? 0 : Math.min(Math.floor(Math.log2(sizeBytes) / 10), sizeUnits.length - 1);
  const amount = sizeBytes / 1024 ** power;
  const digits = new Intl.NumberFormat(language, { maximumFractionDigits: amount < 10 && power > 0 ? 1 : 0 });
  return `${digits.format(amount)} ${(language === "fr" ? frenchUnits : sizeUnits)[power]}`;
}

/** A limit's seconds, in minutes for people. */
export function minutes(seconds: number | undefined): number {
  return Math.max(1, Math.ceil((seconds ?? 60) / 60));
}

/** A message above a form, which screen readers announce. */
export function notice(tone: "good" | "bad" | "plain", message: string | Html): Html {
  return html`<p class="notice ${tone}" role="${tone === "bad" ? "alert" : "status"}">${message}</p>`;
}

/** The line under a field: what is wrong with it, otherwise what it is for. Its id belongs in aria-describedby. */
export function fieldLine(id: string, line: string, isError: boolean): Html {
  return isError ? html`<small id="${id}" class="error">${line}</small>` : html`<small id="${id}">${line}</small>`;
}
