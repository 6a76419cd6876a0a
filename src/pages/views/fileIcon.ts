import { type Html, html } from "../html.ts";

type Kind = "folder" | "text" | "sheet" | "slides" | "other";

const kinds: readonly (readonly [Kind, RegExp])[] = [
  ["text", /\.(docx?|docm|dotx?|odt|ott|fodt|rtf|txt|md|pdf)$/i],
  ["sheet", /\.(xlsx?|xlsm|xlsb|xltx|ods|ots|fods|csv)$/i],
  ["slides", /\.(pptx?|pptm|ppsx|potx|odp|otp|fodp)$/i],
];

/** By the extension in a file's name. */
export function fileIcon(name: string): Html {
  return icon(kinds.find(([, pattern]) => pattern.test(name))?.[0] ?? "other");
}

export const folderIcon = (): Html => icon("folder");

/** Each icon's colour, readable on light and dark, and its lines. */
const pictures: Readonly<Record<Kind, readonly [color: string, path: string]>> = {
  folder: ["#b58105", "M3 6.5h6l2 2h10v10.5H3z"],
  text: ["#2b7cd3", "M6 3h8l4 4v14H6zM14 3v4h4M9 11h6M9 14h6M9 17h4"],
  sheet: ["#1f9d63", "M6 3h8l4 4v14H6zM14 3v4h4M8.5 11h7v6.5h-7zM8.5 14.2h7M12 11v6.5"],
  slides: ["#d35f30", "M6 3h8l4 4v14H6zM14 3v4h4M8.5 11.5h7V16h-7zM12 16v2"],
  other: ["#7b8495", "M6 3h8l4 4v14H6zM14 3v4h4"],
};

function icon(kind: Kind): Html {
  const [color, path] = pictures[kind];
  return html`<svg width="28" height="28" viewBox="0 0 24 24" fill="none" stroke="${color}" stroke-width="1.5" stroke-linejoin="round" stroke-linecap="round" aria-hidden="true"><path d="${path}"/></svg>`;
}
