import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, mkdir, open, readdir, rename, rm, stat, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { z } from "zod";
import type { Bytes } from "../model/drive.ts";
import { BridgeError } from "../model/failure.ts";
import { SaveMemory, SpoolFile } from "./receivedBody.ts";
import { hasRoom, type RoomHolder, roomBytes, type SpoolDisk } from "./spoolRoom.ts";

/** For all saves together: when hundreds come at once, most are sent on from their files. */
const memoryBudgetBytes = 8 * 1024 * 1024;
/** The part of it that half-sent bodies of one link or portal can hold. */
const memoryShare = 1 / 2;
/** Read in pieces of this size. */
const readBytes = 128 * 1024;
/** More than a full disk has left at the end of some file's block. */
const probeBytes = 64 * 1024;
/** A body whose length nobody has told is counted in steps of this. */
const stepBytes = 1024 * 1024;
/** What was begun and is nobody's any more; long after any body or probe has ended. */
const leftoverAfterMs = 3_600_000;

/** What it takes to place the bytes of a save when the process that received them is gone. */
export const placingFactsSchema = z.object({
  grantId: z.string(),
  grantIssuedAtMs: z.number().optional(),
  document: z.object({ account: z.string(), fileId: z.string() }),
  /** The drive's id of whoever owns the file. */
  ownerId: z.string().optional(),
  personName: z.string(),
  personId: z.string().optional(),
  /** The link that the person came through. */
  linkId: z.string().optional(),
  /** Who gave the right: `portal:NAME`, `link:ID`, `person:ID`. */
  origin: z.string().optional(),
  editor: z.string(),
  fileName: z.string(),
  /** Folder that the file was last seen in: a copy goes there when the file is gone. */
  folderUri: z.string().optional(),
  requestLockId: z.string().optional(),
  timestamp: z.string().optional(),
  receivedAtMs: z.number(),
  /** What of the editor's it is; undefined when it is no save of the document, as in Save As. */
  stand: z
    .object({
      copyId: z.string(),
      order: z.number(),
      baseVersion: z.string().optional(),
      lock: z.string().optional(),
    })
    .optional(),
  /** Whoever sent it has no right to the document any more: it goes beside. */
  isBesideOnly: z.boolean().optional(),
  /** And of that sender this is the last: it takes the place of what he has left there before. */
  isLastOfGrant: z.boolean().optional(),
});
export type PlacingFacts = z.infer<typeof placingFactsSchema>;

/** What an exit save says of itself while nobody can be asked whether it may. */
export const undecidedFactsSchema = z.object({
  grantId: z.string(),
  /** The last segment of WOPISrc. */
  wopiFileId: z.string(),
  requestLockId: z.string().optional(),
  timestamp: z.string().optional(),
  receivedAtMs: z.number(),
});
export type UndecidedFacts = z.infer<typeof undecidedFactsSchema>;

/** A received save, whole and hashed, that can be sent as often as it takes. */
export interface SpooledSave extends Bytes {
  readonly id: string;
  readonly facts: PlacingFacts;
  /** base64, as WOPI's SHA256 property wants it. */
  readonly sha256: string;
  /** Forgets the bytes: the drive has them, or the editor was told that it must keep them. Never rejects. */
  discard(): Promise<void>;
  /**
   * Makes the bytes outlive a power cut and leaves them to the replay; of one copy the newest alone stays.
   * @throws spoolFailed when they may not outlive it, or there is no disk to leave them on
   */
  keep(): Promise<void>;
  /** Takes a kept save to place it. @returns false when it is gone, or somebody else does so */
  claim(): boolean;
  /** Gives a claimed save back, unless a newer one of its copy is kept by now. */
  release(): Promise<void>;
  /**
   * The same bytes under other facts, in place of this save and in its room.
   * @throws spoolFailed, spoolFull when the disk can't hold both for a moment; this save is then as before
   */
  restated(facts: PlacingFacts): Promise<SpooledSave>;
}

/** A save of which is not known yet whether it may go anywhere. */
export interface UndecidedSave {
  readonly facts: UndecidedFacts;
  /** Goes on as a kept save. @throws spoolFailed, spoolFull; it is then as before */
  decide(facts: PlacingFacts): Promise<void>;
  discard(): Promise<void>;
}

/** A save that lies in the spool and that no call is placing. */
export interface WaitingSave {
  readonly id: string;
  readonly sizeBytes: number;
  readonly receivedAtMs: number;
  /** undefined: it is not decided, or its first line can't be read. */
  readonly facts: PlacingFacts | undefined;
  /** A power cut has damaged it. */
  readonly isBroken: boolean;
}

type EntryState = "receiving" | "placing" | "kept" | "broken" | "doomed";

/** One file of the spool. */
interface Entry {
  readonly id: string;
  /** Of the file in the folder. */
  name: string;
  state: EntryState;
  readonly head: Head;
  receivedAtMs: number;
  reservedBytes: number;
  writtenBytes: number;
  /** Outlives a power cut for certain. */
  isDurable: boolean;
  /** Known once its bytes have been compared with its name. */
  checked: { readonly headBytes: number; readonly sizeBytes: number; readonly digest: Buffer } | undefined;
}

type Head =
  | { readonly is: "placing"; readonly facts: PlacingFacts }
  | { readonly is: "undecided"; readonly facts: UndecidedFacts }
  | { readonly is: "unread" };

/** A body that has been received whole. */
interface Received {
  readonly entry: Entry;
  readonly headBytes: number;
  readonly sizeBytes: number;
  readonly digest: Buffer;
  readonly memory: SaveMemory;
  /** The bytes are in memory alone. */
  readonly failure: BridgeError | undefined;
}

/**
 * The bodies of saves, on disk from the first byte until the drive has them. One folder per bridge.
 * `ID.part` is being received; `ID-SIZE-SHA256.save` is whole, `….undecided` too, of which nobody could be asked;
 * `….broken` is what a power cut has damaged.
 */
export class SaveSpool {
  readonly #dir: string;
  readonly #maxBytes: number;
  readonly #entries = new Map<string, Entry>();
  /** Bytes in memory by origin. */
  readonly #memory = new Map<string, number>();
  #inMemoryBytes = 0;

  private constructor(dir: string, maxBytes: number) {
    this.#dir = dir;
    this.#maxBytes = maxBytes;
  }

  /**
   * @param maxBytes for all saves together; the disk may have less
   * @throws Error with a sentence for the operator when the folder can't be written
   */
  static async open(dir: string, maxBytes = Number.POSITIVE_INFINITY): Promise<SaveSpool> {
    const spool = new SaveSpool(dir, maxBytes);
    try {
      await mkdir(dir, { recursive: true, mode: 0o700 });
      await closeToOthers(dir);
      // Empty: with a full disk too the kept saves must be placed.
      await spool.#write(0);
      // What was cut off in the middle was never acknowledged, and is no document.
      for (const name of await readdir(dir)) {
        if (name.endsWith(".part") || name.startsWith(".probe-")) await rm(join(dir, name), { force: true });
        else await closeToOthers(join(dir, name));
      }
      await spool.#look();
    } catch (error) {
      const reason = error instanceof Error ? error.message : "unknown reason";
      throw new Error(`The spool folder ${dir} can't be written (${reason}); check SPOOL_DIR.`);
    }
    return spool;
  }

  /** @returns whether a save could be taken now */
  async state(): Promise<"ok" | "full" | "failing"> {
    try {
      await this.#write(probeBytes);
      const holder = { fileId: "", grantId: "", origin: "" };
      const wish = { holder, copyKey: undefined, bytes: probeBytes };
      return hasRoom(this.#taken(), wish, await this.#disk(), this.#maxBytes) ? "ok" : "full";
    } catch (error) {
      return isNoSpace(error) ? "full" : "failing";
    }
  }

  /** @returns all that the spool may hold now, bytes @throws Error as the file system says it */
  async roomBytes(): Promise<number> {
    return roomBytes(this.#taken(), await this.#disk(), this.#maxBytes);
  }

  async #write(sizeBytes: number): Promise<void> {
    const path = join(this.#dir, `.probe-${randomBytes(6).toString("hex")}`);
    try {
      await writeFile(path, Buffer.alloc(sizeBytes), { flag: "wx", mode: 0o600 });
    } finally {
      await rm(path, { force: true });
    }
  }

  /**
   * Receives a body whole before anything depends on it. Without room on the disk a small body is still taken, in
   * memory.
   * @param declaredBytes as Content-Length has it; undefined = counted as it comes
   * @throws bodyTooLarge, bodyCut when the connection breaks off, spoolFailed when the disk does, spoolFull
   */
  async receive(body: Readable, facts: PlacingFacts, limitBytes: number, declaredBytes?: number): Promise<SpooledSave> {
    const received = await this.#receive(body, { is: "placing", facts }, limitBytes, declaredBytes);
    return this.#save(facts, received);
  }

  /** Receives and keeps a body that is decided about later. @throws as `receive` and `keep` of a save */
  async receiveUndecided(
    body: Readable,
    facts: UndecidedFacts,
    limitBytes: number,
    declaredBytes?: number,
  ): Promise<void> {
    const received = await this.#receive(body, { is: "undecided", facts }, limitBytes, declaredBytes);
    await this.#keep(received.entry, received.memory, received.failure);
  }

  async #receive(
    body: Readable,
    head: Exclude<Head, { is: "unread" }>,
    limitBytes: number,
    declaredBytes: number | undefined,
    inPlaceOf?: Entry,
  ): Promise<Received> {
    const id = randomBytes(12).toString("hex");
    const line = Buffer.from(`${JSON.stringify(head.facts)}\n`);
    const { receivedAtMs } = head.facts;
    const entry: Entry = {
      id,
      name: `${id}.part`,
      state: "receiving",
      head,
      receivedAtMs,
      reservedBytes: 0,
      writtenBytes: 0,
      isDurable: false,
      checked: undefined,
    };
    const { origin } = holderOf(head);
    const memory = new SaveMemory((bytes) => this.#takeMemory(origin, bytes));
    const file = new SpoolFile();
    const hash = createHash("sha256");
    let sizeBytes = 0;
    let isWhole = false;
    this.#entries.set(id, entry);
    const requireSomewhere = () => {
      if (file.failure !== undefined && memory.chunks === undefined) throw file.failure;
    };
    try {
      const headAndBody = line.length + Math.min(declaredBytes ?? stepBytes, limitBytes);
      file.failure = await this.#reserve(entry, headAndBody, inPlaceOf);
      // Said of all of it before the first byte is taken.
      if (file.failure !== undefined && !memory.couldHold(declaredBytes)) throw file.failure;
      if (file.failure === undefined) await file.create(this.#path(entry), line);
      for await (const chunk of received(body)) {
        sizeBytes += chunk.length;
        if (sizeBytes > limitBytes) throw new BridgeError({ kind: "bodyTooLarge", limitBytes });
        hash.update(chunk);
        memory.take(chunk, sizeBytes);
        while (file.failure === undefined && line.length + sizeBytes > entry.reservedBytes) {
          file.failure = await this.#reserve(entry, stepBytes, inPlaceOf);
        }
        await file.write(chunk);
        entry.writtenBytes = file.writtenBytes;
        requireSomewhere();
      }
      await file.flush();
      await file.close();
      requireSomewhere();
      const digest = hash.digest();
      if (file.failure === undefined) {
        const suffix = head.is === "placing" ? "save" : "undecided";
        const name = `${id}-${sizeBytes}-${digest.toString("hex")}.${suffix}`;
        try {
          // Before the name exists: another reader of the folder must not take it for an orphan.
          entry.state = "placing";
          await rename(this.#path(entry), join(this.#dir, name));
          entry.name = name;
          entry.writtenBytes = line.length + sizeBytes;
          entry.reservedBytes = entry.writtenBytes;
        } catch (error) {
          file.failure = new BridgeError({ kind: "spoolFailed" }, { cause: error });
          requireSomewhere();
        }
      }
      isWhole = true;
      return { entry, headBytes: line.length, sizeBytes, digest, memory, failure: file.failure };
    } finally {
      if (!isWhole) memory.letGo();
      await file.close();
      if (!isWhole || file.failure !== undefined) await this.#remove(entry);
    }
  }

  /**
   * Counts bytes before they come.
   * @param inPlaceOf gives its room over: nobody has two for one save
   * @returns the failure when there is no room
   */
  async #reserve(entry: Entry, bytes: number, inPlaceOf?: Entry): Promise<BridgeError | undefined> {
    try {
      const wish = { holder: holderOf(entry.head), copyKey: copyKeyOf(entry.head), bytes };
      const disk = await this.#disk();
      if (!hasRoom(this.#taken(inPlaceOf), wish, disk, this.#maxBytes)) {
        return new BridgeError({ kind: "spoolFull" });
      }
      entry.reservedBytes += bytes;
      return undefined;
    } catch (error) {
      return new BridgeError({ kind: "spoolFailed" }, { cause: error });
    }
  }

  #taken(except?: Entry) {
    const counted = [...this.#entries.values()].filter((entry) => entry !== except);
    return counted.map(({ head, state, reservedBytes, writtenBytes }) => ({
      holder: holderOf(head),
      copyKey: copyKeyOf(head),
      isKept: state === "kept",
      reservedBytes,
      writtenBytes,
    }));
  }

  async #disk(): Promise<SpoolDisk> {
    const { blocks, bavail, bsize } = await statfs(this.#dir);
    return { sizeBytes: blocks * bsize, freeBytes: bavail * bsize };
  }

  /** @param bytes negative gives back @returns whether there is room */
  #takeMemory(origin: string, bytes: number): boolean {
    const ownBytes = (this.#memory.get(origin) ?? 0) + bytes;
    if (bytes > 0 && this.#inMemoryBytes + bytes > memoryBudgetBytes) return false;
    if (bytes > 0 && ownBytes > memoryBudgetBytes * memoryShare) return false;
    this.#inMemoryBytes += bytes;
    if (ownBytes === 0) this.#memory.delete(origin);
    else this.#memory.set(origin, ownBytes);
    return true;
  }

  #path({ name }: Entry): string {
    return join(this.#dir, name);
  }

  /** Never rejects: what the disk does not let go of now is removed when `tidy` comes by. */
  async #remove(entry: Entry): Promise<void> {
    entry.state = "doomed";
    try {
      await rm(this.#path(entry), { force: true });
      this.#entries.delete(entry.id);
    } catch {
      entry.reservedBytes = entry.writtenBytes;
    }
  }

  async #keep(entry: Entry, memory: SaveMemory | undefined, failure: BridgeError | undefined): Promise<void> {
    memory?.letGo();
    if (failure !== undefined) throw failure;
    try {
      await spooling(() => syncToDisk(this.#path(entry), this.#dir));
      entry.isDurable = true;
    } finally {
      // Not sure to outlive a power cut, but worth placing: it lies there.
      entry.state = "kept";
    }
    await this.#dropSuperseded(entry);
  }

  /** Of the kept saves of one copy the newest holds all the others, once it outlives a power cut. */
  async #dropSuperseded(one: Entry): Promise<void> {
    const key = copyKeyOf(one.head);
    if (key === undefined) return;
    const isOlder = (a: Entry, b: Entry) => orderOf(a.head) < orderOf(b.head);
    for (const other of [...this.#entries.values()]) {
      if (other === one || other.state !== "kept" || copyKeyOf(other.head) !== key) continue;
      if (other.isDurable && isOlder(one, other)) return this.#remove(one);
      if (one.isDurable && isOlder(other, one)) await this.#remove(other);
    }
  }

  /** Saves that no call is placing: kept ones, and those of a process that died. Oldest first. */
  async *kept(): AsyncIterable<SpooledSave> {
    await this.#look();
    for (const entry of this.#oldestFirst()) {
      if (entry.state !== "kept" || entry.head.is !== "placing") continue;
      const checked = await this.#check(entry);
      if (checked !== undefined) yield this.#save(entry.head.facts, { entry, ...checked });
    }
  }

  /** Saves that are to be decided about, oldest first. */
  async *undecided(): AsyncIterable<UndecidedSave> {
    for (const entry of this.#oldestFirst()) {
      const { head } = entry;
      if (entry.state !== "kept" || head.is !== "undecided") continue;
      const checked = await this.#check(entry);
      if (checked === undefined) continue;
      const { headBytes, sizeBytes } = checked;
      yield {
        facts: head.facts,
        decide: async (facts) => {
          const body = contentOf(this.#path(entry), headBytes, sizeBytes);
          const save = await this.#restated(entry, body, facts, sizeBytes);
          try {
            await save.keep();
          } catch (error) {
            await save.discard();
            throw error;
          }
          await this.#remove(entry);
        },
        discard: () => this.#remove(entry),
      };
    }
  }

  /** What lies here and waits, without reading or checking its bytes. Oldest first. */
  waiting(): readonly WaitingSave[] {
    return this.#oldestFirst()
      .filter(({ state }) => state === "kept" || state === "broken")
      .map(({ id, head, state, receivedAtMs, writtenBytes, name }) => ({
        id,
        sizeBytes: sizeIn(name) ?? writtenBytes,
        receivedAtMs,
        facts: head.is === "placing" ? head.facts : undefined,
        isBroken: state === "broken",
      }));
  }

  /** The bytes of a save that waits, broken ones as they are. @returns undefined when it is gone */
  async read(id: string): Promise<{ readonly body: Readable; readonly sizeBytes: number } | undefined> {
    const entry = this.#entries.get(id);
    if (entry === undefined || (entry.state !== "kept" && entry.state !== "broken")) return undefined;
    try {
      const path = this.#path(entry);
      const [{ size }, headBytes] = await Promise.all([stat(path), headLength(path)]);
      const sizeBytes = size - headBytes;
      return { body: contentOf(path, headBytes, sizeBytes), sizeBytes };
    } catch (error) {
      throw new BridgeError({ kind: "spoolFailed" }, { cause: error });
    }
  }

  /** Forgets a save that waits. @returns false when it is gone, or is being placed just now */
  async drop(id: string): Promise<boolean> {
    const entry = this.#entries.get(id);
    if (entry === undefined || (entry.state !== "kept" && entry.state !== "broken")) return false;
    await this.#remove(entry);
    return true;
  }

  /** Removes what nobody uses any more, and learns what others have put into the folder or taken away. */
  async tidy(): Promise<void> {
    for (const entry of [...this.#entries.values()]) if (entry.state === "doomed") await this.#remove(entry);
    for (const name of await readdir(this.#dir)) {
      if (!name.endsWith(".part") && !name.startsWith(".probe-")) continue;
      if (this.#entries.has(name.slice(0, -".part".length))) continue;
      const path = join(this.#dir, name);
      if (Date.now() - (await modifiedAtMs(path)) > leftoverAfterMs) await rm(path, { force: true });
    }
    await this.#look();
  }

  /** Joins what is known with what lies in the folder. */
  async #look(): Promise<void> {
    const names = await readdir(this.#dir);
    const there = new Set(names);
    for (const entry of [...this.#entries.values()]) {
      const isOfNobody = entry.state === "kept" || entry.state === "broken";
      if (isOfNobody && !there.has(entry.name)) this.#entries.delete(entry.id);
    }
    for (const name of names) {
      const id = idIn(name);
      if (id === undefined || this.#entries.has(id)) continue;
      const found = await this.#found(id, name);
      if (found !== undefined && !this.#entries.has(id)) this.#entries.set(id, found);
    }
  }

  /** @returns undefined when it is gone meanwhile */
  async #found(id: string, name: string): Promise<Entry | undefined> {
    const path = join(this.#dir, name);
    try {
      const { size, mtimeMs } = await stat(path);
      const isBroken = name.endsWith(".broken");
      const head = await readHead(path, /\.undecided(\.broken)?$/.test(name));
      const entry: Entry = {
        id,
        name,
        state: isBroken ? "broken" : "kept",
        head,
        receivedAtMs: head.is === "unread" ? mtimeMs : head.facts.receivedAtMs,
        reservedBytes: size,
        writtenBytes: size,
        isDurable: false,
        checked: undefined,
      };
      if (!isBroken && head.is === "unread") await this.#putAside(entry);
      return entry;
    } catch {
      // Looked at again the next time.
      return undefined;
    }
  }

  /** @returns undefined when its bytes are not what its name says, or can't be read now */
  async #check(entry: Entry): Promise<NonNullable<Entry["checked"]> | undefined> {
    const path = this.#path(entry);
    try {
      const [, size = "", sha256 = ""] = savePattern.exec(entry.name) ?? [];
      if (entry.checked === undefined || (await stat(path)).size !== entry.writtenBytes) {
        const read = await readWhole(path);
        // Its name tells what it must hold: half a document must never take the place of a whole one.
        if (read === undefined || String(read.sizeBytes) !== size || read.digest.toString("hex") !== sha256) {
          await this.#putAside(entry);
          return undefined;
        }
        entry.checked = read;
      }
      return entry.checked;
    } catch {
      // A disk that does not read says nothing of what lies there.
      return undefined;
    }
  }

  async #putAside(entry: Entry): Promise<void> {
    const name = `${entry.name}.broken`;
    await rename(this.#path(entry), join(this.#dir, name));
    entry.name = name;
    entry.state = "broken";
  }

  #oldestFirst(): Entry[] {
    return [...this.#entries.values()].sort((a, b) => a.receivedAtMs - b.receivedAtMs);
  }

  async #restated(entry: Entry, body: Readable, facts: PlacingFacts, sizeBytes: number): Promise<SpooledSave> {
    const received = await this.#receive(body, { is: "placing", facts }, sizeBytes, sizeBytes, entry);
    return this.#save(facts, received);
  }

  #save(
    facts: PlacingFacts,
    received: Pick<Received, "entry" | "headBytes" | "sizeBytes" | "digest"> & Partial<Received>,
  ): SpooledSave {
    const { entry, headBytes, sizeBytes, digest, memory, failure } = received;
    const save: SpooledSave = {
      id: entry.id,
      facts,
      sizeBytes,
      sha256: digest.toString("base64"),
      open: (first = 0, lengthBytes = sizeBytes - first) => {
        const chunks = memory?.chunks;
        if (chunks !== undefined && lengthBytes === sizeBytes) return Readable.from(chunks);
        if (chunks !== undefined) return Readable.from([Buffer.concat(chunks).subarray(first, first + lengthBytes)]);
        return contentOf(this.#path(entry), headBytes + first, lengthBytes);
      },
      discard: async () => {
        memory?.letGo();
        if (failure === undefined) await this.#remove(entry);
      },
      keep: () => this.#keep(entry, memory, failure),
      claim: () => {
        if (entry.state !== "kept") return false;
        entry.state = "placing";
        return true;
      },
      release: async () => {
        if (entry.state !== "placing") return;
        entry.state = "kept";
        await this.#dropSuperseded(entry);
      },
      restated: async (other) => {
        const restated = await this.#restated(entry, save.open(), other, sizeBytes);
        await save.discard();
        return restated;
      },
    };
    return save;
  }
}

const savePattern = /^[0-9a-f]+-(\d+)-([0-9a-f]{64})\.(?:save|undecided)$/;

function idIn(name: string): string | undefined {
  return /^([0-9a-f]+)-\d+-[0-9a-f]{64}\.(?:save|undecided)(?:\.broken)?$/.exec(name)?.[1];
}

function sizeIn(name: string): number | undefined {
  const size = savePattern.exec(name)?.[1];
  return size === undefined ? undefined : Number(size);
}

function holderOf(head: Head): RoomHolder {
  switch (head.is) {
    case "placing": {
      const { document, grantId, origin, linkId } = head.facts;
      return { fileId: document.fileId, grantId, origin: origin ?? linkId ?? grantId };
    }
    case "undecided":
      return { fileId: head.facts.wopiFileId, grantId: head.facts.grantId, origin: "undecided" };
    default:
      return { fileId: "unread", grantId: "unread", origin: "unread" };
  }
}

/** @returns what saves of the same copy have in common; undefined when each stands for itself */
function copyKeyOf(head: Head): string | undefined {
  if (head.is === "undecided") return `undecided ${head.facts.grantId} ${head.facts.wopiFileId}`;
  if (head.is === "unread") return undefined;
  return copyKey(head.facts);
}

/** @returns what saves of the same copy have in common; undefined when each stands for itself */
export function copyKey({ document, editor, stand, grantId, isLastOfGrant }: PlacingFacts): string | undefined {
  if (isLastOfGrant === true) return `beside ${grantId} ${document.fileId}`;
  return stand === undefined ? undefined : `${document.fileId} ${editor} ${stand.copyId} ${stand.lock ?? ""}`;
}

function orderOf(head: Head): number {
  if (head.is === "unread") return 0;
  return head.is === "placing" ? saveOrder(head.facts) : head.facts.receivedAtMs;
}

/** Which of two saves of one copy is the later one: the larger. */
export function saveOrder({ stand, receivedAtMs }: PlacingFacts): number {
  return stand?.order ?? receivedAtMs;
}

function contentOf(path: string, start: number, lengthBytes: number): Readable {
  if (lengthBytes <= 0) return Readable.from([]);
  return createReadStream(path, { start, end: start + lengthBytes - 1, highWaterMark: readBytes });
}

/** @returns undefined when it has no first line @throws Error as the file system says it */
async function readWhole(path: string) {
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

/** @returns "unread" for a first line that is not what it should be @throws Error as the file system says it */
async function readHead(path: string, isUndecided: boolean): Promise<Head> {
  const line = await firstLine(path);
  try {
    const json: unknown = JSON.parse(line);
    return isUndecided
      ? { is: "undecided", facts: undecidedFactsSchema.parse(json) }
      : { is: "placing", facts: placingFactsSchema.parse(json) };
  } catch {
    return { is: "unread" };
  }
}

async function firstLine(path: string): Promise<string> {
  let head = "";
  for await (const chunk of createReadStream(path, "utf8") as AsyncIterable<string>) {
    head += chunk;
    if (head.includes("\n") || head.length > headLimit) break;
  }
  return head.slice(0, Math.max(0, head.indexOf("\n")));
}

/** Headers and names are bounded: a line that is longer is none of ours. */
const headLimit = 256 * 1024;

/** @returns length of the first line with its end, 0 when there is none */
async function headLength(path: string): Promise<number> {
  const line = await firstLine(path);
  return line === "" ? 0 : Buffer.byteLength(line) + 1;
}

async function* received(body: Readable): AsyncIterable<Buffer> {
  try {
    // Without this a refusal in the middle would close the connection before the answer is out.
    for await (const chunk of body.iterator({ destroyOnReturn: false })) yield chunk as Buffer;
  } catch (error) {
    throw new BridgeError({ kind: "bodyCut" }, { cause: error });
  }
}

/** An earlier bridge has left it open; what is another's, or everybody's like /tmp (the sticky bit), stays as it is. */
async function closeToOthers(path: string): Promise<void> {
  const found = await stat(path);
  const isOurs = (process.getuid === undefined || found.uid === process.getuid()) && (found.mode & 0o1000) === 0;
  if (isOurs) await chmod(path, found.isDirectory() ? 0o700 : 0o600);
}

/** The file and its name in the folder. */
async function syncToDisk(path: string, dir: string): Promise<void> {
  for (const place of [path, dir]) {
    const handle = await open(place, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}

/** @returns now when it is gone */
async function modifiedAtMs(path: string): Promise<number> {
  try {
    return (await stat(path)).mtimeMs;
  } catch {
    return Date.now();
  }
}

function isNoSpace(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
}

async function spooling<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw new BridgeError({ kind: "spoolFailed" }, { cause: error });
  }
}
