/** @returns the value of a JSON text; undefined when there is no text or it is not JSON */
export function jsonIn(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return undefined;
  }
}
