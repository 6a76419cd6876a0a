import { logFailure } from "../http/requestLog.ts";
import { type EditLink, linkEnd } from "../links/links.ts";
import type { Allowance } from "../model/allowances.ts";
import { failureOf } from "../model/failure.ts";
import type { NamedPerson } from "../model/person.ts";
import type { Services } from "../services.ts";
import { wordsIn } from "../words/words.ts";
import { requestLetter } from "./requestLetter.ts";

type Needs = Pick<Services, "config" | "mailServer" | "ownersMail" | "allowances" | "metrics" | "logger" | "now">;

const hourMs = 3_600_000;
/** Somebody who asks again, or forgets their cookies, must not fill a mailbox. */
const ofOneVisitor: Allowance = { most: 1, withinMs: hourMs };
const toOneOwner: Allowance = { most: 10, withinMs: hourMs };

/**
 * @returns tells an owner by mail that a visitor asks to edit; never rejects. The visitor's request is on the owner's
 *   pages in any case, so a mail that is not sent is not tried again.
 */
export function mailRequestOf(services: Needs): Services["mailRequest"] {
  const { config, mailServer, ownersMail, allowances, metrics, logger, now } = services;
  const tell = async (link: EditLink, visitor: NamedPerson): Promise<void> => {
    const owner = mailServer === undefined ? undefined : await ownersMail.of(link.owner.id);
    if (mailServer === undefined || owner?.email === undefined || owner.isOff) return;
    if (linkEnd(link, now()) !== undefined) return;
    await allowances.take("mail of one visitor's request", `${link.id} ${visitor.id}`, ofOneVisitor);
    await allowances.take("mails of requests", link.owner.id, toOneOwner);
    const { language, email } = owner;
    const product = config.PRODUCT_NAME ?? wordsIn[language].pages.productName;
    const letter = requestLetter({ link, visitorName: visitor.name, bridgeUrl: config.BRIDGE_URL, language, product });
    const { deliveries, fault } = await mailServer.send({ letter, recipients: [email], product, isAutomatic: true });
    for (const outcome of deliveries) metrics.mail("request", outcome);
    const facts = { link: link.id, mail: deliveries[0], ...(fault === undefined ? {} : { why: fault.code }) };
    if (deliveries[0] === "sent") logger.info(facts, "a request to edit was told by mail");
    else logger.warn(facts, "a request to edit could not be told by mail");
  };
  return async (link, visitor) => {
    try {
      await tell(link, visitor);
    } catch (error) {
      if (failureOf(error, "tooManyAttempts") === undefined) logFailure(error);
    }
  };
}
