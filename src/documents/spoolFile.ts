import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, mkdir, open, readdir, rename, rm, stat, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { BridgeError } from "../model/failure.ts";
import { headIn, holderOf, type SaveHead, seriesKeyOf } from "./saveFacts.ts";
import type { RoomHolder, RoomTaken, SpoolDisk } from "./spoolRoom.ts";

/** Files are read in pieces of this size. */
const readBytes = 128 * 1024;
/** Headers and names are bounded: a longer first line is not from this bridge. */
const headLimit = 256 * 1024;
/** Unfinished files older than this are nobody's: no body or probe takes so long. */
const leftoverAfterMs = 3_600_000;

/** What the name of a complete file says about it: its hash in hex. @returns undefined for other files */
export function parseSpoolName(name: string) {
  const parts = /^([0-9a-f]+)-(\d+)-([0-9a-f]{64})\.(?:save|undecided)(?:\.broken)?$/.exec(name);
  if (parts === null) return undefined;
  const [, id = "", size = "", sha256 = ""] = parts;
  return { id, sizeBytes: Number(size), sha256 };
}

/** A body after its first line, as it was read or written. */
export interface StoredBody {
  readonly headBytes: number;
  readonly sizeBytes: number;
  readonly digest: Buffer;
}

/** `doomed`: discarded, but its file could not be deleted yet. */
type EntryState = "receiving" | "placing" | "kept" | "broken" | "doomed";

/** One file of the spool, and what is being done with it. */
export interface SpoolEntry extends RoomTaken {
  readonly id: string;
  /** Its name in the folder. */
  name: string;
  state: EntryState;
  readonly head: SaveHead;
  readonly receivedAtMs: number;
  reservedBytes: number;
  writtenBytes: number;
  /** Certain to survive a power cut. */
  isDurable: boolean;
  /** Known once its bytes have been compared with its name. */
  checked: StoredBody | undefined;
}

export type NewEntry = SpoolEntry & { readonly head: Exclude<SaveHead, { is: "unread" }> };

/** An entry for a body that is about to arrive. */
export function newEntry(head: NewEntry["head"]): NewEntry {
  const id = randomBytes(12).toString("hex");
  return new Entry(head, id, `${id}.part`, "receiving", head.facts.receivedAtMs, 0);
}

/** A class, because thousands are looked at for each save that arrives. */
class Entry<Head extends SaveHead> implements SpoolEntry {
  readonly head: Head;
  readonly id: string;
  name: string;
  state: EntryState;
  readonly receivedAtMs: number;
  reservedBytes: number;
  writtenBytes: number;
  readonly holder: RoomHolder;
  readonly seriesKey: string | undefined;
  isDurable = false;
  checked: StoredBody | undefined = undefined;

  constructor(head: Head, id: string, name: string, state: EntryState, receivedAtMs: number, bytes: number) {
    this.head = head;
    this.id = id;
    this.name = name;
    this.state = state;
    this.receivedAtMs = receivedAtMs;
    this.reservedBytes = bytes;
    this.writtenBytes = bytes;
    this.holder = holderOf(head);
    this.seriesKey = seriesKeyOf(head);
  }

  get isKept(): boolean {
    return this.state === "kept";
  }
}

/**
 * The spool's folder. `ID.part` is being received; `ID-SIZE-SHA256.save` is complete, and so is `….undecided`, which
 * could not be decided yet; `….broken` was damaged by a power cut. Each holds one line of facts, then the body.
 */
export class SpoolFolder {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  path(name: string): string {
    return join(this.#dir, name);
  }

  names(): Promise<string[]> {
    return readdir(this.#dir);
  }

  /** Creates the folder if needed, and removes unfinished files. @throws what the file system throws */
  async open(): Promise<void> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    await closeToOthers(this.#dir);
    // Zero bytes: even with a full disk, the kept saves must be placed.
    await this.probe(0);
    // An interrupted upload was never acknowledged, and is not a document.
    for (const name of await this.names()) {
      if (isUnfinished(name)) await this.remove(name);
      else await closeToOthers(this.path(name));
    }
  }

  /** Tries to write this many bytes. @throws what the file system throws */
  async probe(sizeBytes: number): Promise<void> {
    const path = this.path(`.probe-${randomBytes(6).toString("hex")}`);
    try {
      await writeFile(path, Buffer.alloc(sizeBytes), { flag: "wx", mode: 0o600 });
    } finally {
      await rm(path, { force: true });
    }
  }

  async disk(): Promise<SpoolDisk> {
    const { blocks, bavail, bsize } = await statfs(this.#dir);
    return { sizeBytes: blocks * bsize, freeBytes: bavail * bsize };
  }

  remove(name: string): Promise<void> {
    return rm(this.path(name), { force: true });
  }

  /** Makes the file and its name in the folder survive a power cut. @throws spoolFailed */
  async sync(name: string): Promise<void> {
    try {
      for (const place of [this.path(name), this.#dir]) {
        const handle = await open(place, "r");
        try {
          await handle.sync();
        } finally {
          await handle.close();
        }
      }
    } catch (error) {
      throw new BridgeError({ kind: "spoolFailed" }, { cause: error });
    }
  }

  /** Gives a complete body its final name. @throws what the file system throws */
  async complete(entry: NewEntry, headBytes: number, sizeBytes: number, digest: Buffer): Promise<void> {
    // Before the name exists: another reader of the folder must not take the file for an orphan.
    entry.state = "placing";
    const suffix = entry.head.is === "placing" ? "save" : "undecided";
    await this.#rename(entry, `${entry.id}-${sizeBytes}-${digest.toString("hex")}.${suffix}`);
    entry.writtenBytes = headBytes + sizeBytes;
    entry.reservedBytes = entry.writtenBytes;
  }

  /** @returns the file with that name; undefined when it is gone, or can't be read now */
  async find(id: string, name: string): Promise<SpoolEntry | undefined> {
    const path = this.path(name);
    try {
      const { size, mtimeMs } = await stat(path);
      const isBroken = name.endsWith(".broken");
      const head = await readHead(path);
      const receivedAtMs = head.is === "unread" ? mtimeMs : head.facts.receivedAtMs;
      const entry = new Entry(head, id, name, isBroken ? "broken" : "kept", receivedAtMs, size);
      if (!isBroken && head.is === "unread") await this.#putAside(entry);
      return entry;
    } catch {
      // It is read again next time.
      return undefined;
    }
  }

  /** @returns undefined when its bytes don't match its name, or can't be read now */
  async check(entry: SpoolEntry): Promise<StoredBody | undefined> {
    const path = this.path(entry.name);
    try {
      if (entry.checked === undefined || (await stat(path)).size !== entry.writtenBytes) {
        const read = await readWhole(path);
        const said = parseSpoolName(entry.name);
        // The name says what the file must hold: half a document must never replace a whole one.
        if (read === undefined || read.sizeBytes !== said?.sizeBytes || read.digest.toString("hex") !== said?.sha256) {
          await this.#putAside(entry);
          return undefined;
        }
        entry.checked = read;
      }
      return entry.checked;
    } catch {
      // A read error of the disk says nothing about the file's content.
      return undefined;
    }
  }

  async #putAside(entry: SpoolEntry): Promise<void> {
    await this.#rename(entry, `${entry.name}.broken`);
    entry.state = "broken";
  }

  async #rename(entry: SpoolEntry, name: string): Promise<void> {
    await rename(this.path(entry.name), this.path(name));
    entry.name = name;
  }

  /** The body of a waiting entry; of a broken one, whatever is there. @throws spoolFailed */
  async read({ name }: SpoolEntry): Promise<{ readonly body: Readable; readonly sizeBytes: number }> {
    const path = this.path(name);
    try {
      const [{ size }, line] = await Promise.all([stat(path), firstLine(path)]);
      const headBytes = line === "" ? 0 : Buffer.byteLength(line) + 1;
      return { body: openBody(path, headBytes, size - headBytes), sizeBytes: size - headBytes };
    } catch (error) {
      throw new BridgeError({ kind: "spoolFailed" }, { cause: error });
    }
  }

  /** Removes unfinished files that are old and have no entry here. */
  async removeLeftovers(isKnown: (id: string) => boolean): Promise<void> {
    for (const name of await this.names()) {
      if (!isUnfinished(name) || isKnown(name.slice(0, -".part".length))) continue;
      if (Date.now() - (await modifiedAtMs(this.path(name))) > leftoverAfterMs) await this.remove(name);
    }
  }
}

function isUnfinished(name: string): boolean {
  return name.endsWith(".part") || name.startsWith(".probe-");
}

/**
 * Removes access that an older version left to others; not on other users' paths or shared ones like /tmp (sticky bit).
 */
async function closeToOthers(path: string): Promise<void> {
  const found = await stat(path);
  const isOurs = (process.getuid === undefined || found.uid === process.getuid()) && (found.mode & 0o1000) === 0;
  if (isOurs) await chmod(path, found.isDirectory() ? 0o700 : 0o600);
}

/** @returns the current time when it is gone */
async function modifiedAtMs(path: string): Promise<number> {
  try {
    return (await stat(path)).mtimeMs;
  } catch {
    return Date.now();
  }
}

export function isNoSpace(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
}

/** @throws what the file system throws */
export async function readHead(path: string): Promise<SaveHead> {
  return headIn(await firstLine(path), /\.undecided(\.broken)?$/.test(path) ? "undecided" : "placing");
}

async function firstLine(path: string): Promise<string> {
  let head = "";
  for await (const chunk of createReadStream(path, "utf8") as AsyncIterable<string>) {
    head += chunk;
    if (head.includes("\n") || head.length > headLimit) break;
  }
  return head.slice(0, Math.max(0, head.indexOf("\n")));
}

/** @param start offset in the file, after the first line */
export function openBody(path: string, start: number, lengthBytes: number): Readable {
  if (lengthBytes <= 0) return Readable.from([]);
  return createReadStream(path, { start, end: start + lengthBytes - 1, highWaterMark: readBytes });
}

/** @returns undefined when it has no first line @throws what the file system throws */
async function readWhole(path: string): Promise<StoredBody | undefined> {
  const hash = createHash("sha256");
  let head: Buffer = Buffer.alloc(0);
  let headBytes: number | undefined;
  let sizeBytes = 0;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    let body = chunk;
    if (headBytes === undefined) {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf(10);
      if (end < 0) continue;
      headBytes = end + 1;
      body = head.subarray(headBytes);
    }
    hash.update(body);
    sizeBytes += body.length;
  }
  return headBytes === undefined ? undefined : { headBytes, sizeBytes, digest: hash.digest() };
}
