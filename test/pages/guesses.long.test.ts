import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type LinkOwner, linkOwner } from "../support/linkOwner.ts";
import { drivePassword, portalKey, type TestBridge, testBridge } from "../support/testBridge.ts";
import { type WebAnswer, webPerson } from "../support/webPerson.ts";

const password = "correct horse";
const alice = "alice@example.com";

let bridge: TestBridge;
let owner: LinkOwner;
/** How long the bridge would have paused; the pauses take no time here. */
let paused: number[];

beforeEach(async () => {
  paused = [];
  bridge = await testBridge({
    store: "file",
    settings: { TRUST_PROXY: "1" },
    pause: async (ms) => void paused.push(ms),
  });
  owner = await linkOwner(bridge);
});
afterEach(() => bridge.close());

async function linkWithPassword(name = "plan.txt"): Promise<string> {
  await bridge.alice.put(name, "text");
  return owner.makeLink((await bridge.alice.info(name)).id, { password });
}

/** Somebody on a browser of their own, at that address. */
function visitor(url: string, offered: string, address = "203.0.113.7"): Promise<WebAnswer> {
  return webPerson(bridge.url).post(url, { name: "Eve", password: offered }, { "X-Forwarded-For": address });
}

function signIn(email: string, offered: string, address = "203.0.113.7"): Promise<WebAnswer> {
  return webPerson(bridge.url).post("/signin/password", { email, password: offered }, { "X-Forwarded-For": address });
}

const everywhere = ["203.0.113.7", "203.0.113.8", "2001:db8:1:2::1", "2001:db8:1:3::1"];

describe("the right password of a link", () => {
  it.each(everywhere)("opens it after thirty wrong ones from 203.0.113.7, for somebody at %s", async (address) => {
    const url = await linkWithPassword();
    for (let at = 0; at < 30; at++) expect((await visitor(url, `wrong ${at}`)).status).toBe(403);
    expect((await visitor(url, password, address)).status).toBe(303);
  });

  it("opens it for a crowd that comes at once from one address", async () => {
    const url = await linkWithPassword();
    const crowd = await Promise.all(Array.from({ length: 12 }, () => visitor(url, password)));
    expect(new Set(crowd.map(({ status }) => status))).toEqual(new Set([303]));
    expect(paused).toEqual([]);
  });

  it("opens it at once elsewhere, while somebody sends a hundred guesses at the same time", async () => {
    const url = await linkWithPassword();
    const flood = Promise.all(Array.from({ length: 100 }, (_, at) => visitor(url, `wrong ${at}`)));
    expect((await visitor(url, password, "203.0.113.8")).status).toBe(303);
    const statuses = (await flood).map(({ status }) => status);
    expect(statuses.filter((status) => status === 403).length).toBeLessThanOrEqual(10);
    expect(new Set(statuses)).toEqual(new Set([403, 429]));
    expect((await visitor(url, password)).status).toBe(303);
  });
});

describe("wrong passwords of a link", () => {
  it.each([
    ["one address", () => "203.0.113.7"],
    ["all addresses of a /64", (at: number) => `2001:db8:1:2::${at + 1}`],
    ["an address in both its spellings", (at: number) => (at % 2 === 0 ? "203.0.113.7" : "::ffff:203.0.113.7")],
    ["addresses that are made up", (at: number) => `made up ${at}`],
  ])("are slowed down together when they come from %s", async (_where, address) => {
    const url = await linkWithPassword();
    for (let at = 0; at < 6; at++) await visitor(url, "wrong", address(at));
    expect(paused).toEqual([500, 1_000, 2_000]);
  });

  it("are not counted when nothing was typed, or a page of another site has sent them", async () => {
    const url = await linkWithPassword();
    for (let at = 0; at < 20; at++) {
      expect((await visitor(url, " ")).status).toBe(403);
      const foreign = { Origin: "https://evil.example", "X-Forwarded-For": "203.0.113.7" };
      expect((await webPerson(bridge.url).post(url, { name: "Eve", password: "wrong" }, foreign)).status).toBe(403);
    }
    expect(paused).toEqual([]);
    expect((await owner.linkPageOf("plan.txt")).text).not.toContain("Wrong passwords");
  });

  it("are shown to the owner, on the link's page, in the list, in both languages, and end with the password", async () => {
    const url = await linkWithPassword();
    for (let at = 0; at < 12; at++) await visitor(url, "wrong", `203.0.113.${at}`);
    const page = await owner.linkPageOf("plan.txt");
    expect(page.text).toContain("Wrong passwords entered: 12, most recently");
    expect(page.text).toContain("Someone may be guessing this link");
    expect((await owner.person.get("/links")).text).toContain("Wrong passwords entered: 12, most recently");
    const path = new URL(page.url).pathname;
    expect((await owner.person.get(`${path}?lang=zh-CN`)).text).toContain("密码错误 12 次");
    await owner.change("plan.txt", { password: "another horse" });
    expect((await owner.linkPageOf("plan.txt")).text).not.toContain("Wrong passwords");
  });

  it("are no alarm when somebody has mistyped", async () => {
    const url = await linkWithPassword();
    await visitor(url, "wrong");
    const page = await owner.linkPageOf("plan.txt");
    expect(page.text).toContain("Wrong passwords entered: 1, most recently");
    expect(page.text).not.toContain("Someone may be guessing");
  });

  it("are told to a portal of its links, and in the audit with the network they came from", async () => {
    await bridge.alice.put("portal.txt", "text");
    const headers = { Authorization: `Bearer ${portalKey}`, "Content-Type": "application/json" };
    const body = JSON.stringify({ uri: "cloudreve://my/portal.txt", permission: "edit", password });
    const made = await (await fetch(`${bridge.url}/api/links`, { method: "POST", headers, body })).json();
    const { id, url, wrong_passwords } = made as Record<string, string>;
    expect(wrong_passwords).toBeNull();
    for (let at = 0; at < 2; at++) await visitor(url ?? "", "wrong", "2001:db8:1:2::7");
    const seen = (await (await fetch(`${bridge.url}/api/links/${id}`, { headers })).json()) as Record<string, unknown>;
    const at = new Date(bridge.clock.now()).toISOString();
    expect(seen["wrong_passwords"]).toEqual({ count: 2, last_at: at });
    const audited = bridge.logLines.filter(({ event }) => event === "linkPasswordWrong");
    expect(audited).toHaveLength(2);
    expect(audited[0]).toMatchObject({ stream: "audit", link: id, from: "2001:db8:1:2::/64" });
  });
});

describe("the right password of an account", () => {
  it.each(everywhere)("signs in after fifty wrong ones from 203.0.113.7, at %s", async (address) => {
    for (let at = 0; at < 50; at++) expect((await signIn(alice, `wrong-${at}`)).status).toBe(403);
    expect((await signIn(alice, drivePassword, address)).status).toBe(303);
  });

  it("signs in after wrong ones from everywhere, which are slowed down at once wherever they come from", async () => {
    for (let at = 0; at < 40; at++) await signIn(alice, "wrong-password", `198.51.100.${at}`);
    expect(paused.length).toBeGreaterThan(5);
    expect(new Set(paused)).toEqual(new Set([2_000]));
    expect((await signIn(alice, drivePassword, "203.0.113.9")).status).toBe(303);
  });
});

describe("wrong passwords of accounts", () => {
  it.each([
    ["spelt in other ways", (at: number) => [alice, "ALICE@example.com", " Alice@Example.com "][at % 3] ?? ""],
    ["that nobody has", () => "nobody@example.com"],
  ])("%s are slowed down as one", async (_which, email) => {
    for (let at = 0; at < 5; at++) await signIn(email(at), "wrong-password");
    expect(paused).toEqual([500, 1_000]);
  });

  it("at many accounts are slowed down by their source", async () => {
    for (let at = 0; at < 23; at++) await signIn(`person${at}@example.com`, "wrong-password");
    expect(paused).toEqual([500, 1_000, 2_000]);
  });
});

describe("the second factor", () => {
  it("is counted for the account: signing in anew with the password gives no new tries, and the right code enters", async () => {
    const codeOf = await bridge.alice.turnOnSecondFactor(bridge.clock.now);
    const person = webPerson(bridge.url);
    const firstStep = async () => {
      const asked = await person.post("/signin/password", { email: alice, password: drivePassword });
      return /name="second_step_id" value="([^"]+)"/.exec(asked.text)?.[1] ?? "";
    };
    const offer = async (code: string) =>
      person.post("/signin/second-factor", { second_step_id: await firstStep(), code, return_to: "/links" });
    for (let at = 0; at < 12; at++) expect((await offer("000000")).status).toBe(403);
    expect(paused).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
    expect((await offer(codeOf())).location).toBe(`${bridge.url}/links`);
  });

  it("belongs to the browser that gave the password", async () => {
    const codeOf = await bridge.alice.turnOnSecondFactor(bridge.clock.now);
    const asked = await webPerson(bridge.url).post("/signin/password", { email: alice, password: drivePassword });
    const secondStepId = /name="second_step_id" value="([^"]+)"/.exec(asked.text)?.[1] ?? "";
    const elsewhere = await webPerson(bridge.url).post("/signin/second-factor", {
      second_step_id: secondStepId,
      code: codeOf(),
    });
    expect(elsewhere.status).toBe(403);
    expect(elsewhere.text).toContain("Please sign in again");
    expect(elsewhere.location).toBeUndefined();
  });
});

describe("what anybody can make a browser ask for", () => {
  const crossSite = { "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image" };
  const prefetch = { "Sec-Purpose": "prefetch", "Sec-Fetch-Site": "cross-site" };

  it.each([
    ["as the image of another site", crossSite],
    ["as a prefetch", prefetch],
    ["plainly", {}],
  ])("leaves no row in the store and shuts nobody out when asked %s", async (_how, headers) => {
    const url = await linkWithPassword();
    const rows = async () => hash(await bridge.storedText());
    const before = await rows();
    const random = (at: number) => createHash("sha256").update(String(at)).digest("base64url").slice(0, 32);
    for (let at = 0; at < 40; at++) {
      for (const path of [
        `/l/${random(at)}`,
        `/edit/${random(at)}`,
        `/edit/${random(at)}/status`,
        `/links/${random(at)}`,
        `/signin/oauth?return_to=/links`,
        `/signin/callback?state=${random(at)}&code=x`,
        `/signin?return_to=/`,
        `/share?file_id=x${at}`,
        `/wopi/files/x${at}?access_token=${random(at)}`,
        `/api/links/${random(at)}`,
        `/language?set=en`,
        url,
      ]) {
        const answered = await webPerson(bridge.url).get(path, headers);
        expect([path, answered.status < 500 && answered.status !== 429]).toEqual([path, true]);
      }
    }
    expect(await rows()).toBe(before);
    expect((await visitor(url, password)).status).toBe(303);
  });
});

const hash = (text: string): string => createHash("sha256").update(text).digest("hex");
