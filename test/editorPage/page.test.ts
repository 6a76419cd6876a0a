import { readdirSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { wordsIn } from "../../src/words/words.ts";
import { editorUrl, portalKey, type TestBridge, testBridge } from "../support/testBridge.ts";
import { type Session, sessionSchema } from "../support/wopiClient.ts";

const embedOrigins = ["https://portal.example.org", "http://intranet.example:8081"];
const minuteMs = 60_000;

interface Page {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Directives of a Content-Security-Policy, by name. */
function policyOf({ headers }: Page): Record<string, string> {
  const directives = (headers.get("content-security-policy") ?? "").split("; ");
  return Object.fromEntries(directives.map((one) => [one.split(" ", 1)[0], one.slice(one.indexOf(" ") + 1)]));
}

function plain(html: string): string {
  return html
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&amp;", "&");
}

function attribute(html: string, element: RegExp, name: string): string {
  const found = element.exec(html)?.[0] ?? "";
  return plain(new RegExp(`\\s${name}="([^"]*)"`).exec(found)?.[1] ?? "");
}

describe("the host page", () => {
  let bridge: TestBridge;
  let documents = 0;
  beforeAll(async () => {
    bridge = await testBridge({
      settings: { EMBED_ORIGINS: embedOrigins.join(","), GRANT_HOURS: "100" },
      drive: { settings: { accessTokenTtlSeconds: 1_000_000, viewerSessionTimeoutSeconds: 1_000_000 } },
    });
  });
  afterAll(() => bridge.close());

  const session = async (name = `page-${++documents}.docx`, more: Record<string, unknown> = {}): Promise<Session> => {
    expect(await bridge.alice.put(name, "text")).toBe(0);
    const answered = await bridge.postSession({ uri: bridge.alice.uriOf(name), action: "edit", ...more });
    expect(answered.status).toBe(201);
    return sessionSchema.parse(await answered.json());
  };
  const get = async (url: string): Promise<Page> => {
    const answered = await fetch(url, { redirect: "manual" });
    return { status: answered.status, headers: answered.headers, text: await answered.text() };
  };
  const open = async (name?: string, more?: Record<string, unknown>) => {
    const opened = await session(name, more);
    const page = await get(opened.host_page_url);
    expect(page.status).toBe(200);
    return { opened, page };
  };

  describe("its ticket", () => {
    it("is good once", async () => {
      const { host_page_url: url } = await session();
      expect((await get(url)).status).toBe(200);
      const second = await get(url);
      expect(second.status).toBe(410);
      expect(second.headers.get("content-type")).toMatch(/^text\/html/);
      expect(second.text).toContain("has already been used");
    });

    it("is not used up by somebody who only asks for the head, as scanners of links do", async () => {
      const { host_page_url: url } = await session();
      const head = await fetch(url, { method: "HEAD" });
      expect(head.status).toBe(200);
      expect((await get(url)).status).toBe(200);
      expect((await fetch(url, { method: "HEAD" })).status).toBe(410);
    });

    it("is good for one of ten who come at the same moment", async () => {
      const { host_page_url: url } = await session();
      const pages = await Promise.all(Array.from({ length: 10 }, () => get(url)));
      expect(pages.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(pages.filter(({ status }) => status === 410)).toHaveLength(9);
    });

    it("is good for five minutes", async () => {
      const early = await session();
      const late = await session();
      bridge.clock.advance(5 * minuteMs - 1000);
      expect((await get(early.host_page_url)).status).toBe(200);
      bridge.clock.advance(1000);
      expect((await get(late.host_page_url)).status).toBe(410);
    });

    it("is no good when the session has been ended", async () => {
      const { id, host_page_url: url } = await session();
      await fetch(`${bridge.url}/api/sessions/${id}`, {
        method: "DELETE",
        headers: { Authorization: `Bearer ${portalKey}` },
      });
      expect((await get(url)).status).toBe(410);
    });

    it("can't be guessed, and a wrong one is told nothing", async () => {
      const { host_page_url: url } = await session();
      const ticket = url.split("/").at(-1) ?? "";
      expect(Buffer.from(ticket, "base64url").length).toBeGreaterThanOrEqual(16);
      for (const wrong of ["x", ticket.slice(0, -1), ticket.toLowerCase(), `${ticket}x`, "__proto__", "%00"]) {
        expect((await get(`${bridge.url}/edit/${wrong}`)).status, wrong).toBe(410);
      }
      expect((await get(url)).status).toBe(200);
      expect((await get(`${bridge.url}/edit/%zz`)).status).toBeLessThan(500);
    });

    it("does not stand in the log", async () => {
      const { host_page_url: url } = await session();
      await get(url);
      await get(url);
      expect(JSON.stringify(bridge.logLines)).not.toContain(url.split("/").at(-1));
    });

    it("survives a moment in which the drive is not responding", async () => {
      const { host_page_url: url } = await session();
      await bridge.stopDrive();
      const failed = await get(url);
      expect(failed.status).toBe(503);
      expect(failed.text).toContain("Try again");
      await bridge.startDrive();
      expect((await get(url)).status).toBe(200);
    });
  });

  describe("its headers", () => {
    it("let the page frame and post to the editor's very origin, and to nothing else", async () => {
      const policy = policyOf((await open()).page);
      expect(policy["frame-src"]).toBe(editorUrl);
      expect(policy["form-action"]).toBe(editorUrl);
      expect(policy["default-src"]).toBe("'none'");
      expect(policy["base-uri"]).toBe("'none'");
      expect(policy["connect-src"]).toBe("'self'");
    });

    it("let the portals frame the page, and nobody else", async () => {
      const { page } = await open();
      expect(policyOf(page)["frame-ancestors"]).toBe(["'self'", ...embedOrigins].join(" "));
      expect(page.headers.get("x-frame-options")).toBeNull();
    });

    it("let only the page's own scripts and styles run, by a word that is never the same", async () => {
      const pages = [(await open()).page, (await open()).page];
      const nonces = pages.map((page) => {
        const policy = policyOf(page);
        const nonce = /^'nonce-([A-Za-z0-9+/=_-]{20,})'$/.exec(policy["script-src"] ?? "")?.[1];
        expect(nonce).toBeDefined();
        expect(policy["style-src"]).toBe(`'nonce-${nonce}'`);
        for (const tag of page.text.match(/<(script|style)\b[^>]*>/g) ?? []) expect(tag).toContain(`nonce="${nonce}"`);
        expect(page.headers.get("content-security-policy")).not.toContain("unsafe");
        return nonce;
      });
      expect(nonces[0]).not.toBe(nonces[1]);
    });

    it("keep the page out of stores, referrers and sniffers, and set no cookie", async () => {
      const { headers } = (await open()).page;
      expect(headers.get("cache-control")).toContain("no-store");
      expect(headers.get("referrer-policy")).toBe("no-referrer");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("content-type")).toBe("text/html; charset=utf-8");
      expect(headers.get("set-cookie")).toBeNull();
      expect(headers.get("x-powered-by")).toBeNull();
    });

    it("give the clipboard to the page and the editor's frame", async () => {
      const permissions = (await open()).page.headers.get("permissions-policy") ?? "";
      expect(permissions).toContain(`clipboard-read=(self "${editorUrl}")`);
      expect(permissions).toContain(`clipboard-write=(self "${editorUrl}")`);
    });

    it("are as strict on the page that says no", async () => {
      const page = await get(`${bridge.url}/edit/unknown`);
      const policy = policyOf(page);
      expect(policy["default-src"]).toBe("'none'");
      expect(policy["form-action"]).toBe("'self'");
      expect(policy["frame-ancestors"]).toBe(["'self'", ...embedOrigins].join(" "));
      expect(page.headers.get("cache-control")).toContain("no-store");
      expect(page.headers.get("referrer-policy")).toBe("same-origin");
    });
  });

  describe("its form", () => {
    it("posts token and end into the editor's frame", async () => {
      const { opened, page } = await open();
      const form = /<form\b[^>]*>/;
      expect(attribute(page.text, form, "method")).toBe("post");
      expect(attribute(page.text, form, "action")).toBe(opened.action_url);
      expect(attribute(page.text, form, "target")).not.toBe("");
      const value = (name: string) => attribute(page.text, new RegExp(`<input[^>]*name="${name}"[^>]*>`), "value");
      expect(value("access_token")).not.toBe("");
      expect(value("access_token_ttl")).toBe(String(opened.access_token_ttl));
      const src = new URL(opened.action_url).searchParams.get("WOPISrc");
      const answered = await fetch(`${src}?access_token=${value("access_token")}`);
      expect(answered.status).toBe(200);
      const info = (await answered.json()) as { UserId: string; OwnerId: string };
      expect(value("user_id")).toBe(info.UserId);
      expect(value("owner_id")).toBe(info.OwnerId);
    });

    it("is the one place where the token stands", async () => {
      const { opened, page } = await open();
      const token = attribute(page.text, /<input[^>]*name="access_token"[^>]*>/, "value");
      expect(page.text.split(token)).toHaveLength(2);
      expect(JSON.stringify([...page.headers])).not.toContain(token);
      expect(opened.action_url + opened.host_page_url).not.toContain(token);
    });
  });

  describe("its words", () => {
    const names = ["it's & 'quotes' &lt;b&gt;.docx", "'--!&#62; $(1) {{x}} `js`.docx", "تقرير 😀 文書.docx"];

    it.each(names)("show the file's name as a name: %s", async (name) => {
      const { page } = await open(name);
      expect(plain(/<title>([^<]*)<\/title>/.exec(page.text)?.[1] ?? "")).toBe(name);
      const facts = /<script type="application\/json"[^>]*>([^<]*)<\/script>/.exec(page.text)?.[1] ?? "";
      expect((JSON.parse(facts) as { fileName: string }).fileName).toBe(name);
      // Nothing of a name stands there unescaped, outside of the JSON.
      expect(page.text.replace(facts, "")).not.toContain("'quotes'");
    });

    it("hold nothing of what the portal says of a person but what the form needs", async () => {
      const { page } = await open(undefined, { user: { id: "x", name: `"><script>alert(1)</script>` } });
      expect(page.text).not.toContain("alert(1)");
      expect(page.text.match(/<script\b/g)).toHaveLength(2);
    });

    it("are marked as being in the language that the portal asked for", async () => {
      const { page } = await open(undefined, { lang: "zh-CN" });
      expect(attribute(page.text, /<html\b[^>]*>/, "lang")).toBe("zh-CN");
    });

    it("are in the browser's language where the portal asked for none", async () => {
      const { host_page_url: url } = await session();
      const page = await fetch(url, { headers: { "Accept-Language": "de-AT, en;q=0.5", "Sec-Fetch-Dest": "iframe" } });
      expect(attribute(await page.text(), /<html\b[^>]*>/, "lang")).toBe("de");
    });

    it("tell the script the editor's origin, exactly, for its messages", async () => {
      const { page } = await open();
      const facts = JSON.parse(/<script type="application\/json"[^>]*>([^<]*)<\/script>/.exec(page.text)?.[1] ?? "{}");
      expect(facts).toMatchObject({ editorOrigin: editorUrl, embedOrigins });
    });
  });

  describe("its script", () => {
    const factsOf = (page: Page) =>
      JSON.parse(/<script type="application\/json"[^>]*>([^<]*)<\/script>/.exec(page.text)?.[1] ?? "{}") as Record<
        string,
        unknown
      >;

    it("is one whole script at an address of its content: every part is in it, and nothing else is fetched", async () => {
      const { page } = await open();
      const src = attribute(page.text, /<script src="[^>]*>/, "src");
      expect(src).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/assets\/hostPage\.js\?v=[\w-]{10}$/);
      const answered = await fetch(src);
      expect(answered.headers.get("content-type")).toContain("text/javascript");
      expect(answered.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
      const script = await answered.text();
      expect(script).not.toMatch(/^\s*(import|export)\b|\bimport\(/m);
      expect(() => new Function(script)).not.toThrow();
      const folder = new URL("../../src/editorPage/browser/", import.meta.url);
      const others = ["embed.ts", "failedPage.ts"];
      const parts = readdirSync(folder).filter((name) => /(?<!\.d)\.ts$/.test(name) && !others.includes(name));
      expect(parts.length).toBeGreaterThan(1);
      for (const part of parts) expect(script, part).toContain(`// editorPage/browser/${part}\n`);
    });

    it("runs by the page's nonce alone", async () => {
      const { page } = await open();
      const nonce = /'nonce-([^']+)'/.exec(page.headers.get("content-security-policy") ?? "")?.[1] ?? "none";
      expect(page.headers.get("content-security-policy")).toContain(`script-src 'nonce-${nonce}';`);
      for (const [tag] of page.text.matchAll(/<script\b[^>]*>/g)) expect(tag).toContain(`nonce="${nonce}"`);
    });

    it("gets a key that renews the token, and is neither the ticket nor the token", async () => {
      const { opened, page } = await open();
      const { pageKey, tokenEndsAtMs } = factsOf(page) as { pageKey: string; tokenEndsAtMs: number };
      expect(opened.host_page_url).not.toContain(pageKey);
      expect(tokenEndsAtMs).toBe(opened.access_token_ttl);
      bridge.clock.advance(minuteMs);
      const renewed = await fetch(`${bridge.url}/edit/${pageKey}/renew`, { method: "POST" });
      expect(renewed.status).toBe(200);
      const { access_token_ttl } = (await renewed.json()) as { access_token_ttl: number };
      expect(access_token_ttl).toBe(opened.access_token_ttl + minuteMs);
    });

    it("gets the words of the person's language", async () => {
      const { page } = await open(undefined, { lang: "zh-CN" });
      const all = Object.entries(wordsIn["zh-CN"].editorPage);
      const [named, others] = [true, false].map((isNamed) =>
        all.filter(([, one]) => one.includes("{owner}") === isNamed),
      );
      expect(factsOf(page)).toMatchObject({ language: "zh-CN", words: Object.fromEntries(others ?? []) });
      expect(named).not.toEqual([]);
      for (const [name, sentence] of named ?? []) {
        expect(factsOf(page)["words"]).toHaveProperty(name, sentence.replace("{owner}", "文档所有者"));
      }
    });

    it("may open the sharing dialog for the owner alone", async () => {
      expect(factsOf((await open()).page)["mayShare"]).toBe(true);
      const { page } = await open(undefined, { user: { id: "x", name: "Guest" } });
      expect(factsOf(page)["mayShare"]).toBe(false);
    });
  });

  it("of a file that is gone says so, and is no error of the server's", async () => {
    const opened = await session("soon gone.docx");
    await bridge.alice.remove("soon gone.docx");
    const page = await get(opened.host_page_url);
    expect(page.status).toBe(404);
    expect(page.text).not.toContain("soon gone");
  });

  it("is not where the token is in the address, so nothing in the log holds it", async () => {
    const { opened, page } = await open();
    const token = attribute(page.text, /<input[^>]*name="access_token"[^>]*>/, "value");
    const log = JSON.stringify(bridge.logLines);
    expect(log).not.toContain(token);
    expect(log).not.toContain(opened.access_token);
  });
});
