import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import express, { type Express, type NextFunction, type Request, type Response } from "express";
import helmet from "helmet";
import { type Logger, pino } from "pino";
import { PortalCallers } from "./api/portalAuth.ts";
import { portalApi } from "./api/router.ts";
import { CloudreveClient } from "./cloudreve/client.ts";
import { CloudreveDrive } from "./cloudreve/cloudreveDrive.ts";
import { ContractGuard } from "./cloudreve/contract/contractGuard.ts";
import { Credentials } from "./cloudreve/credential.ts";
import { createEncryption } from "./cloudreve/encryption.ts";
import { ViewerSessions } from "./cloudreve/nativeWopi.ts";
import { CloudreveSignIn } from "./cloudreve/signIn.ts";
import { UploadSessions } from "./cloudreve/uploadSession.ts";
import { type Config, spoolMaxBytes } from "./config.ts";
import { FileActivity } from "./documents/activity.ts";
import { ConflictCopies } from "./documents/conflictCopy.ts";
import { ContentRecord } from "./documents/contentRecord.ts";
import { DocumentLocks } from "./documents/documentLock.ts";
import { AccessGrants, editorIdsBy, wopiFileId } from "./documents/grants.ts";
import { Housekeeping } from "./documents/housekeeping.ts";
import { LastCopies } from "./documents/lastCopies.ts";
import { accessTokenFor } from "./documents/openSession.ts";
import { noteDecided, noteDropped, noteReplay, tellOf, warnOfEnd } from "./documents/saveEvents.ts";
import { SaveReplay } from "./documents/saveReplay.ts";
import { SaveSpool, type SpooledSave } from "./documents/saveSpool.ts";
import { decideUndecided } from "./documents/undecidedSave.ts";
import { SpoolEnd } from "./documents/waitingSaves.ts";
import { actionUrl } from "./editors/actionUrl.ts";
import { EditorDiscovery, Editors } from "./editors/discovery.ts";
import { AccessTokens, deriveKey } from "./http/accessToken.ts";
import { auditLog } from "./http/auditLog.ts";
import { boundedServer } from "./http/connectionLimits.ts";
import { Drain } from "./http/drain.ts";
import { holdsKey, Metrics } from "./http/metrics.ts";
import { requireMovement } from "./http/movement.ts";
import { headersOnward, logFacts, logFailure, logRequests } from "./http/requestLog.ts";
import { SignedCookies } from "./http/signedCookies.ts";
import { EditLinks } from "./links/links.ts";
import { Allowances } from "./model/allowances.ts";
import { AttemptLimits } from "./model/attemptLimits.ts";
import { FileMutex } from "./model/fileMutex.ts";
import { type Clock, type KeyValueStore, type Pause, pauseFor } from "./model/keyValueStore.ts";
import { PersonSessions } from "./model/personSessions.ts";
import { giveEnds, withRowLives } from "./model/rowLives.ts";
import { watchedClock } from "./model/watchedClock.ts";
import { hostRouter } from "./pages/router.ts";
import { openMemoryStore } from "./stores/memoryStore.ts";
import { openSqliteStore } from "./stores/sqliteStore.ts";
import { checkFileInfo } from "./wopi/checkFileInfo.ts";
import { deleteFile } from "./wopi/deleteFile.ts";
import { getFile } from "./wopi/getFile.ts";
import { getLock, lock, refreshLock, unlock } from "./wopi/lockOperations.ts";
import { OpenCalls } from "./wopi/openCalls.ts";
import { putFile } from "./wopi/putFile.ts";
import { type DocumentAddresses, putRelativeFile } from "./wopi/putRelativeFile.ts";
import { putUserInfo } from "./wopi/putUserInfo.ts";
import { renameFile } from "./wopi/renameFile.ts";
import { wopiRouter } from "./wopi/router.ts";

/** How long stopping waits for work whose callers are gone; saves that are cut off are in the spool. */
const settleMs = 5_000;

export interface Bridge {
  readonly app: Express;
  /** Retries every save in the spool. @returns how many still wait; also runs automatically */
  replay(): Promise<number>;
  /** @returns the port it listens on */
  listen(): Promise<number>;
  /** Releases the drive's lock of every file whose WOPI lock has expired; also runs every minute. */
  sweep(): Promise<void>;
  /** Renews the accounts behind active links, whose refresh tokens last two weeks; also runs every hour. */
  keepAlive(): Promise<void>;
  /** Removes saves that have waited too long in the spool; also runs at start and every hour. */
  tidySpool(): Promise<void>;
  /** Checks that Cloudreve still answers as the bridge expects; also runs at start and every hour. */
  checkContract(): Promise<void>;
  /** Lets saves in progress finish, within a limit; keeps locks. @see Drain */
  close(): Promise<void>;
}

/**
 * Makes and joins all parts of a bridge.
 * @param options now: the clock of everything that expires; logger: where the lines go; pause: between two tries
 * @throws Error with a sentence for the operator when the store or the spool can't be used
 */
export async function openBridge(
  config: Config,
  options: { now?: Clock; logger?: Logger; pause?: Pause } = {},
): Promise<Bridge> {
  const { now, lastJump } = watchedClock(options.now ?? Date.now);
  const pause = options.pause ?? pauseFor;
  const logger = options.logger ?? pino({ level: config.LOG_LEVEL });
  const spool = await SaveSpool.open(config.SPOOL_DIR, spoolMaxBytes(config));
  const store = withRowLives(await openStore(config.STORE_URL, now, logger), now);
  const secrets = [config.SECRET, ...(config.SECRET_PREVIOUS === undefined ? [] : [config.SECRET_PREVIOUS])];

  const metrics = new Metrics(async () => {
    let held = 0;
    for await (const _fileId of locks.held()) held++;
    const waiting = spool.waiting().filter(({ isBroken }) => !isBroken);
    const [oldest] = waiting;
    return {
      locks: held,
      spoolSaves: waiting.length,
      spoolBytes: waiting.reduce((total, { sizeBytes }) => total + sizeBytes, 0),
      spoolOldestSeconds: oldest === undefined ? 0 : Math.max(0, (now() - oldest.receivedAtMs) / 1000),
      spoolBroken: spool.waiting().length - waiting.length,
    };
  });
  const audit = auditLog(logger);
  const seal = createEncryption(secrets.map((secret) => deriveKey(secret, "seal")));
  const client = new CloudreveClient(config.CLOUDREVE_URL, headersOnward, (call) => metrics.driveCalled(call));
  const mutex = /^(file|memory):/.test(config.STORE_URL) ? new FileMutex() : new FileMutex({ store, now });
  const credentials = new Credentials({ store, seal, client, mutex, now, login: driveLogin(config) });
  const publicUrl = config.CLOUDREVE_PUBLIC_URL ?? config.CLOUDREVE_URL;
  const signIn = new CloudreveSignIn({ client, credentials, now, publicUrl, oauthClient: oauthClient(config) });
  const sessions = new ViewerSessions(store, seal, client, now);
  const uploads = new UploadSessions(client, store, now);
  const content = new ContentRecord(store);
  const drive = new CloudreveDrive({
    client,
    credentials,
    signIn,
    sessions,
    uploads,
    storageOrigins: config.STORAGE_ORIGINS,
    knownVersion: (fileId, version) => content.known(fileId, version),
    now,
    pause,
  });
  const editors = new Editors(config.DISCOVERY_URLS.map((url) => new EditorDiscovery(url, store, now)));

  const links = new EditLinks(store, now);
  const grants = new AccessGrants(store, links, now);
  const activity = new FileActivity(store, now);
  const tell = tellOf({ activity, links, metrics, audit, logger });
  const tokens = new AccessTokens(secrets, now);
  const editorIds = editorIdsBy(deriveKey(config.SECRET, "editor ids"));
  const locks = new DocumentLocks({ store, drive, mutex, now, lastJump });
  const attempts = new AttemptLimits(store, now, pause);
  const allowances = new Allowances(store, now);
  const wopiUrl = config.WOPI_URL ?? config.BRIDGE_URL;

  const sessionsEnded = (fileId: string): Promise<void> => housekeeping.sessionsEnded(fileId);
  const note = (error: unknown): void => void logFailure(error);
  const lockParts = { drive, locks, sessionsEnded, note };
  const lastCopies = new LastCopies(store, now);
  const copies = new ConflictCopies(content, drive, lastCopies, now, tell);
  const saveParts = { drive, locks, content, copies, now, tell };
  const replay = new SaveReplay({
    ...saveParts,
    spool,
    decide: decideUndecided(grants),
    note: noteReplay(logger),
    noteDecided: noteDecided(logger),
  });
  const dropped = noteDropped({ metrics, audit, logger });
  const saveLifetimeMs = config.SPOOL_DAYS * 24 * 3_600_000;
  const spoolEnd = new SpoolEnd({ spool, lifetimeMs: saveLifetimeMs, warn: warnOfEnd(logger), dropped });
  const limitBytes = Math.floor(config.MAX_FILE_MB * 1024 * 1024);
  const openParts = {
    drive,
    editors,
    grants,
    tokens,
    now,
    bridgeUrl: config.BRIDGE_URL,
    wopiUrl,
    grantLifetimeMs: config.GRANT_HOURS * 3_600_000,
    audit,
  };

  const kept = (save: SpooledSave, error: unknown): void => {
    logFacts({ save: "kept", file: save.facts.document.fileId });
    noteReplay(logger)(save, "waiting", error);
    replay.wake();
  };
  const saveDocumentParts = { ...saveParts, grants, spool, limitBytes, pause, kept };
  const addresses: DocumentAddresses = {
    forEditor: async (grant) => {
      const token = await accessTokenFor(tokens, grant);
      return `${wopiUrl}/wopi/files/${wopiFileId(grant.document)}?access_token=${token}`;
    },
    forPerson: async (grant) => `${config.BRIDGE_URL}/edit/${await grants.issueTicket(grant.id, grant.expiresAtMs)}`,
    actionUrl: (grant, fileId) =>
      actionUrl(grant.actionUrl, { wopiSrc: `${wopiUrl}/wopi/files/${fileId}`, language: undefined, theme: undefined }),
  };

  const login = driveLogin(config);
  const guard = new ContractGuard({
    client,
    credentials,
    oauthClient: oauthClient(config),
    // Without its own login the bridge uses the account of an active link; it only reads.
    account: async () =>
      login === undefined ? (await links.liveAccounts())[0] : (await credentials.account(undefined)).account,
  });
  const housekeeping = new Housekeeping({
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
  const drain = new Drain();
  const app = express();
  app.disable("x-powered-by").disable("etag").set("trust proxy", config.TRUST_PROXY).set("query parser", "simple");
  app.use(logRequests(logger, (request) => metrics.answered(request)));
  app.use(requireMovement());
  app.use((request, response, next) => {
    // Express would turn an address with broken escapes into a server error.
    if (isDecodable(request.path)) next();
    else response.status(404).end();
  });
  // Before anything that reads bodies or adds headers for browsers: editors get the plain protocol.
  app.use(
    "/wopi",
    wopiRouter({
      tokens,
      grants,
      openCalls: new OpenCalls(),
      editors,
      proofMode: config.PROOF_KEYS,
      wopiUrl,
      now,
      checkFileInfo: checkFileInfo({
        drive,
        content,
        store,
        activity,
        locks,
        editorIds,
        bridgeUrl: config.BRIDGE_URL,
      }),
      getFile: getFile({ drive, content, activity, locks }),
      fileOverrides: {
        LOCK: lock(lockParts),
        UNLOCK: unlock(lockParts),
        REFRESH_LOCK: refreshLock(lockParts),
        GET_LOCK: getLock(lockParts),
        PUT_RELATIVE: putRelativeFile({
          ...saveParts,
          editors,
          allowances,
          audit,
          grants,
          spool,
          limitBytes,
          addresses,
        }),
        RENAME_FILE: renameFile({ ...lockParts, content, addresses, audit }),
        DELETE: deleteFile({ ...lockParts, audit }),
        PUT_USER_INFO: putUserInfo({ store, drive, now }),
      },
      contentOverrides: { PUT: putFile(saveDocumentParts) },
      saves: saveDocumentParts,
      undecidedSaves: { spool, limitBytes, now, kept: () => replay.wake() },
    }),
  );
  // Each page sets its own policies for content and framing; helmet's would block the post to the editor, and portals.
  app.use(
    helmet({
      contentSecurityPolicy: false,
      frameguard: false,
      crossOriginResourcePolicy: false,
      crossOriginOpenerPolicy: false,
    }),
  );
  app.use((_request, response, next) => {
    response.set("Cache-Control", "no-store");
    next();
  });
  app.get("/healthz", (_request, response) => {
    response.json({ ok: true });
  });
  app.get("/metrics", metrics.page(config.METRICS_KEY));
  app.get("/readyz", async (request, response) => {
    if (!drain.isReady()) {
      response.status(503).json({ draining: true });
      return;
    }
    const storeOk = await answers(() => store.get("readyz"));
    const driveOk = await answers(() => drive.ping());
    const spoolState = await spool.state();
    const contract = housekeeping.contract();
    const states = await editors.states();
    // The states are public; addresses and Cloudreve's answers are for the operator only.
    const details = holdsKey(request, config.METRICS_KEY)
      ? { contract, editors: states }
      : { contract: contract === "kept" ? contract : "changed", editors: states.every(({ ok }) => ok) };
    response.status(storeOk ? 200 : 503).json({
      store: storeOk,
      spool: spoolState === "ok",
      ...(spoolState === "ok" ? {} : { spool_reason: spoolState }),
      drive: driveOk,
      ...details,
    });
  });
  app.use(
    portalApi({
      ...openParts,
      links,
      activity,
      locks,
      spool,
      note,
      callers: new PortalCallers({ keys: config.PORTAL_KEYS, signer: portalSigner(config), store, now }),
      sessionsEnded,
    }),
  );
  app.use(
    hostRouter({
      ...openParts,
      links,
      activity,
      store,
      attempts,
      allowances,
      cookies: new SignedCookies(secrets, config.BRIDGE_URL, now),
      sessions: new PersonSessions(store, now),
      lastCopies,
      embedOrigins: config.EMBED_ORIGINS,
      editorIds,
      sessionsEnded,
      personSignedOut: () => housekeeping.personSignedOut(),
      spool,
      saveLifetimeMs,
      saveDropped: dropped,
    }),
  );
  app.use((_request, response) => {
    response.status(404).type("text").send("Not found.\n");
  });
  app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    logFailure(error);
    if (response.headersSent) response.destroy();
    else response.status(500).end();
  });

  replay.start();

  return {
    app,
    listen: () => {
      const server = boundedServer(app);
      drain.watch(server);
      housekeeping.start();
      giveEnds(store, now).catch((error: unknown) =>
        logger.warn({ failure: logFailure(error)?.kind }, "could not give an end to rows from an older version"),
      );
      return listening(server, config.HOST, config.PORT);
    },
    sweep: () => housekeeping.sweep(),
    keepAlive: () => housekeeping.keepAlive(),
    checkContract: () => housekeeping.checkContract(),
    tidySpool: () => housekeeping.tidySpool(),
    replay: () => replay.run(),
    close: async () => {
      housekeeping.stop();
      await drain.end();
      await within(settleMs, Promise.all([replay.stop(), mutex.settled()]));
      await store.close();
    },
  };
}

async function openStore(url: string, now: Clock, logger: Logger): Promise<KeyValueStore> {
  if (url === "memory:") return openMemoryStore(now);
  if (url.startsWith("file:")) return openSqliteStore(url.slice("file:".length), now);
  // Loaded only where it is used.
  const { openRedisStore } = await import("./stores/redisStore.ts");
  return openRedisStore(url, now, (error) => logger.error({ reason: error.message }, "the store can't be reached"));
}

function driveLogin({ CLOUDREVE_EMAIL: email, CLOUDREVE_PASSWORD: password }: Config) {
  return email === undefined || password === undefined ? undefined : { email, password };
}

function oauthClient({ OAUTH_CLIENT_ID: clientId, OAUTH_CLIENT_SECRET: clientSecret }: Config) {
  return clientId === undefined || clientSecret === undefined ? undefined : { clientId, clientSecret };
}

function portalSigner({ PORTAL_JWKS_URL: jwksUrl, PORTAL_ISSUER: issuer, PORTAL_AUDIENCE: audience }: Config) {
  if (jwksUrl === undefined || issuer === undefined || audience === undefined) return undefined;
  return { jwksUrl, issuer, audience };
}

function isDecodable(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}

async function answers(ask: () => Promise<unknown>): Promise<boolean> {
  try {
    await ask();
    return true;
  } catch {
    return false;
  }
}

/** @returns when the work is done or the time is up */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}

function listening(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}
