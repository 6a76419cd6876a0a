import { createHash, randomBytes } from "node:crypto";
import { z } from "zod";
import { CloudreveClient } from "../cloudreve/client.ts";
import { ContractGuard, type ContractReport } from "../cloudreve/contract/contractGuard.ts";
import { Credentials } from "../cloudreve/credential.ts";
import { createEncryption } from "../cloudreve/encryption.ts";
import { oauthScopes } from "../cloudreve/signIn.ts";
import type { Config } from "../config.ts";
import { FileMutex } from "../model/fileMutex.ts";
import type { Clock } from "../model/keyValueStore.ts";
import { openMemoryStore } from "../stores/memoryStore.ts";
import {
  consentedScopes,
  envelopeIn,
  judgeClock,
  judgeContract,
  judgeEditorsUrl,
  judgeEditSize,
  judgeOAuthClient,
  judgeOAuthSecret,
  judgeOAuthTerms,
  judgePublicUrl,
  judgeReachable,
  judgeSignIn,
  judgeVersion,
  versionIn,
} from "./driveAnswers.ts";
import { type Finding, finding, skipped, type Verdict } from "./finding.ts";
import { type Asked, answerWithinMs, ask, headerOf, isAnswer, jsonOf, type Question } from "./httpProbe.ts";
import { actionOriginsIn, mintedOrigin, type Viewer, viewersIn } from "./viewerAnswers.ts";

const scopes = oauthScopes.split(" ");

/** The editors as Cloudreve sees them, to compare with what the editors say themselves. */
export interface DriveViewers {
  readonly viewers: readonly Viewer[];
  /** Origins of the addresses they open; undefined = unknown. */
  readonly actionOrigins: readonly string[] | undefined;
  readonly isAdministrator: boolean;
}

export interface DriveReport {
  readonly findings: readonly Finding[];
  /** undefined when Cloudreve did not answer. */
  readonly viewers: DriveViewers | undefined;
}

interface Account {
  readonly accessToken: string;
  readonly refreshToken: string;
}

const tokenSchema = z.object({ token: z.object({ access_token: z.string(), refresh_token: z.string() }) });
const settingsSchema = z.object({ maxEditSize: z.string().optional(), file_viewers: z.string().optional() });
const codeSchema = z.object({ code: z.string() });
const filesSchema = z.object({ files: z.array(z.object({ path: z.string(), type: z.number() })) });

/** Checks everything the bridge needs from Cloudreve before a document is opened; changes nothing there. */
export async function examineDrive(config: Config, now: Clock): Promise<DriveReport> {
  const sentAtMs = now();
  const ping = await call(config, "/site/ping");
  const receivedAtMs = now();
  const reachable = finding("drive", "Cloudreve", judgeReachable(ping, config.CLOUDREVE_URL));
  const version = versionIn(ping);
  if (version === undefined || !isAnswer(ping)) return { findings: [reachable], viewers: undefined };
  const clock = judgeClock(headerOf(ping, "date"), { sentAtMs, receivedAtMs }, "Cloudreve's");
  const [addresses, signedIn, explorer] = await Promise.all([
    addressVerdicts(config),
    signIn(config),
    call(config, "/site/config/explorer"),
  ]);
  const { account } = signedIn;
  const viewers = viewersIn(explorer) ?? [];
  try {
    const [oauth, settings, contract] = await Promise.all([
      oauthFindings(config, account),
      settingsOf(config, account),
      contractReport(config, account, now),
    ]);
    const origins = actionOriginsIn(settings?.file_viewers) ?? (await openedOrigin(config, account, viewers));
    return {
      findings: [
        reachable,
        finding("drive", "version", judgeVersion(version, config.OAUTH_CLIENT_ID !== undefined)),
        finding("drive", "clock", clock),
        finding("drive", "public address", addresses.published),
        finding("editor", "editor reads from Cloudreve", addresses.editors),
        finding("drive", "sign-in", signedIn.verdict),
        ...oauth,
        finding("drive", "API", judgeContract(contract)),
        finding("drive", "largest document", judgeEditSize(settings?.maxEditSize, config.MAX_FILE_MB)),
      ],
      viewers: { viewers, actionOrigins: origins, isAdministrator: settings !== undefined },
    };
  } finally {
    if (account !== undefined) await signOut(config, account.refreshToken);
  }
}

function call(config: Config, path: string, question?: Question): Promise<Asked> {
  return ask(`${config.CLOUDREVE_URL}/api/v4${path}`, question);
}

function callWith(
  config: Config,
  method: "POST" | "PUT" | "DELETE",
  path: string,
  json: unknown,
  account?: Account,
): Promise<Asked> {
  return call(config, path, {
    method,
    headers: { "Content-Type": "application/json", ...authorization(account) },
    body: JSON.stringify(json),
  });
}

function authorization(account: Account | undefined): Record<string, string> {
  return account === undefined ? {} : { Authorization: `Bearer ${account.accessToken}` };
}

async function addressVerdicts(config: Config): Promise<{ readonly published: Verdict; readonly editors: Verdict }> {
  const basicAt = (url: string) => ask(`${url}/api/v4/site/config/basic`);
  const [own, published, editors] = await Promise.all([
    basicAt(config.CLOUDREVE_URL),
    basicAt(config.CLOUDREVE_PUBLIC_URL ?? config.CLOUDREVE_URL),
    config.EDITOR_CLOUDREVE_URL === undefined ? undefined : basicAt(config.EDITOR_CLOUDREVE_URL),
  ]);
  return { published: judgePublicUrl(own, published, config), editors: judgeEditorsUrl(own, editors, config) };
}

async function signIn(config: Config): Promise<{ verdict: Verdict; account: Account | undefined }> {
  const { CLOUDREVE_EMAIL: email, CLOUDREVE_PASSWORD: password } = config;
  if (email === undefined || password === undefined) {
    return {
      verdict: skipped("CLOUDREVE_EMAIL is not set: everyone signs in with their own account."),
      account: undefined,
    };
  }
  const asked = await callWith(config, "POST", "/session/token", { email, password });
  const token = tokenSchema.safeParse(envelopeIn(asked)?.data).data?.token;
  return {
    verdict: judgeSignIn(asked, email),
    account: token && { accessToken: token.access_token, refreshToken: token.refresh_token },
  };
}

/** What the bridge itself looks at each hour, in the name of who has just signed in here. */
function contractReport(config: Config, account: Account | undefined, now: Clock): Promise<ContractReport> {
  const client = new CloudreveClient(config.CLOUDREVE_URL);
  const store = openMemoryStore(now);
  const encryption = createEncryption([randomBytes(32)]);
  const credentials = new Credentials({ store, encryption, client, mutex: new FileMutex(), now, login: undefined });
  const { OAUTH_CLIENT_ID: clientId, OAUTH_CLIENT_SECRET: clientSecret } = config;
  const guard = new ContractGuard({
    client,
    credentials,
    account: async () => account && (await credentials.account({ accessToken: account.accessToken })).account,
    oauthClient: clientId === undefined || clientSecret === undefined ? undefined : { clientId, clientSecret },
    checkMs: answerWithinMs,
  });
  return guard.check();
}

/** Best effort: ends the session these checks opened. */
async function signOut(config: Config, refreshToken: string): Promise<void> {
  await callWith(config, "DELETE", "/session/token", { refresh_token: refreshToken });
}

/** @returns undefined when the account is not an administrator */
async function settingsOf(config: Config, account: Account | undefined) {
  if (account === undefined) return undefined;
  const asked = await callWith(config, "POST", "/admin/settings", { keys: ["maxEditSize", "file_viewers"] }, account);
  const envelope = envelopeIn(asked);
  return envelope?.code === 0 ? settingsSchema.safeParse(envelope.data).data : undefined;
}

/** Opens a viewing session for the first document it can, only to learn the editor's address. */
async function openedOrigin(
  config: Config,
  account: Account | undefined,
  viewers: readonly Viewer[],
): Promise<readonly string[] | undefined> {
  if (account === undefined) return undefined;
  const query = new URLSearchParams({ uri: "cloudreve://my/", page_size: "100" });
  const listed = await call(config, `/file?${query}`, { headers: authorization(account) });
  const { files } = filesSchema.safeParse(envelopeIn(listed)?.data).data ?? { files: [] };
  for (const { path, type } of files) {
    const extension = path.slice(path.lastIndexOf(".") + 1).toLowerCase();
    const viewer = type === 0 ? viewers.find(({ extensions }) => extensions.includes(extension)) : undefined;
    if (viewer === undefined) continue;
    const wanted = { uri: path, viewer_id: viewer.id, preferred_action: "view" };
    const origin = mintedOrigin(await callWith(config, "PUT", "/file/viewerSession", wanted, account));
    return origin === undefined ? undefined : [origin];
  }
  return undefined;
}

async function oauthFindings(config: Config, account: Account | undefined): Promise<Finding[]> {
  const { OAUTH_CLIENT_ID: clientId, OAUTH_CLIENT_SECRET: clientSecret, BRIDGE_URL } = config;
  if (clientId === undefined || clientSecret === undefined) {
    const verdict = skipped("OAUTH_CLIENT_ID is not set: people enter their Cloudreve password on the bridge's page.");
    return [finding("drive", "OAuth application", verdict)];
  }
  const app = await call(config, `/session/oauth/app/${encodeURIComponent(clientId)}`, {
    headers: authorization(account),
  });
  const known = judgeOAuthClient(app);
  const client = finding("drive", "OAuth application", known);
  if (known.outcome === "failed") return [client];
  if (account === undefined) {
    const untold = skipped(
      config.CLOUDREVE_EMAIL === undefined
        ? `Needs an account to check: set CLOUDREVE_EMAIL, or sign in once at ${BRIDGE_URL}/signin.`
        : "Checked once the drive account can sign in.",
    );
    return [
      client,
      ...["OAuth redirect", "OAuth scopes", "OAuth secret"].map((check) => finding("drive", check, untold)),
    ];
  }
  const redirectUri = `${BRIDGE_URL}/signin/callback`;
  const consent = (scope: string, more: Record<string, string> = {}) =>
    callWith(
      config,
      "POST",
      "/session/oauth/consent",
      { client_id: clientId, response_type: "code", redirect_uri: redirectUri, state: "doctor", scope, ...more },
      account,
    );
  const withoutOpenid = scopes.filter((scope) => scope !== "openid").join(" ");
  const terms = judgeOAuthTerms(await consent(withoutOpenid), redirectUri, oauthScopes);
  const isReady = terms.redirect.outcome === "ok" && terms.scopes.outcome === "ok";
  // A new consent replaces the earlier one, and a narrower one would end sign-ins that rely on the wider.
  const isWider = (consentedScopes(app) ?? []).some((scope) => !scopes.includes(scope));
  const secret = !isReady
    ? skipped("Checked once redirect address and scopes are right.")
    : isWider
      ? skipped(
          "Not tested: the drive account has granted more scopes than the bridge asks for, and a new consent would narrow them.",
        )
      : await tryExchange(config, { clientId, clientSecret }, consent);
  return [
    client,
    finding("drive", "OAuth redirect", terms.redirect),
    finding("drive", "OAuth scopes", terms.scopes),
    finding("drive", "OAuth secret", secret),
  ];
}

/** Signs the drive account in the way a person would: Cloudreve checks the secret only then. */
async function tryExchange(
  config: Config,
  { clientId, clientSecret }: { clientId: string; clientSecret: string },
  consent: (scope: string, more: Record<string, string>) => Promise<Asked>,
): Promise<Verdict> {
  const verifier = randomBytes(48).toString("base64url");
  const challenge = createHash("sha256").update(verifier).digest("base64url");
  const granted = await consent(oauthScopes, { code_challenge: challenge, code_challenge_method: "S256" });
  const { code } = codeSchema.safeParse(envelopeIn(granted)?.data).data ?? {};
  if (code === undefined) return skipped("Cloudreve did not issue a code to test the secret with.");
  const form = new URLSearchParams({
    client_id: clientId,
    client_secret: clientSecret,
    grant_type: "authorization_code",
    code,
    code_verifier: verifier,
  });
  const exchange = await call(config, "/session/oauth/token", {
    method: "POST",
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
    body: form.toString(),
  });
  const tokens = isAnswer(exchange)
    ? z.object({ refresh_token: z.string() }).safeParse(jsonOf(exchange)).data
    : undefined;
  if (tokens !== undefined) await signOut(config, tokens.refresh_token);
  return judgeOAuthSecret(exchange);
}
