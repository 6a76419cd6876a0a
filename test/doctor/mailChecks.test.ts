import { describe, expect, it } from "vitest";
import { readConfig } from "../../src/config.ts";
import { examineMail, judgeMail } from "../../src/doctor/mailChecks.ts";
import type { MailFault } from "../../src/mail/smtpDelivery.ts";
import { mailbox } from "../support/mailbox.ts";

const settings = {
  BRIDGE_URL: "https://office.example.com",
  CLOUDREVE_URL: "https://drive.example.com",
  SECRET: "s".repeat(32),
  MAIL_FROM: "office@example.com",
};
const plain = { host: "mail.example.com", port: 587, isTls: false, mustEncrypt: true };
const tls = { ...plain, port: 465, isTls: true };
const signedIn = { ...plain, account: { user: "office", password: "hunter2" } };

describe("what the doctor says of a mail server", () => {
  it.each<[Parameters<typeof judgeMail>[0], MailFault["why"], string, string]>([
    [plain, "notReached", "is not reached", "SMTP_URL=<host and port"],
    [plain, "late", "as on port 465", "SMTP_URL=smtps://"],
    [tls, "late", "does not answer in time", "SMTP_URL=<host and port"],
    [tls, "wrongProtocol", "speaks no TLS from the first byte", "SMTP_URL=smtp://"],
    [plain, "wrongProtocol", "is no mail server", "SMTP_URL=<address"],
    [plain, "noEncryption", "offers no encryption", "SMTP_URL=smtps://"],
    [tls, "certificate", "certificate of the mail server", "NODE_EXTRA_CA_CERTS"],
    [signedIn, "signIn", "does not accept the user name and password", "percent-encoded"],
    [plain, "signIn", "wants a sign-in", "smtp://USER:PASSWORD@"],
    [plain, "broken", "breaks the conversation off", "log"],
  ])("%j, %s", (server, why, sentence, change) => {
    const verdict = judgeMail(server, { why, code: "EAUTH 535" });
    expect(verdict.outcome).toBe("failed");
    expect(verdict.sentence).toContain(sentence);
    expect(verdict.change).toContain(change);
    expect(JSON.stringify(verdict)).not.toContain("hunter2");
  });

  it("is that it answers and accepts the sign-in, and no mail is sent for it", async () => {
    const box = await mailbox({ onAuth: (_auth, _session, done) => done(null, { user: "office" }) });
    const SMTP_URL = box.url.replace("//", "//office:hunter2@");
    const findings = await examineMail(readConfig({ ...settings, SMTP_URL }));
    expect(findings).toMatchObject([{ check: "mail", outcome: "ok" }]);
    expect(findings[0]?.sentence).toContain("answers and accepts the sign-in");
    expect(box.mails).toEqual([]);
    await box.close();
  });

  it("is nothing where none is set up", async () => {
    expect(await examineMail(readConfig({ ...settings, MAIL_FROM: undefined }))).toEqual([]);
  });
});
