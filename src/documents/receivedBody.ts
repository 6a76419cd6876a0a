import { type FileHandle, open } from "node:fs/promises";
import { BridgeError } from "../model/failure.ts";

/** Up to this size a body is sent on from memory; the file is there for the case that the process dies. */
const memoryLimitBytes = 1024 * 1024;
/** A body comes in small pieces: written one by one they cost more than the bytes themselves. */
const writeBytes = 128 * 1024;

/** The bytes of a small body, as long as there is room for them; all of them or none. */
export class SaveMemory {
  /** undefined: they are in the file alone. */
  chunks: Buffer[] | undefined = [];
  #bytes = 0;
  readonly #takeMemory: (bytes: number) => boolean;

  constructor(takeMemory: (bytes: number) => boolean) {
    this.#takeMemory = takeMemory;
  }

  /** @param sizeBytes undefined = not known yet */
  couldHold(sizeBytes: number | undefined): boolean {
    return (sizeBytes ?? 0) <= memoryLimitBytes;
  }

  take(chunk: Buffer, sizeBytes: number): void {
    if (this.chunks === undefined) return;
    if (sizeBytes > memoryLimitBytes || !this.#takeMemory(chunk.length)) {
      this.letGo();
      return;
    }
    this.#bytes += chunk.length;
    this.chunks.push(chunk);
  }

  letGo(): void {
    this.#takeMemory(-this.#bytes);
    this.#bytes = 0;
    this.chunks = undefined;
  }
}

/** The file behind a body being received; a disk that fails is remembered, not thrown. */
export class SpoolFile {
  failure: BridgeError | undefined;
  /** On the disk so far, bytes. */
  writtenBytes = 0;
  #handle: FileHandle | undefined;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;

  /** @param head the line before the body */
  async create(path: string, head: Buffer): Promise<void> {
    try {
      this.#handle = await open(path, "wx", 0o600);
      await this.write(head);
    } catch (error) {
      this.#failed(error);
    }
  }

  async write(chunk: Buffer): Promise<void> {
    if (this.failure !== undefined) return;
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.length;
    if (this.#waitingBytes >= writeBytes) await this.flush();
  }

  /** Puts down what has been collected; a disk that refuses is told by `failure`. */
  async flush(): Promise<void> {
    const chunks = this.#waiting;
    const sizeBytes = this.#waitingBytes;
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (this.failure !== undefined || this.#handle === undefined) return;
    try {
      const { bytesWritten } = await this.#handle.writev(chunks);
      // One write may put down less than it was given: a disk that fills up does. The rest tells what is the matter.
      if (bytesWritten < sizeBytes) await this.#handle.appendFile(Buffer.concat(chunks).subarray(bytesWritten));
      this.writtenBytes += sizeBytes;
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Some file systems tell only here that they have not written what they took. May be called twice. */
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
