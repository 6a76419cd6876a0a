import { describe, expect, it } from "vitest";
import { FileActivity, seenWithinMs } from "../../src/documents/activity.ts";
import type { AccessGrant } from "../../src/documents/grants.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { setClock } from "../support/clock.ts";
import { until } from "../support/until.ts";
import { storedText, watchedStore } from "../support/watchedStore.ts";

const startMs = Date.parse("2026-11-21T08:15:00Z");
const dayMs = 24 * 3_600_000;
const ann = { id: "p1", name: "Ann" };

const grant: AccessGrant = {
  id: "grant-ann",
  document: { account: "alice", fileId: "f1" },
  fileName: "Report.docx",
  permission: "edit",
  person: { ...ann, email: "ann@example.org" },
  ownerId: "u1",
  restrictions: {},
  saveAs: "new",
  mayRename: true,
  actionUrl: "https://office.example/",
  language: "en-US",
  issuedTo: "intranet",
  issuedAtMs: startMs,
  expiresAtMs: startMs + dayMs,
  renewableUntilMs: startMs + dayMs,
};
const bens: AccessGrant = { ...grant, id: "grant-ben", permission: "view", person: { id: "p2", name: "Ben" } };

function freshActivity() {
  const clock = setClock(startMs);
  const store = watchedStore(openMemoryStore(clock.now));
  const other = new FileActivity(store, clock.now);
  return { clock, store, activity: new FileActivity(store, clock.now), other };
}

describe("who has a file open", () => {
  it("is nobody to begin with, and asking writes nothing", async () => {
    const { store, activity } = freshActivity();
    expect(await activity.of("f1")).toEqual({ sessions: [] });
    expect(store.swaps).toEqual([]);
  });

  it("is whoever was heard of, the latest first, by name and without the e-mail address", async () => {
    const { clock, store, activity } = freshActivity();
    await activity.seen(grant);
    clock.advance(1000);
    await activity.seen(bens);
    expect((await activity.of("f1")).sessions).toEqual([
      {
        grantId: "grant-ben",
        person: { id: "p2", name: "Ben" },
        permission: "view",
        openedAtMs: startMs + 1000,
        seenAtMs: startMs + 1000,
        hasPage: true,
        called: {},
      },
      {
        grantId: "grant-ann",
        person: ann,
        permission: "edit",
        openedAtMs: startMs,
        seenAtMs: startMs,
        hasPage: true,
        called: {},
      },
    ]);
    expect(await storedText(store)).not.toContain("example.org");
  });

  it("is kept apart for each file", async () => {
    const { activity } = freshActivity();
    await activity.seen(grant);
    await activity.seen({ ...grant, id: "g2", document: { account: "alice", fileId: "f" } });
    expect((await activity.of("f1")).sessions.map(({ grantId }) => grantId)).toEqual(["grant-ann"]);
    expect((await activity.of("f2")).sessions).toEqual([]);
  });

  it("costs a write every thirty seconds at most, whoever asks how often", async () => {
    const { clock, store, activity } = freshActivity();
    await activity.seen(grant);
    clock.advance(29_999);
    await activity.seen(grant);
    expect(store.swaps).toHaveLength(1);
    clock.advance(1);
    await activity.seen(grant);
    expect(store.swaps).toHaveLength(2);
    expect((await activity.of("f1")).sessions).toMatchObject([{ openedAtMs: startMs, seenAtMs: startMs + 30_000 }]);
  });

  it("is recorded together when very many pages are still there, and at once when one is new", async () => {
    const { clock, store, activity } = freshActivity();
    const pages = Array.from({ length: 40 }, (_, at) => ({
      ...grant,
      id: `g${at}`,
      document: { account: "alice", fileId: `f${at}` },
    }));
    for (const page of pages) await activity.seen(page);
    expect(store.swaps).toHaveLength(40);
    clock.advance(30_000);
    for (const page of pages) await activity.seen(page);
    const atOnce = store.swaps.length - 40;
    await activity.seen(bens);
    expect((await activity.of("f1")).sessions.map(({ grantId }) => grantId)).toContain("grant-ben");
    expect(atOnce).toBeLessThan(10);
    await until("all are recorded", () => store.swaps.length === 81);
    for (const at of [0, 20, 39]) {
      expect((await activity.of(`f${at}`)).sessions).toMatchObject([{ seenAtMs: startMs + 30_000 }]);
    }
  });

  it("is there again at once after it counted as closed, however many others are still there", async () => {
    const { clock, activity } = freshActivity();
    const pages = Array.from({ length: 12 }, (_, at) => ({ ...grant, id: `g${at}` }));
    for (const page of pages) await activity.seen(page);
    clock.advance(seenWithinMs);
    for (const page of pages) await activity.seen(page);
    expect((await activity.of("f1")).sessions).toHaveLength(12);
  });

  it("does not come back when its page is closed before it was recorded", async () => {
    const { clock, activity } = freshActivity();
    const pages = Array.from({ length: 12 }, (_, at) => ({ ...grant, id: `g${at}` }));
    for (const page of pages) await activity.seen(page);
    clock.advance(30_000);
    for (const page of pages) await activity.seen(page);
    for (const page of pages.slice(0, -1)) await activity.left(page);
    const ids = async () => (await activity.of("f1")).sessions.map(({ grantId }) => grantId);
    await until("the one that stays is recorded", async () => {
      const [stays] = (await activity.of("f1")).sessions;
      return stays?.seenAtMs === startMs + 30_000;
    });
    expect(await ids()).toEqual(["g11"]);
  });

  it("notes at once what an editor asks for the first time, and keeps that", async () => {
    const { clock, store, activity } = freshActivity();
    await activity.seen(grant);
    await activity.seen(grant, "checkFileInfo");
    await activity.seen(grant, "checkFileInfo");
    await activity.seen(grant, "getFile");
    expect(store.swaps).toHaveLength(3);
    clock.advance(60_000);
    await activity.seen(grant);
    expect((await activity.of("f1")).sessions[0]?.called).toEqual({ checkFileInfo: true, getFile: true });
  });

  it("shows no session that was not heard of for three minutes, and shows it anew when it is", async () => {
    const { clock, activity } = freshActivity();
    await activity.seen(grant);
    clock.advance(seenWithinMs - 1);
    expect((await activity.of("f1")).sessions).toHaveLength(1);
    clock.advance(1);
    expect((await activity.of("f1")).sessions).toEqual([]);
    await activity.seen(grant);
    expect((await activity.of("f1")).sessions).toMatchObject([{ openedAtMs: startMs, seenAtMs: startMs + 180_000 }]);
    expect(seenWithinMs).toBe(180_000);
  });

  it("is no longer who has closed the page, at once", async () => {
    const { store, activity } = freshActivity();
    await activity.seen(grant);
    await activity.seen(bens);
    await activity.left(grant);
    expect((await activity.of("f1")).sessions.map(({ grantId }) => grantId)).toEqual(["grant-ben"]);
    const before = store.swaps.length;
    await activity.left(grant);
    expect(store.swaps).toHaveLength(before);
  });

  it("loses none of two who are heard of at the same time through two processes", async () => {
    const { store, activity, other } = freshActivity();
    store.beforeNextSwap(() => other.seen(bens));
    await activity.seen(grant);
    expect((await activity.of("f1")).sessions.map(({ grantId }) => grantId)).toEqual(["grant-ann", "grant-ben"]);
  });

  it("is a hundred at most", async () => {
    const { activity } = freshActivity();
    for (let at = 0; at < 101; at++) await activity.seen({ ...grant, id: `g${at}` });
    const { sessions } = await activity.of("f1");
    expect(sessions).toHaveLength(100);
    expect(sessions[0]?.grantId).toBe("g100");
  });
});

describe("how the saves of a file went", () => {
  it("tells that one is on its way, and then that it is in", async () => {
    const { clock, activity } = freshActivity();
    await activity.saving("f1");
    expect(await activity.of("f1")).toEqual({ sessions: [], savingSinceMs: startMs });
    clock.advance(1000);
    await activity.saved("f1", grant.person, "v2");
    expect(await activity.of("f1")).toEqual({
      sessions: [],
      lastSave: { atMs: startMs + 1000, person: ann, version: "v2" },
    });
  });

  it("tells that one is not in, why, and where it is", async () => {
    const { clock, activity } = freshActivity();
    await activity.saved("f1", ann, "v1");
    clock.advance(1000);
    await activity.saving("f1");
    await activity.notSaved("f1", { person: ann, why: "driveUnreachable", keptIn: "spool" });
    const after = await activity.of("f1");
    expect(after).toEqual({
      sessions: [],
      lastSave: { atMs: startMs, person: ann, version: "v1" },
      lastFailedSave: { atMs: startMs + 1000, person: ann, why: "driveUnreachable", keptIn: "spool" },
    });
  });

  it("keeps the failed save on record after a later one went in, since a copy stays where it is", async () => {
    const { clock, activity } = freshActivity();
    const copy = { person: ann, why: "lockMismatch", keptIn: "copy", copyName: "Report (conflict).docx" } as const;
    await activity.notSaved("f1", copy);
    clock.advance(1000);
    await activity.saved("f1", ann, "v2");
    expect(await activity.of("f1")).toMatchObject({ lastSave: { version: "v2" }, lastFailedSave: copy });
  });

  it("does not disturb who has it open, nor the other way about", async () => {
    const { store, activity, other } = freshActivity();
    await activity.seen(grant);
    store.beforeNextSwap(() => other.seen(bens));
    await activity.saved("f1", ann, "v2");
    activity.saving("f1");
    await activity.left(bens);
    expect(await activity.of("f1")).toMatchObject({
      sessions: [{ grantId: "grant-ann" }],
      savingSinceMs: startMs,
      lastSave: { version: "v2" },
    });
  });

  it("is forgotten a month after the last thing that happened", async () => {
    const { clock, store, activity } = freshActivity();
    await activity.saved("f1", ann, "v1");
    clock.advance(30 * dayMs - 1);
    expect((await activity.of("f1")).lastSave).toBeDefined();
    clock.advance(1);
    expect(await activity.of("f1")).toEqual({ sessions: [] });
    expect(await storedText(store)).toBe("");
  });
});
