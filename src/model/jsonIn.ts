/** @returns what a text says as JSON; undefined for a text that is no JSON, and for none */
export function jsonIn(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return undefined;
  }
}
