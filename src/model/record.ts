import { z } from "zod";
import { BridgeError } from "./failure.ts";
import { jsonIn } from "./jsonIn.ts";
import { type KeyValueStore, put } from "./keyValueStore.ts";
import { OldestOutMap } from "./oldestOutMap.ts";
import type { rowLives } from "./rowLives.ts";

type Frozen<Value> = Value extends object ? { readonly [Name in keyof Value]: Frozen<Value[Name]> } : Value;

/**
 * The schema of an object in a row. Unknown fields are kept, so that a row from a later version loses nothing when this
 * one changes it. A field that earlier versions did not write has a default, or is optional.
 */
export function rowObject<Shape extends z.ZodRawShape>(shape: Shape): z.ZodType<Frozen<z.infer<z.ZodObject<Shape>>>>;
export function rowObject(shape: z.ZodRawShape): z.ZodType {
  return z.looseObject(shape);
}

/** For rows that must not be stored in plain text. */
export interface RowEncryption {
  encrypt(text: string): Promise<string>;
  decrypt(text: string): Promise<string | undefined>;
}

interface RecordOptions<Value> {
  /** When a row ends if no other end is given. @see rowLives for rows without one */
  readonly endsAtMs?: (value: Value) => number | undefined;
  /** A row that can't be decrypted counts as absent. */
  readonly encryption?: RowEncryption;
}

const rememberedTexts = 500;
const longestRemembered = 4_096;

/** @returns the new row: undefined removes it, the same object leaves it as it is */
type RowChange<Value, Next> = (standing: Value | undefined) => Next | Promise<Next>;

/** A row before and after a change; the same object if it was not changed. */
interface ChangedRow<Value, Next> {
  readonly before: Value | undefined;
  readonly after: Next;
}

/**
 * All rows of one kind, as JSON under `kind:id`.
 * @param kind the part before the colon; it does not compile without a line in `rowLives`
 */
export function record<Value>(
  store: KeyValueStore,
  kind: keyof typeof rowLives,
  schema: z.ZodType<Value>,
  { endsAtMs, encryption }: RecordOptions<Value> = {},
): StoredRecord<Value> {
  // The same text always means the same value: each call of an editor reads the same few rows.
  const parsedTexts = new OldestOutMap<string, Value>(rememberedTexts);
  return new StoredRecord(store, kind, {
    write: async (value) => {
      const text = JSON.stringify(value);
      return encryption === undefined ? text : encryption.encrypt(text);
    },
    read: async (stored) => {
      const text = encryption === undefined ? stored : await encryption.decrypt(stored);
      if (text === undefined) return undefined;
      const known = parsedTexts.get(text);
      if (known !== undefined) return known;
      const parsed = schema.safeParse(jsonIn(text));
      if (parsed.success) {
        if (text.length <= longestRemembered) parsedTexts.set(text, frozen(parsed.data));
        return parsed.data;
      }
      // Only where it does not fit, never a value.
      const places = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
      throw new BridgeError({ kind: "rowUnreadable" }, { cause: new Error(`a row "${kind}": ${places.join("; ")}`) });
    },
    endsAtMs: endsAtMs ?? (() => undefined),
  });
}

/** Like `record`, for rows that are a single word, such as an id or a mark. */
export function wordRecord(store: KeyValueStore, kind: keyof typeof rowLives): StoredRecord<string> {
  const asItStands = async (text: string) => text;
  return new StoredRecord(store, kind, { write: asItStands, read: asItStands, endsAtMs: () => undefined });
}

/** The same value, which nobody can change any more. */
function frozen<Value>(value: Value): Value {
  if (typeof value === "object" && value !== null) for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
}

interface RowFormat<Value> {
  write(value: Value): Promise<string>;
  /** @returns undefined for what counts as absent @throws rowUnreadable */
  read(text: string): Promise<Value | undefined>;
  endsAtMs(value: Value): number | undefined;
}

/**
 * Methods that read a row throw rowUnreadable if it is damaged, or comes from a later version that this one can't read.
 * If it counted as absent, a revoked right could come back, or a count start over. `put` and `remove` read nothing.
 */
export class StoredRecord<Value> {
  readonly #store: KeyValueStore;
  readonly #prefix: string;
  readonly #format: RowFormat<Value>;

  constructor(store: KeyValueStore, kind: string, format: RowFormat<Value>) {
    this.#store = store;
    this.#prefix = `${kind}:`;
    this.#format = format;
  }

  async get(id: string): Promise<Value | undefined> {
    return this.row(id).read();
  }

  /** Writes the row, whatever is there: for rows where the last writer wins. */
  async put(id: string, value: Value, endsAtMs = this.#format.endsAtMs(value)): Promise<void> {
    await put(this.#store, this.#prefix + id, await this.#format.write(value), endsAtMs);
  }

  /** @returns false when there is a row already */
  async create(id: string, value: Value, endsAtMs?: number): Promise<boolean> {
    return this.row(id).swap(value, endsAtMs);
  }

  async remove(id: string): Promise<void> {
    await put(this.#store, this.#prefix + id, undefined);
  }

  /** Changes a row in one step, also across bridges: if another was faster, `change` is called again. */
  async update<Next extends Value | undefined>(
    id: string,
    change: RowChange<Value, Next>,
    endsAtMs?: number,
  ): Promise<ChangedRow<Value, Next>> {
    const row = this.row(id);
    await row.read();
    return row.update(change, endsAtMs);
  }

  /** Moves the end of a row, if there is one. @param endsAtMs undefined = never */
  async moveEnd(id: string, endsAtMs: number | undefined): Promise<void> {
    const key = this.#prefix + id;
    for (;;) {
      const text = await this.#store.get(key);
      if (text === undefined || (await this.#store.swap(key, text, text, endsAtMs))) return;
    }
  }

  async *list(idPrefix = ""): AsyncIterable<readonly [id: string, value: Value]> {
    for await (const [key, text] of this.#store.list(this.#prefix + idPrefix)) {
      const value = await this.#format.read(text);
      if (value !== undefined) yield [key.slice(this.#prefix.length), value];
    }
  }

  /** Like `list`, without reading the rows. */
  async *ids(idPrefix = ""): AsyncIterable<string> {
    for await (const [key] of this.#store.list(this.#prefix + idPrefix)) yield key.slice(this.#prefix.length);
  }

  /** One row that was not read yet; until then it counts as absent. */
  row(id: string): StoredRow<Value> {
    return new StoredRow(this.#store, this.#prefix + id, this.#format);
  }
}

/** One row as last seen, for work that happens between reading and writing it. */
export class StoredRow<Value> {
  readonly #store: KeyValueStore;
  readonly #key: string;
  readonly #format: RowFormat<Value>;
  #text: string | undefined;
  #value: Value | undefined;

  constructor(store: KeyValueStore, key: string, format: RowFormat<Value>) {
    this.#store = store;
    this.#key = key;
    this.#format = format;
  }

  async read(): Promise<Value | undefined> {
    const text = await this.#store.get(this.#key);
    if (text !== this.#text) {
      this.#value = text === undefined ? undefined : await this.#format.read(text);
      this.#text = text;
    }
    return this.#value;
  }

  /**
   * @param next undefined removes the row
   * @returns false when the row has changed since it was last seen
   */
  async swap(
    next: Value | undefined,
    endsAtMs = next === undefined ? undefined : this.#format.endsAtMs(next),
  ): Promise<boolean> {
    const text = next === undefined ? undefined : await this.#format.write(next);
    if (!(await this.#store.swap(this.#key, this.#text, text, endsAtMs))) return false;
    this.#text = text;
    this.#value = next;
    return true;
  }

  /** Like `StoredRecord.update`, but starts with what was last seen, which saves a read if that is still current. */
  async update<Next extends Value | undefined>(
    change: RowChange<Value, Next>,
    endsAtMs?: number,
  ): Promise<ChangedRow<Value, Next>> {
    for (;;) {
      const before = this.#value;
      const after = await change(before);
      if (after === before || (await this.swap(after, endsAtMs))) return { before, after };
      await this.read();
    }
  }
}
