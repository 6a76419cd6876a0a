import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openBrowser } from "../support/browser.ts";
import { linkOwner } from "../support/linkOwner.ts";
import { drivePassword } from "../support/testBridge.ts";
import { until } from "../support/until.ts";
import { openStage, type Stage, says, visitorOf } from "./hostPageStage.ts";

let browser: Browser;
let stage: Stage;
beforeAll(async () => {
  stage = await openStage({ clockRuns: true });
  browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
  await stage?.close();
});

it("an owner hears in the open document, and later above the list, what a link's visitor does", async () => {
  const { bridge } = stage;
  await bridge.alice.put("Plan.txt", "first line\n");
  const { id } = await bridge.alice.info("Plan.txt");
  const link = await (await linkOwner(bridge)).makeLink(id);

  const owners = await browser.newContext({ locale: "en-GB", viewport: { width: 360, height: 740 } });
  const page = await owners.newPage();
  await page.goto(`${bridge.url}/signin`);
  await page.getByLabel("Email").fill("alice@example.com");
  await page.getByLabel("Password").fill(drivePassword);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("heading", { name: "Documents" }).waitFor();
  await page.goto(`${bridge.url}/open?file_id=${id}`);
  const editor = page.frameLocator("iframe[name=editor-frame]");
  await editor.locator("#text:not([readonly])").waitFor();
  await editor.locator("#text").focus();

  const guest = await (await browser.newContext({ locale: "en-GB" })).newPage();
  await guest.goto(link);
  await guest.getByLabel("Your name").fill("Ben");
  await guest.locator("main form button").first().click();
  const bens = visitorOf(guest, guest.frameLocator("iframe[name=editor-frame]"), guest.locator("#status"));
  await bens.editor.locator("#text:not([readonly])").waitFor();
  const askNow = async () => {
    await owners.setOffline(true);
    await owners.setOffline(false);
  };
  await until("the owner sees that Ben came", async () => {
    await askNow();
    return (await page.locator("#news").textContent())?.includes("Ben opened the document with your link.") === true;
  });
  await bens.type("from Ben");
  await bens.save();
  await until("the owner sees that Ben saved", async () => {
    await askNow();
    return (await page.locator("#news").textContent())?.includes("Ben saved the document.") === true;
  });
  if (process.env["SHOTS"] !== undefined) await page.screenshot({ path: `${process.env["SHOTS"]}-toast.png` });
  // It has taken no focus, and goes away.
  expect(await page.evaluate(() => document.activeElement?.tagName)).toBe("IFRAME");
  await until("it is gone", async () => (await page.locator("#news p").count()) === 0, 20_000);

  await page.locator("#home").click();
  const news = page.locator("section.told");
  await says(news, /Ben saved “Plan\.txt”/);
  await says(news, /Ben opened “Plan\.txt” with your link/);
  if (process.env["SHOTS"] !== undefined) await page.screenshot({ path: `${process.env["SHOTS"]}-list.png` });
  await news.getByRole("button", { name: "Dismiss" }).click();
  await page.getByRole("heading", { name: "Documents" }).waitFor();
  expect(await news.count()).toBe(0);
});
