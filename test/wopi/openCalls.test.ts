import { describe, expect, it } from "vitest";
import type { AccessGrant } from "../../src/documents/grants.ts";
import { type CallShares, kindOfCall, OpenCalls } from "../../src/wopi/openCalls.ts";

const share = (most: number) => ({ downloads: most, uploads: most, "small calls": most });
const shares: CallShares = { grant: share(2), person: share(4), link: share(6), owner: share(8) };

let grants = 0;
/** A session of somebody; each is another one. */
const session = (facts: Partial<AccessGrant>): AccessGrant =>
  ({
    id: `g${++grants}`,
    ownerId: "owner",
    issuedTo: "portal",
    person: { id: "p", name: "P" },
    ...facts,
  }) as AccessGrant;
const visitor = (person: string, linkId = "link"): AccessGrant =>
  session({ person: { id: person, name: "Guest" }, linkId, issuedTo: `link:${linkId}` });

/** @returns how many of so many calls are taken, each by the next of the sessions */
function taken(sessions: readonly AccessGrant[], calls: number, open = new OpenCalls(shares)): number {
  let count = 0;
  for (let call = 0; call < calls; call++) {
    try {
      open.begin(sessions[call % sessions.length] as AccessGrant, "downloads");
      count++;
    } catch (error) {
      expect(error).toMatchObject({ failure: { kind: "tooManyCalls", of: "downloads" } });
    }
  }
  return count;
}

describe("the calls that are open", () => {
  it.each<[string, () => AccessGrant[], number]>([
    ["one session", () => [visitor("a")], 2],
    ["many sessions of one person in many links", () => [1, 2, 3, 4].map((link) => visitor("a", `l${link}`)), 4],
    ["many visitors of one link, each with an id of his own", () => [1, 2, 3, 4].map((id) => visitor(`v${id}`)), 6],
    ["many sessions of one person of a portal", () => [1, 2, 3, 4].map(() => session({})), 4],
    [
      "what was opened from one session by Save As",
      () => [1, 2, 3].map((id) => session({ id: `derived-${id}`, derivedFrom: "g" })),
      2,
    ],
    [
      "the account itself, in whatever portal or page",
      () => [1, 2, 3, 4, 5].map((id) => session({ person: { id: "owner", name: "O" }, issuedTo: `portal-${id}` })),
      8,
    ],
  ])("of %s have their share and no more", (_name, sessions, most) => {
    expect(taken(sessions(), 20)).toBe(most);
  });

  it("of a link make room for one more save by the slowest of the bodies that still come", () => {
    const open = new OpenCalls(shares);
    const cut: string[] = [];
    const body = (name: string, bytesPerSecond: number | undefined) => ({
      bytesPerSecond: () => bytesPerSecond,
      cut: () => void cut.push(name),
    });
    const rates = [undefined, 900, 2, 5, undefined, 700];
    rates.forEach((rate, index) => void open.begin(visitor(`v${index}`), "uploads", body(`body ${index}`, rate)));
    const ends = ["late", "later"].map((name) => open.begin(visitor(name), "uploads", body(name, undefined)));
    expect(cut).toEqual(["body 2", "body 3"]);
    for (const end of ends) end();
    // Of the person and of the session it stays with the share.
    const [one, other] = [visitor("same"), visitor("same")];
    for (const session of [one, one, other, other]) open.begin(session, "uploads", body("his", 1));
    expect(() => open.begin(other, "uploads", body("his", 1))).toThrow(
      expect.objectContaining({ failure: { kind: "tooManyCalls", of: "uploads" } }),
    );
  });

  it("of a link are refused when all bodies are whole, or have only begun", () => {
    const open = new OpenCalls(shares);
    const whole = { bytesPerSecond: () => undefined, cut: () => expect.unreachable() };
    for (let person = 0; person < 6; person++) open.begin(visitor(`v${person}`), "uploads", whole);
    expect(() => open.begin(visitor("late"), "uploads", whole)).toThrow();
  });

  it("of others are taken while somebody's share is used up", () => {
    const open = new OpenCalls(shares);
    expect(
      taken(
        [1, 2, 3, 4].map((id) => visitor(`v${id}`)),
        20,
        open,
      ),
    ).toBe(6);
    expect(taken([visitor("v9", "another link")], 2, open)).toBe(2);
    expect(taken([session({})], 2, open)).toBe(2);
    // The same words as ids of a portal's people are nobody's from a link.
    expect(taken([session({ person: { id: "v1", name: "Other" } })], 2, open)).toBe(2);
    expect(taken([session({ person: { id: "owner", name: "O" } })], 2, open)).toBe(2);
  });

  it("of another kind are counted by themselves", () => {
    const open = new OpenCalls(shares);
    const grant = session({});
    expect(taken([grant], 3, open)).toBe(2);
    expect(() => open.begin(grant, "uploads")).not.toThrow();
  });

  it("make room when they end, and one that was refused has taken none", () => {
    const open = new OpenCalls(shares);
    const grant = session({});
    const ends = [open.begin(grant, "uploads"), open.begin(grant, "uploads")];
    for (let tries = 0; tries < 10; tries++) expect(() => open.begin(grant, "uploads")).toThrow();
    for (const end of ends) end();
    expect(() => open.begin(grant, "uploads")()).not.toThrow();
    expect(() => [open.begin(grant, "uploads"), open.begin(grant, "uploads")]).not.toThrow();
  });
});

describe("the kind of a call", () => {
  it.each([
    ["GET", false, undefined, "small calls"],
    ["GET", true, undefined, "downloads"],
    ["POST", true, "PUT", "uploads"],
    ["POST", true, undefined, "uploads"],
    ["POST", false, "PUT_RELATIVE", "uploads"],
    ["POST", false, "RENAME_FILE", "uploads"],
    ["POST", false, "LOCK", "small calls"],
    ["POST", false, "GET_LOCK", "small calls"],
  ] as const)("%s, contents %s, %s is of the %s", (method, isOfContents, override, kind) => {
    expect(kindOfCall(method, isOfContents, override)).toBe(kind);
  });
});
