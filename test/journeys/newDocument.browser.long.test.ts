import { mkdir, mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openBrowser } from "../support/browser.ts";
import { drivePassword, type TestBridge, testBridge } from "../support/testBridge.ts";
import { until } from "../support/until.ts";

/** A line between browser and bridge that can break. */
interface Line {
  readonly url: string;
  /** Breaks every connection once so many bytes have gone up. */
  cutAfterBytes: number;
  /** Everything that the bridge was sent since the last cut. */
  sentBytes: number;
  close(): void;
}

let browser: Browser;
let bridge: TestBridge;
let line: Line;
let context: BrowserContext;
let tab: Page;
let dir: string;

async function openLine(target: () => string): Promise<Line> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((near) => {
    const { hostname, port } = new URL(target());
    const far = connect(Number(port), hostname);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        near.destroy();
        far.destroy();
      });
    }
    near.on("data", (bytes) => {
      opened.sentBytes += bytes.length;
      if (opened.sentBytes > opened.cutAfterBytes) for (const socket of sockets) socket.destroy();
      else if (!far.write(bytes)) near.pause();
    });
    far.on("drain", () => near.resume());
    far.pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const opened: Line = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cutAfterBytes: Number.POSITIVE_INFINITY,
    sentBytes: 0,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
  return opened;
}

/** A file of zeros, which takes no room on the disk. */
async function fileOf(name: string, sizeBytes: number): Promise<string> {
  const path = join(dir, name);
  const file = await open(path, "w");
  await file.truncate(sizeBytes);
  await file.close();
  return path;
}

beforeAll(async () => {
  browser = await openBrowser();
  dir = await mkdtemp(join(tmpdir(), "bridge-uploads-"));
});
afterAll(async () => {
  await browser?.close();
  await rm(dir, { recursive: true, force: true });
});
beforeEach(async () => {
  line = await openLine(() => bridge.url);
  bridge = await testBridge({ settings: { BRIDGE_URL: line.url } });
  context = await browser.newContext();
  tab = await context.newPage();
  await tab.goto(line.url);
  await tab.getByLabel("Email").fill("alice@example.com");
  await tab.getByLabel("Password").fill(drivePassword);
  await tab.getByRole("button", { name: "Sign in" }).last().click();
  await tab.getByRole("heading", { name: "Documents" }).waitFor();
});
afterEach(async () => {
  await context.close();
  await bridge.close();
  line.close();
});

const upload = (...files: string[]) => tab.locator("#upload-files").setInputFiles(files);
const row = (name: string) => tab.locator(".uploads li").filter({ hasText: name });
const listed = (name: string) => tab.locator("#list").getByText(name, { exact: true });

describe("an owner at the list of documents", () => {
  it("has a new document before them after two clicks and a name", async () => {
    await tab.locator("summary").filter({ hasText: "New" }).click();
    // The name is selected: what is typed takes its place.
    await tab.locator("#new-name:focus").waitFor();
    await tab.keyboard.type("Minutes");
    await tab.getByRole("button", { name: "Create" }).click();
    await tab.waitForURL(/\/open\?file_id=/);
    expect(await tab.title()).toContain("Minutes.docx");
    expect(await bridge.alice.list()).toContain("Minutes.docx");
    await tab.goBack();
    await tab.reload();
    await listed("Minutes.docx").waitFor();
  });

  it("uploads 200 MB, sees how far it is, and the bridge holds none of it", { timeout: 180_000 }, async () => {
    const path = await fileOf("Large.docx", 200_000_000);
    let mostBytes = 0;
    const before = process.memoryUsage();
    const watch = setInterval(() => {
      const { external, heapUsed } = process.memoryUsage();
      mostBytes = Math.max(mostBytes, external + heapUsed - before.external - before.heapUsed);
    }, 20);
    await upload(path);
    await row("Large.docx")
      .getByText(/Uploading · \d+ %/)
      .waitFor();
    await row("Large.docx").getByText("Uploaded").waitFor({ timeout: 150_000 });
    clearInterval(watch);
    expect((await bridge.alice.info("Large.docx")).size).toBe(200_000_000);
    // Browser, drive and bridge share what this machine has; the drive runs in this process too.
    expect(mostBytes).toBeLessThan(100_000_000);
    await listed("Large.docx").waitFor();
  });

  it("is told of a cut connection, nothing is left of it, and a second try brings it whole", async () => {
    await bridge.alice.put("Other.docx", "other");
    const path = await fileOf("Film.docx", 30_000_000);
    line.sentBytes = 0;
    line.cutAfterBytes = 12_000_000;
    await upload(path);
    await row("Film.docx").getByText("The connection was cut. Nothing was left half done.").waitFor();
    await until("Cloudreve has nothing of it", async () => (await bridge.alice.list()).join() === "Other.docx");
    line.cutAfterBytes = Number.POSITIVE_INFINITY;
    await row("Film.docx").getByRole("button", { name: "Try again" }).click();
    await row("Film.docx").getByText("Uploaded").waitFor();
    expect((await bridge.alice.info("Film.docx")).size).toBe(30_000_000);
    await listed("Film.docx").waitFor();
  });

  it("chooses to keep both where a name is taken, and goes on with the other files", async () => {
    await bridge.alice.put("Plan.docx", "the plan");
    await upload(await fileOf("Plan.docx", 10), await fileOf("Second.docx", 20));
    await row("Second.docx").getByText("Uploaded").waitFor();
    await row("Plan.docx").getByText("This name already exists here.").waitFor();
    await row("Plan.docx").getByRole("button", { name: "Keep both" }).click();
    await row("Plan (2).docx").getByText("Uploaded").waitFor();
    expect(await bridge.alice.read("Plan.docx")).toBe("the plan");
    expect(await bridge.alice.list()).toEqual(["Plan (2).docx", "Plan.docx", "Second.docx"]);
  });

  it("drops files onto the page", async () => {
    const transfer = await tab.evaluateHandle(() => {
      const data = new DataTransfer();
      data.items.add(new File(["dropped"], "Dropped.txt"));
      return data;
    });
    await tab.dispatchEvent("body", "dragenter", { dataTransfer: transfer });
    await tab.getByText("Drop files here to upload them to this folder").waitFor();
    await tab.dispatchEvent("body", "drop", { dataTransfer: transfer });
    await row("Dropped.txt").getByText("Uploaded").waitFor();
    expect(await bridge.alice.read("Dropped.txt")).toBe("dropped");
    expect(await tab.locator("#drop").isVisible()).toBe(false);
  });

  const folderOnDisk = async (): Promise<string> => {
    const top = join(dir, `Project ${Math.random().toString(36).slice(2)}`);
    await mkdir(join(top, "drafts", "old"), { recursive: true });
    await mkdir(join(top, "empty"));
    for (const [path, text] of Object.entries({ "Plan.txt": "plan", "drafts/a.txt": "a", "drafts/old/b.txt": "b" })) {
      await writeFile(join(top, path), text);
    }
    return top;
  };

  it("uploads a folder by the button, with the folders in it", async () => {
    const top = await folderOnDisk();
    await tab.locator("#upload summary").click();
    const chooser = tab.waitForEvent("filechooser");
    await tab.getByRole("button", { name: "A folder" }).click();
    await (await chooser).setFiles(top);
    await tab.getByText("3 of 3 uploaded").waitFor();
    const name = basename(top);
    await listed(name).waitFor();
    expect(await bridge.alice.list(name)).toEqual(["Plan.txt", "drafts"]);
    expect(await bridge.alice.read(`${name}/drafts/old/b.txt`)).toBe("b");
  });

  it("uploads a folder that is dropped, an empty one in it too; a second time each file is asked for", async () => {
    const top = await folderOnDisk();
    const name = basename(top);
    const mouse = await context.newCDPSession(tab);
    const drop = async () => {
      const data = { items: [], files: [top], dragOperationsMask: 1 };
      for (const type of ["dragEnter", "dragOver", "drop"] as const) {
        await mouse.send("Input.dispatchDragEvent", { type, x: 300, y: 300, data });
      }
    };
    await drop();
    await tab.getByText("3 of 3 uploaded").waitFor();
    await until("the empty folder is there too", async () =>
      (await bridge.alice.list(name)).join().startsWith("Plan.txt,drafts,empty"),
    );
    await drop();
    await tab.getByText("This name already exists here.").nth(2).waitFor();
    await tab.getByText("3 of 6 uploaded").waitFor();
    expect(await bridge.alice.list(`${name}/drafts`)).toEqual(["a.txt", "old"]);
  });

  it("goes on in a long folder where it is, and sees who opens something", async () => {
    for (let at = 0; at < 150; at++) await bridge.alice.put(`many/${String(at).padStart(3, "0")}.docx`, "x");
    await tab.clock.install();
    await tab.goto(`${line.url}/?folder=${encodeURIComponent(bridge.alice.uriOf("many"))}&sort=name&order=desc`);
    await tab.locator(".files li").last().getByRole("link").first().focus();
    await tab.keyboard.press("ArrowDown");
    expect(await tab.evaluate(() => document.activeElement?.textContent)).toBe("More documents");
    await tab.keyboard.press("Enter");
    await listed("000.docx").waitFor();
    const names = await tab.locator(".files .name > a").allTextContents();
    expect([names.length, names[0], names[99], names[100], names[149]]).toEqual([
      150,
      "149.docx",
      "050.docx",
      "049.docx",
      "000.docx",
    ]);
    expect(await tab.evaluate(() => document.activeElement?.textContent)).toBe("049.docx");
    const ann = await bridge.open("many/048.docx", { user: { id: "ann", name: "Ann" } });
    await ann.lock("A");
    await ann.get();
    await tab.clock.runFor(20_000);
    await tab.getByText("Open: Ann").waitFor();
    await ann.unlock("A");
  });

  it("stops an upload, and nothing is left of it", async () => {
    const path = await fileOf("Long.docx", 400_000_000);
    await upload(path);
    await row("Long.docx")
      .getByText(/Uploading/)
      .waitFor();
    await row("Long.docx").getByRole("button", { name: "Cancel" }).click();
    await row("Long.docx").getByText("Cancelled.").waitFor();
    await until("Cloudreve has nothing of it", async () => (await bridge.alice.list()).length === 0);
  });
});

describe("an owner with a keyboard", () => {
  const focused = () => tab.evaluate(() => document.activeElement?.textContent?.trim());

  it("walks through the list, opens, searches, and deletes with a way back", async () => {
    for (const name of ["A.docx", "B.docx", "C.docx"]) await bridge.alice.put(name, name);
    await tab.reload();
    for (const [key, name] of [
      ["ArrowDown", "A.docx"],
      ["ArrowDown", "B.docx"],
      ["ArrowDown", "C.docx"],
      ["ArrowDown", "C.docx"],
      ["ArrowUp", "B.docx"],
    ] as const) {
      await tab.keyboard.press(key);
      expect([key, await focused()]).toEqual([key, name]);
    }
    const opened = context.waitForEvent("page");
    await tab.keyboard.press("Enter");
    await (await opened).waitForURL(/\/open\?file_id=/);
    await tab.bringToFront();
    // Tab goes on as everywhere: to sharing, then to the menu.
    await tab.keyboard.press("Tab");
    expect(await focused()).toBe("Share for editing");
    await tab.keyboard.press("Tab");
    await tab.keyboard.press("Enter");
    await tab.getByRole("button", { name: "Delete" }).click();
    await tab.getByText("is in Cloudreve's trash.").waitFor();
    expect(await bridge.alice.list()).toEqual(["A.docx", "C.docx"]);
    await tab.getByRole("button", { name: "Undo" }).click();
    await tab.getByText("is back.").waitFor();
    expect(await bridge.alice.list()).toEqual(["A.docx", "B.docx", "C.docx"]);
    await tab.keyboard.press("/");
    await tab.keyboard.type("c.do");
    await tab.keyboard.press("Enter");
    await tab.getByRole("heading", { name: "Found: c.do" }).waitFor();
    expect(await tab.locator(".files li").count()).toBe(1);
  });

  it("has menus that move nothing", async () => {
    for (const name of ["A.docx", "B.docx"]) await bridge.alice.put(name, name);
    await tab.reload();
    const places = () =>
      tab.locator(".files li").evaluateAll((rows) => rows.map((row) => row.getBoundingClientRect().top));
    const before = await places();
    await tab.getByLabel("More actions: A.docx").click();
    await tab.getByRole("link", { name: "Rename" }).waitFor();
    expect(await places()).toEqual(before);
    await tab.keyboard.press("Escape");
    expect(await tab.getByRole("link", { name: "Rename" }).isVisible()).toBe(false);
  });
});
