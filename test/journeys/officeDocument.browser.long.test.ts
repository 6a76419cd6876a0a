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
let alice: DriveAccountClient;
let bob: DriveAccountClient;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "bridge-journey-"));
  const [port, drivePort, editorPort, portalPort] = await freePorts(4);
  portalUrl = `http://127.0.0.1:${portalPort}`;
  sandbox = run("src/sandbox/main.ts", {
    PORT: String(port),
    DRIVE_PORT: String(drivePort),
    EDITOR_PORT: String(editorPort),
    PORTAL_PORT: String(portalPort),
    SANDBOX_DIR: dir,
  });
  await sandbox.printed(`Open ${portalUrl} in a browser.`);
  const account = (email: string) => driveAccount(`http://127.0.0.1:${drivePort}`, email, "sandbox-password");
  [alice, bob] = await Promise.all([account("alice@example.com"), account("bob@example.com")]);
  browser = await openBrowser();
});

afterAll(async () => {
  await browser?.close();
  await sandbox?.end("SIGTERM");
  await rm(dir, { recursive: true, force: true });
});

async function opened(name: string, person: string): Promise<{ page: Page; editor: FrameLocator }> {
  const page = await (await browser.newContext()).newPage();
  await page.goto(portalUrl);
  await page.getByLabel("Your name").fill(person);
  await page.getByRole("button", { name, exact: true }).click();
  const editor = page.frameLocator("iframe[name=document]").frameLocator("iframe[name=editor-frame]");
  return { page, editor };
}

async function save(editor: FrameLocator): Promise<void> {
  await editor.locator("#save").click();
  await until("it is saved", async () => (await editor.locator("#state").textContent()) === "saved");
}

describe("a newcomer at the sandbox", () => {
  it("sees a document and a workbook first, in both accounts", async () => {
    const page = await (await browser.newContext()).newPage();
    await page.goto(portalUrl);
    await page.locator("#rows tr").first().waitFor();
    const names = await page.locator("#rows .name").allTextContents();
    expect(names.slice(0, 2)).toEqual(["Annual offsite.docx", "Annual offsite budget.xlsx"]);
    expect(await bob.list()).toEqual(["Annual offsite budget.xlsx", "Annual offsite.docx"]);
  });

  it("writes in the document with somebody else, and both find it again later", async () => {
    const anna = await opened("Annual offsite.docx", "Anna");
    const ben = await opened("Annual offsite.docx", "Ben");
    const lineOf = ({ editor }: { editor: FrameLocator }) => editor.locator("#paper > div", { hasText: "One idea" });
    for (const each of [anna, ben]) await lineOf(each).waitFor();
    await until("the drive is locked", async () => (await alice.put("Annual offsite.docx", "mine")) === 40073);
    await lineOf(anna).click();
    await anna.page.keyboard.press("End");
    await anna.page.keyboard.press("Enter");
    await anna.page.keyboard.type("A cake");
    await until("Ben sees it", async () => (await ben.editor.locator("[data-kind=bullet]").count()) >= 4);
    await save(ben.editor);
    await Promise.all([anna.page.close(), ben.page.close()]);
    expect((await alice.read("Annual offsite.docx")).startsWith("PK")).toBe(true);
    const later = await opened("Annual offsite.docx", "Chloé");
    await later.editor.locator("#paper > [data-kind=bullet]", { hasText: "A cake" }).waitFor();
    await later.page.close();
  });

  it("changes a figure in the workbook, and its sum is the new one for whoever opens it next", async () => {
    const { page, editor } = await opened("Annual offsite budget.xlsx", "Anna");
    await editor.locator("[data-cell=B4]").click();
    await page.keyboard.type("2");
    await page.keyboard.press("Enter");
    await until("it is reckoned", async () => (await editor.locator("[data-cell=D7]").textContent()) === "2,286.00");
    await page.close();
    await until("it is saved as she leaves", async () => {
      const { editor: next, page: window } = await opened("Annual offsite budget.xlsx", "Ben");
      await next.locator("[data-cell=D7]").waitFor();
      const sum = await next.locator("[data-cell=D7]").textContent();
      await window.close();
      return sum === "2,286.00";
    });
  });

  it("reads why a broken document can't be opened, and it stays as it was", async () => {
    await alice.put("Broken.docx", Buffer.from("PK\u0003\u0004 cut off"));
    const { page, editor } = await opened("Broken.docx", "Anna");
    await editor.getByText("This file is damaged: it is not a whole office document.").waitFor();
    await page.close();
    expect(await alice.read("Broken.docx")).toBe("PK\u0003\u0004 cut off");
  });
});
