import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import { z } from "zod";
import { openBridge } from "../bridge.ts";
import { ConfigError, readConfig } from "../config.ts";
import { openDemoEditor } from "./demoEditor/demoEditor.ts";
import { usedElsewhere } from "./elsewhere.ts";
import { openFakeCloudreve } from "./fakeCloudreve/fakeCloudreve.ts";
import { openDemoDrive } from "./portal/demoDrive.ts";
import { openPortal } from "./portal/portal.ts";
import { sampleOfficeFiles, sampleTextFiles } from "./sampleDocuments.ts";

const host = "127.0.0.1";
const password = "sandbox-password";
const oauthClientId = "5d1c8f60-3c0e-4b5e-9b6d-7f2a4c9e1b30";
const editorSchema = z.enum(["plain", "collabora", "onlyoffice"]).default("plain");

/**
 * Everything on one machine: a Cloudreve-compatible drive, an editor, the unchanged bridge, a portal. Ports and folder
 * by PORT, DRIVE_PORT, EDITOR_PORT, PORTAL_PORT, SANDBOX_DIR; every setting of the bridge is honoured. SANDBOX_EDITOR=collabora
 * or onlyoffice gives the editor the habits of a real one.
 */
async function main(environment: NodeJS.ProcessEnv): Promise<void> {
  const dir = environment["SANDBOX_DIR"] ?? "sandbox-data";
  const port = (name: string, usual: number) => Number(environment[name] ?? usual);
  mkdirSync(dir, { recursive: true });

  const guise = editorSchema.safeParse(environment["SANDBOX_EDITOR"]);
  if (!guise.success) throw new Error("SANDBOX_EDITOR is collabora or onlyoffice, or left out.");
  const editor = await openDemoEditor({ guise: guise.data, host, port: port("EDITOR_PORT", 9980) });
  const actions = editor.actions();
  const drive = await openFakeCloudreve({
    dir: join(dir, "drive"),
    host,
    port: port("DRIVE_PORT", 5212),
    accounts: [
      { email: "alice@example.com", password, nickname: "Alice", admin: true },
      { email: "bob@example.com", password, nickname: "Bob" },
    ],
    viewers: [
      {
        id: "sandbox-editor",
        type: "wopi",
        display_name: "Demo editor",
        exts: Object.keys(actions),
        wopi_actions: actions,
      },
    ],
  });
  const portalPort = port("PORTAL_PORT", 8090);
  const bridgePort = port("PORT", 8080);
  const config = readConfig({
    BRIDGE_URL: `http://${host}:${bridgePort}`,
    PORT: String(bridgePort),
    CLOUDREVE_URL: drive.url,
    CLOUDREVE_EMAIL: "alice@example.com",
    CLOUDREVE_PASSWORD: password,
    DISCOVERY_URLS: editor.discoveryUrl,
    SECRET: keptSecret(join(dir, "secret")),
    OAUTH_CLIENT_ID: oauthClientId,
    OAUTH_CLIENT_SECRET: keptSecret(join(dir, "oauth-secret")),
    STORE_URL: `file:${join(dir, "bridge.db")}`,
    SPOOL_DIR: join(dir, "spool"),
    PORTAL_KEYS: "sandbox:sandbox-key",
    EMBED_ORIGINS: `http://${host}:${portalPort}`,
    ADMIN_EMAILS: "alice@example.com",
    LOG_LEVEL: "warn",
    ...environment,
  });
  if (config.OAUTH_CLIENT_ID !== undefined && config.OAUTH_CLIENT_SECRET !== undefined) {
    await drive.registerOauthClients([
      {
        clientId: config.OAUTH_CLIENT_ID,
        clientSecret: config.OAUTH_CLIENT_SECRET,
        name: "Office bridge",
        redirectUris: [`${config.BRIDGE_URL}/signin/callback`],
        scopes: ["openid", "profile", "email", "offline_access", "Files.Read", "Files.Write"],
      },
    ]);
  }
  const bridge = await openBridge(config, { logger: pino({ level: config.LOG_LEVEL }) });
  await bridge.listen();
  await seed(drive.url, "alice@example.com", { ...sampleOfficeFiles(), ...sampleTextFiles });
  await seed(drive.url, "bob@example.com", sampleOfficeFiles());
  const portal = await openPortal({
    host,
    port: portalPort,
    bridgeUrl: config.BRIDGE_URL,
    portalKey: config.PORTAL_KEYS[0]?.key ?? "",
    driveUrl: drive.url,
    email: "alice@example.com",
    password,
  });
  const elsewhere = usedElsewhere(config, { driveUrl: drive.url, discoveryUrl: editor.discoveryUrl });
  for (const sentence of elsewhere) process.stdout.write(`${sentence}\n`);
  process.stdout.write(
    `\nOpen http://${host}:${portal.port} in a browser. Ctrl+C ends the sandbox; ${dir} keeps its data.\n`,
  );

  let stopping = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      // The editor first: it saves and unlocks through the bridge.
      editor
        .close()
        .then(() => Promise.all([portal.close(), bridge.close()]))
        .then(() => drive.close())
        .then(
          () => process.exit(0),
          () => process.exit(1),
        );
    });
  }
}

/** Samples for the first start only: what was deleted stays deleted. */
async function seed(
  driveUrl: string,
  email: string,
  samples: Readonly<Record<string, string | Buffer>>,
): Promise<void> {
  const drive = await openDemoDrive(driveUrl, email, password);
  if ((await drive.list()).length > 0) return;
  for (const [name, content] of Object.entries(samples)) await drive.put(name, content);
}

/** Sessions and sealed credentials survive a restart only under the same secret. */
function keptSecret(path: string): string {
  if (!existsSync(path)) writeFileSync(path, randomBytes(32).toString("hex"), { mode: 0o600 });
  return readFileSync(path, "utf8");
}

function sentencesOf(error: unknown): readonly string[] {
  if (error instanceof ConfigError) return error.sentences;
  if (!(error instanceof Error)) return [String(error)];
  if ("code" in error && error.code === "EADDRINUSE" && "port" in error) {
    return [`Port ${error.port} is taken: choose others by PORT, DRIVE_PORT, EDITOR_PORT, PORTAL_PORT.`];
  }
  return [error.message];
}

main(process.env).catch((error: unknown) => {
  process.stderr.write(
    `The sandbox can't start:\n${sentencesOf(error)
      .map((line) => `- ${line}\n`)
      .join("")}`,
  );
  process.exit(1);
});
