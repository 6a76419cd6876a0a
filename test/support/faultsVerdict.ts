import type { StoredVersion } from "./faultsDriveFiles.ts";
import type { SentSave } from "./faultsInterleaving.ts";

/** @returns a sentence for everything that the bridge has promised and not held */
export function brokenPromises(
  stem: string,
  stored: readonly StoredVersion[],
  sent: readonly SentSave[],
  waiting: number,
): string[] {
  const versions = stored.filter(({ name }) => name === `${stem}.docx`);
  const copies = stored.filter(({ name }) => name.startsWith(`${stem} _conflict`)).map(({ text }) => text);
  const kept = new Set([...versions.map(({ text }) => text), ...copies]);
  const sentences: string[] = [];
  for (const save of sent) {
    const isLater = (other: SentSave): boolean =>
      other.copy === save.copy && other.order > save.order && kept.has(other.text);
    if (save.status === 200 && !kept.has(save.text)) sentences.push(`"${save.text}" was acknowledged and is lost`);
    if (
      save.status !== 200 &&
      (save.isExitSave || save.status !== 409) &&
      !kept.has(save.text) &&
      !sent.some(isLater)
    ) {
      sentences.push(`"${save.text}", answered ${save.status}, is nowhere`);
    }
  }
  for (const [index, { text, number }] of versions.entries()) {
    const save = sent.find((one) => one.text === text);
    const before = versions[index - 1]?.text;
    if (save === undefined || before === undefined || save.seen.has(before)) continue;
    // What an Overwrite was said of is what stood there then, and not what has come since.
    if (save.overwrites && (save.status === 200 || number <= save.newestThen)) continue;
    sentences.push(`"${text}" went over "${before}", which its editor had not seen`);
  }
  if (new Set(copies).size < copies.length) sentences.push(`a copy was made twice: ${copies.join(" | ")}`);
  if (waiting > 0) sentences.push(`${waiting} saves wait for ever`);
  return sentences;
}
