/**
 * A name as an editor sends it: UTF-7, with everything shifted that is not a plain letter, digit, dot or blank, and
 * blanks at the ends, which HTTP would drop.
 */
export function utf7(name: string): string {
  return name.replace(/[^A-Za-z0-9. ]+|^ +| +$/g, (run) => {
    const units = Buffer.alloc(run.length * 2);
    for (let at = 0; at < run.length; at++) units.writeUInt16BE(run.charCodeAt(at), at * 2);
    return `+${units.toString("base64").replaceAll("=", "")}-`;
  });
}

/** What a header of an answer says, read as RFC 2152 has it. */
export function fromUtf7(value: string): string {
  return value.replace(/\+([A-Za-z0-9+/]*)-?/g, (_run, base64: string) => {
    if (base64 === "") return "+";
    const bytes = Buffer.from(base64, "base64");
    let text = "";
    for (let at = 0; at + 1 < bytes.length; at += 2) text += String.fromCharCode(bytes.readUInt16BE(at));
    return text;
  });
}
