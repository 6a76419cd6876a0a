import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { openBridge } from "../../src/bridge.ts";
import { readConfig } from "../../src/config.ts";
import { discoveryServer } from "../support/discoveryServer.ts";
import { type DriveAccountClient, driveAccount } from "../support/driveAccount.ts";
import { type ValidatorDrive, validatorDrive } from "./drive.ts";
import type { Sign } from "./signing.ts";

/** A drive, a bridge before it, and an editor's keys. */
export interface ValidatorStage {
  readonly bridgeUrl: string;
  readonly portalKey: string;
  readonly drive: Pick<ValidatorDrive, "email" | "password">;
  readonly owner: DriveAccountClient;
  /** As the editor does whose keys the bridge knows. */
  readonly sign: Sign;
  /** A new `.wopitest` file alone in a folder. @returns its path */
  newFile(): Promise<string>;
  close(): Promise<void>;
}

const editorUrl = "http://127.0.0.1:9";
const portalKey = "validator-portal-key";
const actions = ["wopitest", "wopitestx"].flatMap((extension) => [`view ${extension}`, `edit ${extension}`]);

export async function openStage(): Promise<ValidatorStage> {
  const dir = await mkdtemp(join(tmpdir(), "validator-"));
  const drive = await validatorDrive(editorUrl);
  const discovery = await discoveryServer(editorUrl, actions);
  const listener = createServer();
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const bridgeUrl = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
  const config = readConfig({
    BRIDGE_URL: bridgeUrl,
    CLOUDREVE_URL: drive.url,
    EDITOR_CLOUDREVE_URL: drive.url,
    CLOUDREVE_EMAIL: drive.email,
    CLOUDREVE_PASSWORD: drive.password,
    DISCOVERY_URLS: discovery.url,
    SECRET: "a secret of at least thirty-two bytes",
    STORE_URL: "memory:",
    SPOOL_DIR: join(dir, "spool"),
    PORTAL_KEYS: `validator:${portalKey}`,
  });
  const bridge = await openBridge(config, { logger: pino({ level: "silent" }, { write: () => undefined }) });
  listener.on("request", bridge.app);
  const owner = await driveAccount(drive.url, drive.email, drive.password);
  const root = `validator-${randomBytes(5).toString("hex")}`;
  let files = 0;
  return {
    bridgeUrl,
    portalKey,
    drive,
    owner,
    sign: discovery.proof,
    newFile: async () => {
      const path = `${root}/${++files}/Validator.wopitest`;
      const code = await owner.put(path, "what the validator finds");
      if (code !== 0) throw new Error(`the drive took no file: ${code}`);
      return path;
    },
    close: async () => {
      await new Promise<void>((resolve) => {
        listener.close(() => resolve());
        listener.closeAllConnections();
      });
      await bridge.close();
      await owner.remove(root);
      await discovery.close();
      await drive.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
