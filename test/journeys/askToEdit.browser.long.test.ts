import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext, FrameLocator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openBrowser } from "../support/browser.ts";
import { freePorts, type RunningCommand, run } from "../support/childProcess.ts";
import { type DriveAccountClient, driveAccount } from "../support/driveAccount.ts";
import { until } from "../support/until.ts";

let dir: string;
let sandbox: RunningCommand;
let browser: Browser;
let bridgeUrl: string;
let alice: DriveAccountClient;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "bridge-links-"));
  const [port, drivePort, editorPort, portalPort] = await freePorts(4);
  const environment = {
    PORT: String(port),
    DRIVE_PORT: String(drivePort),
    EDITOR_PORT: String(editorPort),
    PORTAL_PORT: String(portalPort),
    SANDBOX_DIR: dir,
  };
  bridgeUrl = `http://127.0.0.1:${port}`;
  sandbox = run("src/sandbox/main.ts", environment);
  await sandbox.printed(`Open http://127.0.0.1:${portalPort} in a browser.`);
  alice = await driveAccount(`http://127.0.0.1:${drivePort}`, "alice@example.com", "sandbox-password");
  browser = await openBrowser();
});

afterAll(async () => {
  await browser?.close();
  await sandbox?.end("SIGTERM");
  await rm(dir, { recursive: true, force: true });
});

interface Visit {
  readonly page: Page;
  readonly editor: FrameLocator;
}

/** The host page in this tab, its editor ready to type into. */
async function atEditor(page: Page): Promise<Visit> {
  const editor = page.frameLocator("iframe[name=editor-frame]");
  await editor.locator("#text:not([readonly])").waitFor();
  return { page, editor };
}

async function type({ page, editor }: Visit, text: string): Promise<void> {
  await editor.locator("#text").focus();
  await page.keyboard.press("Control+End");
  await page.keyboard.type(text);
}

/** A person's browser; what its pages complain about is in `complaints`. */
async function person(locale = "en-US"): Promise<{ context: BrowserContext; complaints: string[] }> {
  const context = await browser.newContext({ locale });
  const complaints: string[] = [];
  context.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  context.on("weberror", (error) => complaints.push(error.error().message));
  return { context, complaints };
}

async function signIn(page: Page): Promise<void> {
  await page.goto(bridgeUrl);
  await page.getByRole("button", { name: "Sign in with Cloudreve" }).click();
  await page.getByLabel("E-mail").fill("alice@example.com");
  await page.getByLabel("Password").fill("sandbox-password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: "Allow" }).click();
  await page.getByRole("heading", { name: "Documents" }).waitFor();
}

/** Pictures for somebody who looks at them. */
const shots = process.env["SHOTS_DIR"];
const shoot = async (page: Page, name: string): Promise<void> => {
  if (shots !== undefined) await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
};

describe("a colleague who may only look", () => {
  it("asks to edit, is allowed by the owner's one click, edits, and loses it again", async () => {
    const owner = await person();
    const page = await owner.context.newPage();
    await signIn(page);
    const { id } = await alice.info("Meeting notes.txt");
    await page.goto(`${bridgeUrl}/share?file_id=${id}`);
    await page.getByRole("radio", { name: /^View/ }).check();
    await shoot(page, "form");
    await page.getByRole("button", { name: "Create link" }).click();
    const url = await page.locator("#link-url").inputValue();

    // A browser of its own, that has never been here.
    const guest = await person();
    const seen = await guest.context.newPage();
    await seen.setViewportSize({ width: 390, height: 700 });
    await seen.goto(url);
    await shoot(seen, "door");
    await seen.getByLabel("Your name").fill("Grace <b>Hopper</b>");
    await seen.getByRole("button", { name: "View document" }).click();
    const ask = seen.getByRole("button", { name: "Ask to edit" });
    await ask.waitFor();
    await shoot(seen, "mayAsk");
    await ask.click();
    await seen.getByText("You asked Alice to let you edit.").waitFor();
    await shoot(seen, "asked");

    await page.goto(`${bridgeUrl}/links`);
    await page.getByText("Grace <b>Hopper</b> asks to edit").waitFor();
    await page.getByRole("img", { name: "Requests to edit: 1" }).waitFor();
    for (const width of [360, 800, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      await shoot(page, `list-${width}`);
    }
    const answeredAtMs = Date.now();
    await page.getByRole("button", { name: "Allow Grace" }).click();
    await page.getByText("Your changes are saved.").waitFor();

    const open = seen.getByRole("button", { name: "Open for editing" });
    await open.waitFor();
    // The page asks every two to five seconds while it waits.
    expect(Date.now() - answeredAtMs).toBeLessThan(8_000);
    await shoot(seen, "granted");
    await open.click();
    const editing = await atEditor(seen);
    await type(editing, " Grace was here.");
    await editing.editor.locator("#save").click();
    await until("it is in the drive", async () => (await alice.read("Meeting notes.txt")).includes("Grace was here."));

    await page.getByRole("link", { name: /Can view/ }).click();
    await page.getByText("may edit", { exact: false }).first().waitFor();
    for (const width of [360, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      await shoot(page, `link-${width}`);
    }
    await page.getByRole("button", { name: "Take back from Grace" }).click();
    await seen.getByText("You can now only view this document.").first().waitFor();
    await shoot(seen, "takenBack");
    expect([...owner.complaints, ...guest.complaints]).toEqual([]);
    await owner.context.close();
    await guest.context.close();
  });

  it("who gave no name is asked for one", async () => {
    const owner = await person();
    const page = await owner.context.newPage();
    await signIn(page);
    const { id } = await alice.info("Meeting notes.txt");
    await page.goto(`${bridgeUrl}/share?file_id=${id}`);
    await page.getByRole("radio", { name: /^View/ }).check();
    await page.getByRole("checkbox", { name: "Ask for a name" }).uncheck();
    await page.getByRole("button", { name: "Create link" }).click();
    const url = await page.locator("#link-url").inputValue();
    const guest = await person();
    const seen = await guest.context.newPage();
    await seen.goto(url);
    await seen.getByRole("button", { name: "View document" }).click();
    await seen.getByRole("button", { name: "Ask to edit" }).click();
    await shoot(seen, "askName");
    await seen.getByLabel("Your name").fill("Grace");
    await seen.getByRole("button", { name: "Ask", exact: true }).click();
    await seen.getByText("You asked Alice to let you edit.").waitFor();
    await page.goto(`${bridgeUrl}/links`);
    await page.getByText("Grace asks to edit").first().waitFor();
    expect(guest.complaints).toEqual([]);
    await owner.context.close();
    await guest.context.close();
  });
});
