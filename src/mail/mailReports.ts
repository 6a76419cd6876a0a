import { z } from "zod";
import type { Clock, KeyValueStore } from "../model/keyValueStore.ts";
import { type RowEncryption, record, rowObject, type StoredRecord } from "../model/record.ts";
import { recipientsIn } from "./recipients.ts";

const addresses = z.array(z.string());
const mailReportSchema = rowObject({
  linkId: z.string(),
  beganAtMs: z.number(),
  /**
   * - `underWay`: being sent
   * - `done`: handed over to the mail server, as far as it took them
   * - `odd`, `none`, `tooMany`: the addresses are no addresses, there are none, or too many
   * - `tooOften`: the owner has sent all mails of this hour
   */
  state: z.enum(["underWay", "done", "odd", "none", "tooMany", "tooOften"]),
  odd: addresses.exactOptional(),
  retryAfterSeconds: z.number().exactOptional(),
  sent: addresses.exactOptional(),
  refused: addresses.exactOptional(),
  /** The server did not say whether it took them. */
  unsure: addresses.exactOptional(),
  notSent: addresses.exactOptional(),
  /** Why: the server does not answer, or something is wrong with it. */
  fault: z.enum(["silent", "wrong"]).exactOptional(),
  /** The form as it was sent, to send it again or mend it. */
  to: z.string(),
  message: z.string(),
});
export type MailReport = z.infer<typeof mailReportSchema>;

const keptForMs = 10 * 60_000;
/** Sending takes less; a bridge that needs longer was stopped meanwhile. */
const underWayForMs = 30_000;

/**
 * What became of the mails that an owner sent, for the page that follows: so that a reload sends nothing twice. Each
 * form has an id, and is sent once.
 */
export class MailReports {
  readonly #rows: StoredRecord<MailReport>;
  readonly #now: Clock;

  /** @param encryption the rows hold addresses of people who have nothing to do with the bridge */
  constructor(store: KeyValueStore, encryption: RowEncryption, now: Clock) {
    this.#rows = record(store, "mailReport", mailReportSchema, { encryption });
    this.#now = now;
  }

  /** @returns false when this form was sent before */
  async begin(personId: string, formId: string, report: MailReport): Promise<boolean> {
    return this.#rows.create(rowId(personId, formId), report, this.#endsAtMs());
  }

  async keep(personId: string, formId: string, report: MailReport): Promise<void> {
    await this.#rows.put(rowId(personId, formId), report, this.#endsAtMs());
  }

  async of(personId: string, formId: string): Promise<MailReport | undefined> {
    const report = await this.#rows.get(rowId(personId, formId));
    if (report?.state !== "underWay" || this.#now() - report.beganAtMs < underWayForMs) return report;
    return { ...report, state: "done", unsure: recipientsIn(report.to).addresses };
  }

  #endsAtMs(): number {
    return this.#now() + keptForMs;
  }
}

const rowId = (personId: string, formId: string): string => `${personId}.${formId}`;
