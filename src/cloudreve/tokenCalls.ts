import { z } from "zod";
import { type CloudreveClient, dataOf } from "./client.ts";
import type { Envelope } from "./errorCodes.ts";

/** What makes calls for an account. */
export interface Tokens {
  readonly accessToken: string;
  readonly accessEndsAtMs: number;
  readonly refreshToken?: string | undefined;
}

export interface DriveUser {
  readonly userId: string;
  readonly userName: string;
  /** As Cloudreve tells it; undefined when it doesn't, or doesn't vouch for it. */
  readonly email?: string | undefined;
}

export interface OAuthClient {
  readonly clientId: string;
  readonly clientSecret: string;
}

const pairSchema = z
  .object({ access_token: z.string(), refresh_token: z.string(), access_expires: z.string() })
  .transform((pair) => ({
    accessToken: pair.access_token,
    accessEndsAtMs: Date.parse(pair.access_expires),
    refreshToken: pair.refresh_token,
  }));
export const userSchema = z
  .object({ id: z.string(), nickname: z.string(), email: z.string().optional() })
  .transform(({ id, nickname, email }) => ({ userId: id, userName: nickname, email }));
const signedInSchema = z.object({ user: userSchema, token: pairSchema });
const oauthTokenSchema = z.object({
  access_token: z.string(),
  expires_in: z.number(),
  refresh_token: z.string().optional(),
});
export const userInfoSchema = z.object({
  sub: z.string(),
  name: z.string().optional(),
  preferred_username: z.string().optional(),
  email: z.string().optional(),
  email_verified: z.boolean().optional(),
});

/** Cloudreve's code for a token that lacks a scope. */
const scopeMissing = 40_089;

/**
 * Tries a password. The envelope's code tells the result: 203 asks for the second factor.
 * @see recordings/cloudreve/session-login-ok.json, session-2fa.json
 */
export function offerPassword(client: CloudreveClient, email: string, password: string): Promise<Envelope> {
  return client.exchange({ method: "POST", path: "/session/token", json: { email, password } });
}

/** @see recordings/cloudreve/session-2fa.json */
export function offerSecondFactor(client: CloudreveClient, sessionId: string, otp: string): Promise<Envelope> {
  return client.exchange({ method: "POST", path: "/session/token/2fa", json: { session_id: sessionId, otp } });
}

/** @throws BridgeError for any code but 0 */
export function signedIn(envelope: Envelope): DriveUser & Tokens {
  const { user, token } = dataOf(signedInSchema, envelope);
  return { ...user, ...token };
}

/**
 * Exchanges a code from the consent page for tokens. A code works once; a wrong verifier or secret uses it up.
 * @throws signInNeeded when it is refused @see recordings/cloudreve/oauth-*.json
 */
export async function tokensForCode(
  client: CloudreveClient,
  { clientId, clientSecret }: OAuthClient,
  code: string,
  codeVerifier: string,
  nowMs: number,
): Promise<Tokens> {
  const answer = await client.plain(oauthTokenSchema, {
    method: "POST",
    path: "/session/oauth/token",
    form: {
      client_id: clientId,
      client_secret: clientSecret,
      grant_type: "authorization_code",
      code,
      code_verifier: codeVerifier,
    },
  });
  return {
    accessToken: answer.access_token,
    accessEndsAtMs: nowMs + answer.expires_in * 1000,
    refreshToken: answer.refresh_token,
  };
}

/** Renews any tokens, including those of OAuth. @throws signInNeeded when the refresh token is refused */
export async function refreshed(client: CloudreveClient, refreshToken: string): Promise<Tokens> {
  return client.api(pairSchema, {
    method: "POST",
    path: "/session/token/refresh",
    json: { refresh_token: refreshToken },
  });
}

/** Whose access token it is. Cloudreve checks it. @throws signInNeeded when it is invalid */
export async function userOf(client: CloudreveClient, accessToken: string): Promise<DriveUser> {
  const answer = await client.exchange({ method: "GET", path: "/user/me", accessToken });
  // Cloudreve refuses a token of an OAuth grant without UserInfo.Read here; OAuth's own endpoint accepts it.
  return answer.code === scopeMissing ? grantedUser(client, accessToken) : dataOf(userSchema, answer);
}

/** Like `userOf`, for a token of an OAuth grant. */
export async function grantedUser(client: CloudreveClient, accessToken: string): Promise<DriveUser> {
  const info = await client.plain(userInfoSchema, { method: "GET", path: "/session/oauth/userinfo", accessToken });
  const email = info.email_verified === false ? undefined : info.email;
  return { userId: info.sub, userName: info.name ?? info.preferred_username ?? "", email };
}

/** Whether the drive finds a person; also false when its database is down. @throws driveUnreachable, driveFailed */
export async function knowsUser(client: CloudreveClient, userId: string): Promise<boolean> {
  const { code } = await client.exchange({ method: "GET", path: `/user/info/${encodeURIComponent(userId)}` });
  return code === 0;
}
