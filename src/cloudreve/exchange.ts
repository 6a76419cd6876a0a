import type { IncomingHttpHeaders } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Dispatcher } from "undici";
import type { DirectBody, HttpResponse } from "../model/drive.ts";
import { codedError } from "./codedError.ts";

interface AnswerHead {
  readonly status: number;
  readonly headers: Readonly<IncomingHttpHeaders>;
}
export interface Streamed extends AnswerHead {
  readonly body: Readable & DirectBody;
}
export interface Whole extends AnswerHead {
  readonly text: string;
}
type Control = Dispatcher.DispatchController;

/** Longer than any answer of the API. */
const wholeAtMostBytes = 16 * 1024 * 1024;
export const tooLongCode = "EANSWERTOOLONG";

/** One call on its way, as undici's dispatcher reports on it. */
export abstract class Exchange<Given> implements Dispatcher.DispatchHandler {
  readonly outcome: Promise<Given>;
  readonly deadline: Deadline;
  /** Called when the call is about to be written to a connection. */
  onStart: () => void = () => {};
  readonly #leave: () => void;
  readonly #signal: AbortSignal | undefined;
  readonly #onGone = (): void => this.fail(codedError("ABORT_ERR", "the caller has gone"));
  #settle: { readonly resolve: (given: Given) => void; readonly reject: (error: Error) => void } | undefined;
  #control: Control | undefined;
  #hasBegun = false;
  #isOver = false;

  /** @param leave gives the connection back */
  constructor(leave: () => void, signal: AbortSignal | undefined) {
    this.#leave = leave;
    this.#signal = signal;
    this.deadline = new Deadline(() => this.fail(codedError("ETIMEDOUT", "no answer in time")));
    this.outcome = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    signal?.addEventListener("abort", this.#onGone);
  }

  /** The headers are there. */
  protected abstract begin(head: AnswerHead, control: Control): void;
  protected abstract take(chunk: Buffer, control: Control): void;
  protected abstract complete(): void;
  /** The answer broke off after its headers. */
  protected abstract breakOff(error: Error): void;

  protected give(given: Given): void {
    this.#settle?.resolve(given);
  }

  fail(error: Error): void {
    if (this.#isOver) return;
    this.#end();
    this.#control?.abort(error);
    this.#settle?.reject(error);
    if (this.#hasBegun) this.breakOff(error);
  }

  onRequestStart(control: Control): void {
    this.#control = control;
    // It may have been given up while it waited for the connection.
    if (this.#isOver) control.abort(codedError("ABORT_ERR", "the caller has gone"));
    else this.onStart();
  }

  onResponseStart(control: Control, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) return;
    this.#hasBegun = true;
    this.begin({ status, headers }, control);
  }

  onResponseData(control: Control, chunk: Buffer): void {
    this.take(chunk, control);
  }

  onResponseEnd(): void {
    if (this.#isOver) return;
    this.#end();
    this.complete();
  }

  onResponseError(_control: Control, error: Error): void {
    this.fail(error);
  }

  #end(): void {
    this.#isOver = true;
    this.deadline.end();
    this.#signal?.removeEventListener("abort", this.#onGone);
    this.#leave();
  }
}

/** Given as soon as its headers are there. */
export class StreamedAnswer extends Exchange<Streamed> {
  readonly #stallMs: number;
  #body: AnswerBody | undefined;

  /** @param stallMs it is cut off if nothing arrives, or its reader takes nothing, for this long */
  constructor(leave: () => void, signal: AbortSignal | undefined, stallMs: number) {
    super(leave, signal);
    this.#stallMs = stallMs;
  }

  protected begin(head: AnswerHead, control: Control): void {
    this.deadline.in(this.#stallMs);
    // Nothing is read before somebody wants it.
    control.pause();
    this.#body = new AnswerBody(control, (error) => this.fail(error));
    this.give({ ...head, body: this.#body });
  }

  protected take(chunk: Buffer): void {
    this.deadline.in(this.#stallMs);
    this.#body?.arrived(chunk);
  }

  protected complete(): void {
    this.#body?.complete();
  }

  protected breakOff(error: Error): void {
    this.#body?.destroy(error);
  }
}

/** Where the bytes go when they are not read as a stream. */
interface Sink {
  take(chunk: Buffer): void;
  complete(): void;
  fail(error: Error): void;
}

class AnswerBody extends Readable implements DirectBody {
  readonly #control: Control;
  readonly #unwanted: (error: Error) => void;
  #sink: Sink | undefined;

  constructor(control: Control, unwanted: (error: Error) => void) {
    super();
    this.#control = control;
    this.#unwanted = unwanted;
  }

  arrived(chunk: Buffer): void {
    if (this.#sink !== undefined) this.#sink.take(chunk);
    else if (!this.push("isBorrowed" in this.#control ? Buffer.from(chunk) : chunk)) this.#control.pause();
  }

  complete(): void {
    if (this.#sink === undefined) this.push(null);
    else this.#sink.complete();
  }

  /** Each chunk is written before the next is read: what is borrowed may be overwritten after that. */
  async sendTo(response: HttpResponse): Promise<void> {
    const { socket } = response;
    // Another answer of this connection is still being sent.
    if (socket === null) return pipeline(this, response);
    const control = this.#control;
    await new Promise<void>((resolve, reject) => {
      const onWritten = (): void => {
        if (control.paused && socket.writableLength === 0) control.resume();
      };
      this.#sink = {
        take: (chunk) => {
          socket.write(chunk, onWritten);
          if (socket.writableLength > 0) control.pause();
        },
        complete: () => void response.end(),
        fail: (error) => {
          response.destroy();
          reject(error);
        },
      };
      response.once("finish", resolve);
      response.once("close", () => {
        if (!response.writableFinished) this.destroy(codedError("ERR_STREAM_PREMATURE_CLOSE", "the reader has gone"));
      });
      // The headers and what is there already leave in one packet. From here on, the response's own accounting is
      // passed by: its length was stated.
      socket.cork();
      response.flushHeaders();
      control.resume();
      socket.uncork();
    });
  }

  override _read(): void {
    if (this.#sink === undefined && this.#control.paused) this.#control.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const reason = error ?? codedError("ABORT_ERR", "the answer is not wanted any more");
    this.#unwanted(reason);
    this.#sink?.fail(reason);
    // As node:http does: nobody may be listening any more to an answer that was given up.
    done(this.listenerCount("error") === 0 ? null : error);
  }
}

/** Given once all of it is there. */
export class CollectedAnswer extends Exchange<Whole> {
  #head: AnswerHead = { status: 0, headers: {} };
  #chunks: Buffer[] = [];
  #sizeBytes = 0;

  protected begin(head: AnswerHead): void {
    this.#head = head;
  }

  protected take(chunk: Buffer): void {
    this.#sizeBytes += chunk.length;
    if (this.#sizeBytes > wholeAtMostBytes) this.fail(codedError(tooLongCode, "the answer is too long"));
    else this.#chunks.push(chunk);
  }

  protected complete(): void {
    const [only] = this.#chunks.length === 1 ? this.#chunks : [];
    const bytes = only ?? Buffer.concat(this.#chunks);
    this.give({ ...this.#head, text: bytes.toString("utf8") });
  }

  protected breakOff(): void {
    this.#chunks = [];
  }
}

/** A deadline that can be moved, at no cost to the same distance again. */
export class Deadline {
  readonly #onPassed: () => void;
  #timer: NodeJS.Timeout | undefined;
  #ms = 0;
  #isOver = false;

  constructor(onPassed: () => void) {
    this.#onPassed = onPassed;
  }

  in(ms: number): void {
    if (this.#isOver) return;
    if (this.#timer !== undefined && ms === this.#ms) {
      this.#timer.refresh();
      return;
    }
    clearTimeout(this.#timer);
    this.#ms = ms;
    this.#timer = setTimeout(this.#onPassed, Math.max(0, ms));
  }

  end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }
}
