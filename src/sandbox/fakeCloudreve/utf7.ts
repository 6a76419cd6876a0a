/**
 * Decodes the UTF-7 of WOPI name headers.
 * @returns undefined for bytes outside ASCII or a broken base64 run, which Cloudreve refuses
 */
export function decodeUtf7(text: string): string | undefined {
  if (/[^\t\n\r -~]/.test(text)) return undefined;
  let broken = false;
  const decoded = text.replace(/\+([A-Za-z0-9+/]*)-?/g, (run: string, letters: string) => {
    if (letters === "") {
      broken ||= run !== "+-";
      return "+";
    }
    const bytes = Buffer.from(letters, "base64");
    if (bytes.length % 2 !== 0) broken = true;
    let out = "";
    for (let at = 0; at + 1 < bytes.length; at += 2) out += String.fromCharCode(bytes.readUInt16BE(at));
    return out;
  });
  return broken ? undefined : decoded;
}
