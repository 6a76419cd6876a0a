import { type RunningCommand, run } from "./childProcess.ts";
import { drivePassword, portalKey } from "./testBridge.ts";
import { sessionSchema, type WopiClient, wopiClient } from "./wopiClient.ts";

/** `npm start` as its own process, which can be killed and started again. */
export interface BridgeProcess {
  readonly url: string;
  /** All that every process so far has printed. */
  output(): string;
  open(path: string, more?: Record<string, unknown>): Promise<WopiClient>;
  /** Memory of the process that lies in RAM. */
  residentBytes(): number;
  kill(): Promise<void>;
  start(): Promise<void>;
  /** SIGTERM. @returns the exit code */
  stop(): Promise<number | null>;
}

export async function bridgeProcess(
  driveUrl: string,
  dir: string,
  port: number,
  settings: Readonly<Record<string, string>> = {},
): Promise<BridgeProcess> {
  const url = `http://127.0.0.1:${port}`;
  const environment = {
    BRIDGE_URL: url,
    PORT: String(port),
    CLOUDREVE_URL: driveUrl,
    CLOUDREVE_EMAIL: "alice@example.com",
    CLOUDREVE_PASSWORD: drivePassword,
    SECRET: "a secret of at least thirty-two bytes",
    STORE_URL: `file:${dir}/bridge.db`,
    SPOOL_DIR: `${dir}/spool`,
    PORTAL_KEYS: `test:${portalKey}`,
    ...settings,
  };
  const earlier: string[] = [];
  let command: RunningCommand;
  const start = async (): Promise<void> => {
    command = run("src/main.ts", environment);
    await command.printed("listening on");
  };
  await start();
  const end = async (signal: "SIGKILL" | "SIGTERM"): Promise<number | null> => {
    const code = await command.end(signal);
    earlier.push(command.output());
    return code;
  };
  return {
    url,
    output: () => [...earlier, command.output()].join(""),
    open: async (path, more = {}) => {
      const answered = await fetch(`${url}/api/sessions`, {
        method: "POST",
        headers: { Authorization: `Bearer ${portalKey}`, "Content-Type": "application/json" },
        body: JSON.stringify({ uri: `cloudreve://my/${encodeURIComponent(path)}`, action: "edit", ...more }),
      });
      return wopiClient(sessionSchema.parse(await answered.json()));
    },
    residentBytes: () => command.residentBytes(),
    kill: async () => void (await end("SIGKILL")),
    start,
    stop: () => end("SIGTERM"),
  };
}
