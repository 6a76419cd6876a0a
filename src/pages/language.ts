/** Languages in which the bridge speaks to people. */
export const languages = ["en", "zh-CN"] as const;
export type Language = (typeof languages)[number];

/** What an editor is told for it: editors want a region. */
export const editorLanguage: Readonly<Record<Language, string>> = { en: "en-US", "zh-CN": "zh-CN" };

/**
 * The language for a person: what was chosen, else the first of the browser's that the bridge speaks, else English.
 * @param choices most wanted first, as from the `lang` parameter and the switch's cookie; what is no tag is passed over
 */
export function chooseLanguage(choices: readonly (string | undefined)[], acceptLanguage: string | undefined): Language {
  for (const tag of [...choices, ...acceptedTags(acceptLanguage ?? "")]) {
    const language = languageOfTag(tag ?? "");
    if (language !== undefined) return language;
  }
  return "en";
}

/** Whatever the region or script: `zh-TW` is better served in 简体中文 than in English. */
function languageOfTag(tag: string): Language | undefined {
  const [primary] = tag.toLowerCase().split(/[-_]/, 1);
  if (primary === "zh") return "zh-CN";
  return primary === "en" ? "en" : undefined;
}

/** `de;q=0.5, zh` → zh, de */
function acceptedTags(header: string): string[] {
  return header
    .split(",")
    .map((part) => {
      const [tag = "", ...parameters] = part.split(";").map((piece) => piece.trim());
      const q = parameters.map((parameter) => /^q=([\d.]+)$/i.exec(parameter)?.[1]).find((value) => value);
      return { tag, weight: q === undefined ? 1 : Number(q) };
    })
    .filter(({ tag, weight }) => tag !== "" && weight > 0)
    .sort((a, b) => b.weight - a.weight)
    .map(({ tag }) => tag);
}
