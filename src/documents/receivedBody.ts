import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { Readable } from "node:stream";
import { BridgeError } from "../model/failure.ts";
import { firstLineOf } from "./saveFacts.ts";
import type { NewEntry, SpoolFolder, StoredBody } from "./spoolFile.ts";
import type { MemoryRoom } from "./spoolRoom.ts";

/** Up to this size a body is sent on from memory; its file is needed only if the process dies. */
const memoryLimitBytes = 1024 * 1024;
/** Bodies arrive in small chunks: writing each one separately costs more than the bytes themselves. */
const writeBytes = 128 * 1024;
/** Room for a body of unknown length is reserved in steps of this size. */
const stepBytes = 1024 * 1024;

/** A body that has been received completely. */
export interface ReceivedBody extends StoredBody {
  readonly memory: SaveMemory;
  /** Set when the bytes are only in memory. */
  readonly failure: BridgeError | undefined;
}

/**
 * Receives a body completely, into a file of the spool and, while it is small, into memory.
 * @param declaredBytes the Content-Length; undefined = counted as it arrives
 * @param reserve reserves bytes before they arrive, and returns the failure when there is no room
 * @throws bodyTooLarge, bodyCut, spoolFailed, spoolFull; the caller must then remove what is in the folder
 */
export async function receiveBody(
  body: Readable,
  entry: NewEntry,
  {
    folder,
    memory,
    limitBytes,
    declaredBytes,
    reserve,
  }: {
    readonly folder: SpoolFolder;
    readonly memory: SaveMemory;
    readonly limitBytes: number;
    readonly declaredBytes: number | undefined;
    readonly reserve: (bytes: number) => Promise<BridgeError | undefined>;
  },
): Promise<ReceivedBody> {
  const line = Buffer.from(`${firstLineOf(entry.head)}\n`);
  const file = new BodyFile();
  const hash = createHash("sha256");
  let sizeBytes = 0;
  let isWhole = false;
  const requireSomewhere = () => {
    if (file.failure !== undefined && !memory.holdsAll()) throw file.failure;
  };
  try {
    file.failure = await reserve(line.length + Math.min(declaredBytes ?? stepBytes, limitBytes));
    // With a known length, all of it is reserved before the first byte is accepted.
    if (file.failure !== undefined && !memory.couldHold(declaredBytes)) throw file.failure;
    if (file.failure === undefined) await file.create(folder.path(entry.name), line);
    for await (const chunk of chunksOf(body)) {
      sizeBytes += chunk.length;
      if (sizeBytes > limitBytes) throw new BridgeError({ kind: "bodyTooLarge", limitBytes });
      hash.update(chunk);
      memory.take(chunk, sizeBytes);
      while (file.failure === undefined && line.length + sizeBytes > entry.reservedBytes) {
        file.failure = await reserve(stepBytes);
      }
      file.collect(chunk);
      // What is in memory anyway is written at the end, in one go.
      if (!memory.holdsAll() && file.collectedBytes >= writeBytes) await file.flush();
      entry.writtenBytes = file.writtenBytes;
      requireSomewhere();
    }
    await file.flush();
    await file.close();
    requireSomewhere();
    const digest = hash.digest();
    if (file.failure === undefined) {
      try {
        await folder.complete(entry, line.length, sizeBytes, digest);
      } catch (error) {
        file.failure = new BridgeError({ kind: "spoolFailed" }, { cause: error });
        requireSomewhere();
      }
    }
    isWhole = true;
    return { headBytes: line.length, sizeBytes, digest, memory, failure: file.failure };
  } finally {
    if (!isWhole) memory.letGo();
    await file.close();
  }
}

async function* chunksOf(body: Readable): AsyncIterable<Buffer> {
  try {
    // Without this, a refusal in the middle would close the connection before the answer is sent.
    for await (const chunk of body.iterator({ destroyOnReturn: false })) yield chunk as Buffer;
  } catch (error) {
    throw new BridgeError({ kind: "bodyCut" }, { cause: error });
  }
}

/** The bytes of a small body, while there is room for them; all of them or none. */
export class SaveMemory {
  readonly #room: MemoryRoom;
  readonly #origin: string;
  #chunks: Buffer[] | undefined = [];
  #bytes = 0;

  constructor(room: MemoryRoom, origin: string) {
    this.#room = room;
    this.#origin = origin;
  }

  /** False: they are only in the file. */
  holdsAll(): boolean {
    return this.#chunks !== undefined;
  }

  /** @param sizeBytes undefined = not known yet */
  couldHold(sizeBytes: number | undefined): boolean {
    return (sizeBytes ?? 0) <= memoryLimitBytes;
  }

  /** @param sizeBytes of the body so far, including this chunk */
  take(chunk: Buffer, sizeBytes: number): void {
    if (this.#chunks === undefined) return;
    if (sizeBytes > memoryLimitBytes || !this.#room.take(this.#origin, chunk.length)) {
      this.letGo();
      return;
    }
    this.#bytes += chunk.length;
    this.#chunks.push(chunk);
  }

  /** @returns undefined when the bytes are only in the file */
  open(first: number, lengthBytes: number): Readable | undefined {
    if (this.#chunks === undefined) return undefined;
    if (lengthBytes === this.#bytes) return Readable.from(this.#chunks);
    return Readable.from(partOf(this.#chunks, first, lengthBytes));
  }

  letGo(): void {
    this.#room.take(this.#origin, -this.#bytes);
    this.#bytes = 0;
    this.#chunks = undefined;
  }
}

function* partOf(chunks: readonly Buffer[], first: number, lengthBytes: number): Iterable<Buffer> {
  let start = first;
  let left = lengthBytes;
  for (const chunk of chunks) {
    const part = chunk.subarray(start, start + left);
    start = Math.max(0, start - chunk.length);
    left -= part.length;
    if (part.length > 0) yield part;
  }
}

/** The file behind a body being received; when the disk fails, the error is stored, not thrown. */
class BodyFile {
  failure: BridgeError | undefined;
  /** Bytes on the disk so far. */
  writtenBytes = 0;
  /** Bytes that are not written yet. */
  collectedBytes = 0;
  #handle: FileHandle | undefined;
  #collected: Buffer[] = [];

  /** @param head the line before the body */
  async create(path: string, head: Buffer): Promise<void> {
    try {
      this.#handle = await open(path, "wx", 0o600);
      this.collect(head);
    } catch (error) {
      this.#failed(error);
    }
  }

  collect(chunk: Buffer): void {
    if (this.failure !== undefined) return;
    this.#collected.push(chunk);
    this.collectedBytes += chunk.length;
  }

  /** Writes what has been collected; a disk error ends up in `failure`. */
  async flush(): Promise<void> {
    const chunks = this.#collected;
    const sizeBytes = this.collectedBytes;
    this.#collected = [];
    this.collectedBytes = 0;
    if (this.failure !== undefined || this.#handle === undefined) return;
    try {
      const { bytesWritten } = await this.#handle.writev(chunks);
      // A write can store less than it was given, as when the disk fills up. Writing the rest then returns the real
      // error.
      if (bytesWritten < sizeBytes) await this.#handle.appendFile(Buffer.concat(chunks).subarray(bytesWritten));
      this.writtenBytes += sizeBytes;
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Some file systems report only on close that a write failed. May be called twice. */
  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    try {
      await handle?.close();
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    this.failure ??= new BridgeError({ kind: "spoolFailed" }, { cause: error });
  }
}
