import { beforeEach, describe, expect, it } from "vitest";
import { FileActivity } from "../../src/documents/activity.ts";
import { DocumentLocks } from "../../src/documents/documentLock.ts";
import { EditorWatch } from "../../src/documents/editorWatch.ts";
import { type AccessGrant, AccessGrants } from "../../src/documents/grants.ts";
import { Housekeeping } from "../../src/documents/housekeeping.ts";
import { EditLinks } from "../../src/links/links.ts";
import { FileMutex } from "../../src/model/fileMutex.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { type SetClock, setClock } from "../support/clock.ts";

const startMs = Date.parse("2026-11-21T08:15:00Z");
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const file = { name: "Report.docx", uri: "cloudreve://my/Report.docx", sizeBytes: 1, version: "v1" };

let clock: SetClock;
let unlocked: string[];
let asked: number;
let hasEnded: boolean;
let locks: DocumentLocks;
let grants: AccessGrants;
let newBridge: () => Housekeeping;

beforeEach(() => {
  clock = setClock(startMs);
  unlocked = [];
  asked = 0;
  hasEnded = false;
  const { now } = clock;
  const store = openMemoryStore(now);
  const links = new EditLinks(store, now);
  grants = new AccessGrants(store, links, now);
  const activity = new FileActivity(store, now);
  const drive = {
    lock: async ({ fileId: id }: { fileId: string }) => ({ ...file, id, modifiedAt: "2026-11-21T08:15:00Z" }),
    refreshLock: async () => undefined,
    unlock: async ({ fileId }: { fileId: string }) => unlocked.push(fileId) > 0,
  };
  locks = new DocumentLocks({ store, mutex: new FileMutex(), now, drive: drive as never });
  const starts = { current: async () => "s1", hasEnded: async () => ++asked > 0 && hasEnded };
  const logger = { warn: () => undefined };
  const watched = { locks, grants, activity, audit: () => undefined, logger: logger as never, now, starts };
  const guard = { check: async () => [] };
  const spoolEnd = { look: async () => undefined };
  const others = { metrics: {}, guard, spoolEnd, drive };
  newBridge = () =>
    new Housekeeping({ ...watched, ...others, store, links, editorWatch: new EditorWatch(watched) } as never);
});

/** A file that somebody edits in Collabora. */
async function edited(fileId: string): Promise<AccessGrant> {
  const document = { account: "alice", fileId };
  const grant = await grants.issue({
    ...{ document, fileName: file.name, permission: "edit", person: { id: "p1", name: "Ann" }, ownerId: "u1" },
    ...{ restrictions: {}, saveAs: "new", mayRename: true, language: "en-US", issuedTo: "intranet" },
    actionUrl: `https://collabora.example/browser/dist/cool.html?WOPISrc=${fileId}`,
    expiresAtMs: startMs + hourMs,
    renewableUntilMs: startMs + hourMs,
  });
  await locks.exclusively(fileId, async (lock) => {
    await lock.take("cool-lock", grant);
    await lock.holdInDrive(document);
  });
  await locks.noteServer(fileId, "cool-lock", "s1");
  return grant;
}

describe("the look at all locks, every minute", () => {
  it("asks an editor's server once, however many documents are open in it, and waits for no file's turn", async () => {
    for (const fileId of ["f1", "f2", "f3", "f4", "f5"]) await edited(fileId);
    let end = (): void => undefined;
    const save = locks.exclusively("f3", () => new Promise<void>((resolve) => (end = resolve)));
    await newBridge().sweep();
    expect(asked).toBe(1);
    expect(unlocked).toEqual([]);
    end();
    await save;
  });

  it("gives up every lock of a server that has ended, and asks again for each before", async () => {
    for (const fileId of ["f1", "f2"]) await edited(fileId);
    hasEnded = true;
    await newBridge().sweep();
    expect(asked).toBe(3);
    expect(unlocked.sort()).toEqual(["f1", "f2"]);
  });

  it("gives back the lock of a session that has ended, and one that has run out", async () => {
    const [ended] = [await edited("f1"), await edited("f2"), await edited("f3")];
    await grants.revoke(ended.id);
    const bridge = newBridge();
    await bridge.sweep();
    expect(unlocked).toEqual(["f1"]);
    clock.advance(31 * minuteMs);
    await bridge.sweep();
    expect(unlocked.sort()).toEqual(["f1", "f2", "f3"]);
  });

  it("is one bridge's work at a time, and nobody's turn is lost when the clock is set back", async () => {
    const [first, second] = [newBridge(), newBridge()];
    const released = async (work: () => Promise<void>): Promise<boolean> => {
      const ended = await edited("f1");
      await grants.revoke(ended.id);
      unlocked.length = 0;
      await work();
      return unlocked.length > 0;
    };
    expect(await released(() => first.minute())).toBe(true);
    expect(await released(() => second.minute())).toBe(false);
    clock.advance(minuteMs);
    expect(await released(() => second.minute())).toBe(true);
    clock.advance(minuteMs);
    expect(await released(() => second.minute())).toBe(true);
    clock.advance(-30 * minuteMs);
    expect(await released(() => first.minute())).toBe(true);
  });

  it("counts the locks for the figures, which then need not read them all", async () => {
    for (let at = 0; at < 1_010; at++) await edited(`f${at}`);
    const [first, second] = [newBridge(), newBridge()];
    expect(await second.heldLocks()).toBe(1_010);
    await first.sweep();
    await edited("one more");
    expect(await second.heldLocks()).toBe(1_010);
    clock.advance(hourMs / 2);
    expect(await second.heldLocks()).toBe(1_011);
  });
});
