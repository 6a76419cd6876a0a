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
  readonly #handle: FileHandle | undefined;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;

  private constructor(handle: FileHandle | undefined, failure: BridgeError | undefined) {
    this.#handle = handle;
    this.failure = failure;
  }

  static async create(path: string, head: Buffer): Promise<SpoolFile> {
    try {
      const file = new SpoolFile(await open(path, "wx", 0o600), undefined);
      await file.write(head);
      return file;
    } catch (error) {
      return new SpoolFile(undefined, new BridgeError({ kind: "spoolFailed" }, { cause: error }));
    }
  }

  async write(chunk: Buffer): Promise<void> {
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.length;
    if (this.#waitingBytes >= writeBytes) await this.flush();
  }

  /** Puts down what has been collected; a disk that refuses is told by `failure`. */
  async flush(): Promise<void> {
    const chunks = this.#waiting;
    let leftBytes = this.#waitingBytes;
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (this.failure !== undefined || this.#handle === undefined) return;
    try {
      const { bytesWritten } = await this.#handle.writev(chunks);
      leftBytes -= bytesWritten;
      // One write may put down less than it was given: a disk that fills up does. The rest tells what is the matter.
      if (leftBytes > 0) await this.#handle.appendFile(Buffer.concat(chunks).subarray(bytesWritten));
    } catch (error) {
      this.failure = new BridgeError({ kind: "spoolFailed" }, { cause: error });
    }
  }

  async close(): Promise<void> {
    await this.#handle?.close();
  }
}
