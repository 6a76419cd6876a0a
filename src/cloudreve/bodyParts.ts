import { Readable } from "node:stream";
import { BridgeError } from "../model/failure.ts";

/** A body that can be read only once, cut into parts of given lengths as it arrives. */
export class BodyParts {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);
  #isCut = false;

  constructor(body: Readable) {
    // It may break off before anybody reads; the reading then says so.
    body.on("error", () => undefined);
    // Whoever sent it must still be able to read the answer.
    this.#chunks = body.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
  }

  /** The body ended too early. */
  get isCut(): boolean {
    return this.#isCut;
  }

  /** The part that follows what was read so far; it fails when the body ends before. */
  next(lengthBytes: number): Readable {
    return Readable.from(this.#read(lengthBytes));
  }

  async *#read(lengthBytes: number): AsyncGenerator<Buffer> {
    for (let wanted = lengthBytes; wanted > 0; ) {
      const chunk = this.#rest.length > 0 ? this.#rest : await this.#nextChunk();
      const piece = chunk.subarray(0, wanted);
      this.#rest = chunk.subarray(piece.length);
      wanted -= piece.length;
      yield piece;
    }
  }

  async #nextChunk(): Promise<Buffer> {
    try {
      const { value, done } = await this.#chunks.next();
      if (done !== true) return value;
    } catch (error) {
      this.#isCut = true;
      throw new BridgeError({ kind: "bodyCut" }, { cause: error });
    }
    this.#isCut = true;
    throw new BridgeError({ kind: "bodyCut" });
  }
}
