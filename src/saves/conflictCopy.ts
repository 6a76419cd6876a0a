const longestExtensionBytes = 32;

/**
 * Name of the copy that keeps work which can't go into the document itself:
 * `Report (conflict, NAME, 2026-11-21 08.15).docx`.
 * @param attempt counts up while the name is taken
 * @param limitBytes Cloudreve's own limit is 255 bytes of UTF-8, not characters
 */
export function conflictCopyName(
  fileName: string,
  personName: string,
  atMs: number,
  attempt: number,
  limitBytes = 255,
): string {
  const dot = fileName.lastIndexOf(".");
  // Behind the dot of a long sentence stands no extension, and the tail must leave room for a stem.
  const hasExtension = dot > 0 && Buffer.byteLength(fileName.slice(dot)) <= longestExtensionBytes;
  const stem = hasExtension ? fileName.slice(0, dot) : fileName;
  const extension = hasExtension ? fileName.slice(dot) : "";
  const plain = personName.replace(/[\\/:*?"<>|\p{Cc}]/gu, " ").trim();
  const who = [...plain].slice(0, 40).join("").trim() || "unknown";
  const when = new Date(atMs).toISOString().slice(0, 16).replace("T", " ").replace(":", ".");
  const more = attempt === 0 ? "" : ` ${attempt + 1}`;
  const tail = ` (conflict, ${who}, ${when})${more}${extension}`;
  return `${cutToBytes(stem, limitBytes - Buffer.byteLength(tail))}${tail}`;
}

function cutToBytes(text: string, limitBytes: number): string {
  let cut = "";
  for (const character of text) {
    if (Buffer.byteLength(cut) + Buffer.byteLength(character) > limitBytes) break;
    cut += character;
  }
  return cut;
}
