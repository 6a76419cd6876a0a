import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { answerForm, askingPage } from "../support/askingVisitor.ts";
import { type LinkOwner, linkOwner } from "../support/linkOwner.ts";
import { type Mailbox, mailbox } from "../support/mailbox.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import { until } from "../support/until.ts";
import { type WebAnswer, webPerson } from "../support/webPerson.ts";

const settings = { MAIL_FROM: "office@example.com", PRODUCT_NAME: "Papers, Inc." };
const hourMs = 3_600_000;
let box: Mailbox;
let bridge: TestBridge;
let owner: LinkOwner;

beforeAll(async () => {
  box = await mailbox();
  bridge = await testBridge({
    store: "file",
    settings: { ...settings, SMTP_URL: box.url },
    drive: { settings: { accessTokenTtlSeconds: 90 * 24 * 3600 } },
  });
  owner = await linkOwner(bridge);
});
// Limits are counted by the hour.
beforeEach(() => bridge.clock.advance(hourMs));
afterAll(async () => {
  await bridge.close();
  await box.close();
});

/** The form on the page of a new link. */
async function formOf(name: string, fields: Record<string, string> = {}): Promise<{ url: string; page: WebAnswer }> {
  await bridge.alice.put(name, "text");
  const url = await owner.makeLink((await bridge.alice.info(name)).id, fields);
  return { url, page: await owner.linkPageOf(name) };
}

const formIdIn = ({ text }: WebAnswer): string => /name="form" value="([\w-]+)"/.exec(text)?.[1] ?? "";

async function sendFrom(page: WebAnswer, to: string, message = ""): Promise<WebAnswer> {
  const path = `${new URL(page.url).pathname}/mail`;
  return owner.person.follow(await owner.person.post(path, { form: formIdIn(page), to, message }));
}

const newest = (count: number) => box.mails.slice(-count);

describe("an owner who sends a link by mail", () => {
  it("reaches each recipient alone, under their own name, and hears who got it", async () => {
    const { url, page } = await formOf("Plan.docx", { permission: "view" });
    const sent = await sendFrom(page, "bob@example.com,\r\nEve <eve@example.com>", "Please <read>\r\npage 3");
    expect(sent.text).toContain("Sent to <bdi>bob@example.com</bdi>, <bdi>eve@example.com</bdi>.");
    const [bob, eve] = newest(2);
    expect([bob?.envelope.to, eve?.envelope.to]).toEqual([["bob@example.com"], ["eve@example.com"]]);
    expect(bob?.headers).toMatchObject({
      from: '"Papers, Inc." <office@example.com>',
      to: "bob@example.com",
      "reply-to": "alice@example.com",
      subject: "Alice shares “Plan.docx” with you",
      "message-id": expect.stringMatching(/@example\.com>$/),
    });
    expect(bob?.raw).not.toMatch(/auto-submitted|x-mailer|eve@/i);
    for (const part of [bob?.text, bob?.html]) {
      expect(part).toContain(url);
      expect(part).toContain("Alice has invited you to view this document.");
    }
    expect(bob?.text).toContain("> Please <read>\n> page 3");
    expect(bob?.html).toContain("Please &lt;read&gt;\npage 3");
    const audit = bridge.logLines.find(({ event }) => event === "linkMailed");
    expect(audit).toMatchObject({ recipients: 2, sent: 2 });
    expect(JSON.stringify(bridge.logLines)).not.toContain("bob@example.com");
  });

  it("sends nothing twice by a reload, the back button or two clicks", async () => {
    const { page } = await formOf("once.docx");
    const before = box.mails.length;
    await Promise.all([sendFrom(page, "bob@example.com"), sendFrom(page, "bob@example.com")]);
    const again = await sendFrom(page, "bob@example.com");
    expect(again.text).toContain("Sent to <bdi>bob@example.com</bdi>");
    expect(box.mails.length - before).toBe(1);
    expect(await bridge.storedText()).not.toContain("bob@example.com");
  });

  it("hears whom the mail server refuses, and finds their addresses in the form again", async () => {
    const { page } = await formOf("refused.docx");
    const sent = await sendFrom(page, "nobody@example.com, bob@example.com", "Hello");
    expect(sent.text).toContain("Sent to <bdi>bob@example.com</bdi>.");
    expect(sent.text).toContain("did not accept the mail to <bdi>nobody@example.com</bdi>");
    expect(sent.text).toMatch(/<textarea id="mail-to"[^>]*>\nnobody@example.com<\/textarea>/);
    expect(sent.text).toMatch(/<textarea id="mail-message"[^>]*>\nHello<\/textarea>/);
  });

  it.each([
    ["bob, eve@example.com", "Not an email address: bob"],
    [" ,\n", "Enter at least one email address."],
    [Array.from({ length: 21 }, (_one, at) => `p${at}@example.com`).join(), "At most 20 addresses at once."],
  ])("hears what is wrong with %j, and nothing is sent", async (to, said) => {
    const { page } = await formOf(`wrong${to.length}.docx`);
    const before = box.mails.length;
    const answer = await sendFrom(page, to);
    expect(answer.text).toContain(said);
    expect(answer.text).toContain(`
${to}</textarea>`);
    expect(box.mails.length).toBe(before);
  });

  it("tells nothing of what lies behind a password, not even in their own mail program", async () => {
    const { page } = await formOf("Secret plan.docx", { password: "correct horse", note: "about the secret plan" });
    expect(page.text).toMatch(/<textarea id="mail-message"[^>]*>\n<\/textarea>/);
    expect(/href="(mailto:[^"]*)"/.exec(page.text)?.[1]).not.toMatch(/secret|plan/i);
    await sendFrom(page, "bob@example.com");
    const [mail] = newest(1);
    expect(mail?.headers["subject"]).toBe("Alice shares a document with you");
    expect(`${mail?.text}${mail?.html}`).not.toMatch(/plan|horse/i);
    expect(mail?.text).toContain("It has a password, which Alice tells you separately.");
  });

  it("writes in their own language", async () => {
    const { page } = await formOf("deutsch.docx");
    const fields = { form: formIdIn(page), to: "bob@example.com", message: "" };
    await owner.person.post(`${new URL(page.url).pathname}/mail`, fields, { "Accept-Language": "de" });
    expect(newest(1)[0]?.headers["subject"]).toBe("Alice teilt „deutsch.docx“ mit Ihnen");
  });

  it("sends to at most a hundred people an hour", async () => {
    const before = box.mails.length;
    for (let time = 0; time < 6; time++) {
      const { page } = await formOf(`many${time}.docx`);
      const to = Array.from({ length: 20 }, (_one, at) => `p${time}.${at}@example.com`).join();
      const answer = await sendFrom(page, to);
      expect(answer.text.includes("at most 100 people an hour"), `the ${time}th`).toBe(time === 5);
    }
    expect(box.mails.length - before).toBe(100);
  });

  it("is the only one who can: no other person, no other site, nobody without a sign-in", async () => {
    const { page } = await formOf("mine.docx");
    const path = `${new URL(page.url).pathname}/mail`;
    const fields = { form: formIdIn(page), to: "bob@example.com", message: "" };
    const before = box.mails.length;
    const bob = await linkOwner(bridge, "bob@example.com");
    expect((await bob.person.post(path, fields)).status).toBe(404);
    expect((await owner.person.post(path, fields, { Origin: "https://evil.example" })).status).toBe(403);
    expect((await webPerson(bridge.url).post(path, fields)).location).toContain("/signin");
    await owner.revoke("mine.docx");
    expect((await owner.person.post(path, fields)).location).toContain("late=1");
    expect(box.mails.length).toBe(before);
  });
});

describe("an owner whom a visitor asks", () => {
  const visit = async (url: string, name: string) => {
    const visitor = webPerson(bridge.url);
    return askingPage(bridge.url, await visitor.follow(await visitor.post(url, { name })));
  };
  const arrived = async (count: number) => until(`${count} mails have arrived`, () => box.mails.length === count);

  it("is told by mail, once an hour for each visitor, with the address of the link's page", async () => {
    const { url, page } = await formOf("asked.docx", { permission: "view" });
    const before = box.mails.length;
    const grace = await visit(url, "Grace\r\nBcc: eve@example.com");
    expect((await grace.ask()).status).toBe(200);
    await arrived(before + 1);
    await grace.ask();
    const [mail] = newest(1);
    expect(mail?.envelope.to).toEqual(["alice@example.com"]);
    expect(mail?.headers).toMatchObject({ "auto-submitted": "auto-generated" });
    expect(mail?.headers["bcc"]).toBeUndefined();
    expect(mail?.headers["subject"]).toBe("Grace Bcc: eve@ example. com asks to edit “asked.docx”");
    expect(mail?.text).toContain(`${bridge.url}${new URL(page.url).pathname}\n`);
    expect(mail?.text).not.toContain("/access");

    // Allowed, taken back, and asked again: no second mail, though Eve's request is told.
    for (const answer of ["grant", "takeBack"]) {
      const { path, fields } = answerForm(await owner.linkPageOf("asked.docx"), "Grace");
      await owner.person.post(path, { ...fields, answer });
    }
    expect(await grace.access()).toBe("none");
    expect((await grace.ask()).status).toBe(200);
    expect(await grace.access()).toBe("asked");
    await (await visit(url, "Eve")).ask();
    await arrived(before + 2);
    expect(newest(1)[0]?.headers["subject"]).toContain("Eve");
  });

  it("gets at most ten such mails an hour, however many ask", async () => {
    const { url } = await formOf("popular.docx", { permission: "view" });
    const before = box.mails.length;
    for (let at = 0; at < 12; at++) await (await visit(url, `Visitor ${at}`)).ask();
    await arrived(before + 10);
    expect((await owner.person.get("/")).text).toContain('aria-label="Requests to edit: 1');
    expect(box.mails.length).toBe(before + 10);
  });

  it("switches these mails off where the mail says, and on again", async () => {
    const { url } = await formOf("quiet.docx", { permission: "view" });
    expect((await owner.person.get("/links")).text).toContain("also get a mail to <bdi>alice@example.com</bdi>");
    await owner.person.post("/request-mails", { wanted: "no" });
    const list = await owner.person.get("/links");
    expect(list.text).toContain("No mail goes to <bdi>alice@example.com</bdi>");
    const before = box.mails.length;
    await (await visit(url, "Grace")).ask();
    await owner.person.post("/request-mails", { wanted: "yes" });
    await (await visit(url, "Heidi")).ask();
    await arrived(before + 1);
    expect(newest(1)[0]?.headers["subject"]).toContain("Heidi");
  });
});

describe("a mail server that is down", () => {
  it("keeps no visitor from asking, and tells the owner who sends a link what to do", async () => {
    const { url, page } = await formOf("down.docx", { permission: "view" });
    await bridge.restart({ SMTP_URL: "smtp://127.0.0.1:1" });
    const sent = await sendFrom(page, "bob@example.com");
    expect(sent.text).toContain("Not sent to <bdi>bob@example.com</bdi>, because the mail server does not respond.");
    expect(sent.text).toContain(url);
    const visitor = webPerson(bridge.url);
    const seen = askingPage(bridge.url, await visitor.follow(await visitor.post(url, { name: "Ivan" })));
    expect((await seen.ask()).status).toBe(200);
    expect(await seen.access()).toBe("asked");
  });
});

describe("a bridge without a mail server", () => {
  it("offers no mails but those of one's own mail program", async () => {
    const plain = await testBridge();
    const alice = await linkOwner(plain);
    await plain.alice.put("Plan.txt", "text");
    await alice.makeLink((await plain.alice.info("Plan.txt")).id);
    const page = await alice.linkPageOf("Plan.txt");
    expect(page.text).toContain('href="mailto:');
    expect(page.text).not.toContain("mail-to");
    expect((await alice.person.get("/links")).text).not.toContain("request-mails");
    const path = `${new URL(page.url).pathname}/mail`;
    const sent = await alice.person.post(path, { form: "a".repeat(16), to: "bob@example.com", message: "" });
    expect(sent.location).toContain("late=1");
    expect((await alice.person.post("/request-mails", { wanted: "no" })).status).toBe(404);
    await plain.close();
  });
});
