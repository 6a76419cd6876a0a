/** What the bridge sets in the editor's address. */
export interface ActionChoices {
  readonly wopiSrc: string;
  /** `en-US`, `zh-CN`; undefined = the editor chooses. */
  readonly language: string | undefined;
  readonly theme: "light" | "dark" | undefined;
}

/** Parameters that carry the language, by suite: Collabora and ONLYOFFICE, Microsoft 365. */
const languageParameters = ["lang", "ui", "rs"];

/** Placeholders in discovery's urlsrc that the bridge can fill. */
const placeholders: Readonly<Record<string, (choices: ActionChoices) => string | undefined>> = {
  UI_LLCC: ({ language }) => language,
  DC_LLCC: ({ language }) => language,
  THEME_ID: ({ theme }) => (theme === undefined ? undefined : theme === "dark" ? "2" : "1"),
  WOPI_SOURCE: ({ wopiSrc }) => wopiSrc,
};

/**
 * Turns an editor's address, from Cloudreve's viewer session or a discovery document, into the one our page posts to:
 * with our WOPI source, language and theme, and nothing left in angle brackets. Cloudreve writes the words `lng` and
 * `darkmode` in place of language and theme.
 * @see recordings/cloudreve/viewer-session-ok.json; reference wopi.md section 2
 */
export function actionUrl(source: string, choices: ActionChoices): string {
  const url = new URL(fillPlaceholders(source, choices));
  let sourceParameter = "WOPISrc";
  for (const [name, value] of [...url.searchParams]) {
    if (name.toLowerCase() === "wopisrc" || value === choices.wopiSrc || isCloudreves(value)) {
      sourceParameter = name;
      url.searchParams.delete(name);
    } else if (value === "lng") {
      if (choices.language === undefined) url.searchParams.delete(name);
      else url.searchParams.set(name, choices.language);
    } else if (value === "darkmode") {
      if (choices.theme === undefined) url.searchParams.delete(name);
      else url.searchParams.set(name, choices.theme === "dark" ? "2" : "1");
    }
  }
  if (choices.language !== undefined && !languageParameters.some((name) => url.searchParams.has(name))) {
    url.searchParams.set("lang", choices.language);
  }
  url.searchParams.set(sourceParameter, choices.wopiSrc);
  return url.href;
}

/** An address from discovery without its placeholders, so that it can be parsed. */
export function bareAddress(urlsrc: string): string {
  return urlsrc.replace(/<[^<>]*>/g, "");
}

/** Whatever the parameter is called, this path is Cloudreve's own WOPI host. */
function isCloudreves(wopiSrc: string): boolean {
  return /\/api\/v4\/file\/wopi\/[^/]+$/.test(wopiSrc);
}

/** `<ui=UI_LLCC&>` is filled or removed; unknown and malformed placeholders are removed. */
function fillPlaceholders(source: string, choices: ActionChoices): string {
  return source
    .replace(/<([^=<>&]*)=([^<>&]*)&?>/g, (_group, name: string, word: string) => {
      const value = Object.hasOwn(placeholders, word) ? placeholders[word]?.(choices) : undefined;
      return value === undefined ? "" : `${name}=${encodeURIComponent(value)}&`;
    })
    .replace(/<[^<>]*>/g, "")
    .replace(/[<>]/g, "");
}
