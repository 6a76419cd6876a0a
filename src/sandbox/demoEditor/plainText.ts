/** What of a text file a textarea cannot hold and a save must put back. */
interface TextForm {
  byteOrderMark: boolean;
  lineEnd: "\n" | "\r\n" | "\r";
}

export interface PlainText {
  text: string;
  form: TextForm;
}

/**
 * The text of a file with every line end as `\n`, the only one a textarea knows.
 * @returns undefined when the bytes are not UTF-8
 */
export function readPlainText(bytes: Uint8Array): PlainText | undefined {
  let decoded: string;
  try {
    decoded = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
  const byteOrderMark = decoded.startsWith("\uFEFF");
  const body = byteOrderMark ? decoded.slice(1) : decoded;
  return { text: body.replaceAll(/\r\n?/g, "\n"), form: { byteOrderMark, lineEnd: prevailingLineEnd(body) } };
}

/** The bytes of a text in the form its file had. */
export function writePlainText({ text, form }: PlainText): Buffer {
  const body = form.lineEnd === "\n" ? text : text.replaceAll("\n", form.lineEnd);
  return Buffer.from(form.byteOrderMark ? `\uFEFF${body}` : body, "utf8");
}

function prevailingLineEnd(body: string): TextForm["lineEnd"] {
  const count = (pattern: RegExp): number => body.match(pattern)?.length ?? 0;
  const windows = count(/\r\n/g);
  const unix = count(/\n/g) - windows;
  const bare = count(/\r/g) - windows;
  if (windows > unix && windows >= bare) return "\r\n";
  return bare > unix ? "\r" : "\n";
}
