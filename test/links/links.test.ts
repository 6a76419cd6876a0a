import { describe, expect, it } from "vitest";
import { EditLinks, linkEnd } from "../../src/links/links.ts";
import { failureOf } from "../../src/model/failure.ts";
import { put } from "../../src/model/keyValueStore.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { setClock } from "../support/clock.ts";
import { sampleLink } from "../support/sampleLink.ts";
import { storedText, watchedStore } from "../support/watchedStore.ts";

const startMs = Date.parse("2026-11-21T08:15:00Z");
const dayMs = 24 * 3_600_000;
const ben = { id: "g1", name: "Ben" };

const facts = sampleLink;

function freshLinks() {
  const clock = setClock(startMs);
  const store = watchedStore(openMemoryStore(clock.now));
  const other = new EditLinks(store, clock.now);
  return { clock, store, links: new EditLinks(store, clock.now), other };
}

async function reasonOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
}

describe("a link with a right that only a later version knows", () => {
  it("is one to view, and the others are listed as before", async () => {
    const { store, links } = freshLinks();
    const [known, newer] = [await links.make(facts), await links.make(facts)];
    const row = `link:${newer.link.id}`;
    const text = JSON.stringify({ ...JSON.parse((await store.get(row)) ?? ""), permission: "sign" });
    await put(store, row, text);
    expect((await links.behindSecret(newer.secret)).permission).toBe("view");
    expect((await links.behindSecret(known.secret)).permission).toBe(facts.permission);
  });
});

describe("a new link", () => {
  it("opens by the secret of its address", async () => {
    const { links } = freshLinks();
    const { link, secret } = await links.make(facts);
    expect(link).toEqual({ ...facts, id: link.id, createdAtMs: startMs });
    expect(await links.behindSecret(secret)).toEqual(link);
  });

  it("has a secret of 192 bits that stands nowhere in the store, and an id that is no part of it", async () => {
    const { store, links } = freshLinks();
    const made = await Promise.all(Array.from({ length: 20 }, () => links.make(facts)));
    const text = await storedText(store);
    for (const { link, secret } of made) {
      expect(secret).toMatch(/^[A-Za-z0-9_-]{32}$/);
      expect(text).not.toContain(secret);
      expect(secret).not.toContain(link.id);
    }
    expect(new Set(made.map(({ secret }) => secret)).size).toBe(20);
    expect(new Set(made.map(({ link }) => link.id)).size).toBe(20);
  });

  it("can be found by its maker whenever it can be opened, though the list is read while it is made", async () => {
    const { store, links, other } = freshLinks();
    let looks = 0;
    const look = async () => {
      await other.madeBy(facts.maker);
      await other.liveAccounts();
      if (looks++ < 10) store.beforeNextSwap(look);
    };
    store.beforeNextSwap(look);
    const { link } = await links.make(facts);
    expect(looks).toBeGreaterThan(3);
    expect(await links.madeBy(facts.maker)).toEqual([link]);
    expect(await links.liveAccounts()).toEqual(["alice"]);
  });
});

describe("a secret that opens nothing", () => {
  it.each(["", "guess", "x".repeat(10_000), "../link:1", "é\u0000"])("is unknown: %j", async (secret) => {
    const { links } = freshLinks();
    await links.make(facts);
    expect(failureOf(await reasonOf(links.behindSecret(secret)), "linkUnknown")).toBeDefined();
  });

  it("is told apart from an ended one for thirty days, and then no longer", async () => {
    const { clock, links } = freshLinks();
    const { link, secret } = await links.make(facts);
    await links.revoke(link.id);
    clock.advance(30 * dayMs - 1);
    expect(failureOf(await reasonOf(links.behindSecret(secret)), "linkEnded")?.because).toBe("revoked");
    clock.advance(1);
    expect(failureOf(await reasonOf(links.behindSecret(secret)), "linkUnknown")).toBeDefined();
    expect(await links.find(link.id)).toBeUndefined();
  });

  it("is neither the id of a link nor the hash that is stored", async () => {
    const { store, links } = freshLinks();
    const { link } = await links.make(facts);
    const hash = /linkSecret:(\S+)/.exec(await storedText(store))?.[1] ?? "";
    expect(hash).not.toBe("");
    for (const guess of [link.id, hash]) {
      expect(failureOf(await reasonOf(links.behindSecret(guess)), "linkUnknown")).toBeDefined();
    }
  });
});

describe("the end of a link", () => {
  it("comes with its expiry, to the millisecond", async () => {
    const { clock, links } = freshLinks();
    const { secret } = await links.make({ ...facts, expiresAtMs: startMs + 1000 });
    clock.advance(999);
    await links.behindSecret(secret);
    clock.advance(1);
    expect(failureOf(await reasonOf(links.behindSecret(secret)), "linkEnded")?.because).toBe("expired");
  });

  it("comes at once when it is revoked, and its moment stays", async () => {
    const { clock, links } = freshLinks();
    const { link, secret } = await links.make(facts);
    expect((await links.revoke(link.id))?.revokedAtMs).toBe(startMs);
    expect(failureOf(await reasonOf(links.behindSecret(secret)), "linkEnded")?.because).toBe("revoked");
    clock.advance(1000);
    expect(await links.revoke(link.id)).toBeUndefined();
    expect((await links.find(link.id))?.revokedAtMs).toBe(startMs);
  });

  it("is called revoked when it was revoked, whether or not it would have run out since", () => {
    const link = { ...facts, id: "l", createdAtMs: 0, expiresAtMs: 2000, revokedAtMs: 1000 };
    expect(linkEnd(link, 3000)).toEqual({ because: "revoked", atMs: 1000 });
    expect(linkEnd({ ...facts, id: "l", createdAtMs: 0, expiresAtMs: 2000 }, 1999)).toBeUndefined();
    expect(linkEnd({ ...facts, id: "l", createdAtMs: 0, expiresAtMs: 2000 }, 2000)).toEqual({
      because: "expired",
      atMs: 2000,
    });
  });

  it("is nothing when there is no such link", async () => {
    expect(await freshLinks().links.revoke("never")).toBeUndefined();
  });
});

describe("a link that an older bridge has kept", () => {
  it("lets nobody rename the file, until its owner says so", async () => {
    const { store, links } = freshLinks();
    const { link, secret } = await links.make(facts);
    const { mayRename: _unknownThen, ...older } = link;
    await put(store, `link:${link.id}`, JSON.stringify(older));
    expect((await links.behindSecret(secret)).mayRename).toBe(false);
    expect((await links.madeBy(facts.maker))[0]?.mayRename).toBe(false);
    expect((await links.change(link.id, { note: "x" }))?.mayRename).toBe(false);
    expect((await links.change(link.id, { mayRename: true }))?.mayRename).toBe(true);
    expect((await links.find(link.id))?.mayRename).toBe(true);
  });
});

describe("a change of a link", () => {
  it("keeps its address, and what is not named", async () => {
    const { links } = freshLinks();
    const { link, secret } = await links.make({ ...facts, note: "hello", passwordHash: "h" });
    const changed = await links.change(link.id, { permission: "view", note: null });
    const { note: _gone, ...rest } = link;
    const atMs = link.createdAtMs;
    const rightsEpoch = { id: expect.any(String), atMs };
    expect(changed).toEqual({ ...rest, permission: "view", lostEditingAtMs: atMs, rightsEpoch });
    expect(await links.behindSecret(secret)).toEqual(changed);
  });

  it("can give an expired link new time, and take a time limit away", async () => {
    const { clock, links } = freshLinks();
    const { link, secret } = await links.make({ ...facts, expiresAtMs: startMs + 1000 });
    clock.advance(2000);
    await links.change(link.id, { expiresAtMs: startMs + 5000 });
    await links.behindSecret(secret);
    await links.change(link.id, { expiresAtMs: null });
    clock.advance(365 * dayMs);
    expect(await links.behindSecret(secret)).not.toHaveProperty("expiresAtMs");
  });

  it("never brings a revoked link back", async () => {
    const { links } = freshLinks();
    const { link } = await links.make(facts);
    await links.revoke(link.id);
    expect(await links.change(link.id, { permission: "edit", expiresAtMs: null })).toBeUndefined();
    expect((await links.find(link.id))?.revokedAtMs).toBe(startMs);
  });

  it("does not undo a revocation or a change that another process makes at the same time", async () => {
    const { store, links, other } = freshLinks();
    const { link } = await links.make(facts);
    store.beforeNextSwap(() => other.change(link.id, { note: "from the other" }));
    expect(await links.change(link.id, { permission: "view" })).toMatchObject({
      permission: "view",
      note: "from the other",
    });
    store.beforeNextSwap(() => other.revoke(link.id));
    expect(await links.change(link.id, { permission: "edit" })).toBeUndefined();
    expect(await links.find(link.id)).toMatchObject({ permission: "view", revokedAtMs: startMs });
  });
});

describe("a maker's list", () => {
  it("has all of his links, the newest first, and ended ones for thirty days", async () => {
    const { clock, links } = freshLinks();
    const { link: first } = await links.make(facts);
    clock.advance(1000);
    const { link: second } = await links.make(facts);
    await links.revoke(first.id);
    expect((await links.madeBy(facts.maker)).map(({ id }) => id)).toEqual([second.id, first.id]);
    clock.advance(30 * dayMs);
    expect((await links.madeBy(facts.maker)).map(({ id }) => id)).toEqual([second.id]);
  });

  it("has nobody else's, not even of one whose name begins alike", async () => {
    const { links } = freshLinks();
    const { link } = await links.make({ ...facts, maker: "portal:a" });
    await links.make({ ...facts, maker: "portal:a:b" });
    await links.make({ ...facts, maker: "portal:ab" });
    expect(await links.madeBy("portal:a")).toEqual([link]);
    expect(await links.madeBy("portal:")).toEqual([]);
    expect(await links.madeBy("")).toEqual([]);
  });

  it("of an owner has whatever anybody made for them, once, and nobody else's", async () => {
    const { links } = freshLinks();
    const { link: own } = await links.make(facts);
    const { link: portals } = await links.make({ ...facts, maker: "portal:a", account: "user:u1:x" });
    await links.make({ ...facts, owner: { id: "u1:2", name: "Bob" }, maker: "portal:a" });
    const ids = (await links.ownedBy("u1")).map(({ id }) => id);
    expect(ids.sort()).toEqual([own.id, portals.id].sort());
    await links.renamed(own.id, "New.docx");
    expect((await links.find(own.id))?.fileName).toBe("New.docx");
  });

  it("leaves nothing behind of links that are forgotten", async () => {
    const { clock, store, links } = freshLinks();
    const { link } = await links.make(facts);
    await links.opened(link.id, ben);
    await links.revoke(link.id);
    clock.advance(30 * dayMs);
    await links.madeBy(facts.maker);
    await links.liveAccounts();
    const text = await storedText(store);
    expect(text).not.toContain("Ben");
    expect(text).not.toMatch(/linkMaker|linkOwner|linkAccount|linkVisits|link:/);
  });
});

describe("accounts whose sign-in must be kept alive", () => {
  it("are those with a link that still opens, each once", async () => {
    const { clock, links } = freshLinks();
    await links.make({ ...facts, expiresAtMs: startMs + 1000 });
    const { link } = await links.make({ ...facts, account: "bob" });
    await links.make({ ...facts, account: "bob" });
    await links.make({ ...facts, account: "carol" });
    expect((await links.liveAccounts()).sort()).toEqual(["alice", "bob", "carol"]);
    clock.advance(1000);
    await links.revoke(link.id);
    expect((await links.liveAccounts()).sort()).toEqual(["bob", "carol"]);
  });

  it("are kept in mind when an expired link is given new time", async () => {
    const { clock, links } = freshLinks();
    const { link } = await links.make({ ...facts, expiresAtMs: startMs + 1000 });
    clock.advance(1000);
    expect(await links.liveAccounts()).toEqual([]);
    await links.change(link.id, { expiresAtMs: null });
    expect(await links.liveAccounts()).toEqual(["alice"]);
  });
});

describe("who came through a link", () => {
  it("is one entry for each visitor, the latest first, with what he is called now", async () => {
    const { clock, links } = freshLinks();
    const { link } = await links.make(facts);
    await links.opened(link.id, ben);
    clock.advance(1000);
    await links.opened(link.id, { id: "g2", name: "Cleo" });
    clock.advance(1000);
    await links.opened(link.id, { id: "g1", name: "Benjamin" });
    expect(await links.visits(link.id)).toEqual([
      { person: { id: "g1", name: "Benjamin" }, openedAtMs: startMs + 2000 },
      { person: { id: "g2", name: "Cleo" }, openedAtMs: startMs + 1000 },
    ]);
  });

  it("tells when he saved, also after he came again", async () => {
    const { clock, links } = freshLinks();
    const { link } = await links.make(facts);
    await links.opened(link.id, ben);
    clock.advance(1000);
    await links.saved(link.id, ben);
    expect(await links.visits(link.id)).toEqual([{ person: ben, openedAtMs: startMs, savedAtMs: startMs + 1000 }]);
    clock.advance(1000);
    await links.opened(link.id, ben);
    expect(await links.visits(link.id)).toEqual([
      { person: ben, openedAtMs: startMs + 2000, savedAtMs: startMs + 1000 },
    ]);
  });

  it("loses none of two who come at the same time through two processes", async () => {
    const { store, links, other } = freshLinks();
    const { link } = await links.make(facts);
    store.beforeNextSwap(() => other.opened(link.id, { id: "g2", name: "Cleo" }));
    await links.opened(link.id, ben);
    expect((await links.visits(link.id)).map(({ person }) => person.name)).toEqual(["Ben", "Cleo"]);
    store.beforeNextSwap(() => other.saved(link.id, ben));
    await links.saved(link.id, { id: "g2", name: "Cleo" });
    expect((await links.visits(link.id)).map(({ savedAtMs }) => savedAtMs)).toEqual([startMs, startMs]);
  });

  it("is the last hundred visitors, and holds their ids and names alone", async () => {
    const { links } = freshLinks();
    const { link } = await links.make(facts);
    for (let at = 0; at < 101; at++) {
      await links.opened(link.id, { id: `g${at}`, name: "Ben", email: "ben@example.org" } as typeof ben);
    }
    const visits = await links.visits(link.id);
    expect(visits).toHaveLength(100);
    expect(visits[0]?.person).toEqual({ id: "g100", name: "Ben" });
    expect(visits.at(-1)?.person.id).toBe("g1");
  });

  it("is known for as long as the link is, when that was given more time", async () => {
    const { clock, links } = freshLinks();
    const { link } = await links.make({ ...facts, expiresAtMs: startMs + 1000 });
    await links.opened(link.id, ben);
    await links.change(link.id, { expiresAtMs: startMs + 90 * dayMs });
    clock.advance(60 * dayMs);
    expect(await links.visits(link.id)).toHaveLength(1);
  });

  it("is noted for no link that is not there", async () => {
    const { store, links } = freshLinks();
    await links.opened("never", ben);
    await links.saved("never", ben);
    expect(await storedText(store)).toBe("");
    expect(await links.visits("never")).toEqual([]);
  });
});
