import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type Bridge, openBridge } from "../../src/bridge.ts";
import { openSqliteStore } from "../../src/stores/sqliteStore.ts";
import { portalKey, type Stage, type StageOptions, stageGround, uriOf } from "./stage.ts";
import { type Session, sessionSchema, wopiClient } from "./wopiClient.ts";

export { drivePassword, editorUrl, portalKey } from "./stage.ts";

/** A stage with the whole bridge, its server on a socket of this machine too. */
export interface TestBridge extends Stage {
  readonly bridge: Bridge;
  postSession(body: unknown, headers?: Record<string, string>): Promise<Response>;
  /** Revokes the session that a portal has opened. */
  endSession(id: string): Promise<void>;
  /**
   * Stops the bridge and starts another on the same store, spool and address; needs `store: "file"`.
   * @param settings that have changed
   */
  restart(settings?: Readonly<Record<string, string>>): Promise<void>;
  /** Everything in the store, as text; needs `store: "file"`. */
  storedText(): Promise<string>;
}

export interface TestBridgeOptions extends StageOptions {
  /** A file takes longer; it is for what restarts the bridge or looks into its store. */
  readonly store?: "memory" | "file";
  /** What the drive must know of the bridge's address. */
  readonly driveFor?: (bridgeUrl: string) => StageOptions["drive"];
}

export async function testBridge(options: TestBridgeOptions = {}): Promise<TestBridge> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ground = await stageGround(url, { ...options, drive: { ...options.drive, ...options.driveFor?.(url) } });
  const stored = options.store === "file" ? { STORE_URL: `file:${ground.storeFile}` } : {};
  const start = async (settings: Readonly<Record<string, string>> = {}): Promise<Bridge> => {
    const bridge = await openBridge(ground.config({ ...stored, ...options.settings, ...settings }), ground.options);
    server.on("request", bridge.app);
    return bridge;
  };
  let bridge = await start();
  const requireFile = (): void => {
    const isFile = options.store === "file" || options.settings?.["STORE_URL"]?.startsWith("file:");
    if (!isFile) throw new Error('this needs a bridge with store: "file"');
  };

  const postSession: TestBridge["postSession"] = (body, headers = {}) =>
    fetch(`${url}/api/sessions`, {
      method: "POST",
      headers: { Authorization: `Bearer ${portalKey}`, "Content-Type": "application/json", ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  return {
    ...ground,
    // Both change when they are started anew.
    get drive() {
      return ground.drive;
    },
    get bridge() {
      return bridge;
    },
    postSession,
    open: async (path, more = {}) => {
      const answered = await postSession({ uri: uriOf(path), action: "edit", ...more });
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
      const store = openSqliteStore(ground.storeFile, ground.clock.now);
      const lines: string[] = [];
      for await (const entry of store.list("")) lines.push(entry.join(" "));
      await store.close();
      return lines.join("\n");
    },
    close: async () => {
      await closed(server);
      await bridge.close();
      await ground.close();
    },
  };
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
