import type { Readable } from "node:stream";
import type { Bytes } from "../model/drive.ts";
import { BridgeError } from "../model/failure.ts";
import { type ReceivedBody, receiveBody, SaveMemory } from "./receivedBody.ts";
import { orderOf, type PlacingFacts, type UndecidedFacts } from "./saveFacts.ts";
import {
  isNoSpace,
  type NewEntry,
  newEntry,
  openBody,
  parseSpoolName,
  type SpoolEntry,
  SpoolFolder,
  type StoredBody,
} from "./spoolFile.ts";
import { hasRoom, MemoryRoom, type RoomTaken, roomBytes } from "./spoolRoom.ts";

/** More than a full disk can have left at the end of some file's last block. */
const probeBytes = 64 * 1024;

/** A save that has been received and hashed completely. It can be sent as often as needed. */
export interface SpooledSave extends Bytes {
  readonly id: string;
  readonly facts: PlacingFacts;
  /** base64, as in WOPI's SHA256 property. */
  readonly sha256: string;
  /** Deletes the bytes: the drive has them, or the editor was told to keep them. Never rejects. */
  discard(): Promise<void>;
  /**
   * Makes the bytes survive a power cut and leaves them to the replay. Of one series, only the newest save is kept.
   * @throws spoolFailed when they may not survive, or are only in memory because the disk failed
   */
  keep(): Promise<void>;
  /** Takes a kept save in order to place it. @returns false when it is gone, or is already being placed */
  claim(): boolean;
  /** Gives a claimed save back, unless a newer one of its series has been kept since. */
  release(): Promise<void>;
  /**
   * Stores the same bytes with other facts. The result replaces this save and takes over its reserved room.
   * @throws spoolFailed, spoolFull when the disk can't hold both for a moment; this save is then unchanged
   */
  restated(facts: PlacingFacts): Promise<SpooledSave>;
}

/** A save for which it is not known yet whether it may be placed. */
export interface UndecidedSave {
  readonly facts: UndecidedFacts;
  /** Turns it into a kept save. @throws spoolFailed, spoolFull; it is then unchanged */
  decide(facts: PlacingFacts): Promise<void>;
  discard(): Promise<void>;
}

/** A save in the spool that no call is placing. */
export interface WaitingSave {
  readonly id: string;
  readonly sizeBytes: number;
  readonly receivedAtMs: number;
  /** undefined: not decided yet, or its first line can't be read. */
  readonly facts: PlacingFacts | undefined;
  /** Damaged by a power cut. */
  readonly isBroken: boolean;
}

/** The saves of one bridge: each is on disk from its first byte until the drive has it. */
export class SaveSpool {
  readonly #folder: SpoolFolder;
  readonly #maxBytes: number;
  readonly #memory = new MemoryRoom();
  readonly #entries = new Map<string, SpoolEntry>();

  private constructor(folder: SpoolFolder, maxBytes: number) {
    this.#folder = folder;
    this.#maxBytes = maxBytes;
  }

  /**
   * @param maxBytes for all saves together; the disk may have less
   * @throws Error with a sentence for the operator when the folder can't be written
   */
  static async open(dir: string, maxBytes = Number.POSITIVE_INFINITY): Promise<SaveSpool> {
    const spool = new SaveSpool(new SpoolFolder(dir), maxBytes);
    try {
      await spool.#folder.open();
      await spool.#look();
    } catch (error) {
      const reason = error instanceof Error ? error.message : "unknown reason";
      throw new Error(`The spool folder ${dir} can't be written (${reason}); check SPOOL_DIR.`);
    }
    return spool;
  }

  /** @returns whether the spool could take a save now */
  async state(): Promise<"ok" | "full" | "failing"> {
    try {
      await this.#folder.probe(probeBytes);
      const wish = { holder: { fileId: "", grantId: "", origin: "" }, seriesKey: undefined, bytes: probeBytes };
      return hasRoom(this.#taken(), wish, await this.#folder.disk(), this.#maxBytes) ? "ok" : "full";
    } catch (error) {
      return isNoSpace(error) ? "full" : "failing";
    }
  }

  /** @returns the bytes that the spool may hold in total now @throws Error from the file system */
  async roomBytes(): Promise<number> {
    return roomBytes(this.#taken(), await this.#folder.disk(), this.#maxBytes);
  }

  /**
   * Receives a body completely before anything depends on it. When the disk has no room, a small body is still
   * accepted, in memory.
   * @param declaredBytes the Content-Length; undefined = counted as it arrives
   * @throws bodyTooLarge, bodyCut when the connection breaks off, spoolFailed when the disk fails, spoolFull
   */
  async receive(body: Readable, facts: PlacingFacts, limitBytes: number, declaredBytes?: number): Promise<SpooledSave> {
    const entry = newEntry({ is: "placing", facts });
    return this.#save(facts, entry, await this.#receive(body, entry, limitBytes, declaredBytes));
  }

  /** Receives and keeps a body that is decided on later. @throws what `receive` and a save's `keep` throw */
  async receiveUndecided(
    body: Readable,
    facts: UndecidedFacts,
    limitBytes: number,
    declaredBytes?: number,
  ): Promise<void> {
    const entry = newEntry({ is: "undecided", facts });
    await this.#keep(entry, await this.#receive(body, entry, limitBytes, declaredBytes));
  }

  /** @param inPlaceOf the entry whose reserved room is used: one save never needs twice its room */
  async #receive(
    body: Readable,
    entry: NewEntry,
    limitBytes: number,
    declaredBytes: number | undefined,
    inPlaceOf?: SpoolEntry,
  ): Promise<ReceivedBody> {
    this.#entries.set(entry.id, entry);
    const memory = new SaveMemory(this.#memory, entry.holder.origin);
    const reserve = (bytes: number) => this.#reserve(entry, bytes, inPlaceOf);
    let received: ReceivedBody | undefined;
    try {
      received = await receiveBody(body, entry, { folder: this.#folder, memory, limitBytes, declaredBytes, reserve });
      return received;
    } finally {
      if (received === undefined || received.failure !== undefined) await this.#remove(entry);
    }
  }

  /** Reserves bytes before they arrive. @returns the failure when there is no room */
  async #reserve(entry: SpoolEntry, bytes: number, inPlaceOf?: SpoolEntry): Promise<BridgeError | undefined> {
    try {
      const wish = { holder: entry.holder, seriesKey: entry.seriesKey, bytes };
      const disk = await this.#folder.disk();
      if (!hasRoom(this.#taken(inPlaceOf), wish, disk, this.#maxBytes)) return new BridgeError({ kind: "spoolFull" });
      entry.reservedBytes += bytes;
      return undefined;
    } catch (error) {
      return new BridgeError({ kind: "spoolFailed" }, { cause: error });
    }
  }

  *#taken(except?: SpoolEntry): Iterable<RoomTaken> {
    for (const entry of this.#entries.values()) if (entry !== except) yield entry;
  }

  #path({ name }: SpoolEntry): string {
    return this.#folder.path(name);
  }

  /** Never rejects: a file that can't be deleted now is removed by a later `tidy`. */
  async #remove(entry: SpoolEntry): Promise<void> {
    entry.state = "doomed";
    try {
      await this.#folder.remove(entry.name);
      this.#entries.delete(entry.id);
    } catch {
      entry.reservedBytes = entry.writtenBytes;
    }
  }

  async #keep(entry: SpoolEntry, { memory, failure }: Partial<ReceivedBody>): Promise<void> {
    memory?.letGo();
    if (failure !== undefined) throw failure;
    try {
      await this.#folder.sync(entry.name);
      entry.isDurable = true;
    } finally {
      // It may not survive a power cut, but it is there now and worth placing.
      entry.state = "kept";
    }
    await this.#dropSuperseded(entry);
  }

  /** Of one series, the newest kept save contains all the others. They are dropped once it survives a power cut. */
  async #dropSuperseded(one: SpoolEntry): Promise<void> {
    const key = one.seriesKey;
    if (key === undefined) return;
    const isOlder = (a: SpoolEntry, b: SpoolEntry) => orderOf(a.head) < orderOf(b.head);
    for (const other of [...this.#entries.values()]) {
      if (other === one || other.state !== "kept" || other.seriesKey !== key) continue;
      if (other.isDurable && isOlder(one, other)) return this.#remove(one);
      if (one.isDurable && isOlder(other, one)) await this.#remove(other);
    }
  }

  /** Saves that no call is placing: kept ones, and those of a process that died. Oldest first. */
  async *kept(): AsyncIterable<SpooledSave> {
    await this.#look();
    for (const entry of this.#oldestFirst("kept")) {
      if (entry.state !== "kept" || entry.head.is !== "placing") continue;
      const body = await this.#folder.check(entry);
      if (body !== undefined) yield this.#save(entry.head.facts, entry, body);
    }
  }

  /** Undecided saves, oldest first. */
  async *undecided(): AsyncIterable<UndecidedSave> {
    for (const entry of this.#oldestFirst("kept")) {
      const { head } = entry;
      if (entry.state !== "kept" || head.is !== "undecided") continue;
      const body = await this.#folder.check(entry);
      if (body === undefined) continue;
      yield {
        facts: head.facts,
        decide: async (facts) => {
          const bytes = openBody(this.#path(entry), body.headBytes, body.sizeBytes);
          const save = await this.#restated(entry, bytes, facts, body.sizeBytes);
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

  /** What waits in the spool, without reading or checking its bytes. Oldest first. */
  waiting(): readonly WaitingSave[] {
    return this.#oldestFirst("kept", "broken").map(({ id, head, state, receivedAtMs, writtenBytes, name }) => ({
      id,
      // For a broken one, it is unknown how much of the file is body.
      sizeBytes: (state === "broken" ? undefined : parseSpoolName(name)?.sizeBytes) ?? writtenBytes,
      receivedAtMs,
      facts: head.is === "placing" ? head.facts : undefined,
      isBroken: state === "broken",
    }));
  }

  /** The bytes of a waiting save; of a broken one, whatever is there. @returns undefined when it is gone */
  async read(id: string): Promise<{ readonly body: Readable; readonly sizeBytes: number } | undefined> {
    const entry = this.#waitingEntry(id);
    return entry === undefined ? undefined : this.#folder.read(entry);
  }

  /** Deletes a waiting save. @returns false when it is gone, or is being placed right now */
  async drop(id: string): Promise<boolean> {
    const entry = this.#waitingEntry(id);
    if (entry === undefined) return false;
    await this.#remove(entry);
    return true;
  }

  #waitingEntry(id: string): SpoolEntry | undefined {
    return this.#oldestFirst("kept", "broken").find((entry) => entry.id === id);
  }

  /** Removes what is no longer used, and notices files that others have added to the folder or removed from it. */
  async tidy(): Promise<void> {
    for (const entry of this.#oldestFirst("doomed")) await this.#remove(entry);
    await this.#folder.removeLeftovers((id) => this.#entries.has(id));
    await this.#look();
  }

  /** Brings the entries in memory in line with the files in the folder. */
  async #look(): Promise<void> {
    const names = await this.#folder.names();
    const there = new Set(names);
    for (const { id, name } of this.#oldestFirst("kept", "broken")) if (!there.has(name)) this.#entries.delete(id);
    for (const name of names) {
      const id = parseSpoolName(name)?.id;
      if (id === undefined || this.#entries.has(id)) continue;
      const found = await this.#folder.find(id, name);
      if (found !== undefined && !this.#entries.has(id)) this.#entries.set(id, found);
    }
  }

  #oldestFirst(...states: readonly SpoolEntry["state"][]): SpoolEntry[] {
    const entries = [...this.#entries.values()].filter(({ state }) => states.includes(state));
    return entries.sort((a, b) => a.receivedAtMs - b.receivedAtMs);
  }

  async #restated(old: SpoolEntry, bytes: Readable, facts: PlacingFacts, sizeBytes: number): Promise<SpooledSave> {
    const entry = newEntry({ is: "placing", facts });
    return this.#save(facts, entry, await this.#receive(bytes, entry, sizeBytes, sizeBytes, old));
  }

  #save(facts: PlacingFacts, entry: SpoolEntry, body: StoredBody & Partial<ReceivedBody>): SpooledSave {
    const { headBytes, sizeBytes, digest, memory, failure } = body;
    const save: SpooledSave = {
      id: entry.id,
      facts,
      sizeBytes,
      sha256: digest.toString("base64"),
      open: (first = 0, lengthBytes = sizeBytes - first) =>
        memory?.open(first, lengthBytes) ?? openBody(this.#path(entry), headBytes + first, lengthBytes),
      discard: async () => {
        memory?.letGo();
        if (failure === undefined) await this.#remove(entry);
      },
      keep: () => this.#keep(entry, body),
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
