import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Logger, pino } from "pino";
import type { Bridge } from "../../src/bridge.ts";
import { type Config, readConfig } from "../../src/config.ts";
import type { Clock, Pause } from "../../src/model/keyValueStore.ts";
import { type FakeCloudreve, openFakeCloudreve } from "../../src/sandbox/fakeCloudreve/fakeCloudreve.ts";
import { type SetClock, setClock } from "./clock.ts";
import { type DriveAccountClient, driveAccount } from "./driveAccount.ts";
import type { WopiClient } from "./wopiClient.ts";

export const portalKey = "test-portal-key-as-long-as-real-ones";
export const drivePassword = "drive-password-1";
export const editorUrl = "http://127.0.0.1:9";
const extensions = ["txt", "md", "docx", "wopitest"];

/** A fake drive on a socket of this machine, with a bridge's documents before it, both on one set clock. */
export interface Stage {
  /** Of the bridge. */
  readonly url: string;
  readonly drive: FakeCloudreve;
  readonly clock: SetClock;
  readonly bridge: Pick<Bridge, "sweep" | "replay">;
  /** alice owns the documents; bob is a stranger. */
  readonly alice: DriveAccountClient;
  readonly bob: DriveAccountClient;
  readonly logLines: readonly Record<string, unknown>[];
  readonly dir: string;
  readonly spoolDir: string;
  /** Opens a document as a portal does. */
  open(path: string, more?: Record<string, unknown>): Promise<WopiClient>;
  stopDrive(): Promise<void>;
  /** Starts a stopped drive again, on the same folder and port. */
  startDrive(): Promise<void>;
  close(): Promise<void>;
}

export interface StageOptions {
  readonly settings?: Readonly<Record<string, string>>;
  readonly drive?: Partial<Parameters<typeof openFakeCloudreve>[0]>;
  /** Where the bridge reaches the drive, when something stands between the two. */
  readonly driveAddress?: (driveUrl: string) => Promise<string>;
  /** In place of the pauses between two tries, which are a hundredth here. */
  readonly pause?: Pause;
}

/** What every stage stands on. */
interface StageGround extends Omit<Stage, "bridge" | "open"> {
  readonly storeFile: string;
  /** As `openBridge` and `openServices` take it. @param settings besides those of the stage */
  config(settings?: Readonly<Record<string, string>>): Config;
  readonly options: { readonly now: Clock; readonly logger: Logger; readonly pause: Pause };
}

export async function stageGround(url: string, options: StageOptions): Promise<StageGround> {
  const dir = await mkdtemp(join(tmpdir(), "bridge-test-"));
  const clock = setClock();
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
    STORE_URL: "memory:",
    SPOOL_DIR: spoolDir,
    PORTAL_KEYS: `test:${portalKey}`,
    ...options.settings,
  };
  return {
    url,
    get drive() {
      return drive;
    },
    clock,
    alice: await driveAccount(drive.url, "alice@example.com", drivePassword),
    bob: await driveAccount(drive.url, "bob@example.com", drivePassword),
    logLines,
    dir,
    spoolDir,
    storeFile: join(dir, "bridge.db"),
    config: (settings) => readConfig({ ...environment, ...settings }),
    options: {
      now: clock.now,
      logger,
      // The pauses are there for a drive that needs time to recover; this one does not.
      pause: options.pause ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms / 100))),
    },
    stopDrive: () => drive.close(),
    startDrive: async () => {
      drive = await openFakeCloudreve({ ...driveOptions, port });
    },
    close: async () => {
      await drive.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** What a portal calls a document of alice's. */
export function uriOf(path: string): string {
  return `cloudreve://my/${path.split("/").map(encodeURIComponent).join("/")}`;
}
