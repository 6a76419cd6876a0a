import type { Readable } from "node:stream";
import type { Bytes } from "../model/drive.ts";
import { BridgeError } from "../model/failure.ts";
import { type ReceivedBody, receiveBody, SaveMemory } from "./receivedBody.ts";
import { holderOf, orderOf, type PlacingFacts, seriesKeyOf, type UndecidedFacts } from "./saveFacts.ts";
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

/** More than a full disk has left at the end of some file's block. */
const probeBytes = 64 * 1024;

/** A received save, whole and hashed, that can be sent as often as it takes. */
export interface SpooledSave extends Bytes {
  readonly id: string;
  readonly facts: PlacingFacts;
  /** base64, as WOPI's SHA256 property wants it. */
  readonly sha256: string;
  /** Forgets the bytes: the drive has them, or the editor was told that it must keep them. Never rejects. */
  discard(): Promise<void>;
  /**
   * Makes the bytes outlive a power cut and leaves them to the replay; of one series the newest alone stays.
   * @throws spoolFailed when they may not outlive it, or there is no disk to leave them on
   */
  keep(): Promise<void>;
  /** Takes a kept save to place it. @returns false when it is gone, or somebody else does so */
  claim(): boolean;
  /** Gives a claimed save back, unless a newer one of its series is kept by now. */
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

/** The saves of one bridge, on disk from their first byte until the drive has them. */
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

  /** @returns whether a save could be taken now */
  async state(): Promise<"ok" | "full" | "failing"> {
    try {
      await this.#folder.probe(probeBytes);
      const wish = { holder: { fileId: "", grantId: "", origin: "" }, seriesKey: undefined, bytes: probeBytes };
      return hasRoom(this.#taken(), wish, await this.#folder.disk(), this.#maxBytes) ? "ok" : "full";
    } catch (error) {
      return isNoSpace(error) ? "full" : "failing";
    }
  }

  /** @returns all that the spool may hold now, bytes @throws Error as the file system says it */
  async roomBytes(): Promise<number> {
    return roomBytes(this.#taken(), await this.#folder.disk(), this.#maxBytes);
  }

  /**
   * Receives a body whole before anything depends on it. Without room on the disk a small body is still taken, in
   * memory.
   * @param declaredBytes as Content-Length has it; undefined = counted as it comes
   * @throws bodyTooLarge, bodyCut when the connection breaks off, spoolFailed when the disk does, spoolFull
   */
  async receive(body: Readable, facts: PlacingFacts, limitBytes: number, declaredBytes?: number): Promise<SpooledSave> {
    const entry = newEntry({ is: "placing", facts });
    return this.#save(facts, entry, await this.#receive(body, entry, limitBytes, declaredBytes));
  }

  /** Receives and keeps a body that is decided about later. @throws as `receive` and `keep` of a save */
  async receiveUndecided(
    body: Readable,
    facts: UndecidedFacts,
    limitBytes: number,
    declaredBytes?: number,
  ): Promise<void> {
    const entry = newEntry({ is: "undecided", facts });
    await this.#keep(entry, await this.#receive(body, entry, limitBytes, declaredBytes));
  }

  /** @param inPlaceOf gives its room over: nobody has two for one save */
  async #receive(
    body: Readable,
    entry: NewEntry,
    limitBytes: number,
    declaredBytes: number | undefined,
    inPlaceOf?: SpoolEntry,
  ): Promise<ReceivedBody> {
    this.#entries.set(entry.id, entry);
    const memory = new SaveMemory(this.#memory, holderOf(entry.head).origin);
    const reserve = (bytes: number) => this.#reserve(entry, bytes, inPlaceOf);
    let received: ReceivedBody | undefined;
    try {
      received = await receiveBody(body, entry, { folder: this.#folder, memory, limitBytes, declaredBytes, reserve });
      return received;
    } finally {
      if (received === undefined || received.failure !== undefined) await this.#remove(entry);
    }
  }

  /** Counts bytes before they come. @returns the failure when there is no room */
  async #reserve(entry: SpoolEntry, bytes: number, inPlaceOf?: SpoolEntry): Promise<BridgeError | undefined> {
    try {
      const wish = { holder: holderOf(entry.head), seriesKey: seriesKeyOf(entry.head), bytes };
      const disk = await this.#folder.disk();
      if (!hasRoom(this.#taken(inPlaceOf), wish, disk, this.#maxBytes)) return new BridgeError({ kind: "spoolFull" });
      entry.reservedBytes += bytes;
      return undefined;
    } catch (error) {
      return new BridgeError({ kind: "spoolFailed" }, { cause: error });
    }
  }

  #taken(except?: SpoolEntry): RoomTaken[] {
    const counted = [...this.#entries.values()].filter((entry) => entry !== except);
    return counted.map(({ head, state, reservedBytes, writtenBytes }) => ({
      holder: holderOf(head),
      seriesKey: seriesKeyOf(head),
      isKept: state === "kept",
      reservedBytes,
      writtenBytes,
    }));
  }

  #path({ name }: SpoolEntry): string {
    return this.#folder.path(name);
  }

  /** Never rejects: what the disk does not let go of now is removed when `tidy` comes by. */
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
      // Not sure to outlive a power cut, but worth placing: it lies there.
      entry.state = "kept";
    }
    await this.#dropSuperseded(entry);
  }

  /** Of the kept saves of one series the newest holds all the others, once it outlives a power cut. */
  async #dropSuperseded(one: SpoolEntry): Promise<void> {
    const key = seriesKeyOf(one.head);
    if (key === undefined) return;
    const isOlder = (a: SpoolEntry, b: SpoolEntry) => orderOf(a.head) < orderOf(b.head);
    for (const other of [...this.#entries.values()]) {
      if (other === one || other.state !== "kept" || seriesKeyOf(other.head) !== key) continue;
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

  /** Saves that are to be decided about, oldest first. */
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

  /** What lies here and waits, without reading or checking its bytes. Oldest first. */
  waiting(): readonly WaitingSave[] {
    return this.#oldestFirst("kept", "broken").map(({ id, head, state, receivedAtMs, writtenBytes, name }) => ({
      id,
      // Of a broken one nobody knows how much of it is body.
      sizeBytes: (state === "broken" ? undefined : parseSpoolName(name)?.sizeBytes) ?? writtenBytes,
      receivedAtMs,
      facts: head.is === "placing" ? head.facts : undefined,
      isBroken: state === "broken",
    }));
  }

  /** The bytes of a save that waits, broken ones as they are. @returns undefined when it is gone */
  async read(id: string): Promise<{ readonly body: Readable; readonly sizeBytes: number } | undefined> {
    const entry = this.#waitingEntry(id);
    return entry === undefined ? undefined : this.#folder.read(entry);
  }

  /** Forgets a save that waits. @returns false when it is gone, or is being placed just now */
  async drop(id: string): Promise<boolean> {
    const entry = this.#waitingEntry(id);
    if (entry === undefined) return false;
    await this.#remove(entry);
    return true;
  }

  #waitingEntry(id: string): SpoolEntry | undefined {
    return this.#oldestFirst("kept", "broken").find((entry) => entry.id === id);
  }

  /** Removes what nobody uses any more, and learns what others have put into the folder or taken away. */
  async tidy(): Promise<void> {
    for (const entry of this.#oldestFirst("doomed")) await this.#remove(entry);
    await this.#folder.removeLeftovers((id) => this.#entries.has(id));
    await this.#look();
  }

  /** Joins what is known with what lies in the folder. */
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
