import { mkdir } from "node:fs/promises";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import type { Browser, Page as Tab } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { assetsRouter } from "../../src/pages/assets.ts";
import type { Page } from "../../src/pages/views/page.ts";
import { type Language, languages } from "../../src/words/language.ts";
import { openBrowser } from "../support/browser.ts";
import { axeFinder, cutPlaceholders, cutTexts, overflowing } from "../support/pageFit.ts";
import { pageSamples } from "../support/pageSamples.ts";

const screenshots = new URL("../.out/screenshots/", import.meta.url);
const looks = [
  { name: "light", colorScheme: "light", width: 1280, height: 800 },
  { name: "dark", colorScheme: "dark", width: 1280, height: 800 },
  { name: "phone", colorScheme: "dark", width: 360, height: 740 },
] as const;

let server: Server;
let browser: Browser;
let bridgeUrl: string;
let seriousViolations: Awaited<ReturnType<typeof axeFinder>>;

beforeAll(async () => {
  await mkdir(screenshots, { recursive: true });
  seriousViolations = await axeFinder();
  const app = express().use(assetsRouter());
  // What a page shows in frames is pages of their own.
  app.get("/versions/:file/open", (_request, response) => void response.type("html").send("<title>Version</title>"));
  app.get("/:language/:sample", (request, response) => {
    const { language, sample } = request.params;
    const page = pageSamples[sample]?.({
      language: language as Language,
      nonce: "bm9uY2U",
      bridgeUrl,
      path: request.url,
      person: sample.startsWith("guest") ? undefined : { name: "Álíce “the owner” O'Hara-Þorláksdóttir von und zu" },
    });
    send(response, page);
  });
  server = app.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  bridgeUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  browser = await openBrowser();
});

afterAll(async () => {
  await browser?.close();
  server?.closeAllConnections();
  server?.close();
});

function send(response: express.Response, page: Page | undefined): void {
  if (page === undefined) response.status(404).end();
  else response.set(page.headers).type("html").send(page.body.text);
}

/** @returns what the browser complained about, a violated policy among it */
function complaintsOf(tab: Tab): string[] {
  const complaints: string[] = [];
  tab.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  tab.on("pageerror", (error) => complaints.push(String(error)));
  tab.on("requestfailed", (request) => complaints.push(`not loaded: ${request.url()}`));
  return complaints;
}

/** Opens every menu and all that is folded. @returns whether there is any */
function openAll(tab: Tab): Promise<boolean> {
  return tab.evaluate(() => {
    const folded = [...document.querySelectorAll("details")];
    for (const details of folded) details.open = true;
    return folded.length > 0;
  });
}

// Beside these, the look and what screen readers hear are the same: lengths of words are tested below.
describe.each(["en", "zh-CN", "de"])("pages for people in %s", (language) => {
  it.each(looks)(
    "are readable and reachable, and keep to their width and policy: $name",
    { timeout: 120_000 },
    async ({ name, colorScheme, width, height }) => {
      const context = await browser.newContext({ colorScheme, viewport: { width, height }, reducedMotion: "reduce" });
      const tab = await context.newPage();
      const complaints = complaintsOf(tab);
      const found: string[] = [];
      for (const sample of Object.keys(pageSamples)) {
        await tab.goto(`${bridgeUrl}/${language}/${sample}`);
        const problems = [
          ...complaints.splice(0),
          ...(await tab.evaluate(overflowing)),
          ...(await seriousViolations(tab)),
        ];
        found.push(...problems.map((problem) => `${sample}: ${problem}`));
        await tab.screenshot({
          path: new URL(`${sample}-${language}-${name}.png`, screenshots).pathname,
          fullPage: true,
        });
        if (await openAll(tab)) {
          found.push(...(await seriousViolations(tab)).map((problem) => `${sample}, menus open: ${problem}`));
        }
      }
      await context.close();
      expect(found).toEqual([]);
    },
  );
});

describe.each(languages)("sentences in %s", (language) => {
  it.each([360, 1280])("fit into every page, menus and dialogs open, %i wide", { timeout: 60_000 }, async (width) => {
    const tab = await browser.newPage({ viewport: { width, height: 740 }, reducedMotion: "reduce" });
    const found: string[] = [];
    for (const sample of Object.keys(pageSamples)) {
      await tab.goto(`${bridgeUrl}/${language}/${sample}`, { waitUntil: "domcontentloaded" });
      const look = async (state: string) => {
        const problems = [
          ...(await tab.evaluate(overflowing)),
          ...(await tab.evaluate(cutTexts)),
          ...(await tab.evaluate(cutPlaceholders)),
        ];
        found.push(...problems.map((problem) => `${sample} ${state}: ${problem}`));
      };
      await look("closed");
      await openAll(tab);
      await look("open");
    }
    await tab.close();
    expect(found).toEqual([]);
  });
});

describe("a person at a page", () => {
  it("copies the link's address with one button", async () => {
    const context = await browser.newContext({ permissions: ["clipboard-read", "clipboard-write"] });
    const tab = await context.newPage();
    await tab.goto(`${bridgeUrl}/en/linkMade`);
    await tab.getByRole("button", { name: "Copy" }).click();
    await tab.getByRole("status").filter({ hasText: "Copied" }).waitFor();
    expect(await tab.evaluate(() => navigator.clipboard.readText())).toBe(
      await tab.getByLabel("Link address").inputValue(),
    );
    await context.close();
  });

  it("sees moments in the time zone of the browser", async () => {
    const context = await browser.newContext({ timezoneId: "Asia/Shanghai", locale: "en" });
    const tab = await context.newPage();
    await tab.goto(`${bridgeUrl}/en/link`);
    expect(await tab.locator("time").first().textContent()).toContain("4:15");
    await context.close();
  });

  it("reaches everything in the header by keyboard, from the skip link on", async () => {
    const tab = await browser.newPage();
    await tab.goto(`${bridgeUrl}/en/links`);
    const reached: string[] = [];
    const press = async (key: string) => {
      await tab.keyboard.press(key);
      reached.push(await tab.evaluate(() => document.activeElement?.textContent?.trim().slice(0, 9) ?? ""));
    };
    for (let steps = 0; steps < 6; steps += 1) await press("Tab");
    expect(reached.splice(0)).toEqual(["Skip to c", "Office Br", "Documents", "My links", "Language:", "Álíce “th"]);
    await tab.keyboard.press("Enter");
    for (let steps = 0; steps < 2; steps += 1) await press("Tab");
    expect(reached.splice(0)).toEqual(["Sign out", "Sign out "]);
    await press("Escape");
    expect(reached).toEqual(["Álíce “th"]);
    expect(await tab.getByRole("button", { name: "Sign out", exact: true }).isVisible()).toBe(false);
    await tab.close();
  });

  it("has the whole of the own menu on a phone's screen", async () => {
    const tab = await browser.newPage({ viewport: { width: 360, height: 740 } });
    await tab.goto(`${bridgeUrl}/en/documents`);
    await tab.locator("header .menu:not(.languages) summary").click();
    const box = await tab.locator("header .menu > :is(form, div):visible").boundingBox();
    await tab.screenshot({ path: new URL("menu-en-phone.png", screenshots).pathname });
    expect(box?.x).toBeGreaterThanOrEqual(0);
    expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(360);
    await tab.close();
  });

  it("shows a name with markup in it as it was typed, and runs nothing of it", async () => {
    const tab = await browser.newPage();
    await tab.goto(`${bridgeUrl}/en/guestDoorNasty`);
    expect(await tab.locator("h1").textContent()).toContain("<script>");
    expect(await tab.locator("main script, main img").count()).toBe(0);
    await tab.close();
  });

  it("works without script: address and code can be selected, revoking still asks first", async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const tab = await context.newPage();
    await tab.goto(`${bridgeUrl}/en/linkMade`);
    expect(await tab.getByLabel("Link address").isVisible()).toBe(true);
    expect(await tab.getByRole("button", { name: "Copy" }).isVisible()).toBe(false);
    await tab.goto(`${bridgeUrl}/en/link`);
    expect(await tab.getByRole("button", { name: "Revoke now" }).isVisible()).toBe(false);
    await tab.getByText("Revoke this link").click();
    expect(await tab.getByRole("button", { name: "Revoke now" }).isVisible()).toBe(true);
    await context.close();
  });
});
