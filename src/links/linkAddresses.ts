import { z } from "zod";
import type { KeyValueStore } from "../model/keyValueStore.ts";
import { type RowEncryption, record, rowObject, type StoredRecord } from "../model/record.ts";

const addressSchema = rowObject({ secret: z.string() });

/**
 * Addresses that must be shown again, encrypted in the store: those of links made by an editor's own Share button.
 * `EditLinks` ends each one with its link.
 */
export class LinkAddresses {
  readonly #addresses: StoredRecord<z.infer<typeof addressSchema>>;

  constructor(store: KeyValueStore, encryption: RowEncryption) {
    this.#addresses = record(store, "linkAddress", addressSchema, { encryption });
  }

  /** @param linkId of a link without an end of its own */
  async keep(linkId: string, secret: string): Promise<void> {
    await this.#addresses.put(linkId, { secret });
  }

  /** @returns the secret of the address; undefined when it was not kept, or under another SECRET */
  async secretOf(linkId: string): Promise<string | undefined> {
    return (await this.#addresses.get(linkId))?.secret;
  }
}
