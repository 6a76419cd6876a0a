import { expect, it } from "vitest";
import { CloudreveClient } from "../../src/cloudreve/client.ts";
import { NativeWopi } from "../../src/cloudreve/nativeWopi.ts";
import { FileActivity } from "../../src/documents/activity.ts";
import { ContentRecord } from "../../src/documents/contentRecord.ts";
import { AccessGrants } from "../../src/documents/grants.ts";
import { LastCopies } from "../../src/documents/lastCopy.ts";
import { LockRows } from "../../src/documents/lockRows.ts";
import { EditorDiscovery } from "../../src/editors/discovery.ts";
import { EditLinks } from "../../src/links/links.ts";
import { Allowances } from "../../src/model/allowances.ts";
import { put } from "../../src/model/keyValueStore.ts";
import { lastSignOut, PersonSessions } from "../../src/model/personSessions.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { userInfo } from "../../src/wopi/putUserInfo.ts";

/** Rows as bridges have written them before rows had schemas; of each kind the barest one. */
const nowMs = 1_800_000_000_000;
const now = () => nowMs;
const person = { id: "p1", name: "Ada" };
const document = { account: "person:o1", fileId: "f1" };
const grant = {
  document,
  fileName: "plan.docx",
  permission: "edit",
  person,
  ownerId: "o1",
  restrictions: {},
  actionUrl: "https://editor.test/edit?WOPISrc=x",
  language: "en",
  issuedTo: "portal",
  renewableUntilMs: nowMs + 9_000,
  id: "g1",
  issuedAtMs: nowMs,
  expiresAtMs: nowMs + 1_000.5,
};
const link = {
  account: "person:o1",
  owner: { id: "o1", name: "Owner" },
  fileId: "f1",
  fileName: "plan.docx",
  permission: "edit",
  asksName: true,
  restrictions: { download: false, print: false, copy: false, watermark: false },
  maker: "person:o1",
  id: "l1",
  createdAtMs: nowMs,
};

async function storeWith(rows: Record<string, unknown>) {
  const store = openMemoryStore(now);
  for (const [key, row] of Object.entries(rows)) {
    await put(store, key, typeof row === "string" ? row : JSON.stringify(row));
  }
  return store;
}

it("a grant without rights to Save As and to rename has those that all had", async () => {
  const store = await storeWith({ "grant:g1": grant });
  const grants = new AccessGrants(store, new EditLinks(store, now), now);
  expect(await grants.find("g1")).toEqual({ ...grant, saveAs: "new", mayRename: true });
  expect((await grants.renew("g1", 5_000))?.expiresAtMs).toBe(nowMs + 5_000);
  expect((await grants.revoke("g1"))?.revokedAtMs).toBe(nowMs);
});

it("a grant with all that one can have is read with it", async () => {
  const full = {
    ...grant,
    document: { ...document, version: "v1" },
    person: { ...person, email: "a@x.test", avatarUrl: "https://x.test/a", isNameless: true },
    restrictions: { download: true, print: false, copy: true, watermark: "Ada" },
    saveAs: "overwrite",
    mayRename: false,
    generation: "w",
    lostEditingAtMs: nowMs - 1,
    revokedAtMs: nowMs - 1,
    revokedWith: "signedOut",
  };
  const store = await storeWith({ "grant:g1": full, "ticket:x": "g1" });
  expect(await new AccessGrants(store, new EditLinks(store, now), now).find("g1")).toEqual(full);
});

it("a link that says nothing of renaming does not let visitors rename, and its lists are read", async () => {
  const visits = [{ person, openedAtMs: nowMs }];
  const store = await storeWith({
    "link:l1": link,
    "linkMaker:person:o1:l1": "l1",
    "linkAccount:person:o1:l1": "l1",
    "linkVisits:l1": visits,
    "linkGuesses:l1": { count: 2, lastAtMs: nowMs },
  });
  const links = new EditLinks(store, now);
  expect(await links.find("l1")).toEqual({ ...link, mayRename: false });
  expect(await links.madeBy("person:o1")).toHaveLength(1);
  expect(await links.ownedBy("o1")).toHaveLength(1);
  expect(await links.liveAccounts()).toEqual(["person:o1"]);
  expect(await links.visits("l1")).toEqual(visits);
  expect(await links.guesses("l1")).toEqual({ count: 2, lastAtMs: nowMs });
  await links.saved("l1", person);
  expect(await links.visits("l1")).toEqual([{ person, openedAtMs: nowMs, savedAtMs: nowMs }]);
});

it("a portal's link is found by its owner once it has been looked through which accounts have links", async () => {
  const store = await storeWith({
    "link:l1": { ...link, maker: "portal:intranet" },
    "linkMaker:portal:intranet:l1": "l1",
    "linkAccount:person:o1:l1": "l1",
  });
  const links = new EditLinks(store, now);
  await links.liveAccounts();
  expect((await links.ownedBy("o1")).map(({ id }) => id)).toEqual(["l1"]);
});

it("what went on with a file is known, whatever a save failed with", async () => {
  const store = await storeWith({
    "activity:f1": {
      sessions: [{ grantId: "g1", person, permission: "edit", openedAtMs: nowMs, seenAtMs: nowMs, called: {} }],
      lastSave: { person, atMs: nowMs, version: "v1" },
      lastFailedSave: { person, why: "aReasonOfALaterBridge", atMs: nowMs },
    },
    "activity:f2": { sessions: [] },
  });
  const activity = new FileActivity(store, now);
  const { sessions, lastFailedSave } = await activity.of("f1");
  expect([sessions.length, lastFailedSave?.why, lastFailedSave?.keptIn]).toEqual([
    1,
    "aReasonOfALaterBridge",
    undefined,
  ]);
  expect((await activity.of("f2")).sessions).toEqual([]);
});

it("a file whose activity has no comments gets its first; what a later bridge calls an action is an update", async () => {
  const comment = { activityId: "a1", person, action: "resolved", contentId: "c1", mentioned: [] };
  const store = await storeWith({
    "activity:f1": { sessions: [], lastRename: { atMs: nowMs, name: "plan.docx" } },
    "activity:f2": { sessions: [], comments: [{ ...comment, atMs: nowMs, resolvedBy: "p2" }] },
  });
  const activity = new FileActivity(store, now);
  await activity.commented("f1", [{ ...comment, action: "added" }]);
  expect(await activity.of("f1")).toMatchObject({ lastRename: { name: "plan.docx" }, comments: [{ action: "added" }] });
  expect((await activity.of("f2")).comments).toMatchObject([{ action: "updated", resolvedBy: "p2" }]);
});

it("contents and copies of before locks and times were noted are known", async () => {
  const store = await storeWith({
    "versions:f1": [{ version: "v1", lastModifiedTime: "2026-11-21T08:15:00Z" }],
    "copies:f1:collabora": { lastOrder: 3, copies: [{ id: "c1", unheard: [], placedOrder: 2 }] },
    "conflict:f1:hash": "f9",
    "lastCopy:g1": { name: "plan (Ada).docx", unheard: ["hash"] },
  });
  const content = new ContentRecord(store);
  expect((await content.known("f1", "v1"))?.lastModifiedTime).toBe("2026-11-21T08:15:00Z");
  expect(await content.arrived("f1", "collabora", undefined)).toMatchObject({ loadId: "c1", order: 4 });
  expect(await content.conflictFileId("f1", "hash")).toBe("f9");
  expect((await new LastCopies(store, now).find("g1"))?.unheard).toEqual(["hash"]);
});

it("people stay signed in or out, and what they have used up is counted", async () => {
  const secretHash = "K7gNU3sdo-OL0wNhqoVWhr3g6s1xYv72ol_pe_Unols";
  const store = await storeWith({
    "personSession:p1.x": { person: { ...person, account: "person:p1" }, secretHash, rotatedAtMs: nowMs },
    "signOut:p2": { generation: "w", atMs: nowMs },
  });
  expect((await new PersonSessions(store, now).find("p1.x", "secret"))?.person.name).toBe("Ada");
  expect((await lastSignOut(store, "p2"))?.generation).toBe("w");
  const allowances = new Allowances(store, now);
  await allowances.take("visits", "x", { most: 2, withinMs: 1_000 });
  await expect(
    allowances.take("visits", "x", { most: 1, withinMs: 1_000 }).catch((error: Error) => error.message),
  ).resolves.toBe("tooManyAttempts");
});

it("what editors have told is known: keys, texts of people and of visitors", async () => {
  const url = "https://editor.test/hosting/discovery";
  const action = { name: "edit", extension: "docx", urlsrc: "https://editor.test/edit?" };
  const store = await storeWith({
    [`discovery:${url}`]: { actions: [action], fetchedAtMs: nowMs },
    "userInfo:p1": '"dark"',
    "linkUserInfo:l1": [["p1", "light"]],
  });
  expect((await new EditorDiscovery(url, store, now).current()).actions).toEqual([action]);
  const own = { ...grant, permission: "edit", saveAs: "none", mayRename: false } as const;
  expect(await userInfo(store, own)).toBe("dark");
  expect(await userInfo(store, { ...own, linkId: "l1" })).toBe("light");
});

it("a drive session that did not note what it saw is used on", async () => {
  const asItIs = { encrypt: async (text: string) => text, decrypt: async (text: string) => text };
  const session = { accessToken: "t", expiresAtMs: nowMs + 1, uri: "cloudreve://my/plan.docx", viewerId: "v" };
  const store = await storeWith({ "viewerSession:f1::person:o1": session });
  const client = new CloudreveClient("http://127.0.0.1:1", () => ({}));
  const sessions = new NativeWopi(client, store, asItIs, now);
  expect(await sessions.find(document)).toEqual(session);
  for await (const found of sessions.documentsOf("f1")) expect(found).toEqual(document);
});

it("locks are known, what a later bridge has noted of one stays, and one that can't be read is not taken for free", async () => {
  const file = {
    id: "f1",
    name: "plan.docx",
    uri: "cloudreve://my/plan.docx",
    sizeBytes: 3,
    version: "v1",
    modifiedAt: "2026-11-21T08:15:00Z",
  };
  const store = await storeWith({
    "lock:f1": { lockId: "one", expiresAtMs: nowMs + 60_000, grantId: "g1" },
    "lock:f2": { lockId: 7 },
    "shield:f1": { token: "f1.secret", document, wasTaken: true, ofLater: "kept" },
  });
  const rows = new LockRows(store, now, () => undefined);
  expect((await rows.wopiLock("f1")).held?.lockId).toBe("one");
  const row = rows.driveLock("f1");
  const standing = await row.read();
  expect(standing?.token).toBe("f1.secret");
  if (standing !== undefined) await rows.noteFile(row, standing, file);
  expect(await rows.notedFile("f1")).toEqual(file);
  expect(JSON.parse((await store.get("shield:f1")) ?? "")).toMatchObject({ ofLater: "kept", wasTaken: true });
  await expect(rows.wopiLock("f2")).rejects.toMatchObject({ failure: { kind: "rowUnreadable" } });
});
