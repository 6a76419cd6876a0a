import { describe, expect, it } from "vitest";
import { type AccessGrant, AccessGrants, cameThrough, isOwners, lastSaveUntilMs } from "../../src/documents/grants.ts";
import { type EditLink, EditLinks } from "../../src/links/links.ts";
import { failureOf } from "../../src/model/failure.ts";
import { put } from "../../src/model/keyValueStore.ts";
import { lastSignOut, signOutEverywhere } from "../../src/model/personSessions.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { setClock } from "../support/clock.ts";
import { sampleLink } from "../support/sampleLink.ts";
import { storedText, watchedStore } from "../support/watchedStore.ts";

const startMs = Date.parse("2026-11-21T08:15:00Z");
const hourMs = 3_600_000;

const facts: Omit<AccessGrant, "id"> = {
  document: { account: "alice", fileId: "f1" },
  fileName: "Report.docx",
  permission: "edit",
  person: { id: "g1", name: "Ben" },
  ownerId: "u1",
  restrictions: {},
  saveAs: "new",
  mayRename: false,
  actionUrl: "https://office.example/browser/cool.html",
  language: "en-US",
  issuedTo: "intranet",
  issuedAtMs: startMs,
  expiresAtMs: startMs + hourMs,
  renewableUntilMs: startMs + 5 * hourMs,
};

function freshStage() {
  const clock = setClock(startMs);
  const store = watchedStore(openMemoryStore(clock.now));
  const links = new EditLinks(store, clock.now);
  const grants = new AccessGrants(store, links, clock.now);
  const linked = async (more: Partial<EditLink> = {}, grantMore: Partial<AccessGrant> = {}) => {
    const { link } = await links.make({ ...sampleLink, ...more });
    return { link, grant: await grants.issue({ ...facts, ...grantMore, linkId: link.id }) };
  };
  const renew = (id: string) => grants.renew(id, hourMs);
  return { clock, store, links, grants, linked, renew };
}

describe("a grant made through a link", () => {
  it("loses editing as soon as the link does, knows that it had it, and gets it back with the link", async () => {
    const { clock, grants, links, linked } = freshStage();
    const { link, grant } = await linked();
    expect(await grants.find(grant.id)).not.toHaveProperty("lostEditingAtMs");
    clock.advance(1000);
    await links.change(link.id, { permission: "view" });
    clock.advance(1000);
    await links.change(link.id, { permission: "view", note: "still" });
    expect(await grants.find(grant.id)).toMatchObject({ permission: "view", lostEditingAtMs: startMs + 1000 });
    await links.change(link.id, { permission: "edit" });
    expect(await grants.find(grant.id)).toMatchObject({ permission: "edit" });
    expect(await grants.find(grant.id)).not.toHaveProperty("lostEditingAtMs");
  });

  it("never gets more than it was made with: one for reading stays one when the link may edit", async () => {
    const { grants, links, linked } = freshStage();
    const { link, grant } = await linked({ permission: "view" }, { permission: "view" });
    await links.change(link.id, { permission: "edit" });
    expect(await grants.find(grant.id)).toMatchObject({ permission: "view" });
    expect(await grants.find(grant.id)).not.toHaveProperty("lostEditingAtMs");
  });

  it("has the link's restrictions of today, with the visitor's own name over the pages", async () => {
    const { grants, links, linked } = freshStage();
    const { link, grant } = await linked();
    await links.change(link.id, { restrictions: { download: true, print: true, copy: false, watermark: true } });
    const restrictions = { download: true, print: true, copy: false, watermark: "Ben" };
    expect((await grants.find(grant.id))?.restrictions).toEqual(restrictions);
    await links.change(link.id, { restrictions: { download: false, print: false, copy: true, watermark: false } });
    expect((await grants.find(grant.id))?.restrictions).toEqual({ download: false, print: false, copy: true });
  });

  it("ends when the link is revoked, and for good", async () => {
    const { clock, grants, links, linked, renew } = freshStage();
    const { link, grant } = await linked();
    const ticket = await grants.issueTicket(grant.id);
    clock.advance(1000);
    await links.revoke(link.id);
    expect((await grants.find(grant.id))?.revokedAtMs).toBe(startMs + 1000);
    expect((await grants.findEnded(grant.id))?.id).toBe(grant.id);
    expect(await renew(grant.id)).toBeUndefined();
    await expect(grants.redeemTicket(ticket)).rejects.toThrow("ticketInvalid");
    clock.advance(hourMs);
    expect(await grants.findEnded(grant.id)).toBeUndefined();
  });

  it("ends when the link runs out, and lives again when that is given more time", async () => {
    const { clock, grants, links, linked, renew } = freshStage();
    const { link, grant } = await linked({ expiresAtMs: startMs + 1000 });
    clock.advance(999);
    expect(await grants.find(grant.id)).not.toHaveProperty("revokedAtMs");
    clock.advance(1);
    expect((await grants.find(grant.id))?.revokedAtMs).toBe(startMs + 1000);
    expect(await renew(grant.id)).toBeUndefined();
    await links.change(link.id, { expiresAtMs: null });
    expect(await grants.find(grant.id)).not.toHaveProperty("revokedAtMs");
    expect(await renew(grant.id)).toBeDefined();
  });

  it("gives no right when the link is not known at all, as after a loss of the store", async () => {
    const { store, grants, linked, renew } = freshStage();
    const { link, grant } = await linked();
    await put(store, `link:${link.id}`, undefined);
    expect((await grants.find(grant.id))?.revokedAtMs).toBeDefined();
    expect(await renew(grant.id)).toBeUndefined();
    expect(await grants.findEnded(grant.id)).toBeDefined();
  });

  it("keeps no more than it was issued with when it is renewed", async () => {
    const { clock, grants, links, linked, renew } = freshStage();
    const { link, grant } = await linked();
    await links.change(link.id, { permission: "view" });
    clock.advance(1000);
    expect(await renew(grant.id)).toMatchObject({ permission: "view", lostEditingAtMs: startMs });
    await links.change(link.id, { permission: "edit" });
    expect(await grants.find(grant.id)).toEqual({
      ...grant,
      restrictions: { download: false, print: false, copy: false },
      expiresAtMs: startMs + 1000 + hourMs,
    });
  });
});

describe("a grant that its person has opened by signing in", () => {
  const alices = { ...facts, issuedTo: "person:u1" };

  it.each([
    ["before the first sign-out everywhere", undefined],
    ["after another one", "an old generation"],
  ])("ends with a sign-out everywhere, and so does what was made through it: opened %s", async (_when, generation) => {
    const { clock, store, grants, renew } = freshStage();
    const grant = await grants.issue({ ...alices, ...(generation === undefined ? {} : { generation }) });
    const [ticket, key] = [await grants.issueTicket(grant.id), await grants.issuePageKey(grant)];
    clock.advance(1000);
    await signOutEverywhere(store, "u1", clock.now());
    const derived = await grants.issue({ ...alices, derivedFrom: grant.id, generation: "whatever" });
    for (const { id } of [grant, derived]) {
      expect(await grants.find(id)).toMatchObject({ revokedAtMs: startMs + 1000, revokedWith: "signedOut" });
      expect(await renew(id)).toBeUndefined();
    }
    await expect(grants.redeemTicket(ticket)).rejects.toThrow("ticketInvalid");
    expect((await grants.behindPageKey(key)).ended).toBe("signedOut");
  });

  it("lives when it was opened by a sign-in that came afterwards, or is another's, or a link's", async () => {
    const { store, grants, linked } = freshStage();
    await signOutEverywhere(store, "u1", startMs);
    const generation = (await lastSignOut(store, "u1"))?.generation ?? "";
    const { grant } = await linked();
    const living = [
      await grants.issue({ ...alices, generation }),
      await grants.issue({ ...facts, issuedTo: "person:u10" }),
      await grants.issue(facts),
      grant,
    ];
    for (const { id } of living) expect(await grants.find(id)).not.toHaveProperty("revokedAtMs");
  });
});

describe("the last save of a grant", () => {
  const minutesMs = 5 * 60_000;

  it.each([
    ["its expiry", {}, startMs + hourMs],
    ["its revocation", { revokedAtMs: startMs + 5 }, startMs + 5],
    ["the loss of editing", { permission: "view", lostEditingAtMs: startMs + 7 }, startMs + 7],
    ["the first of all", { permission: "view", lostEditingAtMs: startMs + 7, revokedAtMs: startMs + 9 }, startMs + 7],
  ] as const)("is taken for five minutes from %s", (_what, more, endMs) => {
    expect(lastSaveUntilMs({ ...facts, id: "g1", ...more })).toBe(endMs + minutesMs);
  });

  it("is none of one that never could edit, and not counted from anew when the link ends as well", async () => {
    expect(lastSaveUntilMs({ ...facts, id: "g1", permission: "view", revokedAtMs: startMs })).toBeUndefined();
    const { clock, grants, links, linked } = freshStage();
    const { link, grant } = await linked();
    await links.change(link.id, { permission: "view" });
    clock.advance(hourMs / 2);
    await links.revoke(link.id);
    const ended = await grants.find(grant.id);
    expect(ended && lastSaveUntilMs(ended)).toBe(startMs + minutesMs);
  });

  it("is none of a link that was turned by a bridge which did not note when", async () => {
    const { clock, store, grants, linked } = freshStage();
    const { link, grant } = await linked();
    clock.advance(hourMs / 2);
    await put(store, `link:${link.id}`, JSON.stringify({ ...link, permission: "view" }));
    const found = await grants.find(grant.id);
    expect(found && lastSaveUntilMs(found)).toBe(startMs + minutesMs);
  });
});

describe("a renewal", () => {
  it("makes a grant live on from now, for every instance", async () => {
    const { clock, store, grants, renew, links } = freshStage();
    const { id } = await grants.issue(facts);
    clock.advance(hourMs - 1);
    expect((await renew(id))?.expiresAtMs).toBe(startMs + 2 * hourMs - 1);
    clock.advance(hourMs - 1);
    expect(await new AccessGrants(store, links, clock.now).find(id)).toBeDefined();
  });

  it("never goes beyond the moment that was set when it was issued", async () => {
    const { clock, grants, renew } = freshStage();
    const { id } = await grants.issue(facts);
    for (let half = 1; half < 10; half++) {
      clock.advance(hourMs / 2);
      expect((await renew(id))?.expiresAtMs).toBe(Math.min(clock.now() + hourMs, facts.renewableUntilMs));
    }
    clock.advance(hourMs / 2);
    expect(await grants.find(id)).toBeUndefined();
    expect(await renew(id)).toBeUndefined();
  });

  it("never shortens a grant, and writes nothing when there is nothing to gain", async () => {
    const { store, grants } = freshStage();
    const { id } = await grants.issue(facts);
    const before = store.swaps.length;
    expect((await grants.renew(id, 1000))?.expiresAtMs).toBe(facts.expiresAtMs);
    expect(store.swaps).toHaveLength(before);
  });

  it("brings back none that has expired, was revoked, or never was", async () => {
    const { clock, grants, renew } = freshStage();
    const revoked = await grants.issue(facts);
    await grants.revoke(revoked.id);
    expect(await renew(revoked.id)).toBeUndefined();
    const expired = await grants.issue(facts);
    clock.advance(hourMs);
    expect(await renew(expired.id)).toBeUndefined();
    expect(await grants.find(expired.id)).toBeUndefined();
    expect(await renew("never")).toBeUndefined();
  });

  it("does not undo a revocation that comes at the same time", async () => {
    const { clock, store, grants, links, renew } = freshStage();
    const { id } = await grants.issue(facts);
    const other = new AccessGrants(store, links, clock.now);
    clock.advance(1000);
    store.beforeNextSwap(() => other.revoke(id));
    expect(await renew(id)).toBeUndefined();
    expect((await grants.find(id))?.revokedAtMs).toBe(startMs + 1000);
  });
});

describe("what a grant allows beside saving", () => {
  it("is never more through a link than new files, and renaming as the link says at the moment", async () => {
    const { grants, links, linked, renew } = freshStage();
    const { link, grant } = await linked({}, { saveAs: "overwrite", mayRename: true });
    expect(await grants.find(grant.id)).toMatchObject({ saveAs: "new", mayRename: false });
    await links.change(link.id, { mayRename: true });
    expect(await grants.find(grant.id)).toMatchObject({ saveAs: "new", mayRename: true });
    expect(await renew(grant.id)).toMatchObject({ saveAs: "new", mayRename: true });
    await links.change(link.id, { mayRename: false });
    expect(await grants.find(grant.id)).toMatchObject({ mayRename: false });
    const { grant: none } = await linked({}, { saveAs: "none" });
    expect(await grants.find(none.id)).toMatchObject({ saveAs: "none" });
  });

  it("is new files, and renaming without a link, for one that an older bridge has kept", async () => {
    const { grants, links, store, linked } = freshStage();
    const age = async ({ saveAs: _saveAs, mayRename: _mayRename, ...older }: AccessGrant) =>
      put(store, `grant:${older.id}`, JSON.stringify(older), older.expiresAtMs);
    const portals = await grants.issue({ ...facts, saveAs: "overwrite" });
    await age(portals);
    expect(await grants.find(portals.id)).toMatchObject({ saveAs: "new", mayRename: true });
    const { link, grant } = await linked();
    await age(grant);
    expect(await grants.find(grant.id)).toMatchObject({ saveAs: "new", mayRename: false });
    await links.change(link.id, { mayRename: true });
    expect(await grants.find(grant.id)).toMatchObject({ mayRename: true });
  });

  it.each([
    ["person:u1", true, "person:u1"],
    ["person:u2", false, "person:u2"],
    ["link:l1", false, "link:l1"],
    ["u1", false, "portal:u1"],
    ["jwt:https://id.example", false, "portal:jwt:https://id.example"],
  ])("is the owner's own when he has signed in himself: %s", (issuedTo, isOwner, through) => {
    expect(isOwners({ issuedTo, ownerId: "u1" })).toBe(isOwner);
    expect(cameThrough({ issuedTo })).toBe(through);
  });
});

describe("a grant made through another, as by Save As", () => {
  it("ends with that one, at once, whether it was revoked itself or lost its link", async () => {
    const { grants, links, linked } = freshStage();
    const origin = await grants.issue(facts);
    const derived = await grants.issue({ ...facts, derivedFrom: origin.id });
    await grants.revoke(origin.id);
    expect((await grants.find(derived.id))?.revokedAtMs).toBe(startMs);
    const { link, grant } = await linked();
    const through = await grants.issue({ ...facts, derivedFrom: grant.id, linkId: link.id });
    await links.revoke(link.id);
    expect((await grants.find(through.id))?.revokedAtMs).toBe(startMs);
  });

  it("can be ended by that one for as long as it is renewed, though only its own page is open", async () => {
    const { clock, grants, renew } = freshStage();
    const origin = await grants.issue(facts);
    const derived = await grants.issue({ ...facts, derivedFrom: origin.id });
    for (let half = 0; half < 6; half++) {
      clock.advance(hourMs / 2);
      expect(await renew(derived.id)).toBeDefined();
    }
    expect(await grants.revoke(origin.id)).toBeDefined();
    expect((await grants.find(derived.id))?.revokedAtMs).toBe(clock.now());
    expect(await renew(derived.id)).toBeUndefined();
  });

  it("does not come back to life when that one is forgotten", async () => {
    const { clock, grants, renew } = freshStage();
    const origin = await grants.issue({ ...facts, renewableUntilMs: startMs + 90 * hourMs });
    const derived = await grants.issue({ ...facts, renewableUntilMs: startMs + 90 * hourMs, derivedFrom: origin.id });
    await grants.renew(derived.id, 10 * hourMs);
    await grants.revoke(origin.id);
    for (let hour = 0; hour < 12; hour++) {
      clock.advance(hourMs - 1);
      const found = await grants.find(derived.id);
      expect(found === undefined || found.revokedAtMs !== undefined).toBe(true);
      expect(await renew(derived.id)).toBeUndefined();
    }
  });

  it("leaves that one alive when it ends", async () => {
    const { grants } = freshStage();
    const origin = await grants.issue(facts);
    const derived = await grants.issue({ ...facts, derivedFrom: origin.id });
    await grants.revoke(derived.id);
    expect(await grants.find(origin.id)).not.toHaveProperty("revokedAtMs");
  });
});

describe("a host page's key", () => {
  it("leads to its grant as often as one asks, and stands nowhere in the store", async () => {
    const { store, grants } = freshStage();
    const grant = await grants.issue(facts);
    const key = await grants.issuePageKey(grant);
    expect(key).toMatch(/^[A-Za-z0-9_-]{32}$/);
    for (const _again of [1, 2]) expect(await grants.behindPageKey(key)).toEqual({ grant, ended: undefined });
    expect(await storedText(store)).not.toContain(key);
  });

  it("is no ticket, and a ticket is no key", async () => {
    const { grants } = freshStage();
    const grant = await grants.issue(facts);
    await expect(grants.redeemTicket(await grants.issuePageKey(grant))).rejects.toThrow("ticketInvalid");
    for (const guess of [await grants.issueTicket(grant.id), grant.id, "", "guess"]) {
      const reason = await grants.behindPageKey(guess).catch((error: unknown) => error);
      expect(failureOf(reason, "ticketInvalid")).toBeDefined();
    }
  });

  it("tells for an hour that its grant has expired, and is then unknown", async () => {
    const { clock, grants } = freshStage();
    const key = await grants.issuePageKey(await grants.issue(facts));
    clock.advance(hourMs);
    expect((await grants.behindPageKey(key)).ended).toBe("expired");
    clock.advance(hourMs);
    await expect(grants.behindPageKey(key)).rejects.toThrow("ticketInvalid");
  });

  it("stays good for as long as its grant is renewed", async () => {
    const { clock, grants, renew } = freshStage();
    const grant = await grants.issue(facts);
    const key = await grants.issuePageKey(grant);
    for (let half = 0; half < 9; half++) {
      clock.advance(hourMs / 2);
      await renew(grant.id);
      expect((await grants.behindPageKey(key)).ended).toBeUndefined();
    }
    clock.advance(hourMs / 2);
    expect((await grants.behindPageKey(key)).ended).toBe("expired");
  });

  it("tells whether the session, the link or its time has ended", async () => {
    const { clock, store, grants, links, linked } = freshStage();
    const endOf = async (grant: AccessGrant, end: () => Promise<unknown>) => {
      const key = await grants.issuePageKey(grant);
      await end();
      return (await grants.behindPageKey(key)).ended;
    };
    const plain = await grants.issue(facts);
    expect(await endOf(plain, () => grants.revoke(plain.id))).toBe("revoked");
    const cut = await linked();
    expect(await endOf(cut.grant, () => links.revoke(cut.link.id))).toBe("linkRevoked");
    const lost = await linked();
    expect(await endOf(lost.grant, () => put(store, `link:${lost.link.id}`, undefined))).toBe("linkRevoked");
    const short = await linked({ expiresAtMs: startMs + 1000 });
    expect(await endOf(short.grant, async () => clock.advance(1000))).toBe("linkExpired");
  });
});
