import { randomBytes, randomUUID } from "node:crypto";
import { verifyToken } from "./accessTokens.ts";
import { type Call, type Route, readFields, requireUser, sendData, sendJson } from "./call.ts";
import { DriveError, invalidParameter } from "./driveError.ts";
import type { UserRecord } from "./driveState.ts";
import { issueTokens, readRefreshToken } from "./issuedTokens.ts";
import { grantsOf, oauthTermsOf } from "./oauthGrants.ts";
import { encodeBase32, isTotpCode } from "./totp.ts";
import { userObject } from "./userRoutes.ts";

const secondStepMs = 600_000;
const passwordLimits = { min: 4, max: 128 };
const wrongLogin = (): DriveError => new DriveError(40080, "Incorrect password or email address");

/** Sign-in, refresh, sign-out and the second step. */
export const sessionRoutes: readonly Route[] = [
  { method: "GET", path: "/api/v4/session/prepare", run: prepare },
  { method: "POST", path: "/api/v4/session/token", run: signIn },
  { method: "DELETE", path: "/api/v4/session/token", run: signOut },
  { method: "POST", path: "/api/v4/session/token/2fa", run: signInSecondStep },
  { method: "POST", path: "/api/v4/session/token/refresh", run: refresh },
  { method: "GET", path: "/api/v4/user/setting/2fa", run: prepareTwoFactor },
  { method: "GET", path: "/api/v4/user/setting", run: showSetting },
  { method: "PATCH", path: "/api/v4/user/setting", run: changeSetting },
];

async function signIn(call: Call): Promise<void> {
  const { drive } = call;
  const fields = await readFields(call);
  const email = fields.text("email", "Email");
  if (!isEmail(email)) throw invalidParameter("Email format error");
  const password = fields.text("password", "Password", passwordLimits);
  if (drive.settings.loginCaptcha) throw new DriveError(40026, "Captcha not match");
  const user = drive.findUser(email);
  if (!user || drive.passwordOf(user) !== password) throw wrongLogin();
  if (!user.twoFactor) return sendSignedIn(call, user);
  const sessionId = randomUUID();
  drive.secondSteps.set(sessionId, { userNumber: user.number, expiresAtMs: drive.now() + secondStepMs });
  sendJson(call, 200, { code: 203, data: sessionId, msg: "" });
}

async function signInSecondStep(call: Call): Promise<void> {
  const { drive } = call;
  const fields = await readFields(call);
  const otp = fields.text("otp", "OTP");
  const sessionId = fields.text("session_id", "SessionID");
  const step = drive.secondSteps.get(sessionId);
  const user = step && drive.state.users.get(step.userNumber);
  if (!step || !user || step.expiresAtMs <= drive.now()) throw new DriveError(404, "Session not found");
  if (!isTotpCode(otp, user.totpSecret ?? "", drive.now())) throw new DriveError(40022, "Incorrect 2FA code");
  drive.secondSteps.delete(sessionId);
  sendSignedIn(call, user);
}

async function refresh(call: Call): Promise<void> {
  const { drive } = call;
  const token = (await readFields(call)).text("refresh_token", "RefreshToken");
  const session = readRefreshToken(drive, token);
  const forClient = session && oauthTermsOf(drive, session);
  if (!session || forClient === "ended") throw new DriveError(40020, "Failed to issue token pair");
  if (forClient) {
    forClient.grant.lastUsedAt = drive.stamps.next();
    await drive.state.save();
  }
  sendData(call, issueTokens(drive, session.user, session.rootTokenId, forClient?.terms));
}

// The whole chain of refresh tokens ends; access tokens and viewer sessions live on.
async function signOut(call: Call): Promise<void> {
  const { drive } = call;
  const token = (await readFields(call)).text("refresh_token", "RefreshToken");
  const claims = verifyToken(token, drive.state.secretKey, drive.now());
  if (claims?.root_token_id === undefined) throw new DriveError(40020, "Failed to parse token");
  drive.state.revokedTokenRoots.add(claims.root_token_id);
  await drive.state.save();
  sendData(call, "");
}

function prepare(call: Call): void {
  const email = call.query.get("email") ?? "";
  if (email === "") throw invalidParameter("Email cannot be empty");
  if (!isEmail(email)) throw invalidParameter("Email format error");
  if (!call.drive.findUser(email)) throw new DriveError(404, "User not found");
  sendData(call, { webauthn_enabled: false, password_enabled: true });
}

async function prepareTwoFactor(call: Call): Promise<void> {
  const user = requireUser(call);
  user.totpSecret ??= encodeBase32(randomBytes(20));
  await call.drive.state.save();
  sendData(call, user.totpSecret);
}

function showSetting(call: Call): void {
  const user = requireUser(call);
  const versionRetention = call.drive.versionRetentionOf(user);
  const grants = grantsOf(call.drive, user);
  sendData(call, {
    version_retention_enabled: versionRetention > 0,
    version_retention_max: versionRetention > 0 ? versionRetention : 10,
    passwordless: false,
    two_fa_enabled: user.twoFactor,
    disable_view_sync: false,
    share_links_in_profile: "",
    ...(grants.length > 0 ? { oauth_grants: grants } : {}),
  });
}

async function changeSetting(call: Call): Promise<void> {
  const user = requireUser(call);
  const fields = await readFields(call);
  if (fields.has("two_fa_enabled")) {
    if (!isTotpCode(fields.optionalText("two_fa_code"), user.totpSecret ?? "", call.drive.now())) {
      throw new DriveError(40022, "Incorrect 2FA code");
    }
    user.twoFactor = fields.flag("two_fa_enabled");
    if (!user.twoFactor) user.totpSecret = undefined;
  }
  if (fields.has("version_retention_enabled")) {
    const kept = fields.number("version_retention_max") ?? 10;
    user.versionRetention = fields.flag("version_retention_enabled") ? kept : 0;
  }
  await call.drive.state.save();
  sendData(call);
}

function sendSignedIn(call: Call, user: UserRecord): void {
  const token = issueTokens(call.drive, user, randomUUID());
  sendData(call, { user: userObject(call.drive, user), token });
}

function isEmail(text: string): boolean {
  return /^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(text);
}
