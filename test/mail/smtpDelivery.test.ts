import { createServer, type Server, type Socket } from "node:net";
import type { SMTPServerOptions } from "smtp-server";
import { afterEach, describe, expect, it } from "vitest";
import { deliver, type SmtpServer } from "../../src/mail/smtpDelivery.ts";
import { type Mailbox, mailbox, refusal } from "../support/mailbox.ts";

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

async function box(options: Parameters<typeof mailbox>[0] = {}): Promise<Mailbox> {
  const opened = await mailbox(options);
  open.push(opened);
  return opened;
}

/** A server that says what it is told to, for what no real one would say. */
async function oddServer(talk: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    talk(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  open.push({
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  });
  const address = server.address();
  return `smtp://127.0.0.1:${address !== null && typeof address === "object" ? address.port : 0}`;
}

const serverAt = (url: string, more: Partial<SmtpServer> = {}): SmtpServer => {
  const { hostname, port, protocol } = new URL(url);
  return { host: hostname, port: Number(port), isTls: protocol === "smtps:", mustEncrypt: false, ...more };
};
const mailTo = (to: string) => ({
  envelope: { from: "office@example.com", to },
  bytes: Buffer.from("Subject: Hi\r\n\r\nbody\r\n"),
});
const twoMails = [mailTo("bob@example.com"), mailTo("eve@example.com")];
const soon = 5_000;

describe("mails on their way to a mail server", () => {
  it("arrive, each with one recipient", async () => {
    const { url, mails } = await box();
    expect(await deliver(serverAt(url), "office.example.com", twoMails, soon)).toEqual({
      deliveries: ["sent", "sent"],
    });
    expect(mails.map(({ envelope }) => envelope.to)).toEqual([["bob@example.com"], ["eve@example.com"]]);
  });

  it("arrive though others are refused: the recipient, or the mail itself", async () => {
    const { url } = await box({
      onData: (stream, { envelope }, done) => {
        stream.resume();
        stream.on("end", () => done(envelope.rcptTo[0]?.address.startsWith("spam") ? refusal(554, "spam") : null));
      },
    });
    const mails = ["nobody@example.com", "spam@example.com", "bob@example.com"].map(mailTo);
    expect(await deliver(serverAt(url), "h", mails, soon)).toEqual({ deliveries: ["refused", "refused", "sent"] });
  });

  it("are not known to have arrived when the server is silent after one, and the others are not sent", async () => {
    const { url } = await box({ onData: (stream) => void stream.resume() });
    const fault = { why: "late", code: "late" };
    expect(await deliver(serverAt(url), "h", twoMails, 400)).toEqual({ deliveries: ["unsure", "notSent"], fault });
  });

  it("are not known to have arrived when the connection is cut after one", async () => {
    const url = await oddServer((socket) => {
      socket.write("220 hello\r\n");
      socket.on("data", (data) => {
        const said = data.toString();
        if (said.includes("body")) socket.destroy();
        else socket.write(said.startsWith("DATA") ? "354 go on\r\n" : "250 fine\r\n");
      });
    });
    const { deliveries, fault } = await deliver(serverAt(url), "h", twoMails, soon);
    expect([deliveries, fault?.why]).toEqual([["unsure", "notSent"], "broken"]);
  });
});

describe("a mail server that takes none", () => {
  const wrong = { account: { user: "office", password: "wrong" } };
  const onAuth: NonNullable<SMTPServerOptions["onAuth"]> = ({ password }, _session, done) =>
    password === "right" ? done(null, { user: "office" }) : done(refusal(535, "wrong"));

  it.each<[string, () => Promise<SmtpServer>, string]>([
    ["is not there", async () => serverAt("smtp://127.0.0.1:1"), "notReached"],
    ["has an unknown name", async () => ({ ...serverAt("smtp://127.0.0.1:1"), host: "nobody.invalid" }), "notReached"],
    ["says nothing", async () => serverAt(await oddServer(() => undefined)), "late"],
    [
      "is none",
      async () => serverAt(await oddServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"))),
      "wrongProtocol",
    ],
    ["is busy", async () => serverAt(await oddServer((socket) => socket.end("421 busy\r\n"))), "broken"],
    ["speaks no TLS", async () => serverAt((await box()).url, { isTls: true }), "wrongProtocol"],
    [
      "offers no STARTTLS where it must",
      async () => serverAt((await box()).url, { mustEncrypt: true }),
      "noEncryption",
    ],
    ["has a certificate by nobody", async () => serverAt((await box({ secure: true })).url), "certificate"],
    ["has one by STARTTLS", async () => serverAt((await box({ disabledCommands: [] })).url), "certificate"],
    ["refuses the sign-in", async () => serverAt((await box({ onAuth })).url, wrong), "signIn"],
    [
      "refuses the sender",
      async () => serverAt((await box({ onMailFrom: (_from, _session, done) => done(refusal(553, "not you")) })).url),
      "sender",
    ],
  ])("%s", async (_what, server, why) => {
    const told = await deliver(await server(), "h", twoMails, 1_000);
    expect([told.deliveries, told.fault?.why]).toEqual([["notSent", "notSent"], why]);
    // For the log: without what the server said, which names people.
    expect(told.fault?.code).toMatch(/^[\w ]+$/);
  });

  it("takes them with the right password", async () => {
    const { url, mails } = await box({ onAuth, authOptional: false });
    const server = serverAt(url, { account: { user: "office", password: "right" } });
    expect((await deliver(server, "h", twoMails, soon)).deliveries).toEqual(["sent", "sent"]);
    expect(mails).toHaveLength(2);
  });
});
