import { createHash } from "node:crypto";
import { type NextFunction, type Request, type Response, Router } from "express";
import { childAddress, ecosystemAddress, folderAddress } from "../../documents/folderReach.ts";
import type { AccessGrant } from "../../documents/grants.ts";
import { appUrl } from "../../editors/suites.ts";
import { writeWopiFailure } from "../../http/failureResponse.ts";
import { logFacts, logFailure } from "../../http/requestLog.ts";
import type { DriveAccount } from "../../model/drive.ts";
import { BridgeError, onFailure } from "../../model/failure.ts";
import { lastSignOut } from "../../model/personSessions.ts";
import type { Services } from "../../services.ts";
import { named, send } from "../answer.ts";
import { rootContainer, wopiSrcOf } from "./ecosystem.ts";

/**
 * `/wopibootstrapper`: Office on phones and desktops signs in to Cloudreve by OAuth, and exchanges that token for access
 * tokens of ours. Its calls are not signed: no editor's server stands between.
 * @see WOPI Bootstrap, GetRootContainer, GetNewAccessToken and GetFileWopiSrc (bootstrapper)
 */
export function bootstrapperRouter(services: Services): Router {
  const router = Router();
  const answer = async (request: Request, response: Response): Promise<void> => {
    response.set("Cache-Control", "no-store");
    request.resume();
    // Nobody signs these calls. A token that no call is accepted with would help nobody.
    if (services.config.PROOF_KEYS === "required")
      throw new BridgeError({ kind: "notImplemented", operation: "BOOTSTRAP" });
    const account = await accountOf(services, request);
    const grant = await grantFor(services, account);
    logFacts({ grant: grant.id });
    await send(response, {
      json: { Bootstrap: await bootstrap(services, grant), ...(await more(services, request, grant)) },
    });
  };
  router.get("/", answer);
  router.post("/", answer);
  router.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    const failure = logFailure(error);
    if (response.headersSent) response.destroy();
    else if (failure === undefined) response.status(500).end();
    else if (failure.kind === "signInNeeded") response.status(401).set("WWW-Authenticate", challenge(services)).end();
    else writeWopiFailure(response, failure);
  });
  return router;
}

/** @throws signInNeeded when the token is missing or refused */
async function accountOf({ drive }: Services, request: Request): Promise<DriveAccount> {
  // Microsoft writes "Bearer: TOKEN", its clients "Bearer TOKEN".
  const accessToken = /^Bearer:? +(\S+)$/i.exec(request.get("Authorization") ?? "")?.[1];
  if (accessToken === undefined) throw new BridgeError({ kind: "signInNeeded" });
  return drive.account({ accessToken });
}

/** Where Office signs a person in. Its parser knows no equals sign and no comma inside of an address. */
function challenge({ drive }: Services): string {
  const { authorize, token } = drive.signIn.oauthAddresses();
  return `Bearer authorization_uri="${authorize}",tokenIssuance_uri="${token}"`;
}

/**
 * A grant on the root of the account's drive: everything that the owner may do, as far as the token allows it. Apps
 * call again and again: they get the same grant for half of its life.
 */
async function grantFor(services: Services, account: DriveAccount): Promise<AccessGrant> {
  const { drive, grants, store, now, grantLifetimeMs, wopiUrl } = services;
  const root = await drive.folder(account.account, { uri: "cloudreve://my" });
  const signOut = await lastSignOut(store, account.userId);
  const halfLife = Math.floor(now() / (grantLifetimeMs / 2));
  const endsAtMs = Math.min(now() + grantLifetimeMs, account.endsAtMs ?? Number.POSITIVE_INFINITY);
  const accountEnd = await accountEndOf(services, account);
  // After a sign-in here, the same app is promised more.
  const id = grantId(account.account, signOut?.generation ?? "", String(halfLife), Object.keys(accountEnd).join());
  const mayWrite = account.mayWrite !== false;
  const grant = await grants.issueAs(id, {
    document: { account: account.account, fileId: root.id },
    fileName: root.name,
    permission: mayWrite ? "edit" : "view",
    // Cloudreve tells no name to a token without the scope profile.
    person: { id: account.userId, name: account.userName || "Owner" },
    ownerId: account.userId,
    restrictions: {},
    saveAs: mayWrite ? "overwrite" : "none",
    mayRename: mayWrite,
    actionUrl: appUrl(wopiUrl),
    language: "en-US",
    issuedTo: `person:${account.userId}`,
    scope: "folder",
    ...accountEnd,
    ...(signOut === undefined ? {} : { generation: signOut.generation }),
    expiresAtMs: endsAtMs,
    renewableUntilMs: endsAtMs,
  });
  // Signed out everywhere at this moment.
  if (grant === undefined || grant.revokedAtMs !== undefined) throw new BridgeError({ kind: "signInNeeded" });
  return grant;
}

const grantId = (...facts: readonly string[]): string =>
  createHash("sha256").update(JSON.stringify(facts)).digest("base64url").slice(0, 16);

/** The token ends within the hour; links that are made with this grant last if the person has signed in here too. */
async function accountEndOf({ drive }: Services, { account, endsAtMs }: DriveAccount) {
  if (endsAtMs === undefined) return {};
  return onFailure(
    "signInNeeded",
    () => drive.lastingAccount(account).then(() => ({})),
    () => ({ accountEndsAtMs: endsAtMs }),
  );
}

async function bootstrap(services: Services, grant: AccessGrant): Promise<object> {
  const { name } = grant.person;
  return {
    EcosystemUrl: await ecosystemAddress(services, grant),
    UserId: services.editorIds(grant).userId,
    // Cloudreve tells no email address to a token without UserInfo.Read.
    SignInName: name,
    UserFriendlyName: name,
  };
}

/** What X-WOPI-EcosystemOperation asks for besides; one that is unknown is answered as a plain Bootstrap. */
async function more(services: Services, request: Request, grant: AccessGrant): Promise<object> {
  const header = (name: string) => request.get(name) || undefined;
  switch (request.method === "POST" ? header("X-WOPI-EcosystemOperation") : undefined) {
    case "GET_ROOT_CONTAINER":
      return named("GET_ROOT_CONTAINER", { RootContainerInfo: await rootContainer(services, grant) });
    case "GET_NEW_ACCESS_TOKEN":
      return named("GET_NEW_ACCESS_TOKEN", {
        AccessTokenInfo: await newAccessToken(services, grant, header("X-WOPI-WopiSrc")),
      });
    case "GET_WOPI_SRC_WITH_ACCESS_TOKEN":
      return named("GET_WOPI_SRC", { WopiSrcInfo: { Url: await wopiSrcOf(services, { grant, header }) } });
    default:
      return named("BOOTSTRAP", {});
  }
}

/** @param wopiSrc of a file or a folder, with or without its old token @throws fileMissing, also for another host's */
async function newAccessToken(services: Services, grant: AccessGrant, wopiSrc: string | undefined): Promise<object> {
  const [, kind, id = ""] =
    /^\/wopi\/(files|containers)\/([A-Za-z0-9]{1,64})(?:\?.*)?$/.exec(
      wopiSrc?.startsWith(services.wopiUrl) ? wopiSrc.slice(services.wopiUrl.length) : "",
    ) ?? [];
  const address = await addressOf(services, grant, kind, id);
  return {
    AccessToken: new URL(address).searchParams.get("access_token"),
    AccessTokenExpiry: grant.expiresAtMs,
  };
}

async function addressOf(
  services: Services,
  grant: AccessGrant,
  kind: string | undefined,
  id: string,
): Promise<string> {
  const { account } = grant.document;
  if (kind === "files") return childAddress(services, grant, (await services.drive.find(account, { fileId: id })).id);
  if (kind === "containers")
    return folderAddress(services, grant, await services.drive.folder(account, { folderId: id }));
  throw new BridgeError({ kind: "fileMissing" });
}
