import { createHash, randomUUID } from "node:crypto";
import { DriveError } from "./driveError.ts";
import type { OauthClientRecord, OauthGrantRecord, UserRecord } from "./driveState.ts";
import type { FakeDrive } from "./fakeDrive.ts";
import { type ClientTerms, issueTokens, type RefreshSession } from "./issuedTokens.ts";
import { randomLetters } from "./randomLetters.ts";

const codeLifeMs = 600_000;
const codeLength = 128;

/** What an application asks for when it sends a browser. */
export interface ConsentRequest {
  readonly clientId: string;
  readonly redirectUri: string;
  readonly scope: string;
  readonly codeChallenge: string;
}

export interface CodeExchange {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly code: string;
  readonly codeVerifier: string;
}

/** @throws DriveError 404 for a client id that is unknown or switched off */
export function findClient(drive: FakeDrive, guid: string): OauthClientRecord {
  const client = [...drive.state.oauthClients.values()].find((candidate) => candidate.guid === guid);
  if (!client?.isEnabled || client.isRemoved) throw new DriveError(404, "App not found");
  return client;
}

/** The grant of a user for a client, unless he revoked it. */
export function findGrant(drive: FakeDrive, user: UserRecord, client: OauthClientRecord): OauthGrantRecord | undefined {
  const grant = grantRow(drive, user, client);
  return grant?.isRevoked ? undefined : grant;
}

/**
 * Whether an application may ask for this at all.
 * @returns the scopes
 * @throws DriveError 404 for the client, 40001 for a redirect uri that is not registered letter by letter, and for scopes
 */
export function checkConsent(drive: FakeDrive, request: ConsentRequest): readonly string[] {
  const client = findClient(drive, request.clientId);
  if (!client.redirectUris.includes(request.redirectUri)) throw new DriveError(40001, "Invalid redirect URI");
  const scopes = request.scope.split(" ");
  if (!isSubset(scopes, client.scopes)) throw new DriveError(40001, "Invalid scope requested");
  if (!scopes.includes("openid")) throw new DriveError(40001, "openid scope required");
  return scopes;
}

/**
 * Writes down what the user allows; the last consent counts, a narrower one too.
 * @returns a code
 * @throws DriveError as `checkConsent`
 */
export async function giveConsent(drive: FakeDrive, user: UserRecord, request: ConsentRequest): Promise<string> {
  const scopes = checkConsent(drive, request);
  const client = findClient(drive, request.clientId);
  const lastUsedAt = drive.stamps.next();
  const known = grantRow(drive, user, client);
  // A revoked grant is changed, but stays revoked: the tokens of this consent are not refreshed.
  if (known) Object.assign(known, { scopes, lastUsedAt });
  else {
    const { number: userNumber } = user;
    drive.state.oauthGrants.push({ userNumber, clientNumber: client.number, scopes, lastUsedAt, isRevoked: false });
  }
  await drive.state.save();
  for (const [code, { expiresAtMs }] of drive.oauthCodes) if (expiresAtMs <= drive.now()) drive.oauthCodes.delete(code);
  const code = randomLetters(codeLength);
  drive.oauthCodes.set(code, {
    clientId: request.clientId,
    userNumber: user.number,
    scopes,
    codeChallenge: request.codeChallenge,
    expiresAtMs: drive.now() + codeLifeMs,
  });
  return code;
}

/**
 * Tokens for a code, which is used up by whatever comes of it. The redirect uri is not compared again.
 * @throws DriveError 40020 for a code or secret that is not right
 */
export async function exchangeCode(drive: FakeDrive, exchange: CodeExchange): Promise<Record<string, unknown>> {
  const code = drive.oauthCodes.get(exchange.code);
  drive.oauthCodes.delete(exchange.code);
  if (!code || code.expiresAtMs <= drive.now()) throw refused("Invalid or expired authorization code");
  if (code.clientId !== exchange.clientId) throw refused("Client ID mismatch");
  if (code.codeChallenge !== "" && challengeOf(exchange.codeVerifier) !== code.codeChallenge) {
    throw refused("Invalid code verifier");
  }
  const client = findClient(drive, exchange.clientId);
  if (client.secret !== exchange.clientSecret) throw refused("Invalid client secret");
  if (!isSubset(code.scopes, client.scopes)) throw new DriveError(40001, "Invalid scope");
  const user = drive.state.users.get(code.userNumber);
  if (!user) throw new DriveError(40021, "User not found");
  const terms = termsOf(client, code.scopes);
  const tokens = issueTokens(drive, user, randomUUID(), terms);
  const grant = findGrant(drive, user, client);
  if (grant) grant.lastUsedAt = drive.stamps.next();
  await drive.state.save();
  const refreshTtlSeconds = terms.refreshTokenTtlSeconds ?? drive.settings.refreshTokenTtlSeconds;
  // The moment between signing and answering costs a whole second there.
  return {
    access_token: tokens.access_token,
    token_type: "Bearer",
    expires_in: drive.settings.accessTokenTtlSeconds - 1,
    refresh_token_expires_in: refreshTtlSeconds - 1,
    ...(code.scopes.includes("offline_access") ? { refresh_token: tokens.refresh_token } : {}),
    scope: code.scopes.join(" "),
  };
}

/**
 * On what terms a refresh goes on; undefined for a session of a password sign-in.
 * @returns "ended" when the application, the grant or one of the scopes is gone
 */
export function oauthTermsOf(
  drive: FakeDrive,
  session: RefreshSession,
): { terms: ClientTerms; grant: OauthGrantRecord } | "ended" | undefined {
  const { client_id: clientId, scopes = [] } = session.claims;
  if (clientId === undefined) return undefined;
  const client = [...drive.state.oauthClients.values()].find(({ guid }) => guid === clientId);
  if (!client?.isEnabled || client.isRemoved) return "ended";
  const grant = findGrant(drive, session.user, client);
  if (!grant || !isSubset(scopes, grant.scopes)) return "ended";
  return { terms: termsOf(client, scopes), grant };
}

/** @throws DriveError 404 when there is nothing to revoke */
export async function revokeGrant(drive: FakeDrive, user: UserRecord, guid: string): Promise<void> {
  const client = [...drive.state.oauthClients.values()].find((candidate) => candidate.guid === guid);
  const grant = client && !client.isRemoved ? findGrant(drive, user, client) : undefined;
  if (!grant) throw new DriveError(404, "OAuth grant not found");
  grant.isRevoked = true;
  await drive.state.save();
}

/** The applications of a user, as his settings list them. */
export function grantsOf(drive: FakeDrive, user: UserRecord): Record<string, unknown>[] {
  return drive.state.oauthGrants.flatMap((grant) => {
    const client = drive.state.oauthClients.get(grant.clientNumber);
    if (grant.userNumber !== user.number || grant.isRevoked || !client || client.isRemoved) return [];
    return {
      client_id: client.guid,
      client_name: client.name,
      client_logo: client.props.icon ?? "",
      scopes: grant.scopes,
      last_used_at: grant.lastUsedAt,
    };
  });
}

function grantRow(drive: FakeDrive, user: UserRecord, client: OauthClientRecord): OauthGrantRecord | undefined {
  return drive.state.oauthGrants.find(
    (grant) => grant.userNumber === user.number && grant.clientNumber === client.number,
  );
}

function termsOf(client: OauthClientRecord, scopes: readonly string[]): ClientTerms {
  // 0 follows the instance, as an absent setting does.
  return { clientId: client.guid, scopes, refreshTokenTtlSeconds: client.props.refresh_token_ttl || undefined };
}

function isSubset(wanted: readonly string[], allowed: readonly string[]): boolean {
  return wanted.every((scope) => allowed.includes(scope));
}

function challengeOf(verifier: string): string {
  return createHash("sha256").update(verifier).digest("base64url");
}

function refused(message: string): DriveError {
  return new DriveError(40020, message);
}
