/** `{name}` in a sentence, the only form of placeholder. */
export const placeholder = /\{(\w+)\}/g;

/** Puts values into a sentence's placeholders. One without a value stays visible, so that it is noticed. */
export function fill(sentence: string, values: Readonly<Record<string, string | number>>): string {
  return sentence.replace(placeholder, (written, name: string) => String(values[name] ?? written));
}
