import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import express, { type NextFunction, type Request, type Response } from "express";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Activity, FileActivity } from "../../src/documents/activity.ts";
import { type AccessGrant, AccessGrants, editorIdsBy } from "../../src/documents/grants.ts";
import { LastCopies, type LastCopy } from "../../src/documents/lastCopy.ts";
import { NewFiles } from "../../src/documents/newFiles.ts";
import { hostPageStatus, hostSessionRouter, usualStatus } from "../../src/editorPage/pageCalls.ts";
import { Editors } from "../../src/editors/discovery.ts";
import { AccessTokens } from "../../src/http/accessToken.ts";
import { webStatus } from "../../src/http/failureResponse.ts";
import type { Metrics } from "../../src/http/metrics.ts";
import { EditLinks } from "../../src/links/links.ts";
import { VisitorRights } from "../../src/links/visitorRights.ts";
import { Allowances } from "../../src/model/allowances.ts";
import type { Drive } from "../../src/model/drive.ts";
import { BridgeError } from "../../src/model/failure.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { type SetClock, setClock } from "../support/clock.ts";
import { sampleLink } from "../support/sampleLink.ts";

const startMs = Date.parse("2026-11-21T08:15:00Z");
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const ann = { id: "p1", name: "Ann" };
const ben = { id: "p2", name: "Ben" };

const facts: Omit<AccessGrant, "id"> = {
  document: { account: "alice", fileId: "f1" },
  fileName: "Report.docx",
  permission: "edit",
  person: ann,
  ownerId: "u1",
  restrictions: {},
  saveAs: "new",
  mayRename: true,
  actionUrl: "https://office.example/",
  language: "en-US",
  issuedTo: "intranet",
  issuedAtMs: startMs,
  expiresAtMs: startMs + hourMs,
  renewableUntilMs: startMs + 3 * hourMs,
};

function statusOf(activity: Partial<Activity>, nowMs = startMs + hourMs) {
  return hostPageStatus({ ...facts, id: "g1" }, undefined, { sessions: [], ...activity }, nowMs);
}

const copied = {
  atMs: startMs,
  person: ann,
  why: "changedInStorage",
  keptIn: "copy",
  copyName: "Report (conflict, Ann).docx",
} as const;
const spooled = { atMs: startMs, person: ann, why: "driveUnreachable", keptIn: "spool" } as const;
const refused = { atMs: startMs, person: ann, why: "lockMismatch", keptIn: undefined } as const;
const savedAt = (atMs: number) => ({ atMs, person: ann, version: "v2" });

describe("what a host page is shown", () => {
  it("is the newest name that an editor gave the file, while the session lasts", () => {
    const lastRename = { atMs: startMs, name: "Plan.docx" };
    expect(statusOf({ lastRename }).renamed).toEqual({ at: startMs, name: "Plan.docx" });
    expect(statusOf({})).not.toHaveProperty("renamed");
    const ended = hostPageStatus({ ...facts, id: "g1" }, "revoked", { sessions: [], lastRename }, startMs);
    expect(ended).not.toHaveProperty("renamed");
  });

  it("is nothing of saves while there was none", () => {
    expect(statusOf({})).toEqual({
      now: startMs + hourMs,
      ended: null,
      permission: "edit",
      editor_called: { check_file_info: false, get_file: false },
      editor_stopped: false,
      locked_by: null,
      saving_since: null,
      last_save: null,
      not_saved: null,
      last_copy: null,
    });
  });

  it("is whose the last save was, and whether it was one's own", () => {
    expect(statusOf({ lastSave: savedAt(startMs) }).last_save).toEqual({ at: startMs, by: "Ann", is_mine: true });
    const bens = { ...savedAt(startMs), person: { ...ben, name: "Ann" } };
    expect(statusOf({ lastSave: bens }).last_save).toEqual({ at: startMs, by: "Ann", is_mine: false });
  });

  it("is a save on its way, for two minutes: after that its process has died", () => {
    expect(statusOf({ savingSinceMs: startMs }, startMs).saving_since).toBe(startMs);
    expect(statusOf({ savingSinceMs: startMs }, startMs + 2 * minuteMs - 1).saving_since).toBe(startMs);
    expect(statusOf({ savingSinceMs: startMs }, startMs + 2 * minuteMs).saving_since).toBeNull();
  });

  it("is a save that did not get in, why, and where its bytes are", () => {
    expect(statusOf({ lastFailedSave: spooled }).not_saved).toEqual({
      at: startMs,
      by: "Ann",
      is_mine: true,
      why: "driveUnreachable",
      kept_in: "spool",
      copy_name: null,
    });
    expect(statusOf({ lastFailedSave: refused }).not_saved).toMatchObject({ kept_in: null, copy_name: null });
    expect(statusOf({ lastFailedSave: { ...copied, person: ben } }).not_saved).toMatchObject({
      by: "Ben",
      is_mine: false,
      kept_in: "copy",
      copy_name: "Report (conflict, Ann).docx",
    });
  });

  it.each([
    ["the one in the spool", spooled],
    ["the one that the editor still has", refused],
  ])("is no longer %s once a later save is in, even of the same moment", (_which, failed) => {
    expect(statusOf({ lastFailedSave: failed, lastSave: savedAt(startMs - 1) }).not_saved).not.toBeNull();
    expect(statusOf({ lastFailedSave: failed, lastSave: savedAt(startMs) }).not_saved).toBeNull();
    expect(statusOf({ lastFailedSave: failed, lastSave: savedAt(startMs + 1) }).not_saved).toBeNull();
  });

  it("stays a copy beside the document, whatever is saved later", () => {
    const status = statusOf({ lastFailedSave: copied, lastSave: savedAt(startMs + 1) });
    expect(status).toMatchObject({ not_saved: { kept_in: "copy" }, last_save: { at: startMs + 1 } });
  });

  it("is what the editor's server has asked for this session, not for another's", () => {
    const session = (grantId: string, called: object) =>
      ({ grantId, person: ann, permission: "edit", openedAtMs: 0, seenAtMs: 0, called }) as const;
    const sessions = [session("g2", { checkFileInfo: true, getFile: true }), session("g1", { checkFileInfo: true })];
    expect(statusOf({ sessions }).editor_called).toEqual({ check_file_info: true, get_file: false });
  });
});

describe("what a host page is shown once its session has ended", () => {
  const endedStatus = (activity: Partial<Activity>, lastCopy?: LastCopy) =>
    hostPageStatus({ ...facts, id: "g1" }, "revoked", { sessions: [], ...activity }, startMs + hourMs, { lastCopy });

  it("is nothing of what others do", () => {
    const bens = { lastSave: { ...savedAt(startMs), person: ben }, lastFailedSave: { ...copied, person: ben } };
    expect(endedStatus({ ...bens, savingSinceMs: startMs + hourMs })).toMatchObject({
      ended: "revoked",
      saving_since: null,
      last_save: null,
      not_saved: null,
    });
    expect(endedStatus({ lastFailedSave: copied }).not_saved?.copy_name).toBe(copied.copyName);
  });

  it("is the copy of its last save, as soon as the drive has it", () => {
    const copy = { name: "Report (conflict, Ann).docx", unheard: ["x"] };
    expect(endedStatus({}, copy).last_copy).toBeNull();
    const written = { copyId: "f2", version: "v1", sha256: "x", receivedAtMs: startMs };
    expect(endedStatus({}, { ...copy, written }).last_copy).toBe("Report (conflict, Ann).docx");
  });
});

describe("an open host page", () => {
  let clock: SetClock;
  let links: EditLinks;
  let grants: AccessGrants;
  let activity: FileActivity;
  let lastCopies: LastCopies;
  let newFiles: NewFiles;
  let endedFiles: string[];
  let tokens: AccessTokens;
  let answeredAtOnce: number;
  let server: Server;

  beforeEach(async () => {
    clock = setClock(startMs);
    const store = openMemoryStore(clock.now);
    links = new EditLinks(store, clock.now);
    grants = new AccessGrants(store, links, clock.now);
    activity = new FileActivity(store, clock.now);
    tokens = new AccessTokens(["a secret of at least thirty-two bytes"], clock.now);
    lastCopies = new LastCopies(store, clock.now);
    newFiles = new NewFiles(store, clock.now);
    endedFiles = [];
    const sessionsEnded = async (fileId: string) => void endedFiles.push(fileId);
    const services = {
      ...{ grants, activity, lastCopies, newFiles, sessionsEnded, tokens, now: clock.now, grantLifetimeMs: hourMs },
      // Without an editor's discovery there is no other address, and nobody asks the drive.
      ...{ editors: new Editors([]), wopiUrl: "https://bridge.example", drive: {} as Drive },
      ...{
        links,
        note: () => undefined,
        audit: () => undefined,
        tellPortals: async () => undefined,
        mailRequest: async () => undefined,
      },
      ...{ visitorRights: new VisitorRights(store, links, clock.now), allowances: new Allowances(store, clock.now) },
      bridgeUrl: "https://bridge.example",
      editorIds: editorIdsBy(new Uint8Array(32)),
      editorWatch: { hasStopped: async () => false, lockedBy: async () => undefined, look: async () => undefined },
    };
    const metrics = { answered: () => void answeredAtOnce++ } as unknown as Metrics;
    answeredAtOnce = 0;
    const app = express()
      .use(usualStatus({ ...services, metrics }))
      .use(hostSessionRouter(services));
    app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
      response.status(error instanceof BridgeError ? webStatus(error.failure.kind) : 500).end();
    });
    server = app.listen(0, "127.0.0.1");
    await once(server, "listening");
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  async function ask(method: "GET" | "POST", key: string, what: string) {
    const { port } = server.address() as AddressInfo;
    const answer = await fetch(`http://127.0.0.1:${port}/edit/${key}/${what}`, { method });
    const text = await answer.text();
    return { status: answer.status, body: (text === "" ? {} : JSON.parse(text)) as Record<string, unknown> };
  }

  const openNewFile = (key: string) => follow(key, "new-file");

  async function follow(key: string, link: string): Promise<{ status: number; location: string | null }> {
    const { port } = server.address() as AddressInfo;
    const answer = await fetch(`http://127.0.0.1:${port}/edit/${key}/${link}`, { redirect: "manual" });
    return { status: answer.status, location: answer.headers.get("Location") };
  }

  it("is answered at once while its session stands, and the usual way when anything else comes of it", async () => {
    const grant = await grants.issue(facts);
    const key = await grants.issuePageKey(grant);
    expect(await ask("GET", key, "status")).toMatchObject({ status: 200, body: { ended: null, permission: "edit" } });
    expect(answeredAtOnce).toBe(1);
    expect(await ask("GET", "nobodys-key", "status")).toMatchObject({ status: 410 });
    expect(await ask("GET", "nobodys%20key", "status")).toMatchObject({ status: 410 });
    await grants.revoke(grant.id);
    expect(await ask("GET", key, "status")).toMatchObject({ status: 200, body: { ended: "revoked" } });
    expect(endedFiles).toEqual(["f1"]);
    expect(answeredAtOnce).toBe(1);
  });

  it("leads out of a frame to a page of the same grant, each time with a ticket of its own", async () => {
    const grant = await grants.issue(facts);
    const key = await grants.issuePageKey(grant);
    const first = await follow(key, "own-tab");
    const second = await follow(key, "own-tab");
    expect([first.status, second.status]).toEqual([303, 303]);
    expect(first.location).not.toBe(second.location);
    for (const { location } of [first, second]) {
      const ticket = /^https:\/\/bridge\.example\/edit\/([^/#]+)$/.exec(location ?? "")?.[1] ?? "";
      expect((await grants.redeemTicket(ticket)).id).toBe(grant.id);
      await expect(grants.redeemTicket(ticket)).rejects.toThrow();
    }
  });

  it("leads nowhere once its session has ended", async () => {
    const grant = await grants.issue(facts);
    const key = await grants.issuePageKey(grant);
    await grants.revoke(grant.id);
    expect(await follow(key, "own-tab")).toEqual({ status: 410, location: null });
  });

  describe("hears of comments", () => {
    const written = (number: number, mentioned: readonly { id: string; name?: string }[] = []) => ({
      activityId: `a${number}`,
      person: { id: `p${number}`, name: `Person ${number}` },
      action: "added" as const,
      contentId: `c${number}`,
      mentioned,
    });
    const heard = async (more: Partial<AccessGrant> = {}) => {
      const grant = await grants.issue({ ...facts, ...more });
      const key = await grants.issuePageKey(grant);
      return { grant, heard: async () => (await ask("GET", key, "status")).body["comments"] };
    };

    it("in the order of writing, the newest twenty, never two at the same time", async () => {
      const page = await heard();
      expect(await page.heard()).toBeUndefined();
      for (let number = 0; number < 25; number++) await activity.commented("f1", [written(number)]);
      const told = (await page.heard()) as { at: number; by: string }[];
      expect(told.map(({ by }) => by)).toEqual(Array.from({ length: 20 }, (_, at) => `Person ${at + 5}`));
      expect(told.map(({ at }) => at)).toEqual(Array.from({ length: 20 }, (_, at) => startMs + 5 + at));
    });

    it("with the ids that editors show: the drive's own id of the owner is nowhere in it", async () => {
      const page = await heard();
      const mentioned = [{ id: "u1", name: "Olga" }, { id: "p2", name: "Ben" }, { id: "p9" }];
      await activity.commented("f1", [{ ...written(1, mentioned), person: { id: "u1", name: "Olga" } }]);
      expect(await page.heard()).toEqual([
        {
          at: startMs,
          by: "Olga",
          action: "added",
          mentioned: [
            { id: expect.stringMatching(/^o[0-9a-f]{20}$/), name: "Olga" },
            { id: "p2", name: "Ben" },
            { id: "p9", name: null },
          ],
        },
      ]);
    });

    it("not after the session's end, and not as a link's visitor", async () => {
      await activity.commented("f1", [written(1)]);
      const { link } = await links.make(sampleLink);
      expect(await (await heard({ linkId: link.id })).heard()).toBeUndefined();
      const page = await heard();
      expect(await page.heard()).toHaveLength(1);
      await grants.revoke(page.grant.id);
      expect(await page.heard()).toBeUndefined();
    });
  });

  it("gets a fresh token for its grant, and is known to be open", async () => {
    const grant = await grants.issue(facts);
    const key = await grants.issuePageKey(grant);
    clock.advance(hourMs / 2);
    const { status, body } = await ask("POST", key, "renew");
    expect(status).toBe(200);
    expect(body).toMatchObject({
      access_token_ttl: startMs + 1.5 * hourMs,
      renewable_until: facts.renewableUntilMs,
    });
    expect(await tokens.verify(String(body["access_token"]))).toEqual({
      grantId: grant.id,
      fileId: "f1",
      expiresAtMs: startMs + 1.5 * hourMs,
    });
    expect((await activity.of("f1")).sessions).toMatchObject([{ grantId: grant.id }]);
  });

  it.each([
    ["revoked", async (grant: AccessGrant) => void (await grants.revoke(grant.id))],
    ["expired", async () => clock.advance(hourMs)],
  ])("gets none when its session has ended, and is told why: %s", async (ended, end) => {
    const grant = await grants.issue(facts);
    const key = await grants.issuePageKey(grant);
    await end(grant);
    expect(await ask("POST", key, "renew")).toEqual({ status: 410, body: { ended } });
    expect(await ask("GET", key, "status")).toMatchObject({ status: 200, body: { ended } });
    expect((await activity.of("f1")).sessions).toEqual([]);
    // An end that nobody has caused is first heard of here.
    expect(endedFiles).toEqual(["f1"]);
  });

  it("is told of the copy of its own last save, and nobody else is", async () => {
    const [grant, other] = [await grants.issue(facts), await grants.issue(facts)];
    const keys = [await grants.issuePageKey(grant), await grants.issuePageKey(other)];
    await lastCopies.change(grant.id, () => ({
      name: "Report (conflict, Ann).docx",
      unheard: [],
      written: { copyId: "f2", version: "v1", sha256: "x", receivedAtMs: startMs },
    }));
    for (const { id } of [grant, other]) await grants.revoke(id);
    const told = await Promise.all(keys.map(async (key) => (await ask("GET", key, "status")).body["last_copy"]));
    expect(told).toEqual(["Report (conflict, Ann).docx", null]);
  });

  it("is told what became of its own Save As, and nobody else is", async () => {
    const [grant, other] = [await grants.issue(facts), await grants.issue(facts)];
    const [key, others] = [await grants.issuePageKey(grant), await grants.issuePageKey(other)];
    expect((await ask("GET", key, "status")).body).not.toHaveProperty("new_file");
    await newFiles.failed(grant.id, "nameIllegal");
    expect((await ask("GET", key, "status")).body["new_file"]).toEqual({ at: startMs, why: "nameIllegal" });
    clock.advance(minuteMs);
    await newFiles.made(grant.id, { name: "Copy.docx", fileId: "f2", editGrantId: "g9" });
    const made = { at: startMs + minuteMs, name: "Copy.docx", file_id: "f2" };
    expect((await ask("GET", key, "status")).body["new_file"]).toEqual(made);
    expect((await ask("GET", others, "status")).body).not.toHaveProperty("new_file");
  });

  it("opens its new file as often as wanted, with its own rights, and not after its end", async () => {
    const grant = await grants.issue(facts);
    const key = await grants.issuePageKey(grant);
    expect((await openNewFile(key)).status).toBe(410);
    const opened = await grants.issue({
      ...facts,
      document: { account: "alice", fileId: "f2" },
      derivedFrom: grant.id,
    });
    await newFiles.made(grant.id, { name: "Copy.docx", fileId: "f2", editGrantId: opened.id });
    const tickets = [await openNewFile(key), await openNewFile(key)].map(({ status, location }) => {
      expect(status).toBe(303);
      return /^https:\/\/bridge\.example\/edit\/([^/#]+)$/.exec(location ?? "")?.[1] ?? "";
    });
    for (const ticket of tickets) expect((await grants.redeemTicket(ticket)).document.fileId).toBe("f2");
    await grants.revoke(grant.id);
    expect((await openNewFile(key)).status).toBe(410);
  });

  it("opens its owner's new file at an address that can be loaded again", async () => {
    const grant = await grants.issue({ ...facts, issuedTo: "person:u1" });
    await newFiles.made(grant.id, { name: "Copy.docx", fileId: facts.document.fileId, editGrantId: grant.id });
    expect((await openNewFile(await grants.issuePageKey(grant))).location).toMatch(/#\/open\?file_id=f1$/);
  });

  it("is told that its link was revoked, and of what became of the last save", async () => {
    const { link } = await links.make(sampleLink);
    const key = await grants.issuePageKey(await grants.issue({ ...facts, linkId: link.id }));
    await links.change(link.id, { permission: "view" });
    expect((await ask("GET", key, "status")).body).toMatchObject({ ended: null, permission: "view" });
    await links.revoke(link.id);
    await activity.notSaved("f1", copied);
    expect(await ask("POST", key, "renew")).toEqual({ status: 410, body: { ended: "linkRevoked" } });
    expect((await ask("GET", key, "status")).body).toMatchObject({
      ended: "linkRevoked",
      not_saved: { kept_in: "copy", copy_name: copied.copyName },
    });
  });

  it("is no longer open when it says that it goes", async () => {
    const grant = await grants.issue(facts);
    const key = await grants.issuePageKey(grant);
    await ask("GET", key, "status");
    expect((await activity.of("f1")).sessions).toHaveLength(1);
    expect((await ask("POST", key, "closed")).status).toBe(204);
    expect((await activity.of("f1")).sessions).toEqual([]);
  });

  it("is told nothing without its key, not even by its ticket", async () => {
    const ticket = await grants.issueTicket((await grants.issue(facts)).id);
    for (const key of ["guess", ticket]) {
      expect(await ask("GET", key, "status")).toEqual({ status: 410, body: {} });
      expect(await ask("POST", key, "renew")).toEqual({ status: 410, body: {} });
      expect(await ask("POST", key, "closed")).toEqual({ status: 410, body: {} });
    }
    expect((await grants.redeemTicket(ticket)).person).toEqual(ann);
  });
});
