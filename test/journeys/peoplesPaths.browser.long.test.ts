import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext, FrameLocator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sampleDocument } from "../../src/sandbox/sampleOffice.ts";
import { openBrowser } from "../support/browser.ts";
import { freePorts, type RunningCommand, run } from "../support/childProcess.ts";
import { type DriveAccountClient, driveAccount } from "../support/driveAccount.ts";
import { until } from "../support/until.ts";
import { says } from "./hostPageStage.ts";

let dir: string;
let sandbox: RunningCommand;
let browser: Browser;
let bridgeUrl: string;
let alice: DriveAccountClient;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "bridge-paths-"));
  const [port, drivePort, editorPort, portalPort] = await freePorts(4);
  bridgeUrl = `http://127.0.0.1:${port}`;
  sandbox = run("src/sandbox/main.ts", {
    PORT: String(port),
    DRIVE_PORT: String(drivePort),
    EDITOR_PORT: String(editorPort),
    PORTAL_PORT: String(portalPort),
    SANDBOX_DIR: dir,
  });
  await sandbox.printed(`Open http://127.0.0.1:${portalPort} in a browser.`);
  alice = await driveAccount(`http://127.0.0.1:${drivePort}`, "alice@example.com", "sandbox-password");
  await alice.put("Templates/Offsite.docx", sampleDocument());
  browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
  await sandbox?.end("SIGTERM");
  await rm(dir, { recursive: true, force: true });
});

/** A person's browser. */
interface Person {
  readonly context: BrowserContext;
  readonly page: Page;
  /** What their pages complain about. */
  readonly complaints: string[];
  /** Clicks of the mouse in any of their tabs. */
  readonly clicks: () => number;
}

async function person(): Promise<Person> {
  const context = await browser.newContext({ locale: "en-US", viewport: { width: 1280, height: 800 } });
  const complaints: string[] = [];
  context.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  context.on("weberror", (error) => complaints.push(error.error().message));
  let clicks = 0;
  await context.exposeFunction("clicked", () => clicks++);
  await context.addInitScript(() => {
    const { clicked } = window as unknown as { clicked: () => void };
    addEventListener("pointerdown", () => clicked(), { capture: true });
  });
  return { context, page: await context.newPage(), complaints, clicks: () => clicks };
}

async function signedIn(): Promise<Person> {
  const owner = await person();
  const { page } = owner;
  await page.goto(bridgeUrl);
  await page.getByRole("button", { name: "Sign in with Cloudreve" }).click();
  await page.getByLabel("E-mail").fill("alice@example.com");
  await page.getByLabel("Password").fill("sandbox-password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: "Allow" }).click();
  await page.getByRole("heading", { name: "Documents" }).waitFor();
  return owner;
}

/** Pictures for somebody who looks at them. */
const shots = process.env["SHOTS_DIR"];
const shoot = async (page: Page, name: string): Promise<void> => {
  if (shots !== undefined) await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
};

const editorIn = (page: Page): FrameLocator => page.frameLocator("iframe[name=editor-frame]");
const lineIn = (editor: FrameLocator, text: string) => editor.locator("#paper > div", { hasText: text });

/** What the page of a document's versions lists, the newest first. */
const versionsIn = (page: Page) => page.locator("section[aria-labelledby=versions] > ol > li");

/** Writes a line below another. */
async function write(page: Page, below: string, text: string): Promise<void> {
  await lineIn(editorIn(page), below).click();
  await page.keyboard.press("End");
  await page.keyboard.press("Enter");
  await page.keyboard.type(text);
}

async function save(page: Page, name: string): Promise<void> {
  const { primary_entity: before } = await alice.info(name);
  await editorIn(page).locator("#save").click();
  await until("it is in the drive", async () => (await alice.info(name)).primary_entity !== before);
  await says(page.locator("#status"), /^Saved/);
}

/** The tab that this opens. */
async function newTab({ context }: Person, act: () => Promise<void>): Promise<Page> {
  const [tab] = await Promise.all([context.waitForEvent("page"), act()]);
  return tab;
}

describe("a document's life, from a template to an old version", () => {
  it("is written, shared to comment, opened for a colleague who asks, put back and compared", async () => {
    const owner = await signedIn();
    const list = owner.page;
    const document = "Offsite in May.docx";

    // Created from a template of one's own.
    await list.locator("summary", { hasText: "New" }).click();
    await list.getByText("Offsite.docx", { exact: true }).click();
    await list.getByLabel("Name", { exact: true }).fill("Offsite in May");
    await shoot(list, "01-new");
    await list.getByRole("button", { name: "Create" }).click();
    const desk = list;
    await desk.waitForURL(/\/open\?file_id=/);
    await lineIn(editorIn(desk), "Why we go").waitFor();
    await shoot(desk, "02-created");

    // Written and saved, twice.
    await write(desk, "One idea", "The bus leaves at eight");
    await shoot(desk, "03-written");
    await save(desk, document);
    await shoot(desk, "04-saved");
    await write(desk, "The bus leaves", "A cake for the way");
    await save(desk, document);

    // What is there now gets a name.
    const versions = await newTab(owner, () => desk.getByRole("link", { name: "Versions" }).click());
    await versions.getByText("Alice is editing this document").waitFor();
    const rows = versionsIn(versions);
    // The template's copy and both saves.
    expect(await rows.count()).toBe(3);
    await rows.first().getByText("Current").waitFor();
    await shoot(versions, "05-versions");
    await rows.first().locator("summary").click();
    await rows.first().getByRole("textbox").fill("Sent to the team");
    await shoot(versions, "06-naming");
    await rows.first().getByRole("button", { name: "Save" }).click();
    await rows.first().getByText("Sent to the team").first().waitFor();
    for (const at of [0, 1, 2]) await rows.nth(at).getByText("Alice · ").waitFor();
    await shoot(versions, "07-named");
    await desk.close();

    // Shared for comments.
    const { id } = await alice.info(document);
    const sharing = versions;
    await sharing.goto(bridgeUrl);
    await sharing.getByRole("button", { name: `Share for editing: ${document}` }).click();
    await sharing.getByRole("radio", { name: /^Comment/ }).check();
    await shoot(sharing, "08-share");
    await sharing.getByRole("button", { name: "Create link" }).click();
    const url = await sharing.locator("#link-url").inputValue();
    await shoot(sharing, "09-link");

    // A colleague in a browser that has never been here.
    const colleague = await person();
    const seen = colleague.page;
    await seen.goto(url);
    await seen.getByText(/Alice/).first().waitFor();
    await shoot(seen, "10-door");
    await seen.getByLabel("Your name").fill("Grace");
    await seen.getByRole("button", { name: /document/ }).click();
    await lineIn(editorIn(seen), "A cake for the way").waitFor();
    await editorIn(seen).getByText("You may comment on this document, not change it.").waitFor();
    await shoot(seen, "11-commenter");
    await lineIn(editorIn(seen), "A cake for the way").click();
    await seen.keyboard.type("typed all the same");
    await editorIn(seen).getByRole("button", { name: "Comment", exact: true }).click();
    await editorIn(seen).getByLabel("Your comment").fill("Who eats all that?");
    await editorIn(seen).getByRole("dialog").getByRole("button", { name: "Comment" }).click();
    await editorIn(seen).getByRole("complementary", { name: "Comments" }).getByText("Who eats all that?").waitFor();
    await shoot(seen, "11-commented");
    await save(seen, document);
    expect(await lineIn(editorIn(seen), "A cake for the way").textContent()).toBe("A cake for the way");
    await seen.getByRole("button", { name: "Ask to edit" }).click();
    await seen.getByText("You asked Alice to let you edit.").waitFor();
    await shoot(seen, "12-asked");

    // One click of the owner's.
    await sharing.goto(`${bridgeUrl}/links`);
    await sharing.getByText("Grace asks to edit").waitFor();
    await shoot(sharing, "13-request");
    const before = owner.clicks();
    await sharing.getByRole("button", { name: "Allow Grace to edit" }).click();
    await sharing.getByText("Your changes are saved.").waitFor();
    expect(owner.clicks() - before).toBe(1);
    await shoot(sharing, "14-allowed");

    await seen.getByText("Alice lets you edit this document.").waitFor();
    await shoot(seen, "15-granted");
    await seen.getByRole("button", { name: "Open for editing" }).click();
    await editorIn(seen).locator("#paper[contenteditable=true]").waitFor();
    await editorIn(seen).getByText("Who eats all that?").waitFor();
    await write(seen, "A cake for the way", "No cake, please");
    await save(seen, document);
    await shoot(seen, "16-colleagueSaved");

    // She leaves; the named version is put back.
    await seen.close();
    await sharing.goto(`${bridgeUrl}/versions/${id}`);
    await until(
      "the editor has let go",
      async () => {
        await sharing.reload();
        return (await sharing.getByText("is editing this document").count()) === 0;
      },
      20_000,
    );
    await versionsIn(sharing).first().getByText("Grace (through a link)").waitFor();
    await shoot(sharing, "17-versions");
    await sharing.getByRole("button", { name: "Restore the version of Sent to the team" }).click();
    await sharing.getByText("The version is restored").waitFor();
    await shoot(sharing, "18-restored");

    // What Grace had written, beside what is there now.
    expect(await versionsIn(sharing).locator("small").allTextContents()).toEqual([
      expect.stringMatching(/^Alice, by restoring “Sent to the team” · /),
      expect.stringMatching(/^Grace \(through a link\) · /),
      expect.stringMatching(/^Grace \(through a link\) · /),
      expect.stringMatching(/ · Alice · /),
      expect.stringMatching(/^Alice · /),
      expect.stringMatching(/^Alice · /),
    ]);
    await versionsIn(sharing)
      .nth(1)
      .getByRole("button", { name: /Compare/ })
      .click();
    await sharing.locator("del").first().waitFor();
    expect(await sharing.locator("del").allTextContents()).toEqual(["No cake, please"]);
    await shoot(sharing, "19-compared");
    expect(colleague.complaints).toEqual([]);
    expect(owner.complaints).toEqual([]);
    await owner.context.close();
    await colleague.context.close();
  }, 120_000);
});

describe("from the documents page", () => {
  let owner: Person;
  beforeAll(async () => {
    owner = await signedIn();
  });
  afterAll(() => owner?.context.close());

  /** How many clicks it takes, from the list of documents. */
  async function clicksFor(act: (page: Page) => Promise<void>): Promise<number> {
    await owner.page.goto(bridgeUrl);
    const before = owner.clicks();
    await act(owner.page);
    return owner.clicks() - before;
  }

  it("a new document takes two clicks", async () => {
    const clicks = await clicksFor(async (page) => {
      await page.locator("summary", { hasText: "New" }).click();
      await page.keyboard.type("Counted");
      await page.getByRole("button", { name: "Create" }).click();
      await editorIn(page).locator("#paper[contenteditable=true]").waitFor();
    });
    expect(clicks).toBe(2);
  });

  it("a link takes two clicks until its address is there to copy, and a third copies it", async () => {
    await owner.context.grantPermissions(["clipboard-read", "clipboard-write"]);
    let seenAfter = 0;
    const clicks = await clicksFor(async (page) => {
      const before = owner.clicks();
      await page.getByRole("button", { name: "Share for editing: Annual offsite.docx" }).click();
      await page.getByRole("button", { name: "Create link" }).click();
      const url = await page.locator("#link-url").inputValue();
      seenAfter = owner.clicks() - before;
      await page.getByRole("button", { name: "Copy", exact: true }).click();
      await page.getByText("Copied", { exact: false }).first().waitFor();
      expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(url);
    });
    expect([seenAfter, clicks]).toEqual([2, 3]);
  });

  it("an old version is back after three clicks", async () => {
    await alice.put("Figures.docx", sampleDocument());
    await alice.put("Figures.docx", Buffer.from("spoilt"));
    const clicks = await clicksFor(async (page) => {
      await page.getByLabel("More actions: Figures.docx").click();
      await page.getByRole("link", { name: "Versions", exact: true }).click();
      await page.getByRole("button", { name: /^Restore/ }).click();
      await page.getByText("The version is restored").waitFor();
    });
    expect(clicks).toBe(3);
    expect((await alice.read("Figures.docx")).startsWith("PK")).toBe(true);
  });
});
