import { describe, expect, it } from "vitest";
import {
  type AccessGrant,
  AccessGrants,
  editorOrigin,
  ticketLifetimeMs,
  wopiFileId,
} from "../../src/documents/grants.ts";
import { EditLinks } from "../../src/links/links.ts";
import { failureOf } from "../../src/model/failure.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { setClock } from "../support/clock.ts";
import { storedText } from "../support/watchedStore.ts";

const startMs = Date.parse("2026-11-21T08:15:00Z");
const hourMs = 3_600_000;

const facts: Omit<AccessGrant, "id"> = {
  document: { account: "alice", fileId: "f1" },
  fileName: "Report.docx",
  permission: "edit",
  person: { id: "p1", name: "Ann" },
  ownerId: "u1",
  restrictions: { print: true },
  saveAs: "new",
  mayRename: true,
  actionUrl: "https://office.example:9980/browser/cool.html?WOPISrc=x",
  language: "de",
  issuedTo: "intranet",
  issuedAtMs: startMs,
  expiresAtMs: startMs + hourMs,
  renewableUntilMs: startMs + hourMs,
};

function freshGrants() {
  const clock = setClock(startMs);
  const store = openMemoryStore(clock.now);
  return { clock, store, grants: new AccessGrants(store, new EditLinks(store, clock.now), clock.now) };
}

async function expectNoTicket(work: Promise<unknown>): Promise<void> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(failureOf(error, "ticketInvalid")).toBeDefined();
}

describe("a grant", () => {
  it("is found under its id as it was issued", async () => {
    const { grants } = freshGrants();
    const grant = await grants.issue(facts);
    expect(await grants.find(grant.id)).toEqual({ ...facts, id: grant.id });
  });

  it("has an id of its own that nobody guesses", async () => {
    const { grants } = freshGrants();
    const ids = await Promise.all(Array.from({ length: 50 }, async () => (await grants.issue(facts)).id));
    expect(new Set(ids).size).toBe(50);
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]{16}$/);
  });

  it("is unknown under any other id", async () => {
    const { grants } = freshGrants();
    await grants.issue(facts);
    expect(await grants.find("other")).toBeUndefined();
    expect(await grants.find("")).toBeUndefined();
  });

  it("ends at its expiry, to the millisecond", async () => {
    const { clock, grants } = freshGrants();
    const { id } = await grants.issue(facts);
    clock.advance(hourMs - 1);
    expect(await grants.find(id)).toBeDefined();
    clock.advance(1);
    expect(await grants.find(id)).toBeUndefined();
  });

  it("ends at its expiry even on a store that is late in dropping it", async () => {
    const clock = setClock(startMs);
    const lateStore = openMemoryStore(() => startMs);
    const grants = new AccessGrants(lateStore, new EditLinks(lateStore, clock.now), clock.now);
    const { id } = await grants.issue(facts);
    clock.advance(hourMs);
    expect(await grants.find(id)).toBeUndefined();
    expect(await grants.revoke(id)).toBeUndefined();
  });

  it("is seen by another instance on the same store", async () => {
    const { clock, store, grants } = freshGrants();
    const { id } = await grants.issue(facts);
    const other = new AccessGrants(store, new EditLinks(store, clock.now), clock.now);
    expect((await other.find(id))?.person.name).toBe("Ann");
  });
});

describe("a revoked grant", () => {
  it("stays on record with the moment of its end, until an hour after it would have expired", async () => {
    const { clock, store, grants } = freshGrants();
    const { id } = await grants.issue(facts);
    clock.advance(1000);
    expect((await grants.revoke(id))?.revokedAtMs).toBe(startMs + 1000);
    expect(await grants.find(id)).toEqual({ ...facts, id, revokedAtMs: startMs + 1000 });
    clock.advance(hourMs - 1000);
    expect(await grants.find(id)).toBeUndefined();
    clock.advance(hourMs);
    expect(await storedText(store)).toBe("");
  });

  it("can't be revoked again, so that its end does not move", async () => {
    const { clock, grants } = freshGrants();
    const { id } = await grants.issue(facts);
    await grants.revoke(id);
    clock.advance(1000);
    expect(await grants.revoke(id)).toBeUndefined();
    expect((await grants.find(id))?.revokedAtMs).toBe(startMs);
  });

  it("is revoked once when two ask at the same time", async () => {
    const { grants } = freshGrants();
    const { id } = await grants.issue(facts);
    const revoked = await Promise.all([grants.revoke(id), grants.revoke(id), grants.revoke(id)]);
    expect(revoked.filter((grant) => grant !== undefined)).toHaveLength(1);
  });

  it("is nothing when there was none", async () => {
    const { grants } = freshGrants();
    expect(await grants.revoke("never")).toBeUndefined();
  });
});

describe("a ticket", () => {
  it("opens its grant once", async () => {
    const { grants } = freshGrants();
    const { id } = await grants.issue(facts);
    const ticket = await grants.issueTicket(id);
    expect((await grants.redeemTicket(ticket)).id).toBe(id);
    await expectNoTicket(grants.redeemTicket(ticket));
  });

  it("shows what it would open as often as one asks, and still opens it", async () => {
    const { clock, grants } = freshGrants();
    const { id } = await grants.issue(facts);
    const ticket = await grants.issueTicket(id);
    expect((await grants.behindTicket(ticket)).id).toBe(id);
    expect((await grants.behindTicket(ticket)).id).toBe(id);
    expect((await grants.redeemTicket(ticket)).id).toBe(id);
    await expectNoTicket(grants.behindTicket(ticket));
    await expectNoTicket(grants.behindTicket("guess"));
    const late = await grants.issueTicket(id);
    clock.advance(ticketLifetimeMs);
    await expectNoTicket(grants.behindTicket(late));
    const revoked = await grants.issueTicket(id);
    await grants.revoke(id);
    await expectNoTicket(grants.behindTicket(revoked));
  });

  it("opens its grant for one of many who come at the same time", async () => {
    const { grants } = freshGrants();
    const ticket = await grants.issueTicket((await grants.issue(facts)).id);
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => grants.redeemTicket(ticket)));
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  it("is good for five minutes, to the millisecond", async () => {
    expect(ticketLifetimeMs).toBe(300_000);
    const { clock, grants } = freshGrants();
    const { id } = await grants.issue(facts);
    const early = await grants.issueTicket(id);
    const late = await grants.issueTicket(id);
    clock.advance(ticketLifetimeMs - 1);
    expect((await grants.redeemTicket(early)).id).toBe(id);
    clock.advance(1);
    await expectNoTicket(grants.redeemTicket(late));
  });

  it("is refused when nobody ever issued it", async () => {
    const { grants } = freshGrants();
    await expectNoTicket(grants.redeemTicket("guess"));
    await expectNoTicket(grants.redeemTicket(""));
  });

  it("is refused, and used up, when its grant has been revoked or has expired", async () => {
    const { clock, grants } = freshGrants();
    const revoked = await grants.issue(facts);
    const revokedTicket = await grants.issueTicket(revoked.id);
    await grants.revoke(revoked.id);
    await expectNoTicket(grants.redeemTicket(revokedTicket));
    const short = await grants.issue({ ...facts, expiresAtMs: startMs + 1000 });
    const shortTicket = await grants.issueTicket(short.id);
    clock.advance(1000);
    await expectNoTicket(grants.redeemTicket(shortTicket));
  });

  it("is not in the store, and neither is a grant id in the ticket", async () => {
    const { store, grants } = freshGrants();
    const { id } = await grants.issue(facts);
    const ticket = await grants.issueTicket(id);
    expect(await storedText(store)).not.toContain(ticket);
    expect(ticket).not.toContain(id);
    expect(ticket).toMatch(/^[A-Za-z0-9_-]{32}$/);
  });
});

describe("the last segment of WOPISrc", () => {
  it("is the file's id, the same for everybody", () => {
    expect(wopiFileId({ account: "alice", fileId: "f1" })).toBe("f1");
    expect(wopiFileId({ account: "bob", fileId: "f1" })).toBe("f1");
  });

  it("is another for an old version, so that editors do not join it to the live document", () => {
    const old = wopiFileId({ account: "alice", fileId: "f1", version: "v3" });
    expect(old).not.toBe("f1");
    expect(old).not.toBe(wopiFileId({ account: "alice", fileId: "f1", version: "v4" }));
    expect(old).toMatch(/^[A-Za-z0-9_-]+$/);
  });
});

describe("the editor of a grant", () => {
  it("is the origin of its action URL, port included, whatever the path and the query", () => {
    expect(editorOrigin({ ...facts, id: "g" })).toBe("https://office.example:9980");
    expect(editorOrigin({ ...facts, id: "g", actionUrl: "https://office.example:443/hosting?x=https://evil" })).toBe(
      "https://office.example",
    );
  });
});
