import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { openBrowser } from "./browser.ts";
import { freePorts, run } from "./childProcess.ts";

// `npm run pictures`: takes the README's pictures anew, from a sandbox of their own.
const size = { width: 1000, height: 720 };
const dir = await mkdtemp(join(tmpdir(), "bridge-pictures-"));
const [port = 0, drivePort, editorPort, portalPort = 0] = await freePorts(4);
const sandbox = run("src/sandbox/main.ts", {
  PORT: String(port),
  DRIVE_PORT: String(drivePort),
  EDITOR_PORT: String(editorPort),
  PORTAL_PORT: String(portalPort),
  SANDBOX_DIR: dir,
});
await sandbox.printed("Ctrl+C ends the sandbox");
const browser = await openBrowser();

async function newPage(): Promise<Page> {
  const context = await browser.newContext({ viewport: size, locale: "en-US", colorScheme: "light" });
  return context.newPage();
}

/** Opens the sample in the portal and writes a sentence into it. */
async function write(name: string, below: string, sentence: string): Promise<Page> {
  const page = await newPage();
  await page.goto(`http://127.0.0.1:${portalPort}`);
  await page.getByLabel("Your name").fill(name);
  await page.getByRole("button", { name: "Edit Annual offsite.docx" }).click();
  const editor = page.frameLocator("iframe[name=document]").frameLocator("iframe[name=editor-frame]");
  await editor.locator("#paper > div", { hasText: below }).click();
  await page.keyboard.press("End");
  await page.keyboard.type(sentence);
  await editor.locator("#save").click();
  await page
    .locator("#events")
    .filter({ hasText: /^saved/ })
    .waitFor();
  return page;
}

try {
  await write("Ben", "something warm", " (it gets cold up there)");
  const page = await write("Ada", "One idea that fits", " (mine is a poster)");
  await page.screenshot({ path: ".readme/sandbox.png" });

  const owner = await newPage();
  await owner.goto(`http://127.0.0.1:${port}`);
  await owner.getByRole("button", { name: "Sign in with Cloudreve" }).click();
  await owner.getByLabel("E-mail").fill("alice@example.com");
  await owner.getByLabel("Password").fill("sandbox-password");
  await owner.getByRole("button", { name: "Sign in" }).click();
  await owner.getByRole("button", { name: "Allow" }).click();
  await owner.getByRole("button", { name: "Share for editing: Annual offsite.docx" }).click();
  await owner.getByRole("button", { name: "Create link" }).click();
  await owner.locator("#link-url").waitFor();
  await owner.screenshot({ path: ".readme/link.png" });
} finally {
  await browser.close();
  await sandbox.end("SIGTERM");
  await rm(dir, { recursive: true, force: true });
}
