import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, FrameLocator, Page } from "playwright-core";
import { openBrowser } from "../support/browser.ts";
import { freePorts, type RunningCommand, run } from "../support/childProcess.ts";
import { type DriveAccountClient, driveAccount } from "../support/driveAccount.ts";
import { until } from "../support/until.ts";

/** The sandbox as a newcomer starts it, on ports of its own, and a browser. */
export interface Newcomer {
  /** The account in its drive, past the bridge. */
  readonly stranger: DriveAccountClient;
  openDocument(name: string, action: "Edit" | "View", person: string): Promise<OpenedDocument>;
  /** Ends the sandbox as Ctrl+C does and starts it again. @returns its exit code */
  restart(): Promise<number | null>;
  close(): Promise<void>;
}

interface OpenedDocument {
  readonly page: Page;
  readonly editor: FrameLocator;
  leave(): Promise<void>;
}

export async function newcomer(): Promise<Newcomer> {
  const dir = await mkdtemp(join(tmpdir(), "bridge-journey-"));
  const [port, drivePort, editorPort, portalPort] = await freePorts(4);
  const environment = {
    PORT: String(port),
    DRIVE_PORT: String(drivePort),
    EDITOR_PORT: String(editorPort),
    PORTAL_PORT: String(portalPort),
    SANDBOX_DIR: dir,
  };
  const portalUrl = `http://127.0.0.1:${portalPort}`;
  const started = async (): Promise<RunningCommand> => {
    const command = run("src/sandbox/main.ts", environment);
    await command.printed(`Open ${portalUrl} in a browser.`);
    return command;
  };
  let sandbox = await started();
  const browser = await openBrowser();
  return {
    stranger: await driveAccount(`http://127.0.0.1:${drivePort}`, "alice@example.com", "sandbox-password"),
    openDocument: (name, action, person) => openDocument(browser, portalUrl, name, action, person),
    restart: async () => {
      const code = await sandbox.end("SIGTERM");
      sandbox = await started();
      return code;
    },
    close: async () => {
      await browser.close();
      await sandbox.end("SIGTERM");
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Somebody at the portal: opens a document and is ready to type, or to read. */
async function openDocument(
  browser: Browser,
  portalUrl: string,
  name: string,
  action: "Edit" | "View",
  person: string,
): Promise<OpenedDocument> {
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

export async function typeAtEnd(page: Page, editor: FrameLocator, text: string): Promise<void> {
  await editor.locator("#text").focus();
  await page.keyboard.press("Control+End");
  await page.keyboard.type(text);
}

export async function save(editor: FrameLocator): Promise<void> {
  await editor.locator("#save").click();
  await until("the editor says saved", async () => (await editor.locator("#state").textContent()) === "saved");
}
