import { z } from "zod";
import type { DriveAccount, DriveSignIn, SignInOutcome } from "../model/drive.ts";
import { BridgeError, failureOf } from "../model/failure.ts";
import type { Clock } from "../model/keyValueStore.ts";
import { type CloudreveClient, dataOf } from "./client.ts";
import type { Credentials } from "./credential.ts";
import type { Envelope } from "./errorCodes.ts";
import {
  grantedUser,
  type OAuthClient,
  offerPassword,
  offerSecondFactor,
  refreshed,
  signedIn,
  type Tokens,
  tokensForCode,
} from "./tokenCalls.ts";

/** Always the same scopes: a later consent to fewer scopes ends the refresh tokens of the earlier one. */
export const oauthScopes = "openid profile email offline_access Files.Read Files.Write";
/** The first release of Cloudreve with an OAuth provider. */
const firstWithOAuth = { major: 4, minor: 12 };
const versionHoldsMs = 600_000;
const passwordCharacters = { least: 4, most: 128 };

const code = {
  secondFactor: 203,
  secondStepGone: 404,
  invalid: 40_001,
  notActivated: 40_018,
  banned: 40_017,
  wrongSecondFactor: 40_022,
  captcha: 40_026,
  wrongPassword: 40_080,
};
const refusals = new Set<number>([
  code.invalid,
  code.banned,
  code.notActivated,
  code.wrongSecondFactor,
  code.wrongPassword,
  code.secondStepGone,
]);

interface SignInParts {
  readonly client: CloudreveClient;
  readonly credentials: Credentials;
  readonly now: Clock;
  /** Where browsers reach Cloudreve. */
  readonly publicUrl: string;
  /** The bridge's application in Cloudreve; undefined = none is registered. */
  readonly oauthClient: OAuthClient | undefined;
}

/** Signing in to Cloudreve: with OAuth if configured and supported there, otherwise with email and password. */
export class CloudreveSignIn implements DriveSignIn {
  readonly #client: CloudreveClient;
  readonly #credentials: Credentials;
  readonly #now: Clock;
  readonly #publicUrl: string;
  readonly #oauthClient: OAuthClient | undefined;
  #version: { readonly text: string; readonly askedAtMs: number } | undefined;

  constructor({ client, credentials, now, publicUrl, oauthClient }: SignInParts) {
    this.#client = client;
    this.#credentials = credentials;
    this.#now = now;
    this.#publicUrl = publicUrl.replace(/\/+$/, "");
    this.#oauthClient = oauthClient;
  }

  async ways(): Promise<{ readonly oauth: boolean; readonly password: boolean }> {
    const oauth = this.#oauthClient !== undefined && hasOAuth(await this.#serverVersion());
    return { oauth, password: !oauth };
  }

  consentUrl(asked: { state: string; nonce: string; codeChallenge: string; redirectUri: string }): string {
    const query = new URLSearchParams({
      response_type: "code",
      client_id: this.#requiredClient().clientId,
      redirect_uri: asked.redirectUri,
      scope: oauthScopes,
      state: asked.state,
      nonce: asked.nonce,
      code_challenge: asked.codeChallenge,
      code_challenge_method: "S256",
    });
    return `${this.#publicUrl}/session/authorize?${query}`;
  }

  oauthAddresses(): { readonly authorize: string; readonly token: string } {
    return {
      authorize: `${this.#publicUrl}/session/authorize`,
      token: `${this.#publicUrl}/api/v4/session/oauth/token`,
    };
  }

  async byCode(authorizationCode: string, codeVerifier: string): Promise<DriveAccount> {
    const oauthClient = this.#requiredClient();
    const tokens = await tokensForCode(this.#client, oauthClient, authorizationCode, codeVerifier, this.#now());
    const person = await grantedUser(this.#client, tokens.accessToken);
    return this.#credentials.storeUser(person, await this.#lasting(tokens));
  }

  /**
   * Once a person has withdrawn the permission, Cloudreve never renews their tokens again, even after a new consent.
   * Such a sign-in ends with its access token, so say so now to everything that depends on it.
   * @see recordings/cloudreve/oauth-revoke.json
   */
  async #lasting(tokens: Tokens): Promise<Tokens> {
    if (tokens.refreshToken === undefined) return tokens;
    try {
      return await refreshed(this.#client, tokens.refreshToken);
    } catch (error) {
      if (failureOf(error, "signInNeeded") === undefined) throw error;
      return { ...tokens, refreshToken: undefined };
    }
  }

  async byPassword(email: string, password: string): Promise<SignInOutcome> {
    const length = [...password].length;
    if (length < passwordCharacters.least || length > passwordCharacters.most) return { is: "refused" };
    const answer = await offerPassword(this.#client, email, password);
    if (answer.code !== code.secondFactor) return this.#outcome(answer);
    return { is: "secondFactorNeeded", secondStepId: dataOf(z.string(), { ...answer, code: 0 }) };
  }

  async bySecondFactor(secondStepId: string, otp: string): Promise<SignInOutcome> {
    return this.#outcome(await offerSecondFactor(this.#client, secondStepId, otp));
  }

  async #outcome(answer: Envelope): Promise<SignInOutcome> {
    if (answer.code === code.captcha) return { is: "captchaNeeded" };
    if (refusals.has(answer.code)) return { is: "refused" };
    const person = signedIn(answer);
    return { is: "signedIn", account: await this.#credentials.storeUser(person, person) };
  }

  async #serverVersion(): Promise<string> {
    if (this.#version === undefined || this.#now() - this.#version.askedAtMs >= versionHoldsMs) {
      const text = await this.#client.api(z.string(), { method: "GET", path: "/site/ping" });
      this.#version = { text, askedAtMs: this.#now() };
    }
    return this.#version.text;
  }

  #requiredClient(): OAuthClient {
    if (this.#oauthClient === undefined) throw new BridgeError({ kind: "signInNeeded" });
    return this.#oauthClient;
  }
}

/** @param version as `/site/ping` reports it: "4.14.0", "4.14.0-pro" */
export function hasOAuth(version: string): boolean {
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(version) ?? [];
  if (major === undefined || minor === undefined) return false;
  if (Number(major) !== firstWithOAuth.major) return Number(major) > firstWithOAuth.major;
  return Number(minor) >= firstWithOAuth.minor;
}
