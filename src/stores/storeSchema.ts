/**
 * The layout version of a store. Each migration step leads from the layout with its index to the next; stores from
 * before versions existed are 0. A step may run twice if two bridges start at once.
 */
export const schemaVersion = 1;

/** A store this bridge must not touch; the message is for the operator. */
export class NewerStoreError extends Error {
  /** @param store its name in the message */
  constructor(store: string, version: number) {
    super(
      `${store} was written by a newer version of the bridge (schema ${version}; this version supports ${schemaVersion}): ` +
        "run that version, or set STORE_URL to another store.",
    );
    this.name = "NewerStoreError";
  }
}
