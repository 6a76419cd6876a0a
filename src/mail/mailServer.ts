import MailComposer from "nodemailer/lib/mail-composer";
import type { Clock } from "../model/keyValueStore.ts";
import { plainLine } from "../model/plainLine.ts";
import { type Letter, letterHtml, letterText } from "./letter.ts";
import { type Delivery, deliver, type MailFault, type SmtpServer, type WrittenMail } from "./smtpDelivery.ts";

export interface MailServerSettings {
  readonly server: SmtpServer;
  readonly from: { readonly address: string; readonly name?: string };
  readonly bridgeUrl: string;
  readonly now: Clock;
}

/** What is sent, besides the letter itself. */
export interface Mailing {
  readonly letter: Letter;
  /** Each gets a mail of their own, and does not see who else was written to. */
  readonly recipients: readonly string[];
  /** Shown as the sender where the settings name none. */
  readonly product: string;
  readonly replyTo?: string;
  /** Nobody has written it: no program should answer it (RFC 3834). */
  readonly isAutomatic?: true;
}

export interface MailingResult {
  /** One for each recipient, in their order. */
  readonly deliveries: readonly Delivery[];
  readonly fault?: MailFault;
}

/** A page waits for this: with what comes before and after, it takes less than ten seconds. */
const sendWithinMs = 8_000;

/** The operator's mail server. */
export class MailServer {
  readonly #settings: MailServerSettings;

  constructor(settings: MailServerSettings) {
    this.#settings = settings;
  }

  /** Never rejects because of the server. */
  async send(mailing: Mailing): Promise<MailingResult> {
    const { server, bridgeUrl } = this.#settings;
    const mails = await Promise.all(mailing.recipients.map((to) => this.#written(mailing, to)));
    return deliver(server, clientName(bridgeUrl), mails, sendWithinMs);
  }

  async #written({ letter, product, replyTo, isAutomatic }: Mailing, to: string): Promise<WrittenMail> {
    const { from, now } = this.#settings;
    const mail = new MailComposer({
      from: { name: plainLine(from.name ?? product, 64), address: from.address },
      to: { name: "", address: to },
      ...(replyTo === undefined ? {} : { replyTo: { name: "", address: replyTo } }),
      subject: plainLine(letter.subject, 250),
      text: letterText(letter),
      html: letterHtml(letter),
      date: new Date(now()),
      ...(isAutomatic === true ? { headers: { "Auto-Submitted": "auto-generated" } } : {}),
      disableFileAccess: true,
      disableUrlAccess: true,
    }).compile();
    const envelope = mail.getEnvelope();
    return {
      // The domains as servers know them.
      envelope: { from: envelope.from || from.address, to: envelope.to[0] ?? to },
      bytes: await mail.build(),
    };
  }
}

/** What the bridge calls itself to mail servers. */
export function clientName(bridgeUrl: string): string {
  const { hostname } = new URL(bridgeUrl);
  if (hostname.startsWith("[")) return hostname.replace("[", "[IPv6:");
  return /^[\d.]+$/.test(hostname) ? `[${hostname}]` : hostname;
}
