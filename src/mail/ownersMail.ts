import { z } from "zod";
import { isMailAddress } from "../model/emailAddress.ts";
import type { KeyValueStore } from "../model/keyValueStore.ts";
import type { SignedInPerson } from "../model/personSessions.ts";
import { record, rowObject, type StoredRecord } from "../model/record.ts";
import { type Language, languages } from "../words/language.ts";

const ownersMailSchema = rowObject({
  /** As the drive told it at the last sign-in. Missing when it told none. */
  email: z.string().exactOptional(),
  /** In which the pages spoke last. */
  language: z.enum(languages).catch("en"),
  /** The owner wants no mails about requests to edit. */
  isOff: z.boolean(),
});
/** Where and how an owner is written to. */
export type OwnerMail = z.infer<typeof ownersMailSchema>;

/** Owners' addresses, for when they are not there themselves, and whether they want mails. */
export class OwnersMail {
  readonly #rows: StoredRecord<OwnerMail>;

  constructor(store: KeyValueStore) {
    this.#rows = record(store, "ownersMail", ownersMailSchema);
  }

  /** Keeps what a request of the owner's own shows. @returns what is known afterwards */
  async remember({ id, email }: Pick<SignedInPerson, "id" | "email">, language: Language): Promise<OwnerMail> {
    const address = email !== undefined && isMailAddress(email) ? { email } : {};
    const { after } = await this.#rows.update<OwnerMail>(id, (standing) => {
      const next = { isOff: false, ...standing, ...address, language };
      return standing?.email === next.email && standing?.language === language ? standing : next;
    });
    return after;
  }

  async of(ownerId: string): Promise<OwnerMail | undefined> {
    return this.#rows.get(ownerId);
  }

  /** @param isOff no mails about requests any more; false = again */
  async switchRequestMails(ownerId: string, isOff: boolean): Promise<void> {
    await this.#rows.update(ownerId, (standing) => ({ language: "en", ...standing, isOff }));
  }
}
