/** A parsed `cloudreve://[id[:password]@]fs/path`. */
export interface CloudreveUri {
  readonly fs: string;
  readonly id: string;
  readonly password: string;
  readonly names: readonly string[];
  /** What followed an unencoded `#`; Cloudreve repeats it behind the path of its answer. */
  readonly fragment: string;
}

const shape = /^cloudreve:\/\/(?:([^/@]*)@)?([^/@]*)(\/.*)?$/s;
const illegalInNames = /[\\/:*?"<>|]/;
const nameLimitBytes = 255;

/** @returns undefined when Cloudreve would say "unknown uri" */
export function parseUri(text: string): CloudreveUri | undefined {
  const [beforeFragment = "", ...fragment] = text.split("#");
  // An unencoded question mark starts a search query there; the name ends before it.
  const [plain = ""] = beforeFragment.split("?", 1);
  const parts = shape.exec(plain);
  if (!parts) return undefined;
  const [, user = "", fs = "", path = ""] = parts;
  const [id = "", ...password] = user.split(":");
  try {
    return {
      fs,
      id: decodeURIComponent(id),
      password: decodeURIComponent(password.join(":")),
      names: resolveDots(decodeURIComponent(path).split("/")),
      fragment: fragment.length > 0 ? `#${fragment.join("#")}` : "",
    };
  } catch {
    return undefined;
  }
}

/** The uri in the server's own encoding; a root ends in a slash. */
export function formatUri(uri: Pick<CloudreveUri, "fs" | "id" | "password">, names: readonly string[]): string {
  const password = uri.password === "" ? "" : `:${encodeURIComponent(uri.password)}`;
  const user = uri.id === "" ? "" : `${uri.id}${password}@`;
  return `cloudreve://${user}${uri.fs}/${names.map(encodeURIComponent).join("/")}`;
}

/** 1 to 255 bytes of UTF-8 and none of `\ / : * ? " < > |`, neither `.` nor `..`; control characters pass. */
export function isLegalName(name: string): boolean {
  return !["", ".", ".."].includes(name) && !illegalInNames.test(name) && Buffer.byteLength(name) <= nameLimitBytes;
}

/** Escapes like Go's url.QueryEscape. */
export function queryEscape(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/%20/g, "+");
}

function resolveDots(segments: readonly string[]): string[] {
  const names: string[] = [];
  for (const segment of segments) {
    if (segment === "..") names.pop();
    else if (segment !== "" && segment !== ".") names.push(segment);
  }
  return names;
}
