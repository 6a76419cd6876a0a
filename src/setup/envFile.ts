/** @returns the text of a `.env` file in which these settings stand, in place of earlier or commented-out lines */
export function withSettings(text: string, settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings).reduce((rest, [name, value]) => withSetting(rest, name, value), text);
}

function withSetting(text: string, name: string, value: string): string {
  const line = `${name}=${value}`;
  const isSet = new RegExp(`^[ \\t]*(?:export[ \\t]+)?${name}[ \\t]*=.*$`, "m");
  const isCommented = new RegExp(`^#[ \\t]*${name}[ \\t]*=.*$`, "m");
  for (const pattern of [isSet, isCommented]) if (pattern.test(text)) return text.replace(pattern, () => line);
  return `${text}${text === "" || text.endsWith("\n") ? "" : "\n"}${line}\n`;
}

/** @returns the settings as lines for a `.env` file */
export function settingLines(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}`)
    .join("\n");
}
