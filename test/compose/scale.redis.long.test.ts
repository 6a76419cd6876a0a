import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { openDemoEditor } from "../../src/sandbox/demoEditor/demoEditor.ts";
import { openFakeCloudreve } from "../../src/sandbox/fakeCloudreve/fakeCloudreve.ts";
import { freePorts, run } from "../support/childProcess.ts";
import { driveAccount } from "../support/driveAccount.ts";
import { find } from "../support/machine.ts";
import { until } from "../support/until.ts";
import { sessionSchema } from "../support/wopiClient.ts";
import { composeWith, filledIn, onThisMachine, serviceNamed } from "./composeFile.ts";

const email = "portal@example.com";
const password = "a-password";
const portalKey = "a-key-of-the-intranet";
const settings = { SECRET: "0123456789abcdef0123456789abcdef", CLOUDREVE_EMAIL: email, CLOUDREVE_PASSWORD: password };
const file = composeWith(
  filledIn({ ...settings, PORTAL_KEYS: `intranet:${portalKey}`, DISCOVERY_URLS: "", TRUST_PROXY: "2" }, true),
);

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "compose-scale-"));
  cleanUp.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Redis by the command line of the compose file. */
function redis(dir: string, port: number) {
  const [program, ...words] = serviceNamed(file, "redis").command;
  if (program !== "redis-server") throw new Error(`not redis-server: ${program}`);
  const options = [...words, "--dir", dir, "--port", String(port), "--bind", "127.0.0.1"];
  const child = spawn(find(program) ?? program, options, { stdio: "ignore" });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const kill = (): Promise<void> => {
    child.kill("SIGKILL");
    return exited;
  };
  cleanUp.push(kill);
  return { kill };
}

describe("the profile scale", () => {
  it("runs two bridges as one: a session of the first is known to the second, after a crash of Redis too", async () => {
    const editor = await openDemoEditor({ port: 0, signs: false });
    cleanUp.push(() => editor.close());
    const action = { view: `${editor.url}/editor/view?`, edit: `${editor.url}/editor/edit?` };
    const drive = await openFakeCloudreve({
      dir: temporaryFolder(),
      port: 0,
      accounts: [{ email, password, nickname: "Portal" }],
      viewers: [{ id: "editor", type: "wopi", display_name: "Editor", exts: ["txt"], wopi_actions: { txt: action } }],
    });
    cleanUp.push(() => drive.close());
    const account = await driveAccount(drive.url, email, password);
    await account.put("Plan.txt", "first draft");

    const [redisPort = 0, ...bridgePorts] = await freePorts(3);
    const redisDir = temporaryFolder();
    const firstRedis = redis(redisDir, redisPort);
    const addresses = await Promise.all(
      ["bridge", "bridge2"].map(async (name, index) => {
        const bridge = serviceNamed(file, name);
        expect(bridge.environment["STORE_URL"]).toBe("redis://redis:6379");
        const port = String(bridgePorts[index]);
        const running = run(
          "src/main.ts",
          onThisMachine(bridge, temporaryFolder(), {
            PORT: port,
            CLOUDREVE_URL: drive.url,
            DISCOVERY_URLS: editor.discoveryUrl,
            STORE_URL: `redis://127.0.0.1:${redisPort}`,
          }),
        );
        cleanUp.push(() => running.end("SIGKILL"));
        await running.printed("listening on");
        return `http://127.0.0.1:${port}`;
      }),
    );
    const [one = "", two = ""] = addresses;

    const opened = await fetch(`${one}/api/sessions`, {
      method: "POST",
      headers: { Authorization: `Bearer ${portalKey}`, "Content-Type": "application/json" },
      body: JSON.stringify({ uri: "cloudreve://my/Plan.txt", action: "edit" }),
    });
    expect(opened.status).toBe(201);
    const session = sessionSchema.parse(await opened.json());
    const source = new URL(new URL(session.action_url).searchParams.get("WOPISrc") ?? "");
    // What editors call is the proxy, whichever bridge made the address.
    expect(source.origin).toBe("http://proxy:8080");
    const checkAt = (bridge: string) => fetch(`${bridge}${source.pathname}?access_token=${session.access_token}`);

    expect(await (await checkAt(two)).json()).toMatchObject({ BaseFileName: "Plan.txt", UserCanWrite: true });
    await firstRedis.kill();
    redis(redisDir, redisPort);
    await until(
      "both bridges reach Redis again",
      async () => {
        const statuses = await Promise.all([one, two].map(async (bridge) => (await fetch(`${bridge}/readyz`)).status));
        return statuses.every((status) => status === 200);
      },
      20_000,
    );
    expect((await checkAt(one)).status).toBe(200);
    expect((await checkAt(two)).status).toBe(200);
  });
});
