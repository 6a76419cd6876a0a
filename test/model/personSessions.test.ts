import { describe, expect, it } from "vitest";
import { PersonSessions, sessionLifetimeMs } from "../../src/model/personSessions.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { setClock } from "../support/clock.ts";
import { storedText, watchedStore } from "../support/watchedStore.ts";

const hourMs = 3_600_000;
const ann = { id: "aB3x", name: "Ann", account: "acc-ann" };

async function signedIn(person = ann) {
  const clock = setClock(Date.parse("2026-11-21T08:15:00Z"));
  const store = watchedStore(openMemoryStore(clock.now));
  const sessions = new PersonSessions(store, clock.now);
  return { clock, store, sessions, other: new PersonSessions(store, clock.now), ...(await sessions.start(person)) };
}

/** @returns the new secret of a session whose hour is over, not yet sent back */
async function offered(stage: Awaited<ReturnType<typeof signedIn>>): Promise<string> {
  stage.clock.advance(hourMs);
  const found = await stage.sessions.find(stage.sessionId, stage.secret);
  if (found?.freshSecret === undefined) throw new Error("no new secret was offered");
  return found.freshSecret;
}

describe("a session", () => {
  it("is found by its secret, on every instance", async () => {
    const { sessions, other, sessionId, secret } = await signedIn();
    const found = { person: ann, sessionId, freshSecret: undefined };
    expect(await sessions.find(sessionId, secret)).toEqual(found);
    expect(await other.find(sessionId, secret)).toEqual(found);
  });

  it("is found by nothing else, and a wrong secret does not end it", async () => {
    const { store, sessions, sessionId, secret } = await signedIn();
    const hash = /"secretHash":"([^"]+)"/.exec(await storedText(store))?.[1] ?? "";
    for (const guess of ["", "x", hash, sessionId, secret.slice(1), `${secret}x`]) {
      expect(await sessions.find(sessionId, guess)).toBeUndefined();
    }
    expect(await sessions.find("", secret)).toBeUndefined();
    expect(await sessions.find(`${sessionId}x`, secret)).toBeUndefined();
    expect(await sessions.find(sessionId, secret)).toBeDefined();
  });

  it("keeps its secrets as hashes alone, also while they change", async () => {
    const stage = await signedIn();
    const next = await offered(stage);
    const text = await storedText(stage.store);
    expect(text).not.toContain(stage.secret);
    expect(text).not.toContain(next);
    expect(next).toMatch(/^[A-Za-z0-9_-]{32}$/);
  });

  it("ends when it was not used for two weeks, and lives on while it is", async () => {
    const { clock, sessions, sessionId, secret } = await signedIn();
    let current = secret;
    for (let week = 0; week < 4; week++) {
      clock.advance(sessionLifetimeMs / 2);
      current = (await sessions.find(sessionId, current))?.freshSecret ?? "";
      expect(current).not.toBe("");
      await sessions.find(sessionId, current);
    }
    clock.advance(sessionLifetimeMs);
    expect(await sessions.find(sessionId, current)).toBeUndefined();
  });

  it("costs no write while its secret is young", async () => {
    const { clock, store, sessions, sessionId, secret } = await signedIn();
    const before = store.swaps.length;
    clock.advance(hourMs - 1);
    expect((await sessions.find(sessionId, secret))?.freshSecret).toBeUndefined();
    expect(store.swaps).toHaveLength(before);
  });
});

describe("the new secret after an hour", () => {
  it("is good from then on, and the old one for a minute, for what other tabs have sent", async () => {
    const stage = await signedIn();
    const { clock, sessions, sessionId, secret } = stage;
    const next = await offered(stage);
    expect(await sessions.find(sessionId, next)).toEqual({ person: ann, sessionId, freshSecret: undefined });
    clock.advance(59_999);
    expect(await sessions.find(sessionId, secret)).toEqual({ person: ann, sessionId, freshSecret: undefined });
    expect(await sessions.find(sessionId, next)).toBeDefined();
  });

  it("is handed to one of two tabs that come at the same time, and both are let in", async () => {
    const { clock, sessions, other, store, sessionId, secret } = await signedIn();
    clock.advance(hourMs);
    let first: Promise<unknown> = Promise.resolve();
    store.beforeNextSwap(() => {
      first = other.find(sessionId, secret);
      return first;
    });
    const second = await sessions.find(sessionId, secret);
    expect(second).toEqual({ person: ann, sessionId, freshSecret: undefined });
    expect(await first).toMatchObject({ person: ann, freshSecret: expect.stringMatching(/./) });
  });

  it("is let in when two tabs bring it back at the same time", async () => {
    const stage = await signedIn();
    const { sessions, other, store, sessionId } = stage;
    const next = await offered(stage);
    store.beforeNextSwap(() => other.find(sessionId, next));
    expect(await sessions.find(sessionId, next)).toBeDefined();
    expect(await sessions.find(sessionId, next)).toBeDefined();
  });

  it("may be lost on its way: the old one stays good, and another is offered a minute later", async () => {
    const stage = await signedIn();
    const { clock, sessions, sessionId, secret } = stage;
    const lost = await offered(stage);
    clock.advance(59_999);
    expect((await sessions.find(sessionId, secret))?.freshSecret).toBeUndefined();
    clock.advance(1);
    const next = (await sessions.find(sessionId, secret))?.freshSecret ?? "";
    expect(next).not.toBe("");
    expect(await sessions.find(sessionId, lost)).toBeUndefined();
    expect(await sessions.find(sessionId, next)).toBeDefined();
    clock.advance(hourMs - 1);
    expect((await sessions.find(sessionId, next))?.freshSecret).toBeUndefined();
  });

  it("ends the session when the old one comes back late: somebody has copied it", async () => {
    const stage = await signedIn();
    const { clock, sessions, sessionId, secret } = stage;
    const next = await offered(stage);
    await sessions.find(sessionId, next);
    clock.advance(60_000);
    expect(await sessions.find(sessionId, secret)).toBeUndefined();
    expect(await sessions.find(sessionId, next)).toBeUndefined();
  });

  it("ends with all others of the person, and one begun afterwards does not", async () => {
    const { sessions, other, sessionId, secret } = await signedIn();
    await other.endAll(ann.id);
    expect(await sessions.find(sessionId, secret)).toBeUndefined();
    const next = await sessions.start(ann);
    expect((await other.find(next.sessionId, next.secret))?.generation).toBeDefined();
  });

  it("can't outlive a sign-out everywhere that comes while it begins", async () => {
    const { store, sessions, other } = await signedIn();
    store.beforeNextSwap(() => other.endAll(ann.id));
    const { sessionId, secret } = await sessions.start(ann);
    expect(await sessions.find(sessionId, secret)).toBeUndefined();
  });

  it("does not bring back a session that ends at the same time", async () => {
    const { clock, sessions, other, store, sessionId, secret } = await signedIn();
    clock.advance(hourMs);
    store.beforeNextSwap(() => other.endAll(ann.id));
    expect(await sessions.find(sessionId, secret)).toBeUndefined();
    expect(await storedText(store)).not.toContain("personSession:");
  });
});

describe("signing out", () => {
  it("ends this session and no other of the same person", async () => {
    const { sessions, sessionId, secret } = await signedIn();
    const phone = await sessions.start(ann);
    await sessions.end(sessionId);
    expect(await sessions.find(sessionId, secret)).toBeUndefined();
    expect(await sessions.find(phone.sessionId, phone.secret)).toBeDefined();
    await sessions.end(sessionId);
  });

  it("everywhere ends all of this person's sessions, and nobody else's whose id begins alike", async () => {
    const { sessions, sessionId, secret } = await signedIn({ ...ann, id: "a" });
    const phone = await sessions.start({ ...ann, id: "a" });
    const others = await Promise.all(["ab", "a.b", "a.", "b", ""].map((id) => sessions.start({ ...ann, id })));
    await sessions.endAll("a");
    expect(await sessions.find(sessionId, secret)).toBeUndefined();
    expect(await sessions.find(phone.sessionId, phone.secret)).toBeUndefined();
    for (const other of others) expect(await sessions.find(other.sessionId, other.secret)).toBeDefined();
  });
});
