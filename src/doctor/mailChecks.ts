import type { Config } from "../config.ts";
import { clientName } from "../mail/mailServer.ts";
import { deliver, type MailFault } from "../mail/smtpDelivery.ts";
import { type Finding, failed, finding, ok, type Verdict } from "./finding.ts";
import { answerWithinMs } from "./httpProbe.ts";

type MailServerFacts = NonNullable<Config["SMTP_URL"]>;

/** Connects to the mail server and signs in; sends nothing. */
export async function examineMail({ SMTP_URL: server, BRIDGE_URL: bridgeUrl }: Config): Promise<Finding[]> {
  if (server === undefined) return [];
  const { fault } = await deliver(server, clientName(bridgeUrl), [], answerWithinMs);
  return [finding("bridge", "mail", judgeMail(server, fault))];
}

/** Pure. */
export function judgeMail({ host, port, isTls, account }: MailServerFacts, fault: MailFault | undefined): Verdict {
  const address = `${host}:${port}`;
  const code = fault === undefined ? "" : ` (${fault.code})`;
  switch (fault?.why) {
    case undefined:
      return ok(`The mail server ${address} answers${account === undefined ? "" : " and accepts the sign-in"}.`);
    case "notReached":
      return failed(
        `The mail server ${address} is not reached${code}.`,
        "SMTP_URL=<host and port that the bridge reaches>",
      );
    case "late": {
      const sentence = `The mail server ${address} does not answer in time.`;
      // A port with TLS waits for the client's first word, and one without says the first word itself.
      return failed(
        isTls ? sentence : `${sentence} Or it speaks TLS from the first byte, as on port 465.`,
        isTls ? "SMTP_URL=<host and port that the bridge reaches>" : "SMTP_URL=smtps://…",
      );
    }
    case "wrongProtocol":
      return isTls
        ? failed(`The mail server ${address} speaks no TLS from the first byte${code}.`, "SMTP_URL=smtp://…")
        : failed(`What answers at ${address} is no mail server${code}.`, "SMTP_URL=<address of the mail server>");
    case "noEncryption":
      return failed(
        `The mail server ${address} offers no encryption by STARTTLS${code}, and it is not in a private network.`,
        "SMTP_URL=smtps://…, or smtp:// with its name in the private network",
      );
    case "certificate":
      return failed(
        `The certificate of the mail server ${address} is not accepted${code}.`,
        "SMTP_URL=<the name in the certificate>, or NODE_EXTRA_CA_CERTS=<file of the authority that issued it>",
      );
    case "signIn":
      return failed(
        account === undefined
          ? `The mail server ${address} wants a sign-in${code}.`
          : `The mail server ${address} does not accept the user name and password${code}.`,
        "SMTP_URL=smtp://USER:PASSWORD@… with special characters percent-encoded",
      );
    case "sender":
    case "broken":
      return failed(
        `The mail server ${address} breaks the conversation off${code}.`,
        "look into the mail server's log, which says why",
      );
  }
}
