import { portalKey } from "./testBridge.ts";
import { type Session, sessionSchema, type WopiAnswer, type WopiClient, wopiClient } from "./wopiClient.ts";

/** What all editors of a run have met. */
export class RollingBook {
  calls = 0;
  saves = 0;
  slowest = { call: "", ms: 0 };
  /** Calls that failed as WOPI says or whose connection died, by kind; each was tried again. */
  readonly failures = new Map<string, number>();
  /** What must never be. */
  readonly violations: string[] = [];

  noted(call: string, ms: number): void {
    this.calls++;
    if (ms > this.slowest.ms) this.slowest = { call, ms: Math.round(ms) };
  }

  failed(kind: string): void {
    this.failures.set(kind, (this.failures.get(kind) ?? 0) + 1);
  }
}

export interface RollingEditorOptions {
  readonly balancerUrl: string;
  readonly name: string;
  readonly book: RollingBook;
  readonly random: () => number;
  /** Mean pause between two calls. */
  readonly pauseMs: number;
}

const givesUpAfterMs = 90_000;
/** Statuses by which WOPI lets a host say "not now". */
const passing = [500, 503];

class GivenUp extends Error {}

/** One editor with one document: opens, locks, saves, refreshes, unlocks, over and over, as editors' servers do. */
export class RollingEditor {
  readonly path: string;
  /** Heads of all contents that were acknowledged. */
  readonly acknowledged: string[] = [];
  /** What the document must hold; when the save was not acknowledged, what it may hold. */
  content: string;
  isAcknowledged = true;
  readonly #options: RollingEditorOptions;
  #client: WopiClient | undefined;
  /** Another editor's server that wants the same document. */
  #rival: WopiClient | undefined;
  #saves = 0;

  constructor(options: RollingEditorOptions) {
    this.#options = options;
    this.path = `${options.name}.docx`;
    this.content = `${options.name} before`;
  }

  async open(): Promise<void> {
    this.#client = wopiClient(await this.#session());
    this.#rival = wopiClient(await this.#session());
  }

  /** Edits until it is over; what has begun is brought to its end. */
  async edit(isOver: () => boolean): Promise<void> {
    try {
      for (let round = 0; !isOver(); round++) await this.#round(round);
    } catch (error) {
      if (!(error instanceof GivenUp)) throw error;
    }
  }

  async #round(round: number): Promise<void> {
    const client = this.#client;
    const rival = this.#rival;
    if (client === undefined || rival === undefined) throw new Error("open it first");
    const { name, random, book } = this.#options;
    const lockId = `${name}-${round}`;
    await this.#call("CheckFileInfo", () => client.check());
    const loaded = await this.#call("GetFile", () => client.get());
    if (loaded.text !== this.content) {
      book.violations.push(`${this.path} is "${headOf(loaded.text)}" and not "${headOf(this.content)}"`);
    }
    await this.#call("Lock", () => client.lock(lockId));
    for (let saves = 1 + Math.floor(random() * 4); saves > 0; saves--) {
      const isContested = random() < 0.3;
      await Promise.all([this.#save(client, lockId), ...(isContested ? [this.#contest(rival, lockId)] : [])]);
      await this.#call("RefreshLock", () => client.refresh(lockId));
    }
    // The answer to the first try may have been lost.
    const isGone = (answer: WopiAnswer) => answer.status === 409 && answer.header("X-WOPI-Lock") === "";
    await this.#call("Unlock", () => client.unlock(lockId), isGone);
  }

  async #save(client: WopiClient, lockId: string): Promise<void> {
    const { name, random, book } = this.#options;
    const sizeBytes = random() < 0.03 ? 200_000 : 2_000;
    const content = `${name} save ${++this.#saves}\n`.padEnd(sizeBytes, "x");
    this.content = content;
    this.isAcknowledged = false;
    await this.#call("PutFile", () => client.put(content, lockId));
    this.isAcknowledged = true;
    this.acknowledged.push(headOf(content));
    book.saves++;
  }

  /** While one editor holds the lock no other may get it. */
  async #contest(rival: WopiClient, holder: string): Promise<void> {
    const { book } = this.#options;
    const refused = (answer: WopiAnswer) => answer.status === 409 && answer.header("X-WOPI-Lock") === holder;
    const answer = await this.#once("Lock by another", () => rival.lock("another"));
    if (answer === undefined || refused(answer) || passing.includes(answer.status)) return;
    book.violations.push(
      `${this.path} is held by ${holder}, and another's Lock is answered ${answer.status} "${answer.header("X-WOPI-Lock")}"`,
    );
  }

  /** Tries until it is answered 200, or else as expected of a call that was tried before. */
  async #call(
    name: string,
    ask: () => Promise<WopiAnswer>,
    isFineAgain: (answer: WopiAnswer) => boolean = () => false,
  ): Promise<WopiAnswer> {
    const { book, random, pauseMs } = this.#options;
    await pause(random() * 2 * pauseMs);
    const endsAtMs = performance.now() + givesUpAfterMs;
    for (let tries = 0; performance.now() < endsAtMs; tries++) {
      const answer = await this.#once(name, ask);
      if (answer?.status === 200 || (answer !== undefined && tries > 0 && isFineAgain(answer))) return answer;
      if (answer !== undefined && !passing.includes(answer.status)) {
        const why = answer.header("X-WOPI-LockFailureReason") ?? "";
        book.violations.push(`${name} of ${this.path}, try ${tries + 1}: ${answer.status} ${why}`);
        throw new GivenUp();
      }
      await pause(200 + random() * 300);
    }
    book.violations.push(`${name} of ${this.path} was never answered well`);
    throw new GivenUp();
  }

  /** @returns undefined when the connection died */
  async #once(name: string, ask: () => Promise<WopiAnswer>): Promise<WopiAnswer | undefined> {
    const { book } = this.#options;
    const startedAtMs = performance.now();
    const answer = await ask().catch(() => undefined);
    book.noted(name, performance.now() - startedAtMs);
    if (answer === undefined) book.failed(`${name}: connection died`);
    else if (passing.includes(answer.status)) book.failed(`${name}: ${answer.status}`);
    return answer;
  }

  async #session(): Promise<Session> {
    const answered = await fetch(`${this.#options.balancerUrl}/api/sessions`, {
      method: "POST",
      headers: { Authorization: `Bearer ${portalKey}`, "Content-Type": "application/json" },
      body: JSON.stringify({ uri: `cloudreve://my/${this.path}`, action: "edit" }),
    });
    return sessionSchema.parse(await answered.json());
  }
}

/** What tells one content from another; the rest is padding. */
export function headOf(content: string): string {
  return content.slice(0, content.indexOf("\n") >>> 0);
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
