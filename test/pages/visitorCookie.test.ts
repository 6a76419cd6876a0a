import { describe, expect, it } from "vitest";
import { SignedCookies } from "../../src/http/signedCookies.ts";
import type { EditLink } from "../../src/links/links.ts";
import { hasPassed, rememberVisitor, visitorOf } from "../../src/pages/visitorCookie.ts";
import { setClock } from "../support/clock.ts";
import { sampleLink } from "../support/sampleLink.ts";

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
