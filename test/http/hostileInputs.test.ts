import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Request } from "express";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { CloudreveClient } from "../../src/cloudreve/client.ts";
import { createEncryption } from "../../src/cloudreve/encryption.ts";
import { NativeWopi } from "../../src/cloudreve/nativeWopi.ts";
import { originOf } from "../../src/doctor/viewerAnswers.ts";
import { decideSave, type SaveFacts } from "../../src/documents/savePolicy.ts";
import { actionUrl, bareAddress } from "../../src/editors/actionUrl.ts";
import { parseDiscovery } from "../../src/editors/discovery.ts";
import { suiteOf } from "../../src/editors/suites.ts";
import { nameForHeader, nameFromHeader } from "../../src/http/nameHeader.ts";
import { SignedCookies } from "../../src/http/signedCookies.ts";
import { traceOf } from "../../src/http/trace.ts";
import { checkName, joinName, nearestName } from "../../src/model/fileName.ts";
import { languageTag } from "../../src/model/languageTag.ts";
import { splitName } from "../../src/model/nameRules.ts";
import { cleanName } from "../../src/model/personName.ts";
import { safeReturn } from "../../src/pages/ownOrigin.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { chooseLanguage } from "../../src/words/language.ts";

/** As much as fits into the headers of one request. */
const headerBytes = 16_000;
/** More than a form or an address may be. */
const bodyBytes = 32_000;
/**
 * A text eight times as long costs eight times as much, or sixty-four times when it is looked at anew from each of its
 * characters. Between the two is room for a busy machine.
 */
const longer = 8;
const mostTimes = 24;
/** What is over so soon harms nobody, and is not measured well. */
const floorMs = 0.2;

/** @returns how long it takes, at best of some tries: what other processes take is no cost of its own */
async function costMs(work: () => unknown): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < 3; tries++) {
    const startedAtMs = performance.now();
    await work();
    best = Math.min(best, performance.now() - startedAtMs);
    if (best < floorMs) break;
  }
  return best;
}

const quietly =
  (work: (text: string) => unknown) =>
  (text: string): unknown => {
    try {
      return work(text);
    } catch {
      return undefined;
    }
  };

const cookies = new SignedCookies(["a secret of at least thirty-two bytes"], "https://bridge.example", Date.now);
const cookieRequest = (header: string) => ({ get: () => header }) as unknown as Request;
const saveFacts = (timestamp: string): SaveFacts => ({
  heldLockId: undefined,
  requestLockId: "A",
  storedVersion: "1",
  storedSizeBytes: 1,
  storedModifiedAt: "2026-11-21T08:15:00Z",
  baseVersion: undefined,
  timestamp,
  isForced: false,
  isExitSave: false,
  wasTakenOver: false,
  isShielded: true,
  equalsStored: false,
  needsNoVersion: false,
});

/** Every reader of text that strangers send, by the size of what they can send. */
const readers: readonly (readonly [string, number, (text: string) => unknown])[] = [
  ["the name for a Save As", headerBytes, (text) => nearestName(text, 0)],
  ["the tenth name for a Save As", headerBytes, (text) => nearestName(text, 9)],
  ["the check of a name", headerBytes, checkName],
  ["a name's parts", headerBytes, splitName],
  ["a name put together", headerBytes, (text) => joinName(text, "")],
  ["a name put together with a long end", headerBytes, (text) => joinName("Report", text)],
  ["a name in UTF-7", headerBytes, quietly((text) => nameFromHeader("X-WOPI-SuggestedTarget", text))],
  ["a name to UTF-7", headerBytes, nameForHeader],
  ["a person's name", bodyBytes, cleanName],
  ["a portal's language", bodyBytes, languageTag],
  ["the language of a browser", headerBytes, (text) => chooseLanguage([text], text)],
  ["the cookies", headerBytes, (text) => cookies.read(cookieRequest(text), "visitor", z.string())],
  ["the way back from a sign-in", headerBytes, (text) => safeReturn(`/${text}`)],
  ["the trace", headerBytes, (text) => traceOf(text)],
  ["the time stamp of a save", headerBytes, (text) => decideSave(saveFacts(text))],
  ["an editor's address", bodyBytes, quietly((text) => suiteOf(`https://office.example/${text}`))],
  [
    "an editor's address to fill",
    headerBytes / 2,
    quietly((text) =>
      actionUrl(`https://office.example/a?${text}`, { wopiSrc: "https://b", language: "de", theme: "dark" }),
    ),
  ],
  ["an address of discovery", bodyBytes, bareAddress],
  ["an address of discovery, to the doctor", bodyBytes, originOf],
  [
    "a discovery document",
    bodyBytes,
    (text) =>
      parseDiscovery(
        `<wopi-discovery><net-zone name="external-http"><app><action name="edit" ext="docx" urlsrc="${escaped(text)}"/></app></net-zone></wopi-discovery>`,
        0,
      ).catch(() => undefined),
  ],
];

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

/** Texts that make a careless pattern begin again and again: long runs of what it looks for, and no end to it. */
const pieces = [
  ...[" ", ".", ". ", "\t", "=", "/", "//", "+", "+-", "+A", "<", "<a", "<a=", "<=", "&", ";", ",", ",;", "a;", "-a"],
  ...[
    "\u00a0",
    "\u200d",
    "0",
    "0.",
    "con ",
    "Bearer ",
    "q=1",
    "storage",
    "/wopi/",
    "/browser/x",
    "%20",
    "\u{1F469}\u200D",
  ],
  ...["__Host-bridge-visitor=a.b.c;"],
];
const ends = ["", "!", "\nx"];
const patterns = pieces.flatMap((piece) => ends.flatMap((end) => ["", "x"].map((begin) => ({ begin, piece, end }))));

describe("a long text from a stranger", () => {
  it.each(readers)("costs %s no more than its length", async (_name, bytes, read) => {
    for (const { begin, piece, end } of patterns) {
      const text = (length: number) => `${begin}${piece.repeat(Math.floor(length / piece.length))}${end}`;
      let ratio = Number.POSITIVE_INFINITY;
      // What another process takes in the middle of one measurement it does not take in all of them.
      for (let tries = 0; tries < 25 && ratio >= mostTimes; tries++) {
        const cost = await costMs(() => read(text(bytes)));
        if (cost < floorMs) ratio = 1;
        else ratio = cost / Math.max(await costMs(() => read(text(bytes / longer))), floorMs);
      }
      expect(ratio, JSON.stringify(text(20))).toBeLessThan(mostTimes);
    }
  });
});

describe("a drive that tells a long story of what went wrong", () => {
  let said = "";
  const server = createServer((_request, response) => response.writeHead(500, { "X-WOPI-ServerError": said }).end());
  beforeAll(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve())));
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it("is heard as quickly as one that tells it in a word", async () => {
    const client = new CloudreveClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const encryption = createEncryption([new Uint8Array(32)]);
    const sessions = new NativeWopi(client, openMemoryStore(Date.now), encryption, Date.now);
    const session = { accessToken: "t", expiresAtMs: 0, uri: "cloudreve://my/a.docx", viewerId: "v" };
    const ask = () => sessions.info({ account: "a", fileId: "f" }, session).catch(() => undefined);
    said = "x".repeat(15_000);
    const harmless = await costMs(ask);
    said = "storage".repeat(2_142);
    expect((await costMs(ask)) / harmless).toBeLessThan(5);
  });
});
