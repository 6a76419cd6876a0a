import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { type Bridge, openBridge } from "../../src/bridge.ts";
import { readConfig } from "../../src/config.ts";
import type { Pause } from "../../src/model/keyValueStore.ts";
import { type FakeCloudreve, openFakeCloudreve } from "../../src/sandbox/fakeCloudreve/fakeCloudreve.ts";
import { openSqliteStore } from "../../src/stores/sqliteStore.ts";
import { type SetClock, setClock } from "./clock.ts";
import { type DriveAccountClient, driveAccount } from "./driveAccount.ts";
import { type Session, sessionSchema, type WopiClient, wopiClient } from "./wopiClient.ts";

export const portalKey = "test-portal-key-as-long-as-real-ones";
export const drivePassword = "drive-password-1";
export const editorUrl = "http://127.0.0.1:9";
const extensions = ["txt", "md", "docx", "wopitest"];

/** A bridge on a fake drive, both on sockets of this machine, both on one set clock. */
export interface TestBridge {
  readonly url: string;
  readonly drive: FakeCloudreve;
  readonly clock: SetClock;
  readonly bridge: Bridge;
  /** alice owns the documents; bob is a stranger. */
  readonly alice: DriveAccountClient;
  readonly bob: DriveAccountClient;
  readonly logLines: readonly Record<string, unknown>[];
  readonly dir: string;
  readonly spoolDir: string;
  postSession(body: unknown, headers?: Record<string, string>): Promise<Response>;
  /** Opens a document through the portal API. */
  open(path: string, more?: Record<string, unknown>): Promise<WopiClient>;
  /** Revokes the session that a portal has opened. */
  endSession(id: string): Promise<void>;
  /**
   * Stops the bridge and starts another on the same store, spool and address; needs `store: "file"`.
   * @param settings that have changed
   */
  restart(settings?: Readonly<Record<string, string>>): Promise<void>;
  /** Everything in the store, as text; needs `store: "file"`. */
  storedText(): Promise<string>;
  stopDrive(): Promise<void>;
  /** Starts a stopped drive again, on the same folder and port. */
  startDrive(): Promise<void>;
  close(): Promise<void>;
}

export interface TestBridgeOptions {
  readonly settings?: Readonly<Record<string, string>>;
  /** A file takes longer; it is for what restarts the bridge or looks into its store. */
  readonly store?: "memory" | "file";
  readonly drive?: Partial<Parameters<typeof openFakeCloudreve>[0]>;
  /** What the drive must know of the bridge's address. */
  readonly driveFor?: (bridgeUrl: string) => Partial<Parameters<typeof openFakeCloudreve>[0]>;
  /** Where the bridge reaches the drive, when something stands between the two. */
  readonly driveAddress?: (driveUrl: string) => Promise<string>;
  /** In place of the pauses between two tries, which are a hundredth here. */
  readonly pause?: Pause;
}

export async function testBridge(options: TestBridgeOptions = {}): Promise<TestBridge> {
  const dir = await mkdtemp(join(tmpdir(), "bridge-test-"));
  const clock = setClock();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const driveOptions = {
    dir: join(dir, "drive"),
    port: 0,
    accounts: [
      { email: "alice@example.com", password: drivePassword, nickname: "Alice" },
      { email: "bob@example.com", password: drivePassword, nickname: "Bob" },
    ],
    viewers: [
      {
        id: "test-editor",
        type: "wopi" as const,
        display_name: "Test editor",
        exts: extensions,
        wopi_actions: Object.fromEntries(
          extensions.map((extension) => [extension, { view: `${editorUrl}/view?`, edit: `${editorUrl}/edit?` }]),
        ),
      },
    ],
    now: clock.now,
    writesState: "at close" as const,
    ...options.drive,
    ...options.driveFor?.(url),
  };
  let drive = await openFakeCloudreve(driveOptions);
  const { port } = drive;
  const logLines: Record<string, unknown>[] = [];
  const logger = pino({ level: "trace" }, { write: (line: string) => void logLines.push(JSON.parse(line)) });
  const spoolDir = join(dir, "spool");
  const environment = {
    BRIDGE_URL: url,
    CLOUDREVE_URL: (await options.driveAddress?.(drive.url)) ?? drive.url,
    CLOUDREVE_EMAIL: "alice@example.com",
    CLOUDREVE_PASSWORD: drivePassword,
    SECRET: "a secret of at least thirty-two bytes",
    STORE_URL: options.store === "file" ? `file:${join(dir, "bridge.db")}` : "memory:",
    SPOOL_DIR: spoolDir,
    PORTAL_KEYS: `test:${portalKey}`,
    ...options.settings,
  };
  const start = async (settings: Readonly<Record<string, string>> = {}): Promise<Bridge> => {
    const bridge = await openBridge(readConfig({ ...environment, ...settings }), {
      now: clock.now,
      logger,
      // The pauses are there for a drive that needs time to recover; this one does not.
      pause: options.pause ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms / 100))),
    });
    server.on("request", bridge.app);
    return bridge;
  };
  let bridge = await start();
  const requireFile = (): void => {
    if (!environment.STORE_URL.startsWith("file:")) throw new Error('this needs a bridge with store: "file"');
  };

  const postSession: TestBridge["postSession"] = (body, headers = {}) =>
    fetch(`${url}/api/sessions`, {
      method: "POST",
      headers: { Authorization: `Bearer ${portalKey}`, "Content-Type": "application/json", ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  return {
    url,
    get drive() {
      return drive;
    },
    clock,
    get bridge() {
      return bridge;
    },
    alice: await driveAccount(drive.url, "alice@example.com", drivePassword),
    bob: await driveAccount(drive.url, "bob@example.com", drivePassword),
    logLines,
    dir,
    spoolDir,
    postSession,
    open: async (path, more = {}) => {
      const uri = `cloudreve://my/${path.split("/").map(encodeURIComponent).join("/")}`;
      const answered = await postSession({ uri, action: "edit", ...more });
      const body: unknown = await answered.json();
      if (answered.status !== 201) throw new Error(`POST /api/sessions: ${answered.status} ${JSON.stringify(body)}`);
      return wopiClient(sessionSchema.parse(body) as Session);
    },
    endSession: async (id) => {
      const headers = { Authorization: `Bearer ${portalKey}` };
      const { status } = await fetch(`${url}/api/sessions/${id}`, { method: "DELETE", headers });
      if (status !== 204) throw new Error(`DELETE /api/sessions: ${status}`);
    },
    restart: async (settings) => {
      requireFile();
      server.removeAllListeners("request");
      await bridge.close();
      bridge = await start(settings);
    },
    storedText: async () => {
      requireFile();
      const store = openSqliteStore(join(dir, "bridge.db"), clock.now);
      const lines: string[] = [];
      for await (const entry of store.list("")) lines.push(entry.join(" "));
      await store.close();
      return lines.join("\n");
    },
    stopDrive: () => drive.close(),
    startDrive: async () => {
      drive = await openFakeCloudreve({ ...driveOptions, port });
    },
    close: async () => {
      await closed(server);
      await bridge.close();
      await drive.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
