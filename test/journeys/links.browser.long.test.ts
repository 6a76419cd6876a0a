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

async function sees({ editor }: Visit, text: string): Promise<void> {
  await until(`"${text}" is seen`, async () => (await editor.locator("#text").inputValue()).includes(text));
}

async function statusSays({ page }: Visit, words: RegExp): Promise<void> {
  await until(`the status line says ${words}`, async () =>
    words.test((await page.locator("#status").textContent()) ?? ""),
  );
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

describe("an owner and a colleague without an account", () => {
  it("edit one document together by a link, until the owner revokes it", async () => {
    const owner = await person();
    const list = await owner.context.newPage();
    await signIn(list);

    // The owner makes a link with a password and an expiry.
    await list.getByRole("button", { name: "Share for editing: Meeting notes.txt" }).click();
    await list.getByLabel("Password").fill("only for Chloé");
    await list.getByLabel("Link expires").selectOption("7");
    await list.getByRole("button", { name: "Create link" }).click();
    const url = await list.locator("#link-url").inputValue();
    expect(url).toMatch(new RegExp(`^${bridgeUrl}/l/[\\w-]{32}$`));

    // A colleague opens it in another browser.
    const colleague = await person();
    const door = await colleague.context.newPage();
    await door.goto(url);
    await door.getByLabel("Your name").fill("Chloé");
    await door.getByLabel("Password").fill("only for Chloé");
    await door.getByRole("button", { name: "Open document" }).click();
    const chloe = await atEditor(door);
    // A reload comes back to the document, not to a used-up address.
    expect(door.url()).toBe(url);

    // The owner opens the same document, and both type.
    const own = await owner.context.newPage();
    await own.goto(`${bridgeUrl}/open?file_id=${(await alice.info("Meeting notes.txt")).id}`);
    const alicesPage = await atEditor(own);
    await type(chloe, "\n- Chloé was here");
    await sees(alicesPage, "- Chloé was here");
    await type(alicesPage, "\n- and Alice");
    await sees(chloe, "- and Alice");
    await chloe.editor.locator("#save").click();
    await statusSays(chloe, /^Saved/);
    expect(await alice.read("Meeting notes.txt")).toMatch(/- Chloé was here\n- and Alice$/);

    // The owner's page of the link says by whom it was saved.
    await list.goto(`${bridgeUrl}/links`);
    await list
      .getByRole("link", { name: /Meeting notes\.txt/ })
      .first()
      .click();
    const visit = list.getByRole("row", { name: /Chloé/ });
    await visit.waitFor();
    // Opened, and saved.
    expect(await visit.locator("time").count()).toBe(2);

    // Revoked: what is unsaved is kept beside, the editor is taken away, and the page says why.
    await own.close();
    await type(chloe, "\n- after the end");
    await until(
      "it is noticed",
      async () => (await chloe.editor.locator("#state").textContent()) === "unsaved changes",
    );
    await list.locator("summary", { hasText: /revoke/i }).click();
    await list.getByRole("button", { name: /revoke/i }).click();
    await statusSays(chloe, /revoked/i);
    await until("the editor is taken away", async () => (await door.locator("iframe").count()) === 0);
    const copies = async () =>
      (await alice.list()).filter((name) => name.startsWith("Meeting notes (conflict, Chloé, "));
    await statusSays(chloe, /conflict, Chloé/);
    const [copyName = ""] = await copies();
    expect(await alice.read(copyName)).toMatch(/- after the end$/);
    expect(await alice.read("Meeting notes.txt")).not.toContain("after the end");
    await door.goto(url);
    await door.getByRole("heading", { name: "This link was revoked" }).waitFor();

    expect(owner.complaints).toEqual([]);
    // The editor of the sandbox is told 401, and a page of an ended link is a 410: browsers note both.
    expect(colleague.complaints.filter((text) => !/status of 4\d\d/.test(text))).toEqual([]);
    await owner.context.close();
    await colleague.context.close();
  }, 120_000);

  it("share a folder: the colleague finds a document below it, both edit it, and nothing outside is seen", async () => {
    await alice.put("Private/Team/Agenda.txt", "The agenda");
    await alice.put("Private/Team/Minutes/January.txt", "The minutes");
    await alice.put("Private/Salaries.txt", "nobody's business");
    const owner = await person();
    const list = await owner.context.newPage();
    await signIn(list);
    await list.getByRole("link", { name: "Private" }).click();
    await list.getByRole("button", { name: "Share folder: Team" }).click();
    await list.getByLabel("Password").fill("only for the team");
    await list.getByRole("button", { name: "Create link" }).click();
    const url = await list.locator("#link-url").inputValue();

    // The door tells nothing before the password.
    const colleague = await person();
    const folder = await colleague.context.newPage();
    await folder.goto(url);
    await folder.getByRole("heading", { name: "Shared folder" }).waitFor();
    expect(await folder.content()).not.toMatch(/Team|Alice|Agenda/);
    await folder.getByLabel("Your name").fill("Chloé");
    await folder.getByLabel("Password").fill("only for the team");
    await folder.getByRole("button", { name: "Open folder" }).click();
    await folder.getByRole("heading", { name: "Team" }).waitFor();
    expect(folder.url()).toBe(url);
    await folder.getByRole("link", { name: "Minutes" }).click();
    await folder.getByText("January.txt").waitFor();
    expect(await folder.content()).not.toMatch(/Private|Salaries/);

    // Documents open in tabs of their own, and a reload opens the same one again.
    const opening = colleague.context.waitForEvent("page");
    await folder.getByRole("button", { name: "Open January.txt" }).click();
    const chloe = await atEditor(await opening);
    expect(chloe.page.url()).toMatch(new RegExp(`^${url}/[A-Za-z0-9]+$`));
    await chloe.page.reload();
    await atEditor(chloe.page);
    const own = await owner.context.newPage();
    await own.goto(`${bridgeUrl}/open?file_id=${(await alice.info("Private/Team/Minutes/January.txt")).id}`);
    const alicesPage = await atEditor(own);
    await type(chloe, "\n- Chloé was here");
    await sees(alicesPage, "- Chloé was here");
    await chloe.editor.locator("#save").click();
    await statusSays(chloe, /^Saved/);
    expect(await alice.read("Private/Team/Minutes/January.txt")).toMatch(/- Chloé was here$/);
    await own.close();

    // Up again, and to the language she reads.
    await folder.getByRole("link", { name: "Team" }).click();
    await folder.getByText("Agenda.txt").waitFor();
    await folder.locator("summary").getByText("English").click();
    await folder.getByRole("link", { name: "简体中文" }).click();
    await folder.getByText("打开").first().waitFor();

    // Revoked: the open document closes, what is unsaved is kept beside it, and the folder is gone.
    await chloe.page.bringToFront();
    await type(chloe, "\n- after the end");
    await until(
      "it is noticed",
      async () => (await chloe.editor.locator("#state").textContent()) === "unsaved changes",
    );
    await list.goto(`${bridgeUrl}/links`);
    await list.getByRole("link", { name: "Team" }).click();
    await list.getByRole("row", { name: /Chloé/ }).waitFor();
    await list.locator("summary", { hasText: /revoke/i }).click();
    await list.getByRole("button", { name: /revoke/i }).click();
    await statusSays(chloe, /revoked/i);
    await until("the editor is taken away", async () => (await chloe.page.locator("iframe").count()) === 0);
    await statusSays(chloe, /conflict, Chloé/);
    const minutes = await alice.list("Private/Team/Minutes");
    expect(minutes.join("\n")).toMatch(/^January \(conflict, Chloé, .*\nJanuary\.txt$/);
    expect((await folder.goto(url))?.status()).toBe(410);

    expect(owner.complaints).toEqual([]);
    expect(colleague.complaints.filter((text) => !/status of 4\d\d/.test(text))).toEqual([]);
    await owner.context.close();
    await colleague.context.close();
  }, 120_000);
});
