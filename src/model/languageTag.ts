/** Longer than any language that people have, with its encoding; strangers send more. */
const longestSpelling = 128;

/**
 * A person's language as editors are told it: language and region, and a script only where the region does not imply it.
 * Takes every usual spelling: `de`, `de_DE`, `de_DE.UTF-8`, `pt-br`, `zh-Hant` (→ `zh-TW`), `sr-Latn` (→ `sr-Latn-RS`).
 * @returns undefined for what is not a language
 */
export function languageTag(text: string): string | undefined {
  const locale = localeOf(text);
  if (locale === undefined) return undefined;
  const { language, region, script } = locale.maximize();
  if (region === undefined) return language;
  const usual = new Intl.Locale(`${language}-${region}`).maximize().script;
  return script === undefined || script === usual ? `${language}-${region}` : `${language}-${script}-${region}`;
}

/** What a usual spelling of a language says; undefined for what is not a language. */
export function localeOf(text: string): Intl.Locale | undefined {
  if (text.length > longestSpelling) return undefined;
  const tag = text
    .trim()
    .replace(/[.@].*$/, "")
    .replaceAll("_", "-");
  try {
    const locale = new Intl.Locale(tag);
    // "C", "POSIX" and the like.
    return /^[a-z]{2,3}$/.test(locale.language) && locale.language !== "und" ? locale : undefined;
  } catch {
    return undefined;
  }
}
