import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request as send } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { openBridge } from "../../src/bridge.ts";
import { readConfig } from "../../src/config.ts";
import { type DemoEditor, openDemoEditor } from "../../src/sandbox/demoEditor/demoEditor.ts";
import { type FakeCloudreve, openFakeCloudreve } from "../../src/sandbox/fakeCloudreve/fakeCloudreve.ts";
import { freePorts } from "../support/childProcess.ts";

export const password = "drive-password";
export const oauthSecret = "oauth-secret-0123456789";
const host = "127.0.0.1";
const oauthId = "3c0e8f60-5d1c-4b5e-9b6d-7f2a4c9e1b30";
const extensions = ["txt", "md", "csv", "json", "html", "wopitest", "docx", "xlsx"];
const scopes = ["openid", "profile", "email", "offline_access", "Files.Read", "Files.Write"];

export type Settings = Readonly<Record<string, string>>;

/** A drive, an editor and the bridge between them, all right, with the settings the bridge was started with. */
export interface DoctorStage {
  readonly drive: FakeCloudreve;
  readonly editor: DemoEditor;
  readonly dir: string;
  readonly settings: Settings;
  /** A folder of its own for what is started beside. */
  newDir(): Promise<string>;
  /** The drive's viewers open documents at this editor. */
  useEditor(editorUrl: string): void;
  /** Ends with the stage, whatever a test does. */
  alsoEnd(close: () => Promise<unknown>): void;
  close(): Promise<void>;
}

export async function doctorStage(): Promise<DoctorStage> {
  const dir = await mkdtemp(join(tmpdir(), "doctor-"));
  const endings: (() => Promise<unknown>)[] = [];
  const editor = await openDemoEditor({ port: 0 });
  const drive = await openDrive(join(dir, "drive"));
  const useEditor = (editorUrl: string): void => drive.setViewers([viewerAt(editorUrl)]);
  useEditor(editor.url);
  const [port = 0] = await freePorts(1);
  const settings: Settings = {
    BRIDGE_URL: `http://${host}:${port}`,
    PORT: String(port),
    CLOUDREVE_URL: drive.url,
    CLOUDREVE_EMAIL: "alice@example.com",
    CLOUDREVE_PASSWORD: password,
    OAUTH_CLIENT_ID: oauthId,
    OAUTH_CLIENT_SECRET: oauthSecret,
    DISCOVERY_URLS: editor.discoveryUrl,
    SECRET: "a secret of at least thirty-two bytes",
    STORE_URL: `file:${join(dir, "bridge.db")}`,
    SPOOL_DIR: join(dir, "spool"),
  };
  await registerClient(drive, oauthId, `${settings["BRIDGE_URL"]}/signin/callback`);
  const bridge = await openBridge(readConfig(settings), { logger: pino({ level: "silent" }) });
  await bridge.listen();
  let dirs = 0;
  return {
    drive,
    editor,
    dir,
    settings,
    newDir: async () => join(dir, `beside-${++dirs}`),
    useEditor,
    alsoEnd: (close) => void endings.push(close),
    close: async () => {
      await editor.kill();
      await bridge.close();
      await Promise.all(endings.map((close) => close()));
      await drive.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export function openDrive(dir: string): Promise<FakeCloudreve> {
  const accounts = [
    { email: "alice@example.com", password, nickname: "Alice", admin: true },
    { email: "bob@example.com", password, nickname: "Bob" },
  ];
  return openFakeCloudreve({ dir, port: 0, accounts, viewers: [] });
}

/** An OAuth application whose secret is `oauthSecret`. */
export async function registerClient(
  drive: FakeCloudreve,
  clientId: string,
  redirectUri: string,
  allowed: readonly string[] = scopes,
): Promise<void> {
  await drive.registerOauthClients([
    { clientId, clientSecret: oauthSecret, name: "Office bridge", redirectUris: [redirectUri], scopes: [...allowed] },
  ]);
}

function viewerAt(editorUrl: string) {
  const actions = { view: `${editorUrl}/editor/view?`, edit: `${editorUrl}/editor/edit?` };
  return {
    id: "stage-editor",
    type: "wopi" as const,
    display_name: "Stage editor",
    exts: extensions,
    wopi_actions: Object.fromEntries(extensions.map((extension) => [extension, actions])),
  };
}

/** `npm run doctor` with exactly these variables. @returns what it printed, and its exit code */
export function doctorCommand(
  settings: Settings,
  { args = [], cwd = process.cwd() }: { args?: readonly string[]; cwd?: string } = {},
): Promise<{ code: number; output: string }> {
  const file = new URL("../../src/doctor.ts", import.meta.url).pathname;
  // By its place, since the folder may be any.
  const parameters = ["--import", import.meta.resolve("tsx"), file, ...args];
  const env = { PATH: process.env["PATH"] ?? "", ...settings };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, parameters, { cwd, env }, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, output: `${stdout}${stderr}` }),
    );
  });
}

/** What a program in between does wrong. */
export interface Lies {
  /** Answers itself instead of handing on. */
  readonly answer?: (
    request: IncomingMessage,
  ) => { status: number; headers?: Readonly<Record<string, string>>; text?: string } | undefined;
  readonly headers?: (headers: IncomingHttpHeaders, request: IncomingMessage) => IncomingHttpHeaders;
  readonly text?: (text: string) => string;
  /** Receives the whole body before it hands anything on. */
  readonly keepsBodies?: boolean;
}

export interface LyingProxy {
  readonly url: string;
  close(): Promise<void>;
}

/** A proxy in front of a server of the stage that does something wrong; without a target it answers everything itself. */
export async function lyingProxy(
  target: string | undefined,
  liesOf: Lies | ((ownUrl: string) => Lies),
): Promise<LyingProxy> {
  let lies: Lies = {};
  const server = createServer((request, response) => {
    const own = lies.answer?.(request);
    if (own !== undefined || target === undefined) {
      const { status, headers = {}, text = "" } = own ?? { status: 404 };
      response.writeHead(status, headers).end(text);
      return;
    }
    const { hostname, port } = new URL(target);
    const bare = { ...request.headers };
    delete bare["connection"];
    const onward = send({ hostname, port, method: request.method, path: request.url, headers: bare }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.once("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        const body = Buffer.from(lies.text?.(text) ?? text);
        const headers = { ...(lies.headers?.(answer.headers, request) ?? answer.headers) };
        delete headers["transfer-encoding"];
        response.writeHead(answer.statusCode ?? 502, { ...headers, "content-length": String(body.length) }).end(body);
      });
    });
    onward.on("error", () => response.destroy());
    // Whoever has gone leaves nothing open behind the proxy: the bridge would wait for it when it ends.
    response.once("close", () => onward.destroy());
    if (lies.keepsBodies === true) {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.once("end", () => onward.end(Buffer.concat(chunks)));
    } else {
      request.pipe(onward);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const url = `http://${host}:${(server.address() as AddressInfo).port}`;
  lies = typeof liesOf === "function" ? liesOf(url) : liesOf;
  return {
    url,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
