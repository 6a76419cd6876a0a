import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { plainEmail } from "../../src/model/emailAddress.ts";
import { isAdministrator } from "../../src/pages/pageAnswer.ts";
import { type LinkOwner, linkOwner } from "../support/linkOwner.ts";
import { type TestBridge, testBridge } from "../support/testBridge.ts";
import { webPerson } from "../support/webPerson.ts";

let bridge: TestBridge;
let alice: LinkOwner;
let bob: LinkOwner;

beforeAll(async () => {
  const settings = {
    ADMIN_EMAILS: "carol@example.com, BOB@Example.com",
    PRODUCT_NAME: "Papers & Co",
    LOGO_URL: "https://static.example.com/logo.svg?a=1&b=2",
  };
  bridge = await testBridge({ settings });
  alice = await linkOwner(bridge);
  bob = await linkOwner(bridge, "bob@example.com");
});
afterAll(() => bridge.close());

describe("/admin", () => {
  it("is a page for the named administrator alone; others get what they get for any unknown address", async () => {
    expect((await bob.person.get("/admin")).status).toBe(200);
    expect((await bob.person.get("/")).text).toContain("/admin");
    expect((await alice.person.get("/")).text).not.toContain("/admin");
    const foreign = { Origin: "https://evil.example" };
    for (const person of [alice.person, webPerson(bridge.url)]) {
      const unknown = await person.get("/no-such-page");
      for (const path of ["/admin", "/admin/saves/0/content"]) {
        const answer = await person.get(path);
        expect([answer.status, answer.text]).toEqual([404, unknown.text]);
      }
      for (const path of ["doctor", "saves/0/place", "saves/0/dismiss", "links/0/revoke"]) {
        expect((await person.post(`/admin/${path}`)).text).toBe(unknown.text);
        expect((await person.post(`/admin/${path}`, {}, foreign)).status).toBe(404);
      }
    }
    expect((await bob.person.post("/admin/doctor", {}, foreign)).status).toBe(403);
  });

  it.each([
    ["Bob@Example.COM", "bob@example.com", true],
    ["bob@example.com", undefined, false],
    ["bob@example.com", "bob@example.com.evil", false],
    // U+212A is no K: somebody else could register it.
    ["kate@example.com", "\u212Aate@example.com", false],
  ])("is for %s, and %s is that: %s", (named, email, isIt) => {
    const person = email === undefined ? {} : { email };
    expect(isAdministrator({ ADMIN_EMAILS: [plainEmail(named)] }, person)).toBe(isIt);
  });
});

describe("the operator's name and logo", () => {
  it("are on every page, and the browser may load the logo", async () => {
    const { headers, text } = await webPerson(bridge.url).get("/signin");
    expect(text).toContain(" · Papers &amp; Co</title>");
    expect(text).toContain(
      '<img class="logo" src="https://static.example.com/logo.svg?a=1&amp;b=2" alt="" height="28">',
    );
    expect(text).not.toContain("Office Bridge");
    expect(headers.get("Content-Security-Policy")).toContain("img-src 'self' data: https://static.example.com;");
  });

  it("are on the editor's page too", async () => {
    await bridge.alice.put("Plan.docx", "plan");
    const session = (await (await bridge.postSession({ uri: "cloudreve://my/Plan.docx", action: "edit" })).json()) as {
      host_page_url: string;
    };
    const page = await webPerson(bridge.url).get(session.host_page_url);
    expect(page.text).toContain('<meta name="application-name" content="Papers &amp; Co">');
    expect(page.headers.get("Content-Security-Policy")).toContain("img-src 'self' data: https://static.example.com;");
  });
});
