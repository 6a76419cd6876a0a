import { Readable } from "node:stream";
import SMTPConnection from "nodemailer/lib/smtp-connection";
import { z } from "zod";
import { inTime } from "../model/inTime.ts";

/** As `SMTP_URL` names it. */
export interface SmtpServer {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte; otherwise by STARTTLS. */
  readonly isTls: boolean;
  /** Nothing is sent to a server that offers no STARTTLS. */
  readonly mustEncrypt: boolean;
  readonly account?: { readonly user: string; readonly password: string };
}

/** One mail to one address. */
export interface WrittenMail {
  readonly envelope: { readonly from: string; readonly to: string };
  readonly bytes: Buffer;
}

/** `unsure`: it was handed over, but the server has not said whether it took it. */
export type Delivery = "sent" | "refused" | "unsure" | "notSent";

/** What kept the bridge from handing over mails. */
export interface MailFault {
  readonly why:
    | "notReached"
    | "late"
    | "certificate"
    | "noEncryption"
    | "wrongProtocol"
    | "signIn"
    | "sender"
    | "broken";
  /** For the operator: the error's code and the server's status. Without what servers say, which contains addresses. */
  readonly code: string;
}

/**
 * Hands mails to a server, one after the other on one connection. Nothing is tried twice: whoever sent them is told.
 * @param mails none: only connects and signs in
 * @param withinMs whatever is not done by then is cut off
 * @returns one delivery for each mail
 */
export async function deliver(
  server: SmtpServer,
  clientName: string,
  mails: readonly WrittenMail[],
  withinMs: number,
): Promise<{ readonly deliveries: readonly Delivery[]; readonly fault?: MailFault }> {
  const deliveries: Delivery[] = mails.map(() => "notSent");
  const connection = new SMTPConnection({
    host: server.host,
    port: server.port,
    secure: server.isTls,
    requireTLS: !server.isTls && server.mustEncrypt,
    name: clientName,
    connectionTimeout: withinMs,
    dnsTimeout: withinMs,
    socketCloseTimeout: 1_000,
  });
  const broken = new Promise<never>((_resolve, reject) => connection.on("error", reject));
  // It may break after the last answer, when nobody waits any more.
  broken.catch(() => undefined);
  const step = (start: (done: (error?: Error | null) => void) => void): Promise<void> =>
    Promise.race([
      broken,
      new Promise<void>((resolve, reject) => start((error) => (error ? reject(error) : resolve()))),
    ]);

  const handOver = async (): Promise<void> => {
    const { account } = server;
    await step((done) => connection.connect(done));
    if (account !== undefined) {
      const credentials = { user: account.user, pass: account.password };
      await step((done) => connection.login({ credentials }, done));
    }
    for (const [at, { envelope, bytes }] of mails.entries()) {
      const { from, to } = envelope;
      try {
        // Read only once the server has accepted sender and recipient.
        const body = Readable.from(
          (function* () {
            deliveries[at] = "unsure";
            yield bytes;
          })(),
        );
        await step((done) => connection.send({ from, to: [to], size: bytes.length }, body, done));
        deliveries[at] = "sent";
      } catch (error) {
        if (!isRefusal(error)) throw error;
        deliveries[at] = "refused";
        await step((done) => connection.reset(done));
      }
    }
    connection.quit();
  };

  try {
    const late = { why: "late", code: "late" } as const;
    const fault = await inTime(
      handOver().then(() => undefined),
      withinMs,
      () => late,
    );
    return { deliveries, ...(fault === undefined ? {} : { fault }) };
  } catch (error) {
    return { deliveries, fault: faultOf(error, server) };
  } finally {
    connection.close();
  }
}

const smtpErrorSchema = z.object({
  code: z.string().optional(),
  /** Of the system or of TLS. */
  originalCode: z.string().optional(),
  responseCode: z.number().optional(),
  command: z.string().optional(),
});

/** The server has refused this mail, and goes on. */
function isRefusal(error: unknown): boolean {
  const { code, command, responseCode } = smtpErrorSchema.parse(error);
  const isOfMail = code === "EENVELOPE" || code === "EMESSAGE";
  return isOfMail && command !== "MAIL FROM" && responseCode !== undefined && responseCode !== 421;
}

const certificateCodes = /CERT|SELF_SIGNED|UNABLE_TO_(VERIFY|GET)|ALTNAME/;

function faultOf(error: unknown, server: SmtpServer): MailFault {
  const { code, originalCode, command, responseCode } = smtpErrorSchema.parse(error);
  const said = [code, originalCode, responseCode].filter((part) => part !== undefined).join(" ");
  const why = (): MailFault["why"] => {
    if (code === "EAUTH" || code === "ENOAUTH") return "signIn";
    if (certificateCodes.test(originalCode ?? "")) return "certificate";
    if (/EPROTO|ERR_SSL/.test(originalCode ?? "") || (code === "EPROTOCOL" && responseCode === undefined))
      return "wrongProtocol";
    if (command === "STARTTLS" || (code === "ETLS" && server.mustEncrypt)) return "noEncryption";
    if (command === "MAIL FROM") return "sender";
    if (code === "ETIMEDOUT") return "late";
    if (code === "EDNS" || code === "ESOCKET") return "notReached";
    return "broken";
  };
  return { why: why(), code: said };
}
