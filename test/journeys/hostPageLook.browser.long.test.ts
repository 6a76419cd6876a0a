import { mkdir } from "node:fs/promises";
import express from "express";
import type { Browser, Frame, Page as Tab } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fill } from "../../src/editorPage/browser/statusLine.ts";
import { hostPage } from "../../src/editorPage/page.ts";
import type { PicturesShown } from "../../src/editorPage/pageMessages.ts";
import { assetsRouter } from "../../src/pages/assets.ts";
import { type Language, languages } from "../../src/words/language.ts";
import { wordsIn } from "../../src/words/words.ts";
import { openBrowser } from "../support/browser.ts";
import { factsOf, type HostPageSample, hostPageSamples, quietStatus } from "../support/hostPageSamples.ts";
import { axeFinder, cutTexts, overflowing } from "../support/pageFit.ts";
import { type SmallServer, serve } from "./hostPageStage.ts";

const screenshots = new URL("../.out/screenshots/", import.meta.url);
/** As a portal frames a document. */
const frameSize = { width: 800, height: 400 };

let bridge: SmallServer;
let editor: SmallServer;
let browser: Browser;
let bridgeUrl: string;
/** Whether what comes later in a state has come. */
let hasHappened = false;
let seriousViolations: Awaited<ReturnType<typeof axeFinder>>;

const sampleOf = (name: string): HostPageSample => hostPageSamples[name] ?? { shows: { part: "body" } };

beforeAll(async () => {
  await mkdir(screenshots, { recursive: true });
  seriousViolations = await axeFinder();
  const app = express()
    .use(assetsRouter())
    .get("/framed/:language/:sample", ({ params: { language, sample } }, response) => {
      const { width, height } = frameSize;
      const frame = `<iframe src="/${language}/${sample}" style="border:0" width="${width}" height="${height}">`;
      response.send(`<!doctype html><title>Portal</title><body style="margin:0">${frame}</iframe>`);
    })
    .get("/edit/:key/status", ({ params: { key } }, response) => {
      const { status = [] } = sampleOf(key.split("-")[0] ?? "");
      const nowMs = Date.now();
      const answer = (hasHappened ? status.at(-1) : status[0])?.(nowMs);
      response.json({ ...quietStatus(nowMs), ...answer });
    })
    .get("/edit/:key/pictures", (_request, response) => {
      const step = (name: string) => ({ name, uri: `cloudreve://my/${name}` });
      const shown: PicturesShown = {
        path: [step(""), step("Offsite in May with everybody of the company"), step("Pictures")],
        folders: [step("Old ones")],
        pictures: ["Hut.png", `${"A_very_long_name_of_a_picture_".repeat(3)}.jpeg`].map((name) => ({ id: name, name })),
        next: "more",
      };
      response.json(shown);
    })
    .post("/edit/:key/address", (_request, response) => void response.json({ action_url: null }))
    .post("/edit/:key/closed", (_request, response) => void response.status(204).end())
    .get("/:language/:sample", ({ params: { language, sample } }, response) => {
      const pageKey = `${sample}-${Math.random().toString(36).slice(2)}`;
      const actionUrl = `http://127.0.0.1:${editor.port}/browser/1/cool.html?sample=${sample}`;
      const given = { language: language as Language, bridgeUrl, pageKey, nonce: "bm9uY2U", actionUrl };
      const { body, headers } = hostPage(factsOf(sampleOf(sample), given));
      response.set(headers).type("html").send(body.text);
    });
  bridge = await serve(app);
  bridgeUrl = `http://127.0.0.1:${bridge.port}`;
  editor = await serve(
    express().post("/browser/1/cool.html", ({ query: { sample } }, response) => {
      const messages = sampleOf(String(sample)).editor ?? [["App_LoadingStatus", { Status: "Document_Loaded" }]];
      const sent = messages.map(([MessageId, Values]) => JSON.stringify({ MessageId, Values }));
      response.send(`<!doctype html><html lang="en"><title>Editor</title><body><h1>Document</h1><script>
for (const message of ${JSON.stringify(sent)}) parent.postMessage(message, "*");
addEventListener("message", ({ data }) => {
  if (!String(data).includes('"Action_Save"')) return;
  const answer = { MessageId: "Action_Save_Resp", Values: { success: false, errorMsg: "no" } };
  parent.postMessage(JSON.stringify(answer), "*");
});
</script>`);
    }),
  );
  browser = await openBrowser();
});

afterAll(async () => {
  await browser?.close();
  await editor?.close();
  await bridge?.close();
});

/** The page in a state, in a tab of its own or in a portal's frame. */
async function reach(tab: Tab, language: Language, name: string, isFramed = false): Promise<Tab | Frame> {
  const sample = sampleOf(name);
  hasHappened = false;
  await tab.goto(`${bridgeUrl}${isFramed ? "/framed" : ""}/${language}/${name}`, { waitUntil: "domcontentloaded" });
  const framed = isFramed ? await (await tab.waitForSelector("iframe")).contentFrame() : tab;
  if (framed === null) throw new Error(`there is no frame of ${name}`);
  const page = framed;
  if (isFramed) await page.waitForLoadState("domcontentloaded");
  const comesLater = sample.isOffline === true || (sample.status ?? []).length > 1;
  if (comesLater) await page.frameLocator("iframe").locator("h1").waitFor();
  if (sample.waitedMs !== undefined) await tab.clock.fastForward(sample.waitedMs);
  if (sample.types !== undefined) await page.fill(...sample.types);
  if (sample.clicks !== undefined) await page.click(sample.clicks);
  // The page asks the bridge at once.
  hasHappened = true;
  if (comesLater)
    await page.evaluate((name) => dispatchEvent(new Event(name)), sample.isOffline ? "offline" : "online");
  const { shows } = sample;
  if ("part" in shows) await page.locator(shows.part).first().waitFor();
  else await page.locator("#status").filter({ hasText: wordsIn[language].editorPage[shows.sentence] }).waitFor();
  return page;
}

const tabFor = async (width: number, more: Parameters<Browser["newContext"]>[0] = {}): Promise<Tab> => {
  const context = await browser.newContext({ viewport: { width, height: 740 }, reducedMotion: "reduce", ...more });
  const tab = await context.newPage();
  tab.setDefaultTimeout(20_000);
  await tab.clock.install();
  return tab;
};

/** @returns buttons and links too small to hit, and texts outside the window where nothing scrolls to them */
function outOfReach(): string[] {
  const scrolls = (element: Element | null): boolean =>
    element !== null &&
    element !== document.body &&
    (/auto|scroll/.test(getComputedStyle(element).overflowY) || scrolls(element.parentElement));
  const visible = [...document.body.querySelectorAll("*")].filter(
    (one) => one.checkVisibility() && one.closest("noscript, script, #status.heard") === null,
  );
  const small = visible
    .filter((one) => one.matches("a, button, summary, input:not([type=hidden])"))
    .filter((one) => one.getBoundingClientRect().height < 24 || one.getBoundingClientRect().width < 24)
    .map((one) => `small: ${one.outerHTML.slice(0, 120)}`);
  const outside = visible
    .filter((one) => [...one.childNodes].some(({ nodeType, textContent }) => nodeType === 3 && textContent?.trim()))
    .filter((one) => {
      const { top, bottom, left, right } = one.getBoundingClientRect();
      const isIn = top >= -1 && left >= -1 && right <= innerWidth + 1 && bottom <= innerHeight + 1;
      return !isIn && !scrolls(one);
    })
    .map((one) => `outside: ${one.outerHTML.slice(0, 120)}`);
  return [...small, ...outside];
}

async function problemsOf(page: Tab | Frame): Promise<string[]> {
  return [
    ...(await page.evaluate(overflowing)),
    ...(await page.evaluate(cutTexts)),
    ...(await page.evaluate(outOfReach)),
  ];
}

/** What somebody can do about it, as far as it is to be seen. */
const offered = (page: Tab | Frame, name: string): Promise<boolean> => {
  const { offers } = sampleOf(name);
  return offers === undefined ? Promise.resolve(true) : page.locator(offers).isVisible();
};

describe.each(languages)("the page around the editor in %s", (language) => {
  it("fits into a phone, a wide window and a portal's frame in each of its states", { timeout: 180_000 }, async () => {
    const tab = await tabFor(1280);
    const found: string[] = [];
    const note = async (page: Tab | Frame, state: string, where: string | number): Promise<void> => {
      if (!(await offered(page, state))) found.push(`${state} ${where}: offers nothing`);
      found.push(...(await problemsOf(page)).map((problem) => `${state} ${where}: ${problem}`));
    };
    for (const name of Object.keys(hostPageSamples)) {
      const page = await reach(tab, language, name);
      for (const width of [1280, 360]) {
        await tab.setViewportSize({ width, height: 740 });
        await note(page, name, width);
      }
      await tab.setViewportSize({ width: 1280, height: 740 });
      await note(await reach(tab, language, name, true), name, "framed");
    }
    await tab.context().close();
    expect(found).toEqual([]);
  });

  it("never cuts a sentence of trouble, and sets it in 14 px", { timeout: 60_000 }, async () => {
    const tab = await tabFor(390);
    const found: string[] = [];
    const page = await reach(tab, language, "notSavedHere");
    for (const width of [360, 390, 800]) {
      await tab.setViewportSize({ width, height: 740 });
      const cut = await page.evaluate((sentences) => {
        const line = document.querySelector<HTMLElement>("#status");
        return sentences.filter((sentence) => {
          if (line === null) return true;
          line.textContent = sentence;
          const { fontSize } = getComputedStyle(line);
          const isWhole = line.scrollHeight <= line.clientHeight && line.scrollWidth <= line.clientWidth;
          return !isWhole || fontSize !== "14px" || document.documentElement.scrollWidth > innerWidth;
        });
      }, troubles(language));
      found.push(...cut.map((sentence) => `${width}: ${sentence}`));
    }
    await tab.context().close();
    expect(found).toEqual([]);
  });

  it("tells a colleague of trouble without addresses or the names of our servers", () => {
    const names = /:\/\/|cloudreve|bridge|brücke|puente|passerelle|ブリッジ|桥接|橋接/i;
    expect(troubles(language).filter((sentence) => names.test(sentence))).toEqual([]);
  });
});

/** All that the line says in trouble to somebody who does not own the document. */
function troubles(language: Language): string[] {
  const words = wordsIn[language].editorPage;
  const values = {
    ...{ owner: "Þórður Þorláksson", person: "Álíce O'Hara-Þorláksdóttir", time: "21/11/2026 08:15" },
    ...{ copy: "Quarterly report for the board 2026 (conflict, Þórður, 2026-11-21 08.15).docx" },
  };
  const whys = Object.entries(words).flatMap(([key, why]) => (key.startsWith("why") ? [why] : []));
  const sentences = [
    ...[words.notSavedKept, words.notSavedKeptBy, words.notSavedHere, words.notSavedHereBy, words.copied],
    ...[words.copiedBy],
  ].flatMap((sentence) => whys.map((why) => fill(sentence, { ...values, why })));
  const others = [
    ...[words.editorAway, words.editorTakesLong, words.editorFailed, words.editorLeft, words.editorStopped],
    ...[words.lockedBy, words.lockedBySomebody, words.offline, words.offlineUnsaved],
    ...[words.endsSoon, words.endsSoonUnsaved, words.saveToStay],
  ];
  return [...new Set([...sentences, ...others].map((sentence) => fill(sentence, values)))];
}

describe("the page around the editor", () => {
  it.each([
    { name: "light", colorScheme: "light", width: 1280 },
    { name: "phone in the dark", colorScheme: "dark", width: 360 },
  ] as const)("can be read and reached by everybody, menus and dialogs open: $name", async (look) => {
    const tab = await tabFor(look.width, { colorScheme: look.colorScheme });
    const found: string[] = [];
    for (const name of Object.keys(hostPageSamples)) {
      const page = await reach(tab, "en", name);
      found.push(...(await seriousViolations(page)).map((problem) => `${name}: ${problem}`));
      const path = new URL(`host-${name}-${look.name.split(" ")[0]}.png`, screenshots).pathname;
      await tab.screenshot({ path });
    }
    await tab.context().close();
    expect(found).toEqual([]);
  });

  // So that the tests above need not look twice.
  it("has each thing at the same place in the dark", async () => {
    const tab = await tabFor(800);
    const places = (page: Tab | Frame) =>
      page.evaluate(() =>
        [...document.body.querySelectorAll("*")].map((one) => {
          const { x, y, width, height } = one.getBoundingClientRect();
          return `${one.tagName} ${one.id} ${[x, y, width, height].map(Math.round).join(" ")}`;
        }),
      );
    for (const name of ["notSavedHere", "peopleOpen", "saveAsRefused", "pictureChosen", "lostEditing", "asksName"]) {
      const page = await reach(tab, "de", name);
      const light = await places(page);
      await tab.emulateMedia({ colorScheme: "dark" });
      expect(await places(page)).toEqual(light);
      await tab.emulateMedia({ colorScheme: "light" });
    }
    await tab.context().close();
  });
});
