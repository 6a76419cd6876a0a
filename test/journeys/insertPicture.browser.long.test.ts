import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openBrowser } from "../support/browser.ts";
import { drivePassword } from "../support/testBridge.ts";
import { until } from "../support/until.ts";
import { openStage, type Stage, visitorOf } from "./hostPageStage.ts";

/** The smallest picture: one pixel. */
const pixel = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser?.close());

describe.each(["collabora", "onlyoffice"] as const)("a picture from the drive, in %s", (guise) => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage({ guise });
  });
  afterAll(() => stage?.close());

  it("is chosen by the owner in the document's folder, and fetched by the editor's server", async () => {
    const { bridge } = stage;
    await bridge.alice.put("Notes.txt", "first line\n");
    await bridge.alice.put("Photo.png", pixel);
    const context = await browser.newContext({ locale: "en-GB" });
    const page = await context.newPage();
    await page.goto(`${bridge.url}/signin`);
    await page.getByLabel("Email").fill("alice@example.com");
    await page.getByLabel("Password").fill(drivePassword);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByRole("heading", { name: "Documents" }).waitFor();
    const { id } = await bridge.alice.info("Notes.txt");
    await page.goto(`${bridge.url}/open?file_id=${id}`);
    const { editor } = visitorOf(page, page.frameLocator("iframe[name=editor-frame]"), page.locator("#status"));
    await editor.locator("#text:not([readonly])").waitFor();
    await editor.getByRole("button", { name: "Insert picture" }).click();
    const dialog = page.locator("#pictures");
    await dialog.getByRole("button", { name: "Photo.png" }).click();
    await until("it is seen", () =>
      page.locator("#pictures-look").evaluate((look) => (look as HTMLImageElement).naturalWidth === 1),
    );
    await dialog.getByRole("button", { name: "Insert", exact: true }).click();
    await until("it is in the document", async () =>
      (await editor.locator("#text").inputValue()).includes(`[picture: image/png, ${pixel.length} bytes]`),
    );
    expect(await dialog.isVisible()).toBe(false);
  });
});
