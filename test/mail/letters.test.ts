import { describe, expect, it } from "vitest";
import { letterHtml, letterText } from "../../src/mail/letter.ts";
import { linkLetter } from "../../src/mail/linkLetter.ts";
import { requestLetter } from "../../src/mail/requestLetter.ts";
import { languages } from "../../src/words/language.ts";

const link = {
  id: "Ab3_-xYz09Qk",
  owner: { id: "1", name: "Alice" },
  fileName: "Plan & <b>budget</b>.docx",
  permission: "comment" as const,
};
const url = "https://office.example.com/l/c2VjcmV0";
const facts = { link, url, language: "en" as const, message: "", product: "Papers" };
const bridgeUrl = "https://office.example.com";

describe("a link by mail", () => {
  it("says who shares what, what people may do, until when, and where", () => {
    const letter = linkLetter({
      ...facts,
      link: { ...link, expiresAtMs: Date.UTC(2026, 11, 24, 18, 30) },
      message: "Please read\npage 3",
    });
    expect(letter.subject).toBe("Alice shares “Plan & <b>budget</b>.docx” with you");
    expect(letterText(letter)).toBe(
      [
        "Alice has invited you to comment on this document.",
        "Plan & <b>budget</b>.docx",
        "> Please read\n> page 3",
        url,
        "You don't need an account.",
        "The link works until 24 Dec 2026, 18:30 UTC.",
        "Alice sent you this mail with Papers.\n",
      ].join("\n\n"),
    );
    expect(letterHtml(letter)).toContain("Plan &amp; &lt;b&gt;budget&lt;/b&gt;.docx");
    expect(letterHtml(letter)).toContain(`href="${url}"`);
  });

  it.each(languages)("does not tell what lies behind a password, but that one is needed (%s)", (language) => {
    const letter = linkLetter({ ...facts, language, link: { ...link, passwordHash: "scrypt$a$b" } });
    const all = `${letter.subject} ${letterText(letter)} ${letterHtml(letter)}`;
    expect(all).not.toContain("budget");
    expect(all).not.toContain("scrypt");
    expect(letter.parts.length).toBe(linkLetter({ ...facts, language }).parts.length);
    expect(all).not.toMatch(/\{\w+\}/);
  });

  it("lets no name break out of the subject or the text", () => {
    const name = `x\r\nBcc: eve@example.com\r\n\r\n<script>${"long ".repeat(300)}\u202E`;
    const letter = linkLetter({ ...facts, link: { ...link, fileName: name, owner: { id: "1", name } }, message: name });
    expect(letter.subject).not.toMatch(/[\r\n\u202E]/);
    expect(letter.subject.length).toBeLessThan(250);
    expect(letterHtml(letter)).not.toContain("<script");
  });

  it("calls an owner without a visible name somebody", () => {
    expect(linkLetter({ ...facts, link: { ...link, owner: { id: "1", name: " \u200B" } } }).subject).toMatch(
      /^Somebody /,
    );
  });
});

describe("a request to edit by mail", () => {
  it.each(languages)("leads to the link's page and says where such mails are switched off (%s)", (language) => {
    const letter = requestLetter({ link, visitorName: "Grace", bridgeUrl, language, product: "Papers" });
    const text = letterText(letter);
    expect(letter.subject).toContain("Grace");
    expect(text).toContain(`${bridgeUrl}/links/${link.id}`);
    expect(text).toContain(`${bridgeUrl}/links#request-mails`);
    expect(`${letter.subject} ${text}`).not.toMatch(/\{\w+\}/);
  });

  it("makes no address of what a visitor calls themselves", () => {
    const visitorName = "Locked! See https://evil.example/a or www.evil.example me@evil.example";
    const letter = requestLetter({ link, visitorName, bridgeUrl, language: "en", product: "Papers" });
    const text = `${letter.subject} ${letterText(letter)} ${letterHtml(letter)}`;
    expect(text).not.toMatch(/evil\.example|:\/\/evil|www\.\S|@evil/);
    expect(text).toContain("Locked! See https: / / evil. example/ a or www. evil. example");
  });
});
