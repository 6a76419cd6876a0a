import type { EditLink } from "../links/links.ts";
import type { Allowance } from "../model/allowances.ts";
import { failureOf } from "../model/failure.ts";
import type { SignedInPerson } from "../model/personSessions.ts";
import type { Services } from "../services.ts";
import type { Language } from "../words/language.ts";
import { wordsIn } from "../words/words.ts";
import { linkLetter } from "./linkLetter.ts";
import type { MailReport } from "./mailReports.ts";
import type { MailServer } from "./mailServer.ts";
import { recipientsAtMost, recipientsIn } from "./recipients.ts";
import type { Delivery, MailFault } from "./smtpDelivery.ts";

type Needs = Pick<
  Services,
  "config" | "allowances" | "mailReports" | "ownersMail" | "audit" | "metrics" | "logger" | "now"
>;

/** Recipients that one owner writes to. */
export const mailsPerHour: Allowance = { most: 100, withinMs: 3_600_000 };
export const longestMessage = 2_000;

/** A form that an owner sent. */
export interface LinkMailing {
  readonly link: EditLink;
  readonly url: string;
  /** Of the form: sent again, it does nothing. */
  readonly formId: string;
  readonly to: string;
  readonly message: string;
  readonly language: Language;
}

/** Mails a link to people whom its owner names. What became of it is in `mailReports`. */
export async function mailLink(
  services: Needs,
  mailServer: MailServer,
  owner: Pick<SignedInPerson, "id">,
  mailing: LinkMailing,
): Promise<void> {
  const { link, formId, to, message } = mailing;
  const form = { linkId: link.id, beganAtMs: services.now(), to, message };
  if (!(await services.mailReports.begin(owner.id, formId, { ...form, state: "underWay" }))) return;
  const outcome = await sent(services, mailServer, owner, mailing);
  await services.mailReports.keep(owner.id, formId, { ...form, ...outcome });
}

type Outcome = Omit<MailReport, "linkId" | "beganAtMs" | "to" | "message">;

async function sent(
  services: Needs,
  mailServer: MailServer,
  owner: Pick<SignedInPerson, "id">,
  { link, url, to, message, language }: LinkMailing,
): Promise<Outcome> {
  const { addresses, odd } = recipientsIn(to);
  if (odd.length > 0) return { state: "odd", odd: odd.slice(0, recipientsAtMost) };
  if (addresses.length === 0) return { state: "none" };
  if (addresses.length > recipientsAtMost) return { state: "tooMany" };
  try {
    await services.allowances.take("mails of links", owner.id, mailsPerHour, addresses.length);
  } catch (error) {
    const refused = failureOf(error, "tooManyAttempts");
    if (refused === undefined) throw error;
    return { state: "tooOften", retryAfterSeconds: refused.retryAfterSeconds };
  }
  const product = services.config.PRODUCT_NAME ?? wordsIn[language].pages.productName;
  const replyTo = (await services.ownersMail.of(owner.id))?.email;
  const { deliveries, fault } = await mailServer.send({
    letter: linkLetter({ link, url, language, message, product }),
    recipients: addresses,
    product,
    ...(replyTo === undefined ? {} : { replyTo }),
  });
  for (const outcome of deliveries) services.metrics.mail("link", outcome);
  if (fault !== undefined) services.logger.warn({ link: link.id, why: fault.code }, "a link could not be mailed");
  const those = (delivery: Delivery) => addresses.filter((_address, at) => deliveries[at] === delivery);
  const report = { sent: those("sent"), refused: those("refused"), unsure: those("unsure"), notSent: those("notSent") };
  const by = `person:${owner.id}`;
  const counts = { recipients: addresses.length, sent: report.sent.length };
  services.audit({ event: "linkMailed", link: link.id, file: link.fileId, by, ...counts });
  return { state: "done", ...report, ...(fault === undefined ? {} : { fault: forOwner(fault) }) };
}

/** What an owner can make of it: to wait, or to tell the administrator. */
function forOwner({ why }: MailFault): "silent" | "wrong" {
  return ["notReached", "late", "broken"].includes(why) ? "silent" : "wrong";
}
