/**
 * A name in UTF-7 as .NET encodes it: what RFC 2152 lists as optional (such as `_` and `&`) is shifted too.
 * RenameFile and RenameContainer send it so.
 */
export function dotNetUtf7(name: string): string {
  return name.replace(/(\+*)([^A-Za-z0-9'(),\-./:? \t\r\n]*)/g, (_run, plus: string, rest: string) => {
    return "+-".repeat(plus.length) + (rest === "" ? "" : `+${base64Of(rest)}-`);
  });
}

/** The same for names that have gone through a query's encoding and back: a blank ends as a plus sign. */
export function queryUtf7(name: string): string {
  return dotNetUtf7(name).replaceAll(" ", "+");
}

function base64Of(text: string): string {
  return Buffer.from(text, "utf16le").swap16().toString("base64").replaceAll("=", "");
}
