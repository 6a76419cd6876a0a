/**
 * How entries are laid out in a store. A step leads from the layout of its index to the next one; what a bridge made
 * that knew of no layouts is 0. A step may be done twice, by two bridges that start at once.
 */
export const schemaVersion = 1;

/** A store that this bridge must leave alone; the message is a sentence for the operator. */
export class NewerStoreError extends Error {
  /** @param store as the sentence names it */
  constructor(store: string, version: number) {
    super(
      `${store} was written by a newer bridge (schema ${version}, this one knows ${schemaVersion}): ` +
        "start that one, or point STORE_URL elsewhere.",
    );
    this.name = "NewerStoreError";
  }
}
