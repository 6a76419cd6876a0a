const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** HTML that is already escaped. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** Template for pages: escapes every value that is not Html. */
export function html(strings: TemplateStringsArray, ...values: readonly (string | number | Html)[]): Html {
  const parts = strings.map((part, index) => part + (index < values.length ? escaped(values[index] ?? "") : ""));
  return new Html(parts.join(""));
}

/** Data for a script, inside a `<script type="application/json">`. */
export function jsonForScript(value: unknown): Html {
  return new Html(JSON.stringify(value).replaceAll("<", "\\u003c"));
}

function escaped(value: string | number | Html): string {
  if (value instanceof Html) return value.text;
  return String(value).replace(/[&<>"']/g, (character) => escapes[character] ?? character);
}
