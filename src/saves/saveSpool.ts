import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, mkdir, open, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { z } from "zod";
import type { Bytes } from "../model/drive.ts";
import { BridgeError } from "../model/failure.ts";
import { SaveMemory, SpoolFile } from "./receivedBody.ts";

/** For all saves together: when hundreds come at once, most are sent on from their files. */
const memoryBudgetBytes = 8 * 1024 * 1024;
/** Read in pieces of this size. */
const readBytes = 128 * 1024;
/** More than a full disk has left at the end of some file's block. */
const probeBytes = 64 * 1024;

/** What it takes to place the bytes of a save when the process that received them is gone. */
export const placingFactsSchema = z.object({
  grantId: z.string(),
  grantIssuedAtMs: z.number().optional(),
  document: z.object({ account: z.string(), fileId: z.string() }),
  personName: z.string(),
  personId: z.string().optional(),
  /** The link that the person came through. */
  linkId: z.string().optional(),
  editor: z.string(),
  fileName: z.string(),
  requestLockId: z.string().optional(),
  timestamp: z.string().optional(),
  receivedAtMs: z.number(),
  /** What of the editor's it is; undefined when it is no save of the document, as in Save As. */
  stand: z.object({ copyId: z.string(), order: z.number(), baseVersion: z.string().optional() }).optional(),
  /** Whoever sent it has no right to the document any more: it goes beside. */
  isBesideOnly: z.boolean().optional(),
});
export type PlacingFacts = z.infer<typeof placingFactsSchema>;

/** A received save, whole and hashed, that can be sent as often as it takes. */
export interface SpooledSave extends Bytes {
  readonly facts: PlacingFacts;
  /** base64, as WOPI's SHA256 property wants it. */
  readonly sha256: string;
  /** Forgets the bytes: the drive has them, or the editor was told that it must keep them. */
  discard(): Promise<void>;
  /** Makes the bytes outlive a power cut and leaves them to the replay. @throws spoolFailed */
  keep(): Promise<void>;
}

/**
 * The bodies of saves, on disk from the first byte until the drive has them. One folder per bridge.
 * `ID.part` is being received; `ID-SIZE-SHA256.save` is whole; `….broken` is what a power cut has damaged.
 */
export class SaveSpool {
  readonly #dir: string;
  /** Names of the files that a call of this process is placing now. */
  readonly #beingPlaced = new Set<string>();
  #inMemoryBytes = 0;

  private constructor(dir: string) {
    this.#dir = dir;
  }

  /** @throws Error with a sentence for the operator when the folder can't be written */
  static async open(dir: string): Promise<SaveSpool> {
    const spool = new SaveSpool(dir);
    try {
      await mkdir(dir, { recursive: true, mode: 0o700 });
      await closeToOthers(dir);
      // Empty: with a full disk too the kept saves must be placed.
      await spool.probe(0);
      // What was cut off in the middle was never acknowledged, and is no document.
      for (const name of await readdir(dir)) {
        if (name.endsWith(".part")) await rm(join(dir, name), { force: true });
        else await closeToOthers(join(dir, name));
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : "unknown reason";
      throw new Error(`The spool folder ${dir} can't be written (${reason}); check SPOOL_DIR.`);
    }
    return spool;
  }

  /** Writes and removes something. @throws Error as the file system says it when the folder takes nothing */
  async probe(sizeBytes = probeBytes): Promise<void> {
    const path = join(this.#dir, `.probe-${randomBytes(6).toString("hex")}`);
    try {
      await writeFile(path, Buffer.alloc(sizeBytes), { flag: "wx", mode: 0o600 });
    } finally {
      await rm(path, { force: true });
    }
  }

  /**
   * Receives a body whole before anything depends on it. With a full disk a small body is still taken, in memory.
   * @throws bodyTooLarge, bodyCut when the connection breaks off, spoolFailed when the disk does
   */
  async receive(body: Readable, facts: PlacingFacts, limitBytes: number): Promise<SpooledSave> {
    const id = randomBytes(12).toString("hex");
    const part = join(this.#dir, `${id}.part`);
    const head = headOf(facts);
    const file = await SpoolFile.create(part, head);
    const hash = createHash("sha256");
    const memory = new SaveMemory((bytes) => this.#takeMemory(bytes));
    let sizeBytes = 0;
    let isWhole = false;
    try {
      for await (const chunk of received(body)) {
        sizeBytes += chunk.length;
        if (sizeBytes > limitBytes) throw new BridgeError({ kind: "bodyTooLarge", limitBytes });
        hash.update(chunk);
        memory.take(chunk, sizeBytes);
        await file.write(chunk);
        if (file.failure !== undefined && memory.chunks === undefined) throw file.failure;
      }
      await file.flush();
      if (file.failure !== undefined && memory.chunks === undefined) throw file.failure;
      isWhole = true;
    } finally {
      if (!isWhole) memory.letGo();
      await file.close();
      if (!isWhole || file.failure !== undefined) await rm(part, { force: true });
    }
    const digest = hash.digest();
    const name = `${id}-${sizeBytes}-${digest.toString("hex")}.save`;
    if (file.failure === undefined) {
      // Before the name exists: another reader of the folder must not take it for an orphan.
      this.#beingPlaced.add(name);
      await spooling(() => rename(part, join(this.#dir, name)));
    }
    return this.#save(name, facts, head.length, sizeBytes, digest, memory, file.failure);
  }

  /** @param bytes negative gives back @returns whether there is room */
  #takeMemory(bytes: number): boolean {
    if (this.#inMemoryBytes + bytes > memoryBudgetBytes) return false;
    this.#inMemoryBytes += bytes;
    return true;
  }

  /** Saves that no call is placing: kept ones, and those of a process that died. Oldest first. */
  async *kept(): AsyncIterable<SpooledSave> {
    const names = (await readdir(this.#dir)).filter((name) => name.endsWith(".save") && !this.#beingPlaced.has(name));
    const saves: SpooledSave[] = [];
    for (const name of names) {
      const save = await this.#reopen(name);
      if (save !== undefined) saves.push(save);
    }
    yield* saves.sort((a, b) => a.facts.receivedAtMs - b.facts.receivedAtMs);
  }

  /** What of a save waits here, without reading or checking its bytes. */
  async *waiting(): AsyncIterable<{ readonly facts: PlacingFacts; readonly sizeBytes: number }> {
    for (const name of await readdir(this.#dir)) {
      const size = /^[0-9a-f]+-(\d+)-[0-9a-f]{64}\.save$/.exec(name)?.[1];
      if (size === undefined || this.#beingPlaced.has(name)) continue;
      const facts = await readFacts(join(this.#dir, name));
      if (facts !== undefined) yield { facts, sizeBytes: Number(size) };
    }
  }

  async #reopen(name: string): Promise<SpooledSave | undefined> {
    const path = join(this.#dir, name);
    const [, size = "", sha256 = ""] = /^[0-9a-f]+-(\d+)-([0-9a-f]{64})\.save$/.exec(name) ?? [];
    const read = await readWhole(path);
    // Its name tells what it must hold: half a document must never take the place of a whole one.
    if (read === undefined || String(read.sizeBytes) !== size || read.digest.toString("hex") !== sha256) {
      await rename(path, `${path}.broken`).catch(() => undefined);
      return undefined;
    }
    return this.#save(name, read.facts, read.headBytes, read.sizeBytes, read.digest, undefined, undefined);
  }

  #save(
    name: string,
    facts: PlacingFacts,
    headBytes: number,
    sizeBytes: number,
    digest: Buffer,
    memory: SaveMemory | undefined,
    failure: BridgeError | undefined,
  ): SpooledSave {
    const path = join(this.#dir, name);
    return {
      facts,
      sizeBytes,
      sha256: digest.toString("base64"),
      open: (first = 0, lengthBytes = sizeBytes - first) => {
        const chunks = memory?.chunks;
        if (chunks !== undefined && lengthBytes === sizeBytes) return Readable.from(chunks);
        if (chunks !== undefined) return Readable.from([Buffer.concat(chunks).subarray(first, first + lengthBytes)]);
        if (lengthBytes === 0) return Readable.from([]);
        const start = headBytes + first;
        return createReadStream(path, { start, end: start + lengthBytes - 1, highWaterMark: readBytes });
      },
      discard: async () => {
        memory?.letGo();
        await rm(path, { force: true });
        this.#beingPlaced.delete(name);
      },
      keep: async () => {
        if (failure !== undefined) throw failure;
        memory?.letGo();
        await spooling(() => syncToDisk(path, this.#dir));
        this.#beingPlaced.delete(name);
      },
    };
  }
}

function headOf(facts: PlacingFacts): Buffer {
  return Buffer.from(`${JSON.stringify(facts)}\n`);
}

/** @returns undefined when it can't be read or its first line is not what it should be */
async function readWhole(path: string) {
  const hash = createHash("sha256");
  let head: Buffer = Buffer.alloc(0);
  let headBytes: number | undefined;
  let sizeBytes = 0;
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      let body = chunk;
      if (headBytes === undefined) {
        head = Buffer.concat([head, chunk]);
        const end = head.indexOf(10);
        if (end < 0) continue;
        headBytes = end + 1;
        body = head.subarray(headBytes);
        head = head.subarray(0, end);
      }
      hash.update(body);
      sizeBytes += body.length;
    }
    if (headBytes === undefined) return undefined;
    const facts = placingFactsSchema.parse(JSON.parse(head.toString("utf8")));
    return { facts, headBytes, sizeBytes, digest: hash.digest() };
  } catch {
    return undefined;
  }
}

/** @returns undefined when it is gone meanwhile, or its first line is not what it should be */
async function readFacts(path: string): Promise<PlacingFacts | undefined> {
  let head = "";
  try {
    for await (const chunk of createReadStream(path, "utf8") as AsyncIterable<string>) {
      head += chunk;
      if (head.includes("\n")) break;
    }
    return placingFactsSchema.parse(JSON.parse(head.slice(0, head.indexOf("\n"))));
  } catch {
    return undefined;
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

async function spooling<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw new BridgeError({ kind: "spoolFailed" }, { cause: error });
  }
}
