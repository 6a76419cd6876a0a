import { languageTag, localeOf } from "../model/languageTag.ts";

/** The bridge's languages, in the order of the language switch. */
export const languages = ["en", "de", "es", "fr", "ja", "zh-CN", "zh-TW"] as const;
export type Language = (typeof languages)[number];

/** As those who speak it write it. */
export const languageNames: Readonly<Record<Language, string>> = {
  en: "English",
  de: "Deutsch",
  es: "Español",
  fr: "Français",
  ja: "日本語",
  "zh-CN": "简体中文",
  "zh-TW": "繁體中文",
};

/** The same for a phone's header. */
export const shortNames: Readonly<Record<Language, string>> = {
  en: "EN",
  de: "DE",
  es: "ES",
  fr: "FR",
  ja: "日",
  "zh-CN": "简",
  "zh-TW": "繁",
};

/**
 * A person's language: the chosen one, otherwise the first of the browser's that the bridge has, otherwise English.
 * @param choices most wanted first, such as the `lang` parameter and the cookie; invalid tags are skipped
 */
export function chooseLanguage(choices: readonly (string | undefined)[], acceptLanguage: string | undefined): Language {
  for (const tag of [...choices, ...acceptedTags(acceptLanguage ?? "")]) {
    const language = languageOfTag(tag ?? "");
    if (language !== undefined) return language;
  }
  return "en";
}

/**
 * The language that an editor is told: the person's own first one, whether or not our pages have it.
 * @param asked the `lang` parameter
 * @param kept chosen with our language switch, which has only our own languages: it counts for those who read one of them
 */
export function editorLanguage(
  asked: string | undefined,
  kept: Language | undefined,
  acceptLanguage: string | undefined,
): string {
  const chosen = languageTag(asked ?? "");
  if (chosen !== undefined) return chosen;
  const [first] = acceptedTags(acceptLanguage ?? "").flatMap((tag) => languageTag(tag) ?? []);
  const ours = first === undefined ? undefined : languageOfTag(first);
  const isSwitched = kept !== undefined && kept !== ours && (first === undefined || ours !== undefined);
  return (isSwitched ? languageTag(kept) : first) ?? "en-US";
}

/** The reader's own kind of a language, for times and dates: `de-AT` for who reads German in Austria. @param spoken the browser's languages */
export function ownKind(language: Language, spoken: readonly string[]): string {
  return spoken.find((tag) => languageOfTag(tag) === language) ?? language;
}

/** Ignores the region, except where it tells how Chinese is written. */
function languageOfTag(tag: string): Language | undefined {
  const locale = localeOf(tag)?.maximize();
  if (locale?.language === "zh") return locale.script === "Hant" ? "zh-TW" : "zh-CN";
  return languages.find((language) => language === locale?.language);
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
