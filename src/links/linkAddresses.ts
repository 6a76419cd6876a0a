import { z } from "zod";
import type { KeyValueStore } from "../model/keyValueStore.ts";
import { type RowEncryption, record, rowObject, type StoredRecord } from "../model/record.ts";
import { type EditLink, forgottenAtMs } from "./links.ts";

const addressSchema = rowObject({ secret: z.string() });

/**
 * Addresses of links, encrypted in the store, so that owners can copy them again. Links from older versions lack one,
 * unless an editor's own Share button made them. `EditLinks` moves the end of each with its link's.
 */
export class LinkAddresses {
  readonly #addresses: StoredRecord<z.infer<typeof addressSchema>>;

  constructor(store: KeyValueStore, encryption: RowEncryption) {
    this.#addresses = record(store, "linkAddress", addressSchema, { encryption });
  }

  /** @param link as it was just made */
  async keep(link: EditLink, secret: string): Promise<void> {
    await this.#addresses.put(link.id, { secret }, forgottenAtMs(link));
  }

  /** @returns the secret of the address; undefined when it was not kept, or under another SECRET */
  async secretOf(linkId: string): Promise<string | undefined> {
    return (await this.#addresses.get(linkId))?.secret;
  }
}
