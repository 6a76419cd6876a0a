import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DriveUnderTest } from "./fakeCloudreveClient.ts";

const redirectUri = "http://127.0.0.1:3999/signin/callback";
const scope = "openid profile offline_access Files.Read Files.Write";
const verifier = "a-verifier-of-at-least-forty-three-characters-0123";
const client = {
  clientId: "5d1c8f60-3c0e-4b5e-9b6d-7f2a4c9e1b30",
  clientSecret: "the-bridge's-secret",
  name: "Bridge <of> Offices",
  redirectUris: [redirectUri],
  scopes: [...scope.split(" "), "email"],
};
const alice = { decision: "sign-in", email: "alice@example.com", password: "sandbox-password" };
const bob = { ...alice, email: "bob@example.com" };

interface Tokens {
  access_token: string;
  refresh_token: string;
}

let drive: DriveUnderTest;
let browser: Browser;

beforeEach(async () => {
  drive = await new DriveUnderTest().open({ oauthClients: [client] });
  browser = new Browser();
});

afterEach(() => drive.close());

describe("the page that asks for consent", () => {
  it("signs a person in, asks, and sends the browser back with a code that is good for tokens", async () => {
    expect(await (await browser.get()).text()).toContain("Sign in to Demo Cloud");
    const asked = await browser.signIn(bob);
    expect(asked).toContain("You are signed in as Bob (bob@example.com)");
    const back = await browser.decide("allow");
    expect(`${back.origin}${back.pathname}`).toBe(redirectUri);
    expect(back.searchParams.get("state")).toBe("s&1");
    const tokens = await exchange(back.searchParams.get("code") ?? "");
    const mine = await drive.call<{ id: string }>("GET", "/file?uri=cloudreve://my", undefined, tokens.access_token);
    expect(mine.code).toBe(0);
  });

  it("only asks for consent the second time", async () => {
    await browser.signIn(bob);
    await browser.decide("allow");
    expect(await (await browser.get()).text()).toContain("You are signed in as Bob");
  });

  it("lets another person sign in on the same browser", async () => {
    await browser.signIn(bob);
    await browser.post({ decision: "switch" });
    expect(await (await browser.get()).text()).toContain("Sign in to Demo Cloud");
    expect(await browser.signIn(alice)).toContain("You are signed in as Alice");
  });

  it("says a wrong password aloud and signs nobody in", async () => {
    const answer = await browser.post({ ...bob, password: "wrong" });
    expect(await answer.text()).toContain('<p role="alert">Incorrect password or email address</p>');
    expect(answer.headers.get("Set-Cookie")).toBeNull();
  });

  it("sends the browser back with access_denied when the person denies", async () => {
    await browser.signIn(bob);
    const back = await browser.decide("deny");
    expect([...back.searchParams]).toEqual([
      ["error", "access_denied"],
      ["state", "s&1"],
    ]);
  });

  it("gives no code to a browser that is not signed in", async () => {
    const answer = await browser.post({ decision: "allow" });
    expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining("Please sign in again.")]);
  });

  it("takes no token of an application for a sign-in", async () => {
    await browser.signIn(bob);
    const tokens = await exchange((await browser.decide("allow")).searchParams.get("code") ?? "");
    browser.cookie = `cloudreve_page=${tokens.refresh_token}`;
    expect(await (await browser.get()).text()).toContain("Sign in to Demo Cloud");
  });

  it.each([
    ["an unknown application", { client_id: "00000000-0000-4000-8000-000000000000" }, "App not found"],
    ["another redirect uri", { redirect_uri: `${redirectUri}/` }, "Invalid redirect URI"],
    ["no redirect uri", { redirect_uri: "" }, "Invalid redirect URI"],
    ["a scope that was not registered", { scope: "openid Admin.Write" }, "Invalid scope requested"],
    ["no openid", { scope: "Files.Read" }, "openid scope required"],
    ["another response type", { response_type: "token" }, "Invalid response type"],
    ["plain PKCE", { code_challenge_method: "plain" }, "Invalid PKCE method"],
  ])("never redirects for %s", async (_what, changes, reason) => {
    await browser.signIn(bob);
    for (const answer of [await browser.get(changes), await browser.post({ decision: "allow" }, changes)]) {
      expect([answer.status, answer.headers.get("Location")]).toEqual([400, null]);
      expect(await answer.text()).toContain(reason);
    }
  });

  it("is in a language, has a label for each field, and shows names as text", async () => {
    const page = await (await browser.get()).text();
    expect(page).toContain('<html lang="en">');
    expect(page).toContain('<label for="email">');
    expect(page).toContain('<label for="password">');
    expect(page).toContain("Bridge &#60;of&#62; Offices");
  });
});

describe("a code", () => {
  it("lives ten minutes", async () => {
    const [used, left] = [await consent(), await consent()];
    drive.nowMs += 599_000;
    expect(await exchange(used)).toHaveProperty("access_token");
    drive.nowMs += 1000;
    expect(await exchange(left)).toMatchObject({ error: "Invalid or expired authorization code" });
  });

  it("survives a graceful restart", async () => {
    const code = await consent();
    await drive.restart();
    expect(await exchange(code)).toHaveProperty("access_token");
  });
});

describe("what a person allowed an application", () => {
  it("survives a restart, the application with it", async () => {
    const tokens = await exchange(await consent());
    await drive.restart();
    expect((await refresh(tokens)).code).toBe(0);
  });

  it("ends with his password", async () => {
    const tokens = await exchange(await consent());
    const accounts = drive.options().accounts.map((account) => ({ ...account, password: "another-password" }));
    await drive.restart({ accounts });
    expect((await refresh(tokens)).code).toBe(40020);
  });

  it("once revoked is refreshed no more, not even after he allows it again", async () => {
    const before = await exchange(await consent());
    expect((await drive.call("DELETE", `/session/oauth/grant/${client.clientId}`)).code).toBe(0);
    expect((await refresh(before)).code).toBe(40020);
    const after = await exchange(await consent());
    expect((await refresh(after)).code).toBe(40020);
    expect((await drive.call("GET", "/file?uri=cloudreve://my", undefined, after.access_token)).code).toBe(0);
  });
});

describe("an application", () => {
  it("that is registered at each start keeps its number, its grants and takes a new secret", async () => {
    const tokens = await exchange(await consent());
    await drive.restart({ oauthClients: [{ ...client, clientSecret: "another" }] });
    expect(await exchange(await consent())).toMatchObject({ error: "Invalid client secret" });
    expect(await exchange(await consent(), "another")).toHaveProperty("access_token");
    expect((await refresh(tokens)).code).toBe(0);
  });

  it("can be registered on a drive of before there was OAuth", async () => {
    await drive.fake.close();
    const path = join(drive.dir, "state.json");
    const { oauthClients, oauthGrants, ...older } = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
    expect([oauthClients, oauthGrants]).toEqual([[expect.anything()], []]);
    const { oauthClient: _, ...counters } = older["counters"] as Record<string, number>;
    writeFileSync(path, JSON.stringify({ ...older, counters }));
    await drive.open({ oauthClients: [client] });
    expect(await exchange(await consent())).toHaveProperty("access_token");
    // The first two numbers are of Cloudreve's own applications.
    expect(await drive.call("GET", "/admin/oauthClient/3")).toMatchObject({ data: { guid: client.clientId } });
  });
});

/** A browser that keeps the page's cookie and follows nothing by itself. */
class Browser {
  cookie = "";

  get(changes: Record<string, string> = {}): Promise<Response> {
    return this.#send(changes);
  }

  post(fields: Record<string, string>, changes: Record<string, string> = {}): Promise<Response> {
    return this.#send(changes, { method: "POST", body: new URLSearchParams(fields) });
  }

  /** @returns the page behind the sign-in */
  async signIn(fields: Record<string, string>): Promise<string> {
    const answer = await this.post(fields);
    const location = answer.headers.get("Location") ?? "";
    const page = await fetch(new URL(location, drive.fake.url), { headers: { Cookie: this.cookie } });
    return page.text();
  }

  /** @returns where the browser is sent */
  async decide(decision: string): Promise<URL> {
    const answer = await this.post({ decision });
    expect(answer.status).toBe(303);
    return new URL(answer.headers.get("Location") ?? "");
  }

  async #send(changes: Record<string, string>, init: RequestInit = {}): Promise<Response> {
    const query = new URLSearchParams({
      response_type: "code",
      client_id: client.clientId,
      redirect_uri: redirectUri,
      scope,
      state: "s&1",
      code_challenge: challenge(),
      code_challenge_method: "S256",
      ...changes,
    });
    const answer = await fetch(`${drive.fake.url}/session/authorize?${query}`, {
      redirect: "manual",
      ...init,
      headers: { Cookie: this.cookie },
    });
    const [cookie] = answer.headers.getSetCookie();
    if (cookie !== undefined) this.cookie = cookie.split(";")[0] ?? "";
    return answer;
  }
}

function challenge(): string {
  return createHash("sha256").update(verifier).digest("base64url");
}

/** The web UI's own call, as alice. */
async function consent(): Promise<string> {
  const answer = await drive.call<{ code: string }>("POST", "/session/oauth/consent", {
    client_id: client.clientId,
    response_type: "code",
    redirect_uri: redirectUri,
    scope,
    code_challenge: challenge(),
  });
  return answer.data.code;
}

async function exchange(code: string, clientSecret = client.clientSecret): Promise<Tokens> {
  const body = new URLSearchParams({
    client_id: client.clientId,
    client_secret: clientSecret,
    grant_type: "authorization_code",
    code,
    code_verifier: verifier,
  });
  return (await (
    await fetch(`${drive.fake.url}/api/v4/session/oauth/token`, { method: "POST", body })
  ).json()) as Tokens;
}

function refresh(tokens: Tokens) {
  return drive.call("POST", "/session/token/refresh", { refresh_token: tokens.refresh_token }, "");
}
