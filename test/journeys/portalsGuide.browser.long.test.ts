import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openBrowser } from "../support/browser.ts";
import { portalKey, testBridge } from "../support/testBridge.ts";
import { openStage, type Stage, says, serve } from "./hostPageStage.ts";

/** The blocks of PORTALS.md by the name behind their language. */
const blocks = new Map<string, string>();
let stage: Stage;
let browser: Browser;
let server: ChildProcess | undefined;
let dir: string;
let portalUrl: string;

/** What a reader changes: the address of the bridge, and the key. */
const atStage = (text: string) =>
  text.replaceAll("http://127.0.0.1:8080", stage.bridge.url).replaceAll("sandbox-key", portalKey);

beforeAll(async () => {
  const guide = await readFile(new URL("../../PORTALS.md", import.meta.url), "utf8");
  for (const [, name = "", text = ""] of guide.matchAll(/^```\w+ (\S+)\n(.*?)^```$/gms)) blocks.set(name, text);
  dir = await mkdtemp(join(tmpdir(), "portal-"));
  // A port that is free now.
  const probe = await serve(() => undefined);
  await probe.close();
  portalUrl = `http://localhost:${probe.port}`;
  stage = await openStage({ settings: { EMBED_ORIGINS: portalUrl } });
  browser = await openBrowser();
  for (const [name, text] of blocks) await writeFile(join(dir, name), atStage(text));
  server = spawn(process.execPath, ["server.mjs"], {
    cwd: dir,
    env: { PATH: process.env["PATH"], PORT: String(probe.port) },
    stdio: "inherit",
  });
});
afterAll(async () => {
  server?.kill();
  await browser?.close();
  await stage?.close();
  await rm(dir, { recursive: true, force: true });
});

describe("a portal copied from PORTALS.md", () => {
  it("lists documents, opens one, and hears of its save", async () => {
    await stage.bridge.alice.put("Plan.txt", "first line\n");
    const page = await browser.newPage();
    const answers = async () => (await fetch(`${portalUrl}/documents`).catch(() => undefined))?.status === 200;
    await expect.poll(answers, { timeout: 10_000 }).toBe(true);
    await page.goto(portalUrl);
    await page.getByRole("button", { name: "Plan.txt" }).click();
    const editor = page.frameLocator("#document iframe").frameLocator("iframe[name=editor-frame]");
    await editor.locator("#text:not([readonly])").waitFor();
    await editor.locator("#text").focus();
    await page.keyboard.press("Control+End");
    await page.keyboard.type("second line");
    await editor.locator("#save").click();
    await says(page.locator("#news"), "Saved by Ada");
    expect(await stage.bridge.alice.read("Plan.txt")).toBe("first line\nsecond line");
  }, 60_000);

  it("opens a document by the curl line", async () => {
    const line = atStage(blocks.get("curl") ?? "").replace("Welcome.docx", "Plan.txt");
    await stage.bridge.alice.put("Plan.txt", "text");
    // The bridge is in this process: it must be able to answer meanwhile.
    const { stdout } = await promisify(execFile)("sh", ["-c", line]);
    const answer: unknown = JSON.parse(stdout);
    expect(answer).toMatchObject({ permission: "edit", person: { name: "Ada" }, file: { name: "Plan.txt" } });
  });

  it("signs its calls, when it has the keys for it", async () => {
    const { jwks, token } = (await import(pathToFileURL(join(dir, "jwt.mjs")).href)) as {
      jwks: object;
      token: (iss: string, aud: string) => string;
    };
    const keys = await serve((_request, response) => {
      response.setHeader("Content-Type", "application/json").end(JSON.stringify(jwks));
    });
    const settings = {
      PORTAL_JWKS_URL: `http://127.0.0.1:${keys.port}/`,
      PORTAL_ISSUER: "https://intranet.example.com",
      PORTAL_AUDIENCE: "office",
    };
    const bridge = await testBridge({ settings });
    bridge.clock.advance(Date.now() - bridge.clock.now());
    const listed = (aud: string) =>
      fetch(`${bridge.url}/api/sessions`, {
        headers: { Authorization: `Bearer ${token(settings.PORTAL_ISSUER, aud)}` },
      });
    expect((await listed("office")).status).toBe(200);
    const refused = await listed("elsewhere");
    expect(refused.headers.get("www-authenticate")).toContain('error_description="aud is not this bridge"');
    await bridge.close();
    await keys.close();
  });
});
