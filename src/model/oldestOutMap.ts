/** A map with a limited number of entries: when it is full, the entry that was set longest ago is removed. */
export class OldestOutMap<Key, Value> extends Map<Key, Value> {
  readonly #mostEntries: number;

  constructor(mostEntries: number) {
    super();
    this.#mostEntries = mostEntries;
  }

  override set(key: Key, value: Value): this {
    this.delete(key);
    const [oldest] = this.size >= this.#mostEntries ? this.keys() : [];
    if (oldest !== undefined) this.delete(oldest);
    return super.set(key, value);
  }
}
