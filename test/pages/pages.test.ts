import { describe, expect, it } from "vitest";
import type { EditLink } from "../../src/links/links.ts";
import { documentsPage } from "../../src/pages/views/documentsPage.ts";
import { linkFormPage } from "../../src/pages/views/linkFormPage.ts";
import { linkPage } from "../../src/pages/views/linkPage.ts";
import { type LinksFacts, linksPage } from "../../src/pages/views/linksPage.ts";
import { messagePage } from "../../src/pages/views/messagePage.ts";
import type { Page, PageContext } from "../../src/pages/views/page.ts";
import { signInPage } from "../../src/pages/views/signInPage.ts";
import { visitPage } from "../../src/pages/views/visitPage.ts";
import { type Language, languages } from "../../src/words/language.ts";
import { pageSamples } from "../support/pageSamples.ts";

const context: PageContext = {
  language: "en",
  nonce: "bm9uY2U",
  bridgeUrl: "https://office.example.com/bridge",
  path: "/l/c2VjcmV0?a=1&b=2",
  person: { name: "Alice" },
};
const link: EditLink = {
  id: "L1",
  account: "person:1",
  owner: { id: "1", name: "Alice" },
  fileId: "f1",
  fileName: "Plan.docx",
  permission: "edit",
  asksName: true,
  mayRename: false,
  restrictions: { download: true, print: false, copy: false, watermark: false },
  maker: "person:1",
  createdAtMs: 0,
};
const file = { id: "f1", name: "Plan.docx" };
const door = {
  fileName: "Plan.docx",
  ownerName: "Alice",
  permission: "edit",
  asksName: true,
  needsPassword: true,
  action: "/l/c2VjcmV0",
} as const;

const textOf = ({ body }: Page): string => body.text;
/** Names of what the forms of a page's main part send. */
const fieldsOf = (page: Page): string[] => [
  ...new Set(
    [...(textOf(page).split("<main")[1] ?? "").matchAll(/<(?:input|select|textarea)[^>]* name="([^"]+)"/g)].map(
      ([, name]) => name ?? "",
    ),
  ),
];
const tagWith = (page: Page, part: string): string =>
  textOf(page)
    .match(/<[a-z][^>]*>/g)
    ?.find((tag) => tag.includes(part)) ?? "";
const listWith = (shown: EditLink): LinksFacts => ({
  documents: [
    { name: shown.fileName, isFolder: false, isGone: false, links: [{ link: shown, state: "active", visits: [] }] },
  ],
  ...{ asked: { text: "", state: "all", page: 1 }, pages: 1, hasLinks: true, changed: false },
});
const owner = { ...context, person: undefined };

describe.each(languages)("every page in %s", (language: Language) => {
  const pages = Object.entries(pageSamples).map(([name, sample]) => [name, sample({ ...context, language })] as const);

  it("says its language, has one heading, a main part and a way to skip to it", () => {
    for (const [name, page] of pages) {
      const text = textOf(page);
      expect([name, text.match(/<h1/g)?.length, text.match(/<main id="main"/g)?.length]).toEqual([name, 1, 1]);
      expect(text).toContain(`<html lang="${language}">`);
      expect(text).toContain('<a id="skip" href="#main">');
    }
  });

  it("leaves no value out of a sentence", () => {
    for (const [name, page] of pages) expect([name, textOf(page).match(/\{\w+\}|undefined|NaN/)]).toEqual([name, null]);
  });

  it("has no style attribute, no handler and no script of its own that its policy would refuse", () => {
    for (const [name, page] of pages) {
      const tags = (textOf(page).match(/<[a-z][^>]*>/g) ?? []).map((tag) => tag.replace(/"[^"]*"/g, '""'));
      expect([name, tags.filter((tag) => / (style|on\w+)=|^<style/.test(tag))]).toEqual([name, []]);
      const scripts = tags.filter((tag) => tag.startsWith("<script"));
      expect(new Set(scripts), name).toEqual(new Set([`<script src="" nonce="" defer>`]));
    }
  });

  it("begins every address with the bridge's own, except a mail to be written", () => {
    for (const [name, page] of pages) {
      const foreign = [...textOf(page).matchAll(/ (?:href|src|action)="([^"]*)"/g)]
        .map(([, address]) => address ?? "")
        .filter((address) => !address.startsWith(`${context.bridgeUrl}/`) && !/^(#main$|mailto:\?)/.test(address))
        .filter((address) => !address.startsWith("#") || !textOf(page).includes(` id="${address.slice(1)}"`));
      expect([name, foreign]).toEqual([name, []]);
    }
  });

  it("ties every line under a field to that field", () => {
    for (const [name, page] of pages) {
      const text = textOf(page);
      const described = [...text.matchAll(/aria-describedby="([^"]+)"/g)].map(([, id]) => id ?? "");
      expect([name, described.filter((id) => !text.includes(` id="${id}"`))]).toEqual([name, []]);
      const lines = [...text.matchAll(/<small id="([^"]+)"/g)].map(([, id]) => id ?? "");
      expect([name, lines.filter((id) => !described.includes(id))]).toEqual([name, []]);
    }
  });
});

describe("a page's headers", () => {
  it("let in only its own styles and scripts, and let nobody frame it", () => {
    expect(
      linksPage(context, {
        documents: [],
        asked: { text: "", state: "all", page: 1 },
        pages: 1,
        hasLinks: false,
        changed: false,
      }).headers,
    ).toEqual({
      "Content-Security-Policy":
        "default-src 'none'; style-src 'nonce-bm9uY2U'; script-src 'nonce-bm9uY2U'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
      "Referrer-Policy": "same-origin",
      "Cache-Control": "no-store",
    });
  });

  it("let in the requests of a script to the bridge, where the page has a use for them", () => {
    const { headers } = documentsPage(context, { crumbs: [], entries: [], opens: () => true });
    expect(headers["Content-Security-Policy"]).toContain("; connect-src 'self'; form-action 'self';");
  });

  it("let portals frame a message that stands where the document would, without buttons to be lured to", () => {
    const page = messagePage(context, { kind: "linkRevoked" }, ["https://portal.example.com"]);
    expect(page.headers["Content-Security-Policy"]).toContain("frame-ancestors 'self' https://portal.example.com;");
    expect(textOf(page)).not.toContain("<form");
  });
});

describe("signing in", () => {
  const facts = { ways: { oauth: true, password: true }, returnTo: "/share?file_id=a&x=1" } as const;

  it("offers Cloudreve's own page and keeps where the person wanted to go", () => {
    const page = signInPage(owner, { ...facts, state: "fresh" });
    expect(tagWith(page, "/signin/oauth")).toContain("/signin/oauth?return_to=%2Fshare%3Ffile_id%3Da%26x%3D1");
    expect(fieldsOf(page)).toEqual(["return_to", "email", "password"]);
  });

  it("keeps the e-mail after a wrong password and goes on at the password", () => {
    const page = signInPage(owner, { ...facts, state: "refused", email: "al@example.com" });
    expect(tagWith(page, 'id="email"')).toContain('value="al@example.com"');
    expect(tagWith(page, 'id="password"')).toMatch(/aria-invalid="true" aria-describedby="password-line" autofocus/);
  });

  it("says plainly that a captcha can't be shown here, and what to ask for where OAuth is not registered", () => {
    const page = signInPage(owner, { ...facts, ways: { oauth: false, password: true }, state: "captcha" });
    expect(textOf(page)).toContain("requires a captcha, which only Cloudreve");
    expect(textOf(page)).toContain("register this bridge as an OAuth application");
  });

  it("asks for the second factor with a keyboard of digits", () => {
    const page = signInPage(owner, { ...facts, state: "secondFactor", secondStepId: "step" });
    expect(fieldsOf(page)).toEqual(["return_to", "second_step_id", "code"]);
    expect(tagWith(page, 'id="code"')).toContain('inputmode="numeric" autocomplete="one-time-code"');
  });
});

describe("the documents page", () => {
  const entry = {
    kind: "file",
    id: "a/b",
    name: "x.zip",
    uri: "u",
    sizeBytes: 1,
    version: "v",
    modifiedAt: "2026-01-01T00:00:00Z",
  } as const;

  it("leads into the editor and to sharing, but not for what no editor opens", () => {
    const facts = { crumbs: [], entries: [entry], opens: (name: string) => name !== "x.zip" };
    expect(textOf(documentsPage(context, facts))).not.toContain("file_id=");
    const page = documentsPage(context, { ...facts, opens: () => true });
    expect(tagWith(page, "/open?file_id=a%2Fb")).toContain('target="_blank" rel="noopener"');
    expect(tagWith(page, "/share?file_id=a%2Fb")).toContain("<a ");
  });

  it("goes on to the next page of the same folder", () => {
    const page = documentsPage(context, {
      crumbs: [],
      entries: [entry],
      opens: () => true,
      folderUri: "c://f",
      next: "n&2",
    });
    expect(tagWith(page, 'rel="next"')).toContain("/?folder=c%3A%2F%2Ff&amp;next=n%262");
  });
});

describe("the form of a link", () => {
  it("sends the fields of a new link, which may edit, never ends and asks for a name", () => {
    const page = linkFormPage(context, { file, otherLinks: 0 });
    expect(fieldsOf(page).sort()).toEqual([
      "ask_name",
      "expires_in",
      "file_id",
      "may_rename",
      "no_copy",
      "no_download",
      "no_print",
      "note",
      "password",
      "permission",
      "watermark",
    ]);
    expect(tagWith(page, 'value="edit"')).toContain("checked");
    expect(tagWith(page, 'name="ask_name"')).toContain("checked");
    expect(tagWith(page, '<option value=""')).toContain("selected");
  });

  it("changes a link without losing its end, its password or its restrictions", () => {
    const page = linkFormPage(context, { file, link: { ...link, passwordHash: "h" }, otherLinks: 0 });
    expect(tagWith(page, '<form method="post" action="https://office.example.com/bridge/links/L1"')).not.toBe("");
    expect(tagWith(page, '<option value="keep"')).toContain("selected");
    expect(fieldsOf(page)).toContain("remove_password");
    expect(tagWith(page, 'name="no_download"')).toContain("checked");
    expect(textOf(page)).toContain("<details open>");
  });

  it("keeps what was typed beside an error, and a note's first empty line", () => {
    const values = {
      ...{ permission: "view", expiresIn: "7", removePassword: false, note: "\nx", askName: false },
      ticked: ["rename", "watermark"],
    } as const;
    const page = linkFormPage(context, { file, otherLinks: 0, values, error: { field: "note", kind: "tooLong" } });
    expect(tagWith(page, 'value="view"')).toContain("checked");
    expect(tagWith(page, 'name="ask_name"')).not.toContain("checked");
    expect(tagWith(page, 'name="may_rename"')).toContain("checked");
    expect(textOf(page)).toContain(">\n\nx</textarea>");
    expect(textOf(page)).toContain("Please use at most 500 characters.");
  });
});

describe("a link just made", () => {
  const url = "https://office.example.com/l/s";
  const page = linkPage(context, { link, visits: [], signInEnded: false, isNew: true, url });

  it("shows its address to copy, as a code, and to share, which only a script can", () => {
    expect(tagWith(page, 'id="link-url"')).toContain(`readonly value="${url}"`);
    expect(textOf(page)).toMatch(/<svg width="176" height="176" aria-hidden="true"[^>]*viewBox/);
    expect(tagWith(page, "data-shares")).toMatch(/ hidden>$/);
  });

  it("writes a mail with the name and the address, whatever is in the name", () => {
    const nasty = { ...link, fileName: 'R&D "100 %"?body=x.docx' };
    const mail = tagWith(linkPage(context, { link: nasty, visits: [], signInEnded: false, url }), "mailto:");
    const { searchParams } = new URL(
      /href="([^"]*)"/.exec(mail)?.[1]?.replaceAll("&amp;", "&").replaceAll("&#39;", "'") ?? "",
    );
    expect([...searchParams.keys()]).toEqual(["subject", "body"]);
    expect(searchParams.get("subject")).toContain(nasty.fileName);
    expect(searchParams.get("body")).toContain(`\r\n${url}\r\n`);
  });

  it("says so when its address is not known", () => {
    const older = textOf(linkPage(context, { link, visits: [], signInEnded: false }));
    expect(older).toContain("The address of this link is not stored");
    expect(older).not.toContain("link-url");
  });
});

describe("whether people may rename the document", () => {
  const formOf = (changed: Partial<EditLink>) =>
    linkFormPage(context, { file, link: { ...link, ...changed }, otherLinks: 0 });

  it("is off for a new link, and stands in the form of one as it is", () => {
    expect(tagWith(linkFormPage(context, { file, otherLinks: 0 }), 'name="may_rename"')).not.toContain("checked");
    expect(tagWith(formOf({ mayRename: true }), 'name="may_rename"')).toContain("checked");
    expect(tagWith(formOf({ mayRename: false }), 'name="may_rename"')).not.toContain("checked");
  });

  it.each<[Partial<EditLink>, string, RegExp]>([
    [{ mayRename: true }, "Can edit and rename", /Allow renaming<\/th><td>Yes/],
    [{ mayRename: false }, "Can edit ·", /Allow renaming<\/th><td>No/],
    [{ mayRename: true, permission: "view" }, "Can view", /^(?![\s\S]*Allow renaming)/],
  ])("is told by the link's page and by the list: %j", (changed, inList, onPage) => {
    const shown = { ...link, ...changed };
    expect(textOf(linksPage(context, listWith(shown)))).toContain(inList);
    expect(textOf(linkPage(context, { link: shown, visits: [], signInEnded: false }))).toMatch(onPage);
  });
});

describe("the page of a link", () => {
  it("revokes only behind a second step, and never twice", () => {
    const live = linkPage(context, { link, visits: [], signInEnded: false });
    expect(textOf(live)).toMatch(/<details class="danger">[\s\S]*\/links\/L1\/revoke[\s\S]*<\/details>/);
    const over = linkPage(context, { link, end: { because: "revoked", atMs: 0 }, visits: [], signInEnded: false });
    expect(textOf(over)).not.toMatch(/\/revoke|\/change/);
  });

  it("tells the owner to sign in when the link opens nothing for want of it", () => {
    const page = linkPage(context, { link, visits: [], signInEnded: true });
    expect(textOf(page)).toContain("/signin?return_to=%2Flinks%2FL1");
  });
});

describe("a colleague's door", () => {
  it("asks only what the link asks", () => {
    expect(fieldsOf(visitPage(owner, door))).toEqual(["name", "password"]);
    expect(fieldsOf(visitPage(owner, { ...door, asksName: false, needsPassword: false }))).toEqual([]);
  });

  it("starts where something is left to type", () => {
    expect(tagWith(visitPage(owner, door), 'id="name"')).toContain("autofocus");
    expect(tagWith(visitPage(owner, { ...door, name: "Bob" }), 'id="password"')).toContain("autofocus");
    const wrong = visitPage(owner, { ...door, name: "Bob", error: "passwordWrong" });
    expect(tagWith(wrong, 'id="password"')).toMatch(/aria-invalid="true" autofocus/);
  });

  it("comes back to itself in another language", () => {
    expect(tagWith(visitPage(owner, door), 'hreflang="zh-CN"')).toContain(
      "/language?to=zh-CN&amp;return_to=%2Fl%2Fc2VjcmV0%3Fa%3D1%26b%3D2",
    );
  });
});
