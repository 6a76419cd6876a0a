import { describe, expect, it } from "vitest";
import { FileActivity, seenWithinMs } from "../../src/documents/activity.ts";
import { type AccessGrant, AccessGrants } from "../../src/documents/grants.ts";
import { isOrphaned } from "../../src/documents/housekeeping.ts";
import { EditLinks } from "../../src/links/links.ts";
import { openMemoryStore } from "../../src/stores/memoryStore.ts";
import { setClock } from "../support/clock.ts";
import { sampleLink } from "../support/sampleLink.ts";

const startMs = Date.parse("2026-11-21T08:15:00Z");
const hourMs = 3_600_000;
const linkFacts = sampleLink;

function freshStage() {
  const clock = setClock(startMs);
  const store = openMemoryStore(clock.now);
  const links = new EditLinks(store, clock.now);
  const grants = new AccessGrants(store, links, clock.now);
  const activity = new FileActivity(store, clock.now);
  const open = async (
    permission: "view" | "edit",
    linkId?: string,
    { actionUrl = "https://office.example/", hasPage = true } = {},
  ): Promise<AccessGrant> => {
    const grant = await grants.issue({
      document: { account: "alice", fileId: "f1" },
      fileName: "Report.docx",
      permission,
      person: { id: "p1", name: "Ann" },
      ownerId: "u1",
      restrictions: {},
      saveAs: "new",
      mayRename: true,
      actionUrl,
      language: "en-US",
      issuedTo: "intranet",
      ...(linkId === undefined ? {} : { linkId }),
      expiresAtMs: startMs + hourMs,
      renewableUntilMs: startMs + hourMs,
    });
    await activity.seen(grant, "getFile");
    if (hasPage) await activity.seen(grant);
    return grant;
  };
  const lockOf = ({ id }: AccessGrant) => ({ lockId: "A", grantId: id, expiresAtMs: clock.now() + 1 });
  const orphaned = (holder: AccessGrant) => isOrphaned({ grants, activity, now: clock.now }, "f1", lockOf(holder));
  return { clock, links, grants, activity, open, orphaned };
}

describe("a lock", () => {
  it("protects the session that holds it, also when its page was not heard of for long", async () => {
    const { clock, activity, open, orphaned } = freshStage();
    const holder = await open("edit");
    expect(await orphaned(holder)).toBe(false);
    clock.advance(seenWithinMs);
    expect(await orphaned(holder)).toBe(false);
    await activity.left(holder);
    expect(await orphaned(holder)).toBe(false);
  });

  it("protects nobody any more when that session was revoked, and nobody else has the file open", async () => {
    const { grants, open, orphaned } = freshStage();
    const holder = await open("edit");
    await grants.revoke(holder.id);
    expect(await orphaned(holder)).toBe(true);
  });

  it("protects the others who edit in the same editor", async () => {
    const { clock, grants, open, orphaned } = freshStage();
    const holder = await open("edit");
    await open("edit");
    await grants.revoke(holder.id);
    expect(await orphaned(holder)).toBe(false);
    clock.advance(seenWithinMs);
    expect(await orphaned(holder)).toBe(true);
  });

  it("protects those who edit in a portal's own page, which is never heard of", async () => {
    const { clock, activity, grants, open, orphaned } = freshStage();
    const other = await open("edit", undefined, { hasPage: false });
    const holder = await open("edit", undefined, { hasPage: false });
    await grants.revoke(holder.id);
    clock.advance(10 * seenWithinMs);
    await activity.seen(await open("view"));
    expect(await orphaned(holder)).toBe(false);
    await grants.revoke(other.id);
    expect(await orphaned(holder)).toBe(true);
  });

  it("does not protect those who edit in another editor: it keeps them off", async () => {
    const { grants, open, orphaned } = freshStage();
    const holder = await open("edit");
    await open("edit", undefined, { actionUrl: "https://docs.example/" });
    expect(await orphaned(holder)).toBe(false);
    await grants.revoke(holder.id);
    expect(await orphaned(holder)).toBe(true);
  });

  it("is not needed by those who only read, nor by those who may not edit any more", async () => {
    const { grants, open, orphaned } = freshStage();
    const holder = await open("edit");
    const another = await open("edit");
    await open("view");
    await grants.revoke(holder.id);
    expect(await orphaned(holder)).toBe(false);
    await grants.revoke(another.id);
    expect(await orphaned(holder)).toBe(true);
  });

  it("goes with the link: narrowed to reading or revoked, and for all who came through it", async () => {
    const { links, open, orphaned } = freshStage();
    const { link } = await links.make(linkFacts);
    const holder = await open("edit", link.id);
    await open("edit", link.id);
    expect(await orphaned(holder)).toBe(false);
    await links.change(link.id, { permission: "view" });
    expect(await orphaned(holder)).toBe(true);
    await links.change(link.id, { permission: "edit" });
    expect(await orphaned(holder)).toBe(false);
    await links.revoke(link.id);
    expect(await orphaned(holder)).toBe(true);
  });

  it("protects somebody whose link may edit again, though he was last seen when it could not", async () => {
    const { activity, grants, links, open, orphaned } = freshStage();
    const holder = await open("edit");
    const { link } = await links.make(linkFacts);
    const other = await open("edit", link.id);
    await activity.left(other);
    await links.change(link.id, { permission: "view" });
    await activity.seen((await grants.find(other.id)) ?? other);
    await links.change(link.id, { permission: "edit" });
    await grants.revoke(holder.id);
    expect(await orphaned(holder)).toBe(false);
  });

  it("protects nobody when its session has expired or never was", async () => {
    const { clock, open, orphaned } = freshStage();
    const holder = await open("edit");
    clock.advance(hourMs);
    expect(await orphaned(holder)).toBe(true);
    expect(await orphaned({ ...holder, id: "never" })).toBe(true);
  });

  it("protects whoever else edits, however often somebody opens the document to view", async () => {
    const { grants, open, orphaned } = freshStage();
    const holder = await open("edit");
    await open("edit", undefined, { hasPage: false });
    await grants.revoke(holder.id);
    expect(await orphaned(holder)).toBe(false);
    for (let visits = 0; visits < 120; visits++) await open("view");
    expect(await orphaned(holder)).toBe(false);
  });
});
