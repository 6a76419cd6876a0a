import { type Logger, pino } from "pino";
import { IdempotentCalls } from "./api/idempotency.ts";
import { PortalCallers } from "./api/portalAuth.ts";
import { CloudreveClient } from "./cloudreve/client.ts";
import { cloudreveDrive } from "./cloudreve/cloudreveDrive.ts";
import { ContractGuard } from "./cloudreve/contract/contractGuard.ts";
import { Credentials } from "./cloudreve/credential.ts";
import { createEncryption } from "./cloudreve/encryption.ts";
import { CloudreveSignIn } from "./cloudreve/signIn.ts";
import { type Config, secretsOf, spoolMaxBytes } from "./config.ts";
import { DoctorRuns } from "./doctor/doctorRuns.ts";
import { FileActivity } from "./documents/activity.ts";
import { ConflictCopies } from "./documents/conflictCopy.ts";
import { ContentRecord } from "./documents/contentRecord.ts";
import { DocumentLocks } from "./documents/documentLock.ts";
import { EditorWatch } from "./documents/editorWatch.ts";
import { AccessGrants, editorIdsBy } from "./documents/grants.ts";
import { Housekeeping } from "./documents/housekeeping.ts";
import { LastCopies } from "./documents/lastCopy.ts";
import { NewFiles } from "./documents/newFiles.ts";
import { OwnersNews } from "./documents/ownersNews.ts";
import { RecentDocuments } from "./documents/recentDocuments.ts";
import { noteDropped, noteReplay, tellOf, tellOwnerOf, warnOfEnd } from "./documents/saveEvents.ts";
import { SaveReplay } from "./documents/saveReplay.ts";
import { SaveSpool, type SpooledSave } from "./documents/saveSpool.ts";
import { ToldVersions } from "./documents/toldVersions.ts";
import { VersionRecord } from "./documents/versionRecord.ts";
import { SpoolEnd } from "./documents/waitingSaves.ts";
import { EditorDiscovery, Editors } from "./editors/discovery.ts";
import { EditorStarts } from "./editors/editorStarts.ts";
import { AccessTokens, deriveKey } from "./http/accessToken.ts";
import { auditLog } from "./http/auditLog.ts";
import { Drain } from "./http/drain.ts";
import { LastErrors } from "./http/lastErrors.ts";
import { Metrics } from "./http/metrics.ts";
import { headersOnward, logFacts, logFailure } from "./http/requestLog.ts";
import { SignedCookies } from "./http/signedCookies.ts";
import { LinkAddresses } from "./links/linkAddresses.ts";
import { EditLinks } from "./links/links.ts";
import { VisitorRights } from "./links/visitorRights.ts";
import { MailReports } from "./mail/mailReports.ts";
import { MailServer } from "./mail/mailServer.ts";
import { OwnersMail } from "./mail/ownersMail.ts";
import { mailRequestOf } from "./mail/requestMail.ts";
import { Allowances } from "./model/allowances.ts";
import { AttemptLimits } from "./model/attemptLimits.ts";
import { FileMutex } from "./model/fileMutex.ts";
import { type Clock, type Pause, pauseFor } from "./model/keyValueStore.ts";
import { PersonSessions } from "./model/personSessions.ts";
import { withRowLives } from "./model/rowLives.ts";
import { watchedClock } from "./model/watchedClock.ts";
import type { Services } from "./services.ts";
import { openStore } from "./stores/openStore.ts";
import { Webhooks } from "./webhooks/webhooks.ts";
import { OpenCalls } from "./wopi/openCalls.ts";

/**
 * Creates everything that a bridge has once.
 * @param options as for `openBridge`
 * @throws Error with a sentence for the operator when the store or the spool can't be used
 */
export async function openServices(
  config: Config,
  options: { now?: Clock; logger?: Logger; pause?: Pause } = {},
): Promise<Services> {
  const { now, lastJump } = watchedClock(options.now ?? Date.now);
  const pause = options.pause ?? pauseFor;
  const lastErrors = new LastErrors(secretsOf(config), now);
  const logger = lastErrors.noting(options.logger ?? pino({ level: config.LOG_LEVEL }));
  const spool = await SaveSpool.open(config.SPOOL_DIR, spoolMaxBytes(config));
  const onLost = (error: Error) => logger.error({ reason: error.message }, "the store can't be reached");
  const store = withRowLives(await openStore(config.STORE_URL, now, onLost), now);
  const secrets = [config.SECRET, ...(config.SECRET_PREVIOUS === undefined ? [] : [config.SECRET_PREVIOUS])];

  const metrics: Metrics = new Metrics(async () => {
    const { events, oldestAtMs } = await webhooks.standing();
    const waiting = spool.waiting().filter(({ isBroken }) => !isBroken);
    const [oldest] = waiting;
    return {
      locks: await housekeeping.heldLocks(),
      spoolSaves: waiting.length,
      spoolBytes: waiting.reduce((total, { sizeBytes }) => total + sizeBytes, 0),
      spoolOldestSeconds: oldest === undefined ? 0 : Math.max(0, (now() - oldest.receivedAtMs) / 1000),
      spoolBroken: spool.waiting().length - waiting.length,
      webhookEvents: events,
      webhookOldestSeconds: oldestAtMs === undefined ? 0 : Math.max(0, (now() - oldestAtMs) / 1000),
    };
  });
  const audit = auditLog(logger);
  const encryptionFor = (purpose: string) => createEncryption(secrets.map((secret) => deriveKey(secret, purpose)));
  const encryption = encryptionFor("seal");
  const client = new CloudreveClient(config.CLOUDREVE_URL, headersOnward, (call) => metrics.driveCalled(call));
  const mutex = /^(file|memory):/.test(config.STORE_URL) ? new FileMutex() : new FileMutex({ store, now });
  const login = driveLogin(config);
  const credentials = new Credentials({ store, encryption, client, mutex, now, login });
  const publicUrl = config.CLOUDREVE_PUBLIC_URL ?? config.CLOUDREVE_URL;
  const signIn = new CloudreveSignIn({ client, credentials, now, publicUrl, oauthClient: oauthClient(config) });
  const content = new ContentRecord(store);
  const drive = cloudreveDrive({
    client,
    credentials,
    signIn,
    store,
    encryption,
    storageOrigins: config.STORAGE_ORIGINS,
    editorUrl: config.EDITOR_CLOUDREVE_URL,
    knownVersion: (fileId, version) => content.known(fileId, version),
    now,
    pause,
  });
  const editors = new Editors(config.DISCOVERY_URLS.map((url) => new EditorDiscovery(url, store, now)));

  const links = new EditLinks(store, now);
  const grants = new AccessGrants(store, links, now);
  const ownersNews = new OwnersNews(store, now);
  const tellOwner = tellOwnerOf({ ownersNews, logger });
  const activity = new FileActivity(store, now, {
    opened: async (grant) => {
      await Promise.all([webhooks.opened(grant), tellOwner(grant)]);
    },
    left: (grant) => webhooks.maybeClosed(grant.document.fileId),
  });
  const locks = new DocumentLocks({ store, drive, mutex, now, lastJump });
  const editorIds = editorIdsBy(deriveKey(config.SECRET, "editor ids"));
  const forPortals = { store, config, mutex, links, grants, activity, locks, editorIds, metrics, logger, now };
  const webhooks: Webhooks = new Webhooks(forPortals);
  const tellPortals = webhooks.tell;
  const tell = tellOf({ activity, links, ownersNews, metrics, audit, logger, tellPortals });

  const allowances = new Allowances(store, now);
  const ownersMail = new OwnersMail(store);
  const mailServer = mailServerOf(config, now);

  const lastCopies = new LastCopies(store, now);
  const versionRecord = new VersionRecord(store, now);
  const copies = new ConflictCopies({ drive, content, lastCopies, versionRecord, now, tell });
  const toldVersions = new ToldVersions(store, now);
  const replay = new SaveReplay({
    drive,
    locks,
    content,
    copies,
    versionRecord,
    now,
    tell,
    spool,
    toldVersions,
    grants,
    logger,
  });
  const kept = (save: SpooledSave, error: unknown): void => {
    logFacts({ save: "kept", file: save.facts.document.fileId });
    noteReplay(logger)(save, "waiting", error);
    replay.wake();
  };
  const saveDropped = noteDropped({ metrics, audit, logger, tellPortals });
  const saveLifetimeMs = config.SPOOL_DAYS * 24 * 3_600_000;
  const spoolEnd = new SpoolEnd({ spool, saveLifetimeMs, saveDropped }, warnOfEnd(logger));
  const guard = new ContractGuard({
    client,
    credentials,
    oauthClient: oauthClient(config),
    // Without its own login the bridge uses the account of an active link; it only reads.
    account: async () =>
      login === undefined ? (await links.liveAccounts())[0] : (await credentials.account(undefined)).account,
  });
  const editorWatch = new EditorWatch({
    locks,
    grants,
    activity,
    audit,
    logger,
    now,
    starts: new EditorStarts(editors),
  });
  const housekeeping = new Housekeeping({
    store,
    editorWatch,
    drive,
    locks,
    grants,
    activity,
    links,
    guard,
    metrics,
    spoolEnd,
    logger,
    now,
  });

  return {
    bridgeUrl: config.BRIDGE_URL,
    wopiUrl: config.WOPI_URL ?? config.BRIDGE_URL,
    config,
    limitBytes: Math.floor(config.MAX_FILE_MB * 1024 * 1024),
    grantLifetimeMs: config.GRANT_HOURS * 3_600_000,
    saveLifetimeMs,
    now,
    pause,
    store,
    drive,
    editors,
    mutex,
    grants,
    locks,
    content,
    activity,
    spool,
    replay,
    copies,
    lastCopies,
    toldVersions,
    versionRecord,
    newFiles: new NewFiles(store, now),
    recent: new RecentDocuments(store, now),
    ownersNews,
    links,
    visitorRights: new VisitorRights(store, links, now),
    linkAddresses: new LinkAddresses(store, encryptionFor("link addresses")),
    housekeeping,
    editorWatch,
    tokens: new AccessTokens(secrets, now),
    callers: new PortalCallers({ keys: config.PORTAL_KEYS, signer: portalSigner(config), store, now }),
    idempotentCalls: new IdempotentCalls(store, encryptionFor("idempotent answers"), now),
    cookies: new SignedCookies(secrets, config.BRIDGE_URL, now),
    sessions: new PersonSessions(store, now),
    editorIds,
    attempts: new AttemptLimits(store, now, pause),
    allowances,
    openCalls: new OpenCalls(),
    drain: new Drain(),
    logger,
    audit,
    metrics,
    tell,
    tellPortals,
    mailServer,
    ownersMail,
    mailReports: new MailReports(store, encryptionFor("mail reports"), now),
    mailRequest: mailRequestOf({ config, mailServer, ownersMail, allowances, metrics, logger, now }),
    webhooks,
    kept,
    saveDropped,
    lastErrors,
    doctor: new DoctorRuns(config, now),
    startedAtMs: now(),
    note: (error) => void logFailure(error),
    sessionsEnded: async (fileId) => {
      await Promise.all([housekeeping.sessionsEnded(fileId), webhooks.maybeClosed(fileId)]);
    },
    manySessionsEnded: () => housekeeping.manySessionsEnded(),
  };
}

function driveLogin({ CLOUDREVE_EMAIL: email, CLOUDREVE_PASSWORD: password }: Config) {
  return email === undefined || password === undefined ? undefined : { email, password };
}

function oauthClient({ OAUTH_CLIENT_ID: clientId, OAUTH_CLIENT_SECRET: clientSecret }: Config) {
  return clientId === undefined || clientSecret === undefined ? undefined : { clientId, clientSecret };
}

function mailServerOf({ SMTP_URL: server, MAIL_FROM: from, BRIDGE_URL: bridgeUrl }: Config, now: Clock) {
  return server === undefined || from === undefined ? undefined : new MailServer({ server, from, bridgeUrl, now });
}

function portalSigner({ PORTAL_JWKS_URL: jwksUrl, PORTAL_ISSUER: issuer, PORTAL_AUDIENCE: audience }: Config) {
  if (jwksUrl === undefined || issuer === undefined || audience === undefined) return undefined;
  return { jwksUrl, issuer, audience };
}
