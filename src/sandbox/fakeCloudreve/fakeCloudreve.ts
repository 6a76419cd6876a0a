import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { adminRoutes } from "./adminRoutes.ts";
import { authorizePage } from "./authorizePage.ts";
import { contentRoutes } from "./contentRoutes.ts";
import {
  type FakeAccount,
  FakeDrive,
  type FakeOauthClient,
  type FakeSettings,
  type FakeViewer,
  type OauthCode,
  type UploadSession,
  type ViewerSession,
} from "./fakeDrive.ts";
import { fileRoutes } from "./fileRoutes.ts";
import { listRoutes } from "./listRoute.ts";
import type { LockApplication } from "./lockTable.ts";
import { oauthAdminRoutes } from "./oauthAdminRoutes.ts";
import { oauthRoutes } from "./oauthRoutes.ts";
import { Router } from "./router.ts";
import { sessionRoutes } from "./sessionRoutes.ts";
import { shareRoutes } from "./shareRoutes.ts";
import { siteRoutes } from "./siteRoutes.ts";
import { uploadRoutes } from "./uploadRoutes.ts";
import { urlRoutes } from "./urlRoutes.ts";
import { userRoutes } from "./userRoutes.ts";
import { versionRoutes } from "./versionRoutes.ts";
import { viewerRoutes } from "./viewerRoutes.ts";
import { wopiRoutes } from "./wopiRoutes.ts";

export type { FakeAccount, FakeViewer } from "./fakeDrive.ts";

export interface FakeCloudreveOptions {
  /** Keeps the documents below `files/<e-mail>/`, and one state file; both survive a restart. */
  dir: string;
  host?: string;
  /** 0 takes any free port. */
  port: number;
  /** The setting siteURL; the first goes into WOPI sources. Default: the server's own origin. */
  siteUrls?: string[];
  accounts: FakeAccount[];
  viewers: FakeViewer[];
  /**
   * When the state file is written: with each change, so that it survives a crash too (the default), or only by
   * `close`, which many tests are faster for.
   */
  writesState?: "with each change" | "at close";
  /** Registered at every start; what else an administrator changed of them is kept. */
  oauthClients?: FakeOauthClient[];
  settings?: Partial<FakeSettings>;
  /** All expiries go by this clock. */
  now?: () => number;
}

export interface FakeCloudreve {
  readonly url: string;
  readonly port: number;
  /** May be changed at any time; acts at once. */
  readonly settings: FakeSettings;
  setViewers(viewers: FakeViewer[]): void;
  /** The option `oauthClients`, for callers that know a redirect uri only later. */
  registerOauthClients(clients: FakeOauthClient[]): Promise<void>;
  /** What a restart does to locks. */
  forgetLocks(): void;
  /** A lock of another program, as WebDAV or a stalled upload would take it. @returns its token */
  plantLock(email: string, path: string, application: LockApplication, token?: string): string;
  /** A graceful stop: viewer sessions are written down, locks are not. */
  close(): Promise<void>;
}

interface StoredSessions {
  viewer: ViewerSession[];
  upload: Omit<UploadSession, "receivedChunks">[];
  oauthCodes: [code: string, OauthCode][];
}

const routes = [
  ...siteRoutes,
  ...sessionRoutes,
  ...oauthRoutes,
  ...authorizePage,
  ...userRoutes,
  ...fileRoutes,
  ...listRoutes,
  ...versionRoutes,
  ...contentRoutes,
  ...urlRoutes,
  ...uploadRoutes,
  ...viewerRoutes,
  ...wopiRoutes,
  ...shareRoutes,
  ...adminRoutes,
  ...oauthAdminRoutes,
];

/** Starts a drive that answers like Cloudreve v4 of July 2026, its dangerous habits included. */
export async function openFakeCloudreve(options: FakeCloudreveOptions): Promise<FakeCloudreve> {
  mkdirSync(options.dir, { recursive: true });
  const host = options.host ?? "127.0.0.1";
  const drive = new FakeDrive({ ...options, siteUrls: options.siteUrls ?? [] });
  const sessionsFile = join(options.dir, "sessions.json");
  takeSessions(sessionsFile, drive);
  await drive.state.save();

  const router = new Router(drive, routes);
  // Neither a stalled sender nor an idle connection is ever cut off there.
  const server = createServer({ requestTimeout: 0, keepAliveTimeout: 0 }, (request, response) => {
    router.handle(request, response);
  });
  answerUnreadable(server);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const url = `http://${host}:${port}`;
  if (!options.siteUrls) drive.siteUrls = [url];

  return {
    url,
    port,
    settings: drive.settings,
    setViewers: (viewers) => {
      drive.viewers = viewers;
    },
    registerOauthClients: async (clients) => {
      for (const client of clients) drive.registerOauthClient(client);
      await drive.state.save();
    },
    forgetLocks: () => drive.locks.forgetAll(),
    plantLock: (email, path, application, token) => drive.plantLock(email, path, application, token),
    close: async () => {
      await closeServer(server);
      await router.settle();
      await drive.state.write();
      const sessions: StoredSessions = {
        viewer: [...drive.viewerSessions.values()],
        upload: [...drive.uploadSessions.values()].map((session) => ({ ...session, receivedChunks: undefined })),
        oauthCodes: [...drive.oauthCodes],
      };
      writeFileSync(sessionsFile, JSON.stringify(sessions));
    },
  };
}

// Read once and gone: a crash later must not bring old sessions back.
function takeSessions(path: string, drive: FakeDrive): void {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return;
  }
  rmSync(path);
  const stored = JSON.parse(text) as Pick<StoredSessions, "viewer" | "upload"> & Partial<StoredSessions>;
  for (const [code, waiting] of stored.oauthCodes ?? []) drive.oauthCodes.set(code, waiting);
  for (const session of stored.viewer) drive.viewerSessions.set(session.id, session);
  // Known again, but without their locks: the next chunk finds that out.
  for (const session of stored.upload) {
    drive.uploadSessions.set(session.id, { ...session, receivedChunks: new Set() });
  }
}

function answerUnreadable(server: Server): void {
  server.on("clientError", (_error, socket) => {
    if (!socket.writable) return;
    socket.end(
      "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request",
    );
  });
}

async function closeServer(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
