import { beforeEach, describe, expect, it } from "vitest";
import { type EditLink, EditLinks } from "../../src/links/links.ts";
import { standingOf, timeOf, VisitorRights } from "../../src/links/visitorRights.ts";
import type { KeyValueStore } from "../../src/model/keyValueStore.ts";
import { signOutEverywhere } from "../../src/model/personSessions.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { type SetClock, setClock } from "../support/clock.ts";
import { sampleLink } from "../support/sampleLink.ts";

const hourMs = 3_600_000;
const grace = { id: "g1", name: "Grace" };

let clock: SetClock;
let store: KeyValueStore;
let links: EditLinks;
let rights: VisitorRights;
let link: EditLink;

beforeEach(async () => {
  clock = setClock();
  store = openMemoryStore(clock.now);
  links = new EditLinks(store, clock.now);
  rights = new VisitorRights(store, links, clock.now);
  ({ link } = await links.make({ ...sampleLink, permission: "view" }));
});

async function grantGrace(): Promise<number> {
  const { right } = await rights.ask(link.id, grace);
  const granted = await rights.answer(link.id, grace.id, "grant", timeOf(right));
  return granted === undefined ? 0 : timeOf(granted);
}

/** Whether she may edit now, also for another bridge on the same store. */
async function mayGraceEdit(): Promise<boolean> {
  const now = (await links.find(link.id)) ?? link;
  const others = new VisitorRights(store, new EditLinks(store, clock.now), clock.now);
  const [here, there] = await Promise.all([rights.forVisitor(now, "g1"), others.forVisitor(now, "g1")]);
  expect(here.mayEdit).toBe(there.mayEdit);
  return here.mayEdit;
}

describe("a visitor who asks to edit", () => {
  it("has one open request, however often they ask", async () => {
    expect((await rights.ask(link.id, grace)).isNew).toBe(true);
    expect((await rights.ask(link.id, { ...grace, name: "Gracie" })).isNew).toBe(false);
    expect(await rights.of(link)).toMatchObject([{ person: grace, state: "asked" }]);
    expect(await rights.waitingFor("u1")).toBe(1);
  });

  it("may edit once the owner has allowed it, and nobody else may", async () => {
    await grantGrace();
    expect(await mayGraceEdit()).toBe(true);
    expect((await rights.forVisitor(link, "g2")).mayEdit).toBe(false);
    const { link: another } = await links.make({ ...sampleLink, permission: "view" });
    expect((await rights.forVisitor(another, "g1")).mayEdit).toBe(false);
    expect(await rights.waitingFor("u1")).toBe(0);
  });

  it("waits an hour after a refusal before they can ask again", async () => {
    const { right } = await rights.ask(link.id, grace);
    const refused = await rights.answer(link.id, grace.id, "refuse", timeOf(right));
    expect(standingOf(refused, clock.now())).toBe("refused");
    expect((await rights.ask(link.id, grace)).isNew).toBe(false);
    clock.advance(hourMs + 1);
    expect((await rights.ask(link.id, grace)).isNew).toBe(true);
  });

  it("finds no place among twenty others who wait, and pushes none of them out", async () => {
    for (let at = 0; at < 20; at++) await rights.ask(link.id, { id: `x${at}`, name: "X" });
    await expect(rights.ask(link.id, grace)).rejects.toMatchObject({ failure: { kind: "tooManyAttempts" } });
    expect(await rights.of(link)).toHaveLength(20);
    expect(await rights.waitingFor("u1")).toBe(20);
  });
});

describe("what was granted to one visitor", () => {
  it.each<[string, () => Promise<unknown>]>([
    ["the owner takes it back", async () => rights.answer(link.id, "g1", "takeBack", await seen())],
    ["the link is revoked", () => links.revoke(link.id)],
    ["the link gets a password", () => links.change(link.id, { passwordHash: "scrypt$a$b" })],
    ["the link's permission changes", () => links.change(link.id, { permission: "comment" })],
    ["the owner signs out everywhere", () => signOutEverywhere(store, "u1", clock.now())],
    ["the owner signed out everywhere long ago", () => rights.takeAllBack("u1")],
  ])("ends when %s", async (_what, end) => {
    await grantGrace();
    clock.advance(1);
    await end();
    expect(await mayStillEdit()).toBe(false);
  });

  it("does not come back with a new end of a link that had expired", async () => {
    await links.change(link.id, { expiresAtMs: clock.now() + hourMs });
    await grantGrace();
    expect(await mayGraceEdit()).toBe(true);
    clock.advance(2 * hourMs);
    await links.change(link.id, { expiresAtMs: clock.now() + hourMs });
    expect(await mayGraceEdit()).toBe(false);
  });

  it("stays when only the note or a later end changes", async () => {
    await links.change(link.id, { expiresAtMs: clock.now() + hourMs });
    await grantGrace();
    await links.change(link.id, { expiresAtMs: clock.now() + 2 * hourMs, note: "new", permission: "view" });
    expect(await mayGraceEdit()).toBe(true);
  });

  it("is not granted again by a form that is sent again", async () => {
    const { right } = await rights.ask(link.id, grace);
    const seenAtMs = timeOf(right);
    const granted = await rights.answer(link.id, "g1", "grant", seenAtMs);
    await rights.answer(link.id, "g1", "takeBack", granted === undefined ? 0 : timeOf(granted));
    expect(await rights.answer(link.id, "g1", "grant", seenAtMs)).toBeUndefined();
    expect(await mayGraceEdit()).toBe(false);
  });

  it("is granted to nobody who did not ask, and not on a link that has ended", async () => {
    expect(await rights.answer(link.id, "g1", "grant", clock.now())).toBeUndefined();
    const { right } = await rights.ask(link.id, grace);
    await links.revoke(link.id);
    await expect(rights.answer(link.id, "g1", "grant", timeOf(right))).rejects.toMatchObject({
      failure: { kind: "linkEnded" },
    });
    await expect(rights.ask(link.id, grace)).rejects.toMatchObject({ failure: { kind: "linkEnded" } });
    expect(await rights.waitingFor("u1")).toBe(0);
  });

  const seen = async () => timeOf((await rights.of(link))[0] ?? { ...unseen });
  const unseen = { person: grace, state: "asked", askedAtMs: 0 } as const;

  /** A link that has ended lets nobody in, whatever was granted. */
  async function mayStillEdit(): Promise<boolean> {
    const now = await links.find(link.id);
    return now?.revokedAtMs === undefined && (await mayGraceEdit());
  }
});
