import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, FrameLocator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openBrowser } from "../support/browser.ts";
import { freePorts, type RunningCommand, run } from "../support/childProcess.ts";
import { type DriveAccountClient, driveAccount } from "../support/driveAccount.ts";
import { until } from "../support/until.ts";

let dir: string;
let sandbox: RunningCommand;
let browser: Browser;
let portalUrl: string;
let driveUrl: string;
let environment: Record<string, string>;
let stranger: DriveAccountClient;

/** The sandbox as a newcomer starts it, on ports of its own. */
async function startSandbox(): Promise<void> {
  sandbox = run("src/sandbox/main.ts", environment);
  await sandbox.printed(`Open ${portalUrl} in a browser.`);
  stranger = await driveAccount(driveUrl, "alice@example.com", "sandbox-password");
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "bridge-journey-"));
  const [port, drivePort, editorPort, portalPort] = await freePorts(4);
  environment = {
    PORT: String(port),
    DRIVE_PORT: String(drivePort),
    EDITOR_PORT: String(editorPort),
    PORTAL_PORT: String(portalPort),
    SANDBOX_DIR: dir,
  };
  portalUrl = `http://127.0.0.1:${portalPort}`;
  driveUrl = `http://127.0.0.1:${drivePort}`;
  await startSandbox();
  browser = await openBrowser();
});

afterAll(async () => {
  await browser?.close();
  await sandbox?.end("SIGTERM");
  await rm(dir, { recursive: true, force: true });
});

/** Somebody at the portal: opens a document and is ready to type, or to read. */
async function openDocument(name: string, action: "Edit" | "View", person: string) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(portalUrl);
  await page.getByLabel("Your name").fill(person);
  await page.getByRole("button", { name: `${action} ${name}` }).click();
  const editor = page.frameLocator("iframe[name=document]").frameLocator("iframe[name=editor-frame]");
  await editor.locator(action === "Edit" ? "#text:not([readonly])" : "#text").waitFor();
  // Closed as a person closes a window: a context that is dropped sends no last words.
  return { page, editor, leave: () => page.close() };
}

async function typeAtEnd(page: Page, editor: FrameLocator, text: string): Promise<void> {
  await editor.locator("#text").focus();
  await page.keyboard.press("Control+End");
  await page.keyboard.type(text);
}

async function save(editor: FrameLocator): Promise<void> {
  await editor.locator("#save").click();
  await until("the editor says saved", async () => (await editor.locator("#state").textContent()) === "saved");
}

describe("a newcomer at the sandbox's portal", () => {
  it("opens a document, types, saves, and finds the new bytes in the drive", async () => {
    const { page, editor, leave } = await openDocument("Meeting notes.txt", "Edit", "Anna");
    await typeAtEnd(page, editor, "- written in the browser\n");
    await save(editor);
    expect(await stranger.read("Meeting notes.txt")).toMatch(/any other business\n- written in the browser\n$/);
    await leave();
  });

  it("edits one document together with somebody in another browser", async () => {
    const anna = await openDocument("Welcome.md", "Edit", "Anna");
    const ben = await openDocument("Welcome.md", "Edit", "Ben");
    await typeAtEnd(anna.page, anna.editor, "\nAnna was here.");
    await until("Ben sees it", async () => (await ben.editor.locator("#text").inputValue()).includes("Anna was here."));
    await typeAtEnd(ben.page, ben.editor, "\nBen too.");
    await until("Anna sees it", async () => (await anna.editor.locator("#text").inputValue()).includes("Ben too."));
    await save(ben.editor);
    expect(await stranger.read("Welcome.md")).toMatch(/Anna was here\.\nBen too\.$/);
    await anna.leave();
    await ben.leave();
  });

  it("keeps a third party from writing while the document is open, and lets it in afterwards", async () => {
    const { leave } = await openDocument("Budget.csv", "Edit", "Anna");
    await until("the drive is locked", async () => (await stranger.put("Budget.csv", "mine")) === 40073);
    await leave();
    await until("the drive is free", async () => (await stranger.put("Budget.csv", "mine")) === 0, 15_000);
    expect(await stranger.read("Budget.csv")).toBe("mine");
  });

  it("saves what was typed when the window is closed without saving", async () => {
    const { page, editor, leave } = await openDocument("settings.json", "Edit", "Anna");
    await typeAtEnd(page, editor, "// left open");
    const ben = await openDocument("settings.json", "View", "Ben");
    const seen = async () => (await ben.editor.locator("#text").inputValue()).endsWith("// left open");
    await until("the editor's server has it", seen);
    await ben.leave();
    await leave();
    await until("it is saved", async () => (await stranger.read("settings.json")).endsWith("// left open"), 15_000);
  });

  it("reads a document without being able to change it", async () => {
    const { editor, leave } = await openDocument("Notice.html", "View", "Anna");
    await until("the text is there", async () => (await editor.locator("#text").inputValue()).includes("kitchen"));
    expect(await editor.locator("#text").getAttribute("readonly")).not.toBeNull();
    await leave();
  });

  it("finds everything again after the sandbox was stopped and started", async () => {
    await stranger.put("Budget.csv", "before the restart");
    expect(await sandbox.end("SIGTERM")).toBe(0);
    await startSandbox();
    expect(await stranger.read("Budget.csv")).toBe("before the restart");
    expect(await stranger.read("Meeting notes.txt")).toContain("written in the browser");
    const { leave } = await openDocument("Budget.csv", "Edit", "Ben");
    await leave();
  });
});
