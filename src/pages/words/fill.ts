/** `{name}` in a sentence; the words of both languages use this form alone. */
export const placeholder = /\{(\w+)\}/g;

/** Puts values into a sentence's placeholders; one without a value stays as it is, so that it is seen. */
export function fill(sentence: string, values: Readonly<Record<string, string | number>>): string {
  return sentence.replace(placeholder, (written, name: string) => String(values[name] ?? written));
}
