import { createHash } from "node:crypto";
import { signToken, type TokenClaims, verifyToken } from "./accessTokens.ts";
import { type Call, headerText } from "./call.ts";
import { DriveError } from "./driveError.ts";
import type { UserRecord } from "./driveState.ts";
import type { FakeDrive } from "./fakeDrive.ts";
import type { Caller } from "./places.ts";

/** A refresh token that is neither over nor revoked. */
export interface RefreshSession {
  readonly user: UserRecord;
  readonly rootTokenId: string;
  readonly claims: TokenClaims;
}

/** What the tokens of an OAuth client carry and the others do not. */
export interface ClientTerms {
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly refreshTokenTtlSeconds: number | undefined;
}

export interface TokenPair {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly access_expires: string;
  readonly refresh_expires: string;
}

/**
 * Whom the Authorization header stands for, and how limited. Garbage and expired tokens are silently anonymous.
 * @throws DriveError 40020 for a refresh token
 */
export function callerOf(call: Call): { caller: Caller; scopes: readonly string[] | undefined } {
  const token = headerText(call, "authorization").replace(/^Bearer /, "");
  const claims = token === "" ? undefined : verifyToken(token, call.drive.state.secretKey, call.drive.now());
  if (!claims) return { caller: undefined, scopes: undefined };
  if (claims.token_type !== "access") throw new DriveError(40020, "Invalid token type");
  const scopes = claims.client_id === undefined ? undefined : (claims.scopes ?? []);
  return { caller: userOf(call.drive, claims), scopes };
}

/** @returns undefined for a token that is over, signed out, no refresh token, or older than the password */
export function readRefreshToken(drive: FakeDrive, token: string): RefreshSession | undefined {
  const claims = verifyToken(token, drive.state.secretKey, drive.now());
  const user = claims && userOf(drive, claims);
  const rootTokenId = claims?.root_token_id;
  if (claims?.token_type !== "refresh" || !user || rootTokenId === undefined) return undefined;
  if (drive.state.revokedTokenRoots.has(rootTokenId) || claims.state_hash !== stateHash(drive, user)) return undefined;
  return { user, rootTokenId, claims };
}

export function issueTokens(drive: FakeDrive, user: UserRecord, rootTokenId: string, terms?: ClientTerms): TokenPair {
  const nowMs = drive.now();
  const nowSeconds = Math.floor(nowMs / 1000);
  const { accessTokenTtlSeconds } = drive.settings;
  const refreshTokenTtlSeconds = terms?.refreshTokenTtlSeconds ?? drive.settings.refreshTokenTtlSeconds;
  const sub = drive.word("user", user.number);
  const limits = terms ? { scopes: terms.scopes, client_id: terms.clientId } : {};
  const access: TokenClaims = {
    token_type: "access",
    sub,
    exp: nowSeconds + accessTokenTtlSeconds,
    nbf: nowSeconds,
    ...limits,
  };
  const refreshing: TokenClaims = {
    token_type: "refresh",
    sub,
    exp: nowSeconds + refreshTokenTtlSeconds,
    nbf: nowSeconds,
    state_hash: stateHash(drive, user),
    root_token_id: rootTokenId,
    ...limits,
  };
  return {
    access_token: signToken(access, drive.state.secretKey),
    refresh_token: signToken(refreshing, drive.state.secretKey),
    access_expires: drive.stamps.at(nowMs + accessTokenTtlSeconds * 1000, 533_541),
    refresh_expires: drive.stamps.at(nowMs + refreshTokenTtlSeconds * 1000, 533_641),
  };
}

function userOf(drive: FakeDrive, claims: TokenClaims): UserRecord | undefined {
  const number = drive.number("user", claims.sub);
  return number === undefined ? undefined : drive.state.users.get(number);
}

// A changed password or e-mail voids the refresh tokens.
function stateHash(drive: FakeDrive, user: UserRecord): string {
  const secret = `${user.email}/${drive.passwordOf(user) ?? ""}/${drive.state.secretKey}`;
  return createHash("sha256").update(secret).digest("base64");
}
