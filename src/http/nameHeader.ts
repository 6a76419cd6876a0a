import { BridgeError } from "../model/failure.ts";

/** A run of base64 in UTF-7. It ends at the first character that is not base64; a `-` there belongs to it. */
const shiftedRun = /\+([A-Za-z0-9+/]*)(-?)/g;

/**
 * A file name from a WOPI header. The value is UTF-7 (RFC 2152) and always decoded: clients also encode characters that
 * need no encoding, such as the underscore.
 * @throws headerInvalid when it is not UTF-7: an almost correct name would go to the wrong file
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

/** A file name for a WOPI header: printable ASCII for any name. */
export function nameForHeader(name: string): string {
  return name.replace(/[^A-Za-z0-9 '(),\-./:?]+/g, (run) => {
    if (run === "+") return "+-";
    return `+${Buffer.from(run, "utf16le").swap16().toString("base64").replace(/=+$/, "")}-`;
  });
}

/** @returns undefined when the bits are not whole UTF-16 units, or more than padding is left over */
function utf16Units(base64: string): string | undefined {
  const bytes = Buffer.from(base64, "base64");
  const isPadded = bytes.toString("base64").replace(/=+$/, "") === base64;
  return bytes.length > 0 && bytes.length % 2 === 0 && isPadded ? bytes.swap16().toString("utf16le") : undefined;
}
