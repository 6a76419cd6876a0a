import { randomUUID } from "node:crypto";
import { type Call, type Fields, headerText, type Route, readForm } from "./call.ts";
import { DriveError } from "./driveError.ts";
import type { UserRecord } from "./driveState.ts";
import { issueTokens, readRefreshToken } from "./issuedTokens.ts";
import { type ConsentRequest, checkConsent, findClient, giveConsent } from "./oauthGrants.ts";

const path = "/session/authorize";
/** The page's own sign-in; the real web UI keeps its tokens in the browser's storage. */
const cookieName = "cloudreve_page";

const scopeNames: Readonly<Record<string, string>> = {
  openid: "Know who you are",
  profile: "See your name and picture",
  email: "See your e-mail address",
  offline_access: "Stay connected while you are away",
  "Files.Read": "Read your files",
  "Files.Write": "Change your files",
  "UserInfo.Read": "See your account",
  "Shares.Read": "See your share links",
  "Shares.Write": "Change your share links",
};

/** Where an application sends a browser: sign-in, then consent, then back with a code. Looks are its own. */
export const authorizePage: readonly Route[] = [
  { method: "GET", path, run: show, isPage: true },
  { method: "POST", path, run: decide, isPage: true },
];

interface Visit {
  readonly request: ConsentRequest;
  readonly scopes: readonly string[];
  readonly state: string;
  readonly clientName: string;
}

function show(call: Call): void {
  const visit = readVisit(call);
  if (!visit) return;
  const user = signedInUser(call);
  if (user) sendPage(call, 200, consentPage(visit, user));
  else sendPage(call, 200, signInPage(visit));
}

async function decide(call: Call): Promise<void> {
  const form = await readForm(call);
  const visit = readVisit(call);
  if (!visit) return;
  const decision = form.optionalText("decision");
  if (decision === "sign-in") return signIn(call, visit, form);
  if (decision === "switch") return redirect(call, call.request.url ?? path, `${cookieName}=; Max-Age=0`);
  const user = signedInUser(call);
  if (!user) return sendPage(call, 200, signInPage(visit, "Please sign in again."));
  if (decision !== "allow") return sendBack(call, visit, { error: "access_denied" });
  sendBack(call, visit, { code: await giveConsent(call.drive, user, visit.request) });
}

// An application that is not known, or a redirect uri that is not its own, gets no redirect whatever it asks for.
function readVisit(call: Call): Visit | undefined {
  const { drive, query } = call;
  const request: ConsentRequest = {
    clientId: query.get("client_id") ?? "",
    redirectUri: query.get("redirect_uri") ?? "",
    scope: query.get("scope") ?? "",
    codeChallenge: query.get("code_challenge") ?? "",
  };
  try {
    const scopes = checkConsent(drive, request);
    if (query.get("response_type") !== "code") throw new DriveError(40001, "Invalid response type");
    if ((query.get("code_challenge_method") ?? "S256") !== "S256") throw new DriveError(40001, "Invalid PKCE method");
    const clientName = findClient(drive, request.clientId).name;
    return { request, scopes, state: query.get("state") ?? "", clientName };
  } catch (error) {
    if (!(error instanceof DriveError)) throw error;
    sendPage(call, 400, errorPage(error.message));
    return undefined;
  }
}

function signIn(call: Call, visit: Visit, form: Fields): void {
  const { drive } = call;
  const email = form.optionalText("email");
  const user = drive.findUser(email);
  const isRight = user !== undefined && drive.passwordOf(user) === form.optionalText("password");
  if (!isRight) sendPage(call, 200, signInPage(visit, "Incorrect password or email address", email));
  else if (user.twoFactor) sendPage(call, 200, signInPage(visit, "This page knows no second step.", email));
  else {
    // A refresh token, as a changed password ends it.
    const token = issueTokens(drive, user, randomUUID()).refresh_token;
    redirect(call, call.request.url ?? path, `${cookieName}=${token}`);
  }
}

function signedInUser(call: Call): UserRecord | undefined {
  const cookies = headerText(call, "cookie").split("; ");
  const token = cookies.find((cookie) => cookie.startsWith(`${cookieName}=`))?.slice(cookieName.length + 1);
  const session = token === undefined ? undefined : readRefreshToken(call.drive, token);
  // A token that an application got is no sign-in of the user.
  return session?.claims.client_id === undefined ? session?.user : undefined;
}

function sendBack(call: Call, visit: Visit, answer: Record<string, string>): void {
  // Cloudreve's own clients register paths of the site.
  const target = new URL(visit.request.redirectUri, call.drive.primarySiteUrl);
  for (const [name, value] of Object.entries(answer)) target.searchParams.set(name, value);
  if (visit.state !== "") target.searchParams.set("state", visit.state);
  redirect(call, target.href);
}

function redirect(call: Call, location: string, cookie?: string): void {
  const headers = cookie === undefined ? {} : { "Set-Cookie": `${cookie}; Path=${path}; HttpOnly; SameSite=Lax` };
  call.response.writeHead(303, { Location: location, "Cache-Control": "no-store", "Content-Length": "0", ...headers });
  call.response.end();
}

function sendPage(call: Call, status: number, body: string): void {
  const bytes = Buffer.from(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Demo Cloud</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 24rem; margin: 3rem auto; padding: 0 1rem; color: #1f2328; background: #fff; }
label, input { display: block; width: 100%; box-sizing: border-box; font: inherit; }
input { margin: .25rem 0 1rem; padding: .5rem; border: 1px solid #6b7280; border-radius: .25rem; }
button { font: inherit; padding: .5rem 1rem; margin: 0 .5rem .5rem 0; }
[role=alert] { color: #b42318; }
</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`);
  call.response.writeHead(status, {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Length": bytes.length,
    "Cache-Control": "no-store",
  });
  call.response.end(bytes);
}

// Forms without an action go to the page's own address, with all its parameters.
function signInPage(visit: Visit, complaint = "", email = ""): string {
  return `<h1>Sign in to Demo Cloud</h1>
<p>to continue to ${escapeHtml(visit.clientName)}</p>
${complaint === "" ? "" : `<p role="alert">${escapeHtml(complaint)}</p>`}
<form method="post">
<label for="email">E-mail</label>
<input id="email" name="email" type="email" autocomplete="username" value="${escapeHtml(email)}" required autofocus>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<button type="submit" name="decision" value="sign-in">Sign in</button>
</form>`;
}

function consentPage(visit: Visit, user: UserRecord): string {
  const items = visit.scopes.map((scope) => `<li>${escapeHtml(scopeNames[scope] ?? scope)}</li>`);
  return `<h1>Allow ${escapeHtml(visit.clientName)}?</h1>
<p>You are signed in as ${escapeHtml(user.nickname)} (${escapeHtml(user.email)}). The application asks to:</p>
<ul>
${items.join("\n")}
</ul>
<form method="post">
<button type="submit" name="decision" value="allow">Allow</button>
<button type="submit" name="decision" value="deny">Deny</button>
<button type="submit" name="decision" value="switch">Use another account</button>
</form>`;
}

function errorPage(reason: string): string {
  return `<h1>This request can't be answered</h1>
<p role="alert">${escapeHtml(reason)}</p>
<p>The application that sent you here asked for something that was not registered for it.</p>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
