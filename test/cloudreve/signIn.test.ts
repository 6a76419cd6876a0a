import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BridgeError } from "../../src/model/failure.ts";
import { totpCode } from "../../src/sandbox/fakeCloudreve/totp.ts";
import {
  alice,
  answer,
  application,
  type Connection,
  consent,
  failureOf,
  hourMs,
  openSignInStage,
  type SignInStage,
  scopes,
} from "./signInStage.ts";

let stage: SignInStage;
let bridge: Connection;
beforeEach(async () => {
  stage = await openSignInStage();
  bridge = stage.connect({ oauthClient: application });
});
afterEach(() => stage.close());

/** The drive answers this path so, and everything else as ever. */
function answerAt(path: string, body: unknown, status = 200): void {
  stage.proxy.intercept = (request, response) =>
    request.url?.startsWith(`/api/v4${path}`) ? answer(response, body, status) : false;
}

describe("the ways to sign in", () => {
  it.each([
    ["4.12.0", true],
    ["4.14.0", true],
    ["4.14.0-pro", true],
    ["5.0.0", true],
    ["4.11.9", false],
    ["4.0.0-alpha.1", false],
    ["3.12.0", false],
    ["unknown", false],
  ])("of a drive of version %s: OAuth is %s", async (version, oauth) => {
    answerAt("/site/ping", { code: 0, data: version });
    expect(await bridge.drive.signIn.ways()).toEqual({ oauth, password: !oauth });
  });

  it("are only the password where no application is registered, whatever the drive", async () => {
    expect(await stage.connect().drive.signIn.ways()).toEqual({ oauth: false, password: true });
    expect(stage.calls()).toBe(0);
  });

  it("follow an upgrade of the drive within ten minutes, without asking each time", async () => {
    answerAt("/site/ping", { code: 0, data: "4.0.0" });
    await bridge.drive.signIn.ways();
    answerAt("/site/ping", { code: 0, data: "4.14.0" });
    stage.clock.advance(599_999);
    expect((await bridge.drive.signIn.ways()).oauth).toBe(false);
    expect(stage.calls("/site/ping")).toBe(1);
    stage.clock.advance(1);
    expect((await bridge.drive.signIn.ways()).oauth).toBe(true);
  });

  it("are not known while the drive can't be reached", async () => {
    await stage.proxy.close();
    expect(await failureOf(bridge.drive.signIn.ways())).toEqual({ kind: "driveUnreachable" });
  });
});

describe("signing in with OAuth", () => {
  it("leads to the drive's consent page, with everything it must be asked and nothing else", () => {
    const asked = { state: "s/1", nonce: "n+1", codeChallenge: "challenge", redirectUri: application.redirectUri };
    const url = new URL(bridge.drive.signIn.consentUrl(asked));
    expect(`${url.origin}${url.pathname}`).toBe("https://cloud.example.com/session/authorize");
    expect(Object.fromEntries(url.searchParams)).toEqual({
      response_type: "code",
      client_id: application.clientId,
      redirect_uri: application.redirectUri,
      scope: scopes,
      state: "s/1",
      nonce: "n+1",
      code_challenge: "challenge",
      code_challenge_method: "S256",
    });
  });

  it("names the account after the person, and lets it reach the documents", async () => {
    const outside = await stage.outside();
    await outside.put("letter.txt", "hello");
    const { code, codeVerifier } = await consent(bridge, outside);
    const account = await bridge.drive.signIn.byCode(code, codeVerifier);
    expect(account).toEqual({
      account: `person:${account.userId}`,
      userId: account.userId,
      userName: "Alice",
      email: "alice@example.com",
      endsAtMs: undefined,
    });
    expect((await stage.signedIn(bridge)).account).toBe(account.account);
    expect((await bridge.drive.find(account.account, { uri: outside.uriOf("letter.txt") })).sizeBytes).toBe(5);
  });

  it("renews itself after the access token's end", async () => {
    const { code, codeVerifier } = await consent(bridge, await stage.outside());
    const { account } = await bridge.drive.signIn.byCode(code, codeVerifier);
    stage.clock.advance(2 * hourMs);
    expect((await bridge.drive.list(account)).entries).toEqual([]);
  });

  it("is refused for a code used twice, a code of nobody's, and none", async () => {
    const { code, codeVerifier } = await consent(bridge, await stage.outside());
    await bridge.drive.signIn.byCode(code, codeVerifier);
    for (const bad of [code, "nobody's", ""]) {
      expect(await failureOf(bridge.drive.signIn.byCode(bad, codeVerifier))).toEqual({ kind: "signInNeeded" });
    }
  });

  it("is refused for somebody else's verifier, and for a wrong application secret", async () => {
    const outside = await stage.outside();
    const first = await consent(bridge, outside);
    expect(await failureOf(bridge.drive.signIn.byCode(first.code, "of-somebody-else"))).toEqual({
      kind: "signInNeeded",
    });
    const wrong = stage.connect({ oauthClient: { ...application, clientSecret: "wrong" } });
    const { code, codeVerifier } = await consent(bridge, outside);
    expect(await failureOf(wrong.drive.signIn.byCode(code, codeVerifier))).toEqual({ kind: "signInNeeded" });
  });

  it("tells a person nothing of what the drive said, and the log the reason", async () => {
    const error: unknown = await bridge.drive.signIn.byCode("nobody's", "v").catch((thrown: unknown) => thrown);
    if (!(error instanceof BridgeError)) throw new Error("it did not fail");
    expect(error.message).toBe("signInNeeded");
    expect(error.failure).toEqual({ kind: "signInNeeded" });
    expect((error.cause as Error).message).toMatch(/authorization code/);
  });

  it.each([
    ["a fault of its own", { code: 50001, msg: "database" }, 200],
    ["a fault of its own in OAuth's shape", { error: "database", error_codes: [50001] }, 400],
    ["a page of a proxy", "bad gateway", 502],
    ["an empty success", { code: 0, msg: "" }, 200],
  ])("does not take %s of the drive for a refusal", async (_name, body, status) => {
    answerAt("/session/oauth/token", body, status);
    expect((await failureOf(bridge.drive.signIn.byCode("code", "verifier"))).kind).toBe("driveFailed");
  });

  it("is not open without a registered application", async () => {
    const { drive } = stage.connect();
    expect(await failureOf(drive.signIn.byCode("code", "verifier"))).toEqual({ kind: "signInNeeded" });
    expect(() => drive.signIn.consentUrl({ state: "", nonce: "", codeChallenge: "", redirectUri: "" })).toThrow(
      BridgeError,
    );
  });

  it("ends when the person takes the grant back, and lives again after a new consent", async () => {
    const outside = await stage.outside();
    const first = await consent(bridge, outside);
    const { account } = await bridge.drive.signIn.byCode(first.code, first.codeVerifier);
    await outside.call("DELETE", `/session/oauth/grant/${application.clientId}`);
    stage.clock.advance(24 * hourMs);
    expect(await failureOf(bridge.drive.keepAlive(account))).toEqual({ kind: "signInNeeded" });
    expect(await failureOf(bridge.drive.list(account))).toEqual({ kind: "signInNeeded" });
    const second = await consent(bridge, await stage.outside());
    expect((await bridge.drive.signIn.byCode(second.code, second.codeVerifier)).account).toBe(account);
    expect((await bridge.drive.list(account)).entries).toEqual([]);
  });

  it("gives a token that a portal may hand on, although it may not read the person's settings", async () => {
    const { code, codeVerifier } = await consent(bridge, await stage.outside());
    const person = await bridge.drive.signIn.byCode(code, codeVerifier);
    const accessToken = await bridge.credentials.accessToken(person.account);
    const account = await bridge.drive.account({ accessToken });
    expect(account).toMatchObject({ userId: person.userId, userName: "Alice" });
  });
});

describe("signing in with a password", () => {
  it("names the account after the person", async () => {
    const { account, userId } = await stage.signedIn(bridge);
    expect(account).toBe(`person:${userId}`);
  });

  it.each([
    ["a wrong password", alice.email, "wrong-password"],
    ["an unknown address", "nobody@example.com", alice.password],
    ["what is no address", "alice", alice.password],
    ["an empty address", "", alice.password],
  ])("is refused for %s", async (_name, email, password) => {
    expect(await bridge.drive.signIn.byPassword(email, password)).toEqual({ is: "refused" });
  });

  it.each(["", "abc", "a".repeat(129), "🗝🗝🗝"])(
    "is refused without a call for a password of a length that none has",
    async (password) => {
      expect(await bridge.drive.signIn.byPassword(alice.email, password)).toEqual({ is: "refused" });
      expect(stage.calls()).toBe(0);
    },
  );

  it.each([
    ["is banned", 40017],
    ["is not activated yet", 40018],
  ])("is refused for an account that %s", async (_name, code) => {
    answerAt("/session/token", { code, msg: "no" });
    expect(await bridge.drive.signIn.byPassword(alice.email, alice.password)).toEqual({ is: "refused" });
  });

  it("says that the drive wants a captcha", async () => {
    stage.fake.settings.loginCaptcha = true;
    expect(await bridge.drive.signIn.byPassword(alice.email, alice.password)).toEqual({ is: "captchaNeeded" });
  });

  it("is not refused for a fault of the drive", async () => {
    answerAt("/session/token", { code: 50001, msg: "database" });
    const failure = await failureOf(bridge.drive.signIn.byPassword(alice.email, alice.password));
    expect(failure.kind).toBe("driveFailed");
  });
});

describe("signing in with a second factor", () => {
  const secondStep = async (): Promise<{ secondStepId: string; otp: () => string }> => {
    const outside = await stage.outside();
    const secret = (await outside.call("GET", "/user/setting/2fa")).data as string;
    const otp = () => totpCode(secret, stage.clock.now());
    await outside.call("PATCH", "/user/setting", { two_fa_enabled: true, two_fa_code: otp() });
    const outcome = await bridge.drive.signIn.byPassword(alice.email, alice.password);
    if (outcome.is !== "secondFactorNeeded") throw new Error(`no second factor was asked: ${outcome.is}`);
    return { secondStepId: outcome.secondStepId, otp };
  };

  it("asks for the code, lets a wrong one be mended, and signs in with the right one", async () => {
    const { secondStepId, otp } = await secondStep();
    const wrong = otp() === "000000" ? "000001" : "000000";
    expect(await bridge.drive.signIn.bySecondFactor(secondStepId, wrong)).toEqual({ is: "refused" });
    expect(await bridge.drive.signIn.bySecondFactor(secondStepId, "")).toEqual({ is: "refused" });
    const outcome = await bridge.drive.signIn.bySecondFactor(secondStepId, otp());
    expect(outcome).toMatchObject({ is: "signedIn", account: { userName: "Alice" } });
  });

  it("is refused when the step is used up, too old, or nobody's", async () => {
    const { secondStepId, otp } = await secondStep();
    await bridge.drive.signIn.bySecondFactor(secondStepId, otp());
    expect(await bridge.drive.signIn.bySecondFactor(secondStepId, otp())).toEqual({ is: "refused" });
    expect(await bridge.drive.signIn.bySecondFactor("nobody's", otp())).toEqual({ is: "refused" });
  });
});
