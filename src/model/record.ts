import { z } from "zod";
import { BridgeError } from "./failure.ts";
import { jsonIn } from "./jsonIn.ts";
import { type KeyValueStore, put } from "./keyValueStore.ts";
import type { rowLives } from "./rowLives.ts";

type Frozen<Value> = Value extends object ? { readonly [Name in keyof Value]: Frozen<Value[Name]> } : Value;

/**
 * The schema of an object in a row. What it does not name is kept: a row that a later bridge has written loses nothing
 * when this one changes it. A field that earlier bridges did not write has a default, or may be missing.
 */
export function rowObject<Shape extends z.ZodRawShape>(shape: Shape): z.ZodType<Frozen<z.infer<z.ZodObject<Shape>>>>;
export function rowObject(shape: z.ZodRawShape): z.ZodType {
  return z.looseObject(shape);
}

interface RecordOptions<Value> {
  /** When a row ends that is written without another end. @see rowLives for those that have none */
  readonly endsAtMs?: (value: Value) => number | undefined;
  /** For what must not lie in the store in the open. A row that it can't open counts as absent. */
  readonly seal?: { close(text: string): Promise<string>; open(text: string): Promise<string | undefined> };
}

/** @returns what the row shall be: undefined removes it, what stands leaves it as it is */
type RowChange<Value, Next> = (standing: Value | undefined) => Next | Promise<Next>;

/** A row before a change and after it: the same object when it was left as it is. */
interface ChangedRow<Value, Next> {
  readonly before: Value | undefined;
  readonly after: Next;
}

/**
 * All rows of one kind, as JSON under `kind:id`.
 * @param kind what stands before the colon; a new one does not compile without a line in `rowLives`
 */
export function record<Value>(
  store: KeyValueStore,
  kind: keyof typeof rowLives,
  schema: z.ZodType<Value>,
  { endsAtMs, seal }: RecordOptions<Value> = {},
): StoredRecord<Value> {
  return new StoredRecord(store, kind, {
    write: async (value) => {
      const text = JSON.stringify(value);
      return seal === undefined ? text : seal.close(text);
    },
    read: async (stored) => {
      const text = seal === undefined ? stored : await seal.open(stored);
      if (text === undefined) return undefined;
      const parsed = schema.safeParse(jsonIn(text));
      if (parsed.success) return parsed.data;
      // Where it does not fit, and never a value.
      const places = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
      throw new BridgeError({ kind: "rowUnreadable" }, { cause: new Error(`a row "${kind}": ${places.join("; ")}`) });
    },
    endsAtMs: endsAtMs ?? (() => undefined),
  });
}

/** As `record`, of rows that are one word: an id, a mark. */
export function wordRecord(store: KeyValueStore, kind: keyof typeof rowLives): StoredRecord<string> {
  const asItStands = async (text: string) => text;
  return new StoredRecord(store, kind, { write: asItStands, read: asItStands, endsAtMs: () => undefined });
}

interface RowFormat<Value> {
  write(value: Value): Promise<string>;
  /** @returns undefined for what counts as absent @throws rowUnreadable */
  read(text: string): Promise<Value | undefined>;
  endsAtMs(value: Value): number | undefined;
}

/**
 * Every method that reads a row throws rowUnreadable for one that is damaged, or that only a later bridge understands:
 * taken for absent, it could be a right that comes back or a count that begins anew. `put` and `remove` read nothing.
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

  /** Leaves this, whatever stands there: for rows whose last writer is right. */
  async put(id: string, value: Value, endsAtMs = this.#format.endsAtMs(value)): Promise<void> {
    await put(this.#store, this.#prefix + id, await this.#format.write(value), endsAtMs);
  }

  /** @returns false when something stands there already */
  async create(id: string, value: Value, endsAtMs?: number): Promise<boolean> {
    return this.row(id).swap(value, endsAtMs);
  }

  async remove(id: string): Promise<void> {
    await put(this.#store, this.#prefix + id, undefined);
  }

  /** Changes a row in one step, also among several bridges: decided anew for as long as somebody else is faster. */
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

  /** As `list`, without reading the rows. */
  async *ids(idPrefix = ""): AsyncIterable<string> {
    for await (const [key] of this.#store.list(this.#prefix + idPrefix)) yield key.slice(this.#prefix.length);
  }

  /** One row, of which nothing has been seen yet: as if nothing stood there. */
  row(id: string): StoredRow<Value> {
    return new StoredRow(this.#store, this.#prefix + id, this.#format);
  }
}

/** One row as it was last seen, for whoever has something to do between looking and writing. */
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
   * @returns false when something else stands there than was last seen
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

  /** As `StoredRecord.update`, beginning with what was last seen: a look is saved when that still stands. */
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
