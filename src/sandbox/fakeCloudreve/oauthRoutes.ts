import { type Call, type Route, readFields, readForm, requireUser, sendData, sendJson } from "./call.ts";
import { DriveError, invalidParameter } from "./driveError.ts";
import type { UserRecord } from "./driveState.ts";
import type { FakeDrive } from "./fakeDrive.ts";
import { exchangeCode, findClient, findGrant, giveConsent, revokeGrant } from "./oauthGrants.ts";

const api = "/api/v4/session/oauth";
const stateLimit = 4096;
const challengeLimit = 255;

/** The OAuth 2 provider: consent, token endpoint, userinfo, revocation. Refreshing is not among it. */
export const oauthRoutes: readonly Route[] = [
  { method: "GET", path: `${api}/app/:guid`, run: showClient },
  { method: "POST", path: `${api}/consent`, run: consent },
  { method: "POST", path: `${api}/token`, run: exchange },
  { method: "GET", path: `${api}/userinfo`, run: showUser },
  { method: "DELETE", path: `${api}/grant/:guid`, run: revoke },
];

function showClient(call: Call): void {
  const { drive, caller } = call;
  const client = findClient(drive, call.params.get("guid") ?? "");
  const grant = caller && findGrant(drive, caller, client);
  sendData(call, {
    id: client.guid,
    name: client.name,
    ...(client.homepageUrl === "" ? {} : { homepage_url: client.homepageUrl }),
    ...(client.props.icon ? { icon: client.props.icon } : {}),
    ...(client.props.description ? { description: client.props.description } : {}),
    ...(grant ? { consented_scopes: grant.scopes } : {}),
  });
}

// A token that is itself limited may consent for its user, even to more than it has.
async function consent(call: Call): Promise<void> {
  const user = requireUser(call);
  const fields = await readFields(call);
  const clientId = fields.text("client_id", "ClientID");
  const responseType = fields.text("response_type", "ResponseType");
  if (responseType !== "code") throw invalidParameter("Invalid parameters.");
  const redirectUri = fields.text("redirect_uri", "RedirectURI");
  const state = fields.optionalText("state");
  if (state.length > stateLimit) throw invalidParameter("State too long");
  const scope = fields.text("scope", "Scope");
  const codeChallenge = fields.optionalText("code_challenge");
  if (codeChallenge.length > challengeLimit) throw invalidParameter("CodeChallenge too long");
  const method = fields.optionalText("code_challenge_method");
  if (method !== "" && method !== "S256") throw invalidParameter("Invalid parameters.");
  const code = await giveConsent(call.drive, user, { clientId, redirectUri, scope, codeChallenge });
  sendData(call, { code, state });
}

// No envelope but for missing fields; its errors are the only ones of the API with a status of their own.
async function exchange(call: Call): Promise<void> {
  const fields = await readForm(call);
  const clientId = fields.text("client_id", "ClientID");
  const clientSecret = fields.text("client_secret", "ClientSecret");
  const grantType = fields.text("grant_type", "GrantType");
  if (grantType !== "authorization_code") throw invalidParameter("Invalid parameters.");
  const code = fields.text("code", "Code");
  const codeVerifier = fields.optionalText("code_verifier");
  try {
    sendJson(call, 200, await exchangeCode(call.drive, { clientId, clientSecret, code, codeVerifier }));
  } catch (error) {
    if (!(error instanceof DriveError)) throw error;
    sendJson(call, 400, {
      error: error.message,
      error_description: "",
      error_codes: [error.code],
      correlation_id: call.correlationId,
    });
  }
}

function showUser(call: Call): void {
  const { drive, scopes } = call;
  const user = requireUser(call);
  if (scopes && !scopes.includes("openid")) throw new DriveError(403, "openid scope required");
  sendJson(call, 200, userInfo(drive, user, scopes ?? ["openid", "profile", "email"]));
}

function userInfo(drive: FakeDrive, user: UserRecord, scopes: readonly string[]): Record<string, unknown> {
  const sub = drive.word("user", user.number);
  const profile = {
    name: user.nickname,
    preferred_username: user.nickname,
    picture: `${drive.primarySiteUrl}/api/v4/user/avatar/${sub}`,
    updated_at: Math.floor(Date.parse(user.createdAt) / 1000),
  };
  return {
    sub,
    ...(scopes.includes("profile") ? profile : {}),
    ...(scopes.includes("email") ? { email: user.email, email_verified: true } : {}),
  };
}

async function revoke(call: Call): Promise<void> {
  await revokeGrant(call.drive, requireUser(call), call.params.get("guid") ?? "");
  sendData(call);
}
