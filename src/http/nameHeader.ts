import { BridgeError } from "../model/failure.ts";

/** A run of base64 in UTF-7; it ends at the first character that is not of base64, and swallows a `-` there. */
const shiftedRun = /\+([A-Za-z0-9+/]*)(-?)/g;

/**
 * A file name from a WOPI header. The value is UTF-7 (RFC 2152) and always decoded: clients shift characters that
 * look harmless too, such as the underscore.
 * @throws headerInvalid when it is not UTF-7: a name that is only nearly right would go to the wrong file
 */
export function nameFromHeader(header: string, value: string): string {
  const malformed = () => new BridgeError({ kind: "headerInvalid", header, reason: "not UTF-7" });
  if (!/^[\x20-\x7e]*$/.test(value)) throw malformed();
  return value.replace(shiftedRun, (_run, base64: string, end: string) => {
    if (base64 === "" && end === "-") return "+";
    const units = utf16Units(base64);
    if (units === undefined) throw malformed();
    return units;
  });
}

/** A file name for a WOPI header: printable ASCII, whatever the name holds. */
export function nameForHeader(name: string): string {
  return name.replace(/[^A-Za-z0-9 '(),\-./:?]+/g, (run) => {
    if (run === "+") return "+-";
    return `+${Buffer.from(run, "utf16le").swap16().toString("base64").replace(/=+$/, "")}-`;
  });
}

/** @returns undefined when the bits make no whole units of UTF-16, or more than padding is left over */
function utf16Units(base64: string): string | undefined {
  const bytes = Buffer.from(base64, "base64");
  const isPadded = bytes.toString("base64").replace(/=+$/, "") === base64;
  return bytes.length > 0 && bytes.length % 2 === 0 && isPadded ? bytes.swap16().toString("utf16le") : undefined;
}
