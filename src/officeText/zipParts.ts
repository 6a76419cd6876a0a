import { Unzip, UnzipInflate } from "fflate";
import { Breath } from "../model/breath.ts";
import { NotRead } from "./notRead.ts";

/** Of all wanted parts together, as they come out: declared sizes may lie. */
const unpackedAtMost = 16_000_000;
/** The time that fflate needs for each entry grows with their number. */
const mostEntries = 10_000;
/** Deflate makes at most a thousand times as much of it: that much comes between two pauses. */
const pieceBytes = 128;

const nothing = new Uint8Array(0);

/**
 * The text of the parts of a zip whose path is wanted, by their path; the others are never unpacked or kept.
 * @throws NotRead, and what the body throws
 */
export async function zipParts(
  body: AsyncIterable<Uint8Array>,
  isWanted: (path: string) => boolean,
): Promise<ReadonlyMap<string, string>> {
  const parts = new Map<string, string>();
  const unzip = wantedOnly(isWanted, parts);
  const breath = new Breath();
  const push = async (piece: Uint8Array, isLast: boolean): Promise<void> => {
    try {
      unzip.push(piece, isLast);
    } catch (error) {
      throw error instanceof NotRead ? error : new NotRead("unreadable", { cause: error });
    }
    await breath.draw();
  };
  for await (const chunk of body) {
    for (let at = 0; at < chunk.length; at += pieceBytes) await push(chunk.subarray(at, at + pieceBytes), false);
  }
  await push(nothing, true);
  return parts;
}

function wantedOnly(isWanted: (path: string) => boolean, parts: Map<string, string>): Unzip {
  let [entries, unpackedBytes] = [0, 0];
  const unzip = new Unzip((entry) => {
    entries += 1;
    if (entries > mostEntries) throw new NotRead("unreadable");
    if (!isWanted(entry.name)) {
      entry.ondata = () => undefined;
      // fflate keeps the bytes of entries that are not started.
      if (entry.compression === 0 || entry.compression === 8) entry.start();
      return;
    }
    // Readers differ in which of two they believe.
    if (parts.has(entry.name)) throw new NotRead("unreadable");
    parts.set(entry.name, "");
    const decoder = new TextDecoder("utf-8", { fatal: true });
    entry.ondata = (error, data, isLast) => {
      if (error !== null) throw error;
      unpackedBytes += data.length;
      if (unpackedBytes > unpackedAtMost) throw new NotRead("tooLarge");
      parts.set(entry.name, `${parts.get(entry.name)}${decoder.decode(data, { stream: !isLast })}`);
    };
    entry.start();
  });
  unzip.register(decoderOf(0, isWanted));
  unzip.register(decoderOf(8, isWanted));
  return unzip;
}

/** fflate makes one for each entry that is started; for what is not wanted, it drops the bytes as they are. */
function decoderOf(compression: 0 | 8, isWanted: (path: string) => boolean) {
  return class {
    static compression = compression;
    ondata: (error: Error | null, data: Uint8Array, isLast: boolean) => void = () => undefined;
    readonly #inflate: UnzipInflate | undefined;
    readonly #isWanted: boolean;

    constructor(path: string) {
      this.#isWanted = isWanted(path);
      this.#inflate = this.#isWanted && compression === 8 ? new UnzipInflate() : undefined;
    }

    push(data: Uint8Array, isLast: boolean): void {
      if (this.#inflate !== undefined) {
        this.#inflate.ondata = (error, out, isEnd) => this.ondata(error, out, isEnd);
        this.#inflate.push(data, isLast);
      } else if (this.#isWanted) this.ondata(null, data, isLast);
    }
  };
}
