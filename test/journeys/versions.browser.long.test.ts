import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, FrameLocator } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openBrowser } from "../support/browser.ts";
import { freePorts, type RunningCommand, run } from "../support/childProcess.ts";
import { driveAccount } from "../support/driveAccount.ts";
import { until } from "../support/until.ts";

let dir: string;
let sandbox: RunningCommand;
let browser: Browser;
let bridgeUrl: string;
let driveUrl: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "bridge-versions-"));
  const [port, drivePort, editorPort, portalPort] = await freePorts(4);
  const ports = { PORT: port, DRIVE_PORT: drivePort, EDITOR_PORT: editorPort, PORTAL_PORT: portalPort };
  const settings = Object.entries(ports).map(([name, value]) => [name, String(value)]);
  sandbox = run("src/sandbox/main.ts", { ...Object.fromEntries(settings), SANDBOX_DIR: dir });
  await sandbox.printed(`Open http://127.0.0.1:${portalPort} in a browser.`);
  bridgeUrl = `http://127.0.0.1:${port}`;
  driveUrl = `http://127.0.0.1:${drivePort}`;
  browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
  await sandbox?.end("SIGTERM");
  await rm(dir, { recursive: true, force: true });
});

const textOf = (editor: FrameLocator) => editor.locator("#text").inputValue();

it("an owner comes from the editor to the versions, compares, restores with one click more, and reads both again", async () => {
  const drive = await driveAccount(driveUrl, "alice@example.com", "sandbox-password");
  const { id } = await drive.info("Meeting notes.txt");
  const before = await drive.read("Meeting notes.txt");
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(bridgeUrl);
  await page.getByRole("button", { name: "Sign in with Cloudreve" }).click();
  await page.getByLabel("E-mail").fill("alice@example.com");
  await page.getByLabel("Password").fill("sandbox-password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: "Allow" }).click();
  await page.getByRole("heading", { name: "Documents" }).waitFor();
  await page.goto(`${bridgeUrl}/open?file_id=${id}`);
  const editor = page.frameLocator("iframe[name=editor-frame]");
  await editor.locator("#text:not([readonly])").waitFor();
  await editor.locator("#text").focus();
  await page.keyboard.press("Control+End");
  await page.keyboard.type("- a line too many\n");
  await editor.locator("#save").click();
  await until("it is stored", async () => (await drive.read("Meeting notes.txt")).includes("too many"));

  const [versions] = await Promise.all([
    context.waitForEvent("page"),
    page.getByRole("link", { name: "Versions" }).click(),
  ]);
  await versions.getByText("Alice · ").first().waitFor();
  await versions.getByText("Alice is editing this document").waitFor();
  await page.close();
  await until("the editor has let go", async () => {
    await versions.reload();
    return (await versions.getByText("is editing this document").count()) === 0;
  });

  await versions.getByRole("button", { name: /Compare the version/ }).click();
  expect(await versions.locator("ins").allTextContents()).toEqual(["- a line too many"]);
  await versions.goBack();
  await versions.getByRole("button", { name: /Restore/ }).click();
  await versions.getByText("The version is restored").waitFor();
  expect(await drive.read("Meeting notes.txt")).toBe(before);

  const [old] = await Promise.all([
    context.waitForEvent("page"),
    versions
      .getByRole("button", { name: /Open the version/ })
      .first()
      .click(),
  ]);
  const reader = old.frameLocator("iframe[name=editor-frame]");
  await reader.locator("#text").waitFor();
  await until("the old text is shown", async () => (await textOf(reader)).includes("too many"));
  expect(await reader.locator("#text").getAttribute("readonly")).not.toBeNull();
  await context.close();
});
