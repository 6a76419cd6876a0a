import { type Html, html } from "../pages/html.ts";
import { joined } from "../pages/views/markup.ts";
import type { Language } from "../words/language.ts";

/** What a mail says, before it becomes text and HTML. */
export interface Letter {
  readonly language: Language;
  readonly subject: string;
  readonly parts: readonly LetterPart[];
}

/**
 * - `line`: a sentence; `small`: one that explains the mail
 * - `name`: what the mail is about
 * - `quote`: somebody's own words, with their line breaks
 * - `address`: to open
 */
export type LetterPart =
  | { readonly is: "line" | "small" | "name" | "quote"; readonly text: string }
  | { readonly is: "address"; readonly url: string; readonly label: string };

export function letterText({ parts }: Letter): string {
  const texts = parts.map((part) => {
    if (part.is === "address") return part.url;
    return part.is === "quote" ? part.text.replace(/^/gm, "> ") : part.text;
  });
  return `${texts.join("\n\n")}\n`;
}

/** Without colours of its own but the link's, so that mail programs may show it dark. */
export function letterHtml({ language, subject, parts }: Letter): string {
  return html`<!doctype html>
<html lang="${language}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${subject}</title></head>
<body style="font-family:sans-serif;font-size:16px;line-height:1.5;max-width:560px;margin:0 auto;padding:16px;overflow-wrap:anywhere">
${joined(parts.map(partHtml))}
</body>
</html>
`.text;
}

function partHtml(part: LetterPart): Html {
  switch (part.is) {
    case "line":
      return html`<p dir="auto">${part.text}</p>`;
    case "name":
      return html`<p dir="auto" style="font-size:18px;font-weight:bold">${part.text}</p>`;
    case "quote":
      return html`<blockquote dir="auto" style="margin:16px 0;padding:0 12px;border-left:3px solid #8a94a6;white-space:pre-wrap">${part.text}</blockquote>`;
    case "address":
      return html`<p style="margin:24px 0"><a href="${part.url}" style="display:inline-block;padding:10px 18px;border-radius:8px;background:#0172ad;color:#ffffff;font-weight:bold;text-decoration:none">${part.label}</a></p>
<p style="font-size:13px"><a href="${part.url}">${part.url}</a></p>`;
    case "small":
      return html`<p dir="auto" style="font-size:13px">${part.text}</p>`;
  }
}
