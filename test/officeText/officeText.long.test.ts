import { monitorEventLoopDelay } from "node:perf_hooks";
import { strToU8, type Zippable, zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { officeTextOf } from "../../src/officeText/officeText.ts";

async function* inChunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}

async function measured(name: string, bytes: Uint8Array) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const began = performance.now();
  delay.enable();
  const found = await officeTextOf(name, inChunks(bytes), 1_000_000);
  delay.disable();
  return { found, tookMs: performance.now() - began, longestMs: delay.max / 1e6 };
}

const entries = (count: number): Zippable =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`word/media/${at}.png`, new Uint8Array(1)]));
const text = strToU8("<a><p><t>text</t></p></a>");
const zeros = new Uint8Array(60_000_000);
const elements = strToU8(`<a>${"<b/>".repeat(3_500_000)}<p><t>text</t></p></a>`);
const letters = strToU8(`<a>${"<p><t>text</t></p>".repeat(180_000)}</a>`);

describe("a large document lets others work meanwhile, and", () => {
  it.each<[string, Zippable, object]>([
    ["a zip bomb is given up", { "word/document.xml": zeros }, { why: "tooLarge" }],
    [
      "a bomb that nobody wants is not unpacked",
      { "word/media/a.png": zeros, "word/document.xml": text },
      { text: "text\n" },
    ],
    ["many entries are read", { ...entries(9_000), "word/document.xml": text }, { text: "text\n" }],
    ["too many entries are not", { ...entries(12_000), "word/document.xml": text }, { why: "unreadable" }],
    ["many elements are read", { "word/document.xml": elements }, { text: "text\n" }],
    ["much text is read", { "word/document.xml": letters }, { text: "text\n".repeat(180_000) }],
  ])("%s", async (_name, parts, expected) => {
    const { found, tookMs, longestMs } = await measured("a.docx", zipSync(parts));
    expect(found).toEqual(expected);
    expect(tookMs).toBeLessThan(10_000);
    // About 20 ms on a machine that is not busy.
    expect(longestMs).toBeLessThan(250);
  });
});
