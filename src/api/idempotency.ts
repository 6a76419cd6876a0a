import { createHash } from "node:crypto";
import { z } from "zod";
import { BridgeError } from "../model/failure.ts";
import type { Clock, KeyValueStore } from "../model/keyValueStore.ts";
import { type RowEncryption, record, rowObject, type StoredRecord } from "../model/record.ts";

/** How long the answer of a call is known. */
const answerKnownForMs = 24 * 3_600_000;
/** No call takes longer. After a crash, the key is free again by then. */
const callLastsAtMostMs = 120_000;

const callSchema = rowObject({
  /** A hash of what was asked. */
  asked: z.string(),
  /** As JSON; undefined while the call is being served. */
  answer: z.string().exactOptional(),
});
type RememberedCall = z.infer<typeof callSchema>;

/** A call that may be sent again. */
export interface RepeatableCall {
  readonly portal: string;
  /** As the header has it. */
  readonly key: string;
  /** Everything that the answer depends on. */
  readonly asked: unknown;
}

/** What was done for calls with an `Idempotency-Key`, so that sent again they do nothing more (IETF draft). */
export class IdempotentCalls {
  readonly #calls: StoredRecord<RememberedCall>;
  readonly #now: Clock;

  /** @param encryption answers contain tokens and addresses that open documents */
  constructor(store: KeyValueStore, encryption: RowEncryption, now: Clock) {
    this.#calls = record(store, "idempotentCall", callSchema, { encryption });
    this.#now = now;
  }

  /**
   * Does the work, unless it was done under this key before. Work that fails is not remembered: it may be tried again.
   * @throws headerInvalid; idempotencyKeyReused when something else was asked under this key; callUnderWay; and what the
   *   work throws
   */
  async once(
    { portal, key, asked }: RepeatableCall,
    work: () => Promise<unknown>,
  ): Promise<{ readonly answer: unknown; readonly isRepeated: boolean }> {
    const row = this.#calls.row(hashOf([portal, keyIn(key)]));
    const mine: RememberedCall = { asked: hashOf(asked) };
    while (!(await row.swap(mine, this.#now() + callLastsAtMostMs))) {
      const earlier = await row.read();
      // It has failed, or ended, at this moment.
      if (earlier === undefined) continue;
      if (earlier.asked !== mine.asked) throw new BridgeError({ kind: "idempotencyKeyReused" });
      if (earlier.answer === undefined) throw new BridgeError({ kind: "callUnderWay" });
      return { answer: JSON.parse(earlier.answer) as unknown, isRepeated: true };
    }
    try {
      const answer = await work();
      await row.swap({ ...mine, answer: JSON.stringify(answer) }, this.#now() + answerKnownForMs);
      return { answer, isRepeated: false };
    } catch (error) {
      await row.swap(undefined);
      throw error;
    }
  }
}

/** The draft writes keys as quoted text; most clients send them without quotes. @throws headerInvalid */
function keyIn(header: string): string {
  const [, quoted] = /^"((?:[^"\\]|\\["\\])*)"$/.exec(header) ?? [];
  const key = quoted === undefined ? header : quoted.replace(/\\(["\\])/g, "$1");
  if (/^[\x20-\x7e]{1,255}$/.test(key)) return key;
  const reason = "must be 1 to 255 printable ASCII characters, such as a UUID";
  throw new BridgeError({ kind: "headerInvalid", header: "Idempotency-Key", reason });
}

/** The order of an object's fields makes no difference. */
function hashOf(value: unknown): string {
  const inOrder = (_name: string, part: unknown): unknown =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part;
  return createHash("sha256").update(JSON.stringify(value, inOrder)).digest("base64url");
}
