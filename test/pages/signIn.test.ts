import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { decideAtDrive, oauthClient, testBridgeWithOauth } from "../support/consent.ts";
import { drivePassword, type TestBridge, testBridge } from "../support/testBridge.ts";
import { type WebPerson, webPerson } from "../support/webPerson.ts";

const alice = { email: "alice@example.com", password: drivePassword };

let bridge: TestBridge;
let person: WebPerson;

describe("signing in by the drive's OAuth pages", () => {
  beforeAll(async () => {
    bridge = await testBridgeWithOauth({ store: "file" });
  });
  afterAll(() => bridge.close());
  beforeEach(() => {
    person = webPerson(bridge.url);
  });

  it("asks for consent to always the same scopes, with PKCE, state and nonce", async () => {
    const { location } = await person.get("/signin/oauth");
    const asked = new URL(location ?? "");
    expect(asked.origin + asked.pathname).toBe(`${bridge.drive.url}/session/authorize`);
    expect(asked.searchParams.get("scope")).toBe(oauthClient.scopes.join(" "));
    expect(asked.searchParams.get("code_challenge_method")).toBe("S256");
    expect(asked.searchParams.get("redirect_uri")).toBe(`${bridge.url}/signin/callback`);
    for (const name of ["state", "nonce", "code_challenge"])
      expect(asked.searchParams.get(name)).toMatch(/^[\w-]{32,}$/);
  });

  it("brings a person back to the page that was wanted, signed in, with the drive's name", async () => {
    expect((await person.get("/links")).location).toBe(`${bridge.url}/signin?return_to=%2Flinks`);
    const consent = await person.get("/signin/oauth?return_to=%2Flinks");
    const back = await person.get(await decideAtDrive(consent, "allow"));
    expect(back.location).toBe(`${bridge.url}/links`);
    expect((await person.get("/links")).text).toContain("Alice");
  });

  it("says so when the person said no", async () => {
    const consent = await person.get("/signin/oauth");
    const back = await person.get(await decideAtDrive(consent, "deny"));
    expect(back.status).toBe(400);
    expect((await person.get("/links")).status).toBe(303);
  });

  it("takes the answer in the browser that asked, and in no other", async () => {
    const consent = await person.get("/signin/oauth");
    const callback = await decideAtDrive(consent, "allow");
    const other = webPerson(bridge.url);
    await other.get("/signin/oauth");
    expect((await other.get(callback)).status).toBe(400);
    expect((await other.get("/")).status).toBe(303);
  });

  it("takes an answer once", async () => {
    const consent = await person.get("/signin/oauth");
    const callback = await decideAtDrive(consent, "allow");
    expect((await person.get(callback)).status).toBe(303);
    expect((await person.get(callback)).status).toBe(400);
  });

  it.each(["state=x&code=y", "code=y", "state=x", "state=x&state=y&code=z", "error=server_error&state=x"])(
    "refuses a made-up answer: %s",
    async (query) => {
      await person.get("/signin/oauth");
      const answered = await person.get(`/signin/callback?${query}`);
      expect(answered.status).toBe(400);
      expect(answered.text).not.toContain("server_error");
    },
  );

  it("offers no password form, and takes no password", async () => {
    expect((await person.get("/signin")).text).not.toContain('name="password"');
    expect((await person.post("/signin/password", alice)).status).toBe(403);
  });
});

describe("signing in with e-mail and password, where the drive has no OAuth client for us", () => {
  beforeEach(async () => {
    bridge = await testBridge({ store: "file" });
    person = webPerson(bridge.url);
  });
  afterEach(() => bridge.close());

  it("signs in and out again", async () => {
    expect((await person.post("/signin/password", { ...alice, return_to: "/links" })).location).toBe(
      `${bridge.url}/links`,
    );
    expect((await person.get("/")).text).toContain("Alice");
    const cookie = [...person.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    await person.post("/signout");
    expect((await person.get("/")).status).toBe(303);
    // What somebody copied of the cookie is worth nothing either.
    expect((await webPerson(bridge.url).get("/", { Cookie: cookie })).status).toBe(303);
  });

  it("signs out everywhere", async () => {
    const elsewhere = webPerson(bridge.url);
    for (const browser of [person, elsewhere]) await browser.post("/signin/password", alice);
    await person.post("/signout", { everywhere: "1" });
    expect((await elsewhere.get("/")).status).toBe(303);
  });

  it("says the same of a wrong password and an unknown e-mail", async () => {
    const wrong = await person.post("/signin/password", { ...alice, password: "wrong-password" });
    const unknown = await person.post("/signin/password", { email: "nobody@example.com", password: "wrong-password" });
    expect([wrong.status, unknown.status]).toEqual([403, 403]);
    const plain = (text: string, email: string) => text.replaceAll(email, "").replace(/nonce="[^"]*"/g, "");
    expect(plain(wrong.text, alice.email)).toBe(plain(unknown.text, "nobody@example.com"));
  });

  it("lets a whole office behind one address sign in", async () => {
    for (let browser = 0; browser < 40; browser++) {
      expect((await webPerson(bridge.url).post("/signin/password", alice)).status).toBe(303);
    }
  });

  it("asks for the second factor where the account has one", async () => {
    const codeOf = await bridge.alice.turnOnSecondFactor(bridge.clock.now);
    const asked = await person.post("/signin/password", { ...alice, return_to: "/links" });
    const secondStepId = /name="second_step_id" value="([^"]+)"/.exec(asked.text)?.[1] ?? "";
    const offer = (code: string) =>
      person.post("/signin/second-factor", { second_step_id: secondStepId, code, return_to: "/links" });
    expect((await offer("000000")).status).toBe(403);
    expect((await offer(codeOf())).location).toBe(`${bridge.url}/links`);
  });

  it("tells plainly that a captcha can't be shown here", async () => {
    bridge.drive.settings.loginCaptcha = true;
    const answered = await person.post("/signin/password", alice);
    expect(answered.status).toBe(409);
    expect(answered.text).toContain("captcha");
  });

  it.each([
    ["another site", { Origin: "https://evil.example" }],
    ["a page without an origin", { Origin: "null" }],
    ["a sibling host", { Origin: "null", "Sec-Fetch-Site": "same-site" }],
  ])("refuses a form posted by %s, and does nothing", async (_who, headers) => {
    expect((await person.post("/signin/password", alice, headers)).status).toBe(403);
    await person.post("/signin/password", alice);
    expect((await person.post("/signout", {}, headers)).status).toBe(403);
    expect((await person.get("/")).status).toBe(200);
  });

  it.each(["https://evil.example/", "//evil.example", "/\\evil.example", "/api/links", "javascript:alert(1)"])(
    "leads nowhere but to its own pages: %s",
    async (target) => {
      const answered = await person.post("/signin/password", { ...alice, return_to: target });
      expect(answered.location).toBe(`${bridge.url}/`);
    },
  );

  it("keeps the cookie from scripts and from other sites, and password and tokens out of the log", async () => {
    const answered = await person.post("/signin/password", alice);
    const cookie = answered.headers.getSetCookie().find((line) => line.startsWith("bridge-person="));
    expect(cookie).toMatch(/; HttpOnly/);
    expect(cookie).toMatch(/; SameSite=Lax/);
    expect(JSON.stringify(bridge.logLines)).not.toContain(drivePassword);
    expect(await bridge.storedText()).not.toContain(drivePassword);
  });

  it("keeps a signed-in person signed in over a restart of the bridge", async () => {
    await person.post("/signin/password", alice);
    await bridge.restart();
    expect((await person.get("/")).text).toContain("Alice");
  });
});
