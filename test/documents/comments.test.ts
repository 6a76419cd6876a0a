import { describe, expect, it } from "vitest";
import { FileActivity } from "../../src/documents/activity.ts";
import { type Comment, keptComments, noteComments, withComments } from "../../src/documents/comments.ts";
import { type AccessGrant, editorIdsBy } from "../../src/documents/grants.ts";
import type { AuditEvent } from "../../src/http/auditLog.ts";
import { EditLinks } from "../../src/links/links.ts";
import { Allowances } from "../../src/model/allowances.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import type { PortalNews } from "../../src/webhooks/portalNews.ts";
import { setClock } from "../support/clock.ts";

const nowMs = Date.parse("2026-11-21T08:15:00Z");
let ids = 0;
const by = (personId: string, linkId?: string): Omit<Comment, "atMs"> => ({
  activityId: `a${++ids}`,
  person: { id: personId, name: personId },
  action: "added",
  contentId: "c",
  mentioned: [],
  ...(linkId === undefined ? {} : { linkId }),
});
/** Everything that was reported, one call each. */
const keptOf = (reported: readonly Omit<Comment, "atMs">[], kept: readonly Comment[] = []) =>
  reported.reduce((comments, comment) => withComments(comments, [comment], nowMs).comments, kept);
const times = <Value>(count: number, make: (at: number) => Value): Value[] =>
  Array.from({ length: count }, (_, at) => make(at));

describe("of a file's comments", () => {
  it("the newest are kept, the newest first", () => {
    const reported = times(60, (at) => by(`p${at}`));
    const kept = keptOf(reported);
    expect(kept.map(({ activityId }) => activityId)).toEqual(
      reported
        .slice(-keptComments.ofFile)
        .map(({ activityId }) => activityId)
        .reverse(),
    );
  });

  it("somebody who writes a lot pushes out their own", () => {
    const quiet = by("quiet");
    const kept = keptOf([quiet, ...times(200, () => by("loud"))]);
    expect(kept).toHaveLength(1 + keptComments.ofPerson);
    expect(kept.at(-1)).toMatchObject(quiet);
  });

  it("a visitor who comes back as ever new people pushes out none of those who have a right of their own", () => {
    const colleagues = times(25, (at) => by(`colleague${at}`));
    const kept = keptOf([...colleagues, ...times(500, (at) => by(`guest${at}`, `link${at % 7}`))]);
    expect(kept.filter(({ linkId }) => linkId !== undefined)).toHaveLength(keptComments.ofVisitors);
    expect(kept.filter(({ linkId }) => linkId === undefined)).toHaveLength(25);
  });

  it("each has a later time than the one before, even where the clock was set back", () => {
    const first = withComments([], [by("p1")], nowMs).comments;
    const second = withComments(first, [by("p2")], nowMs - 3_600_000).comments;
    expect(second.map(({ atMs }) => atMs)).toEqual([nowMs + 1, nowMs]);
  });

  it("those that are known are not added again, and what is there stays the same", () => {
    const said = by("p1");
    const { comments, added } = withComments([], [said, said], nowMs);
    expect(added).toHaveLength(1);
    expect(withComments(comments, [said], nowMs + 1)).toEqual({ comments, added: [] });
  });
});

describe("a link's visitor", () => {
  const grantOf = (personId: string, linkId?: string): AccessGrant => ({
    id: `grant-${personId}`,
    document: { account: "alice", fileId: "f1" },
    fileName: "Report.docx",
    permission: "edit",
    person: { id: personId, name: personId },
    ownerId: "u1",
    restrictions: {},
    saveAs: "new",
    mayRename: true,
    actionUrl: "https://office.example/",
    language: "en-US",
    issuedTo: linkId === undefined ? "intranet" : `link:${linkId}`,
    issuedAtMs: nowMs,
    expiresAtMs: nowMs + 86_400_000,
    renewableUntilMs: nowMs + 86_400_000,
    ...(linkId === undefined ? {} : { linkId }),
  });
  function open() {
    const clock = setClock(nowMs);
    const store = openMemoryStore(clock.now);
    const audited: AuditEvent[] = [];
    const told: PortalNews[] = [];
    const services = {
      activity: new FileActivity(store, clock.now),
      links: new EditLinks(store, clock.now),
      allowances: new Allowances(store, clock.now),
      editorIds: editorIdsBy(new Uint8Array(32)),
      audit: (event: AuditEvent) => void audited.push(event),
      tellPortals: async (news: PortalNews) => void told.push(news),
    };
    const says = (grant: AccessGrant, ...mentionedIds: string[]) =>
      noteComments(services, grant, [{ activityId: `a${++ids}`, action: "added", contentId: "c", mentionedIds }]);
    const last = async () => (await services.activity.of("f1")).comments?.[0];
    return { clock, services, audited, told, says, last };
  }

  it("is told to portals when people are mentioned, and then only", async () => {
    const { told, says } = open();
    await says(grantOf("colleague"));
    await says(grantOf("colleague"), "p9");
    const data = { action: "added", content_id: "c", navigation_id: null, mentioned: [{ id: "p9", name: null }] };
    expect(told).toMatchObject([{ type: "mention", fileId: "f1", issuedTo: "intranet", data }]);
  });

  it("is heard sixty times an hour, others through the link still are, up to three hundred in all", async () => {
    const { clock, says } = open();
    for (let call = 0; call < 60; call++) await says(grantOf("v0", "l1"));
    await expect(says(grantOf("v0", "l1"))).rejects.toMatchObject({ failure: { kind: "tooManyAttempts" } });
    for (let call = 60; call < 300; call++) await says(grantOf(`v${Math.floor(call / 60)}`, "l1"));
    await expect(says(grantOf("v9", "l1"))).rejects.toMatchObject({ failure: { kind: "tooManyAttempts" } });
    await says(grantOf("v0", "l2"));
    await says(grantOf("colleague"));
    clock.advance(3_600_000);
    await says(grantOf("v0", "l1"));
  });

  it("mentions only those who have been at the document; somebody with a right of their own, also others", async () => {
    const { services, says, last } = open();
    await services.activity.seen(grantOf("ben"));
    await says(grantOf("eve", "l1"), "ben", "stranger", "u1");
    expect((await last())?.mentioned).toEqual([{ id: "ben", name: "ben" }]);
    await says(grantOf("anna"), "ben", "stranger");
    expect((await last())?.mentioned).toEqual([{ id: "ben", name: "ben" }, { id: "stranger" }]);
  });

  it("mentions the owner by the id that editors have of them, never seen or not", async () => {
    const { services, says, last } = open();
    const { ownerId } = services.editorIds(grantOf("anna"));
    await says(grantOf("eve", "l1"), ownerId);
    expect((await last())?.mentioned).toEqual([{ id: "u1" }]);
    await services.activity.saved("f1", { id: "u1", name: "Olga" }, "v2");
    await says(grantOf("eve", "l1"), ownerId);
    expect((await last())?.mentioned).toEqual([{ id: "u1", name: "Olga" }]);
  });

  it("is named in the audit with the link they came through", async () => {
    const { audited, says } = open();
    await says(grantOf("eve", "l1"));
    expect(audited).toMatchObject([{ event: "commented", person: { id: "eve" }, through: "link:l1", mentioned: [] }]);
  });
});
