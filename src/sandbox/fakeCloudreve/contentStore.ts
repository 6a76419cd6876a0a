import { randomUUID } from "node:crypto";
import { createWriteStream, mkdirSync, rmSync } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";

/** Bytes of documents: received into a temporary file, renamed into place only when complete. */
export class ContentStore {
  readonly #filesDir: string;
  readonly #temporaryDir: string;

  constructor(dir: string) {
    this.#filesDir = join(dir, "files");
    this.#temporaryDir = join(dir, "incoming");
    // What a killed process left half received belongs to nobody.
    rmSync(this.#temporaryDir, { recursive: true, force: true });
    mkdirSync(this.#temporaryDir, { recursive: true });
    mkdirSync(this.#filesDir, { recursive: true });
  }

  path(blob: string): string {
    return join(this.#filesDir, blob);
  }

  /**
   * Stores at most `lengthBytes` of the body; with 0 the body is not even read.
   * @throws when the sender breaks off
   */
  async receive(body: Readable, lengthBytes: number): Promise<string> {
    const temporary = join(this.#temporaryDir, randomUUID());
    try {
      if (lengthBytes === 0) await (await open(temporary, "w")).close();
      else await pipeline(body, cutAfter(lengthBytes), createWriteStream(temporary));
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    return temporary;
  }

  /** Writes one chunk of an upload session at its place. */
  async receiveAt(body: Readable, temporary: string, offsetBytes: number): Promise<void> {
    await (await open(temporary, "a")).close();
    await pipeline(body, createWriteStream(temporary, { flags: "r+", start: offsetBytes }));
  }

  newTemporary(): string {
    return join(this.#temporaryDir, randomUUID());
  }

  /** @returns the blob to remember in the state */
  async keep(temporary: string, userEmail: string, entityNumber: number, name: string): Promise<string> {
    const blob = join(safeName(userEmail), `${String(entityNumber).padStart(5, "0")}_${safeName(name)}`);
    await mkdir(dirname(this.path(blob)), { recursive: true });
    await rename(temporary, this.path(blob));
    return blob;
  }

  async drop(blob: string): Promise<void> {
    await rm(this.path(blob), { force: true });
  }

  async dropTemporary(temporary: string): Promise<void> {
    await rm(temporary, { force: true });
  }
}

function cutAfter(limitBytes: number): Transform {
  let leftBytes = limitBytes;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const part = chunk.subarray(0, leftBytes);
      leftBytes -= part.length;
      done(null, part);
    },
  });
}

// Document names may hold what a file system refuses; the number before the name keeps them apart.
function safeName(name: string): string {
  return [...name.replace(/[^\p{L}\p{N}@+._ -]/gu, "_")].slice(0, 60).join("");
}
