import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { Bytes } from "../model/drive.ts";
import { BridgeError } from "../model/failure.ts";

/** Up to this size a body is sent on from memory; the file is there for the case that the process dies. */
const memoryLimitBytes = 1024 * 1024;

/** A received save, whole and hashed, that can be sent as often as it takes. */
export interface SpooledSave extends Bytes {
  /** base64, as WOPI's SHA256 property wants it. */
  readonly sha256: string;
  /** Forgets the bytes: the drive has them, or the editor was told that it must keep them. */
  discard(): Promise<void>;
}

/** The bodies of saves, on disk from the first byte until the drive has them. */
export class SaveSpool {
  readonly #dir: string;

  private constructor(dir: string) {
    this.#dir = dir;
  }

  /** @throws Error with a sentence for the operator when the folder can't be written */
  static async open(dir: string): Promise<SaveSpool> {
    try {
      await mkdir(dir, { recursive: true });
      const probe = join(dir, `.probe-${randomBytes(6).toString("hex")}`);
      await (await open(probe, "wx")).close();
      await rm(probe);
    } catch (error) {
      const reason = error instanceof Error ? error.message : "unknown reason";
      throw new Error(`The spool folder ${dir} can't be written (${reason}); check SPOOL_DIR.`);
    }
    return new SaveSpool(dir);
  }

  /**
   * Receives a body whole before anything depends on it.
   * @param facts what is needed to place these bytes should the process die; the first line of the file
   * @throws bodyTooLarge, bodyCut when the connection breaks off, spoolFailed when the disk does
   */
  async receive(body: Readable, facts: object, limitBytes: number): Promise<SpooledSave> {
    const path = join(this.#dir, `${randomBytes(12).toString("hex")}.part`);
    const head = Buffer.from(`${JSON.stringify(facts)}\n`);
    const file = await spooling(() => open(path, "wx"));
    const hash = createHash("sha256");
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    let whole = false;
    const complete = path.replace(/part$/, "save");
    try {
      // appendFile, since one write may put down less than it was given: a disk that fills up does.
      await spooling(() => file.appendFile(head));
      for await (const chunk of received(body)) {
        sizeBytes += chunk.length;
        if (sizeBytes > limitBytes) throw new BridgeError({ kind: "bodyTooLarge", limitBytes });
        hash.update(chunk);
        if (sizeBytes <= memoryLimitBytes) chunks.push(chunk);
        else chunks.length = 0;
        await spooling(() => file.appendFile(chunk));
      }
      await spooling(() => file.close());
      await spooling(() => rename(path, complete));
      whole = true;
    } finally {
      // What went wrong first is what the caller hears.
      if (!whole) await Promise.allSettled([file.close(), rm(path, { force: true })]);
    }
    const inMemory = sizeBytes <= memoryLimitBytes ? Buffer.concat(chunks) : undefined;
    return {
      sizeBytes,
      sha256: hash.digest("base64"),
      open: () =>
        inMemory === undefined ? createReadStream(complete, { start: head.length }) : Readable.from([inMemory]),
      discard: () => rm(complete, { force: true }),
    };
  }
}

async function* received(body: Readable): AsyncIterable<Buffer> {
  try {
    // Without this a refusal in the middle would close the connection before the answer is out.
    for await (const chunk of body.iterator({ destroyOnReturn: false })) yield chunk as Buffer;
  } catch (error) {
    throw new BridgeError({ kind: "bodyCut" }, { cause: error });
  }
}

async function spooling<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw new BridgeError({ kind: "spoolFailed" }, { cause: error });
  }
}
