import type { AddressInfo } from "node:net";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";

/** A mail as its recipient's program reads it. */
interface ReceivedMail {
  /** As the server was told them. */
  readonly envelope: { readonly from: string; readonly to: readonly string[] };
  /** By name in small letters, decoded; a header that is there twice is joined by a line break. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly html: string;
  readonly raw: string;
}

export interface Mailbox {
  readonly url: string;
  readonly mails: readonly ReceivedMail[];
  close(): Promise<void>;
}

/**
 * A mail server on this machine: refuses recipients whose name begins with `nobody`.
 * @param options of the server, such as one that wants a sign-in
 */
export async function mailbox(options: SMTPServerOptions = {}): Promise<Mailbox> {
  const mails: ReceivedMail[] = [];
  const server = new SMTPServer({
    disabledCommands: ["STARTTLS"],
    authOptional: true,
    allowInsecureAuth: true,
    disableReverseLookup: true,
    onRcptTo: ({ address }, _session, done) => done(address.startsWith("nobody") ? refusal(550, "no such user") : null),
    onData: (stream, { envelope }, done) => {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const from = envelope.mailFrom === false ? "" : envelope.mailFrom.address;
        const to = envelope.rcptTo.map(({ address }) => address);
        mails.push({ envelope: { from, to }, ...read(Buffer.concat(chunks).toString("utf8")) });
        done();
      });
    },
    ...options,
  });
  // A client that doesn't accept the certificate hangs up.
  server.on("error", () => undefined);
  const listening = server.listen(0, "127.0.0.1");
  await new Promise<void>((resolve) => listening.once("listening", resolve));
  const scheme = options.secure === true ? "smtps" : "smtp";
  return {
    url: `${scheme}://127.0.0.1:${(listening.address() as AddressInfo).port}`,
    mails,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** An answer of the server. */
export function refusal(responseCode: number, said: string): Error {
  return Object.assign(new Error(said), { responseCode });
}

function read(raw: string): Pick<ReceivedMail, "headers" | "text" | "html" | "raw"> {
  const { headers, body } = partOf(raw);
  const boundary = /boundary="([^"]+)"/.exec(headers["content-type"] ?? "")?.[1];
  const parts = boundary === undefined ? [] : body.split(`--${boundary}`).map((part) => partOf(part.trimStart()));
  const textOf = (type: string): string => {
    const part = parts.find((one) => one.headers["content-type"]?.startsWith(type));
    const text = part === undefined ? "" : decoded(part.body, part.headers["content-transfer-encoding"]);
    return text.replaceAll("\r\n", "\n");
  };
  return { headers, text: textOf("text/plain"), html: textOf("text/html"), raw };
}

function partOf(raw: string): { readonly headers: Record<string, string>; readonly body: string } {
  const end = raw.indexOf("\r\n\r\n");
  const headers: Record<string, string> = {};
  for (const line of raw
    .slice(0, end)
    .replace(/\r\n[ \t]+/g, " ")
    .split("\r\n")) {
    const name = line.slice(0, line.indexOf(":")).toLowerCase();
    const value = inWords(line.slice(line.indexOf(":") + 1).trim());
    headers[name] = headers[name] === undefined ? value : `${headers[name]}\n${value}`;
  }
  return { headers, body: raw.slice(end + 4) };
}

/** Encoded words of a header (RFC 2047); spaces between two of them don't count. */
function inWords(value: string): string {
  return value
    .replace(/(\?=)\s+(=\?)/g, "$1$2")
    .replace(/(?:=\?UTF-8\?[QB]\?[^?]*\?=)+/gi, (words) =>
      Buffer.concat(
        [...words.matchAll(/=\?UTF-8\?([QB])\?([^?]*)\?=/gi)].map(([, kind = "", text = ""]) =>
          kind.toUpperCase() === "B" ? Buffer.from(text, "base64") : quotedBytes(text.replaceAll("_", " ")),
        ),
      ).toString("utf8"),
    );
}

function decoded(body: string, encoding: string | undefined): string {
  if (encoding === "base64") return Buffer.from(body, "base64").toString("utf8");
  return encoding === "quoted-printable" ? quotedBytes(body.replace(/=\r\n/g, "")).toString("utf8") : body;
}

function quotedBytes(text: string): Buffer {
  return Buffer.from(
    text.replace(/=([0-9A-F]{2})/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    "latin1",
  );
}
