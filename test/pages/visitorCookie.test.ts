import { describe, expect, it } from "vitest";
import { SignedCookies } from "../../src/http/signedCookies.ts";
import type { EditLink } from "../../src/links/links.ts";
import { cleanName, hasPassed, rememberVisitor, visitorOf } from "../../src/pages/visitorCookie.ts";
import { setClock } from "../support/clock.ts";
import { sampleLink } from "../support/sampleLink.ts";

describe("a name that a visitor types", () => {
  it.each([
    ["letters of any script", "Zoë Müller-O’Brien 李雷 Ελένη", "Zoë Müller-O’Brien 李雷 Ελένη"],
    ["blanks around and inside", "  Ann \t\n  Lee\u00a0 ", "Ann Lee"],
    ["an emoji that is joined of several", "Ann 👩‍💻", "Ann 👩‍💻"],
    ["a family and a flag", "👨‍👩‍👧‍👦 🏴󠁧󠁢󠁥󠁮󠁧󠁿 ❤️", "👨‍👩‍👧‍👦 🏴󠁧󠁢󠁥󠁮󠁧󠁿 ❤️"],
    ["a joiner that belongs to the word", "می‌خواهم", "می‌خواهم"],
    ["Hebrew and Arabic", "שרה خالد", "שרה خالد"],
    ["controls", "An\u0000n\u001b[31m\u0085", "An n [31m"],
    ["what turns the text around it", "Ann\u202Excod.exe\u202C \u2066x\u2069", "Ann xcod.exe x"],
    ["marks of direction and of byte order", "\uFEFFAnn\u200F\u061C", "Ann"],
    ["blanks that can't be seen", "\u200BAnn\u2060\u200B", "Ann"],
    ["line and paragraph separators", "Ann\u2028Lee\u2029", "Ann Lee"],
    ["markup, which is text", "<b>Ann</b> & \"co\" 'x'", "<b>Ann</b> & \"co\" 'x'"],
    ["half a character", "Ann\ud800", "Ann\ufffd"],
  ])("keeps what is a name and drops what is none: %s", (_what, typed, name) => {
    expect(cleanName(typed)).toBe(name);
  });

  it.each([
    "",
    "   \t\n",
    "\u0000\u0007",
    "\u202E\u202C",
    "\u200D",
    "\u200B\u2060\u00AD",
    "\uFE0F",
    "\u3164",
    "\u2800\u2800",
    "\u{E0041}",
  ])("is none when nothing of it can be seen: %j", (typed) => {
    expect(cleanName(typed)).toBeUndefined();
  });

  it.each([undefined, null, 7, ["Ann"], { name: "Ann" }])("is none when it is no text: %j", (typed) => {
    expect(cleanName(typed)).toBeUndefined();
  });

  it("is cut after sixty-four characters and never in the middle of one", () => {
    expect(cleanName("x".repeat(10_000))).toBe("x".repeat(64));
    expect(cleanName("😀".repeat(10_000))).toBe("😀".repeat(64));
    expect(cleanName(`${"x".repeat(63)} family`)).toBe("x".repeat(63));
  });

  it("leaves no joiner at the cut, which would join it to what is written behind it", () => {
    expect(cleanName(`${"x".repeat(62)}👩‍💻`)).toBe(`${"x".repeat(62)}👩`);
  });

  it("does not change when it is cleaned again", () => {
    for (const typed of [" Ann\u202E ", `${"x".repeat(62)}👩‍💻`, "a\u0000".repeat(200)]) {
      expect(cleanName(cleanName(typed))).toBe(cleanName(typed));
    }
  });
});

const link: EditLink = { ...sampleLink, id: "link-1", createdAtMs: 0 };

/** A browser that keeps the last cookie it was given. */
function browser() {
  const clock = setClock();
  const cookies = new SignedCookies(["a secret of at least thirty-two bytes"], "http://bridge.example", clock.now);
  let kept: string | undefined;
  const request = { get: () => kept } as unknown as Parameters<typeof visitorOf>[1];
  const response = {
    cookie: (name: string, value: string) => {
      kept = `${name}=${value}`;
    },
  } as unknown as Parameters<typeof rememberVisitor>[1];
  const come = () => visitorOf(cookies, request);
  const enter = async (through: EditLink, name?: string) => {
    const { id, doors } = await come();
    await rememberVisitor(cookies, response, { id, doors, ...(name === undefined ? {} : { name }) }, through);
  };
  return { clock, come, enter, size: () => kept?.length ?? 0 };
}

describe("a visitor", () => {
  it("is somebody new on a browser that was never here, and nobody the drive knows", async () => {
    const [one, two] = await Promise.all([browser().come(), browser().come()]);
    expect(one).toEqual({ id: expect.stringMatching(/^g[0-9a-f]{16}$/), doors: [] });
    expect(two.id).not.toBe(one.id);
  });

  it("is the same person in every document from then on, with the name he gave last", async () => {
    const { come, enter } = browser();
    await enter(link, "Ben");
    const first = await come();
    await enter({ ...link, id: "link-2" }, "Benjamin");
    expect(await come()).toMatchObject({ id: first.id, name: "Benjamin" });
  });

  it("is forgotten after half a year", async () => {
    const { clock, come, enter } = browser();
    await enter(link, "Ben");
    clock.advance(180 * 24 * 3_600_000);
    expect((await come()).name).toBeUndefined();
  });

  it("has passed the links that he came through, and no other", async () => {
    const { come, enter } = browser();
    const secured = { ...link, passwordHash: "scrypt$a$b" };
    expect(hasPassed(await come(), link)).toBe(false);
    await enter(secured, "Ben");
    expect(hasPassed(await come(), secured)).toBe(true);
    expect(hasPassed(await come(), { ...secured, id: "link-2" })).toBe(false);
  });

  it("is asked again when a password was set, changed or taken away", async () => {
    const { come, enter } = browser();
    await enter(link, "Ben");
    expect(hasPassed(await come(), { ...link, passwordHash: "scrypt$a$b" })).toBe(false);
    await enter({ ...link, passwordHash: "scrypt$a$b" }, "Ben");
    expect(hasPassed(await come(), { ...link, passwordHash: "scrypt$c$d" })).toBe(false);
    expect(hasPassed(await come(), { ...link, passwordHash: "scrypt$a$b" })).toBe(true);
  });

  it("is remembered for the last twenty links, in a cookie that browsers take", async () => {
    const { come, enter, size } = browser();
    const links = Array.from({ length: 25 }, (_, at) => ({ ...link, id: `link-${at}` }));
    for (const through of links) await enter(through, "👩‍💻".repeat(21));
    await enter({ ...link, id: "link-10" }, "👩‍💻".repeat(21));
    const visitor = await come();
    expect(links.filter((through) => hasPassed(visitor, through))).toHaveLength(20);
    expect(hasPassed(visitor, { ...link, id: "link-10" })).toBe(true);
    expect(new Set(visitor.doors).size).toBe(20);
    expect(size()).toBeLessThan(4000);
  });
});
