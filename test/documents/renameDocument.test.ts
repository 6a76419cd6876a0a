import { describe, expect, it } from "vitest";
import { FileActivity } from "../../src/documents/activity.ts";
import { ContentRecord } from "../../src/documents/contentRecord.ts";
import { lockDocument } from "../../src/documents/lockDocument.ts";
import { renameDocument } from "../../src/documents/renameDocument.ts";
import type { PortalNews } from "../../src/webhooks/portalNews.ts";
import { grant, here, lockStage } from "./lockStage.ts";

function stage() {
  const { services, store, ...rest } = lockStage();
  const activity = new FileActivity(store, Date.now);
  const told: PortalNews[] = [];
  const tellPortals = async (news: PortalNews) => void told.push(news);
  const all = { ...services, content: new ContentRecord(store), activity, now: Date.now, tellPortals };
  const rename = (name: string, lockId?: string) =>
    renameDocument(all, grant, { name: () => name, lockId: () => lockId }, here);
  return { ...rest, services: all, rename, told };
}

describe("renaming a document", () => {
  it("keeps its extension, and the audit and portals hear of it", async () => {
    const { rename, audited, told, file } = stage();
    expect(await rename("Summary")).toEqual({ name: "Summary.docx", lastModifiedTime: "2026-11-21T08:15:00.0000000Z" });
    expect(file()?.name).toBe("Summary.docx");
    expect((await rename("Plan.DOCX")).name).toBe("Plan.docx");
    expect(audited).toMatchObject([
      { event: "renamed", from: "Report.docx", to: "Summary.docx" },
      { event: "renamed", from: "Summary.docx", to: "Plan.docx" },
    ]);
    expect(told).toMatchObject([
      { type: "renamed", fileName: "Summary.docx", data: { previous_name: "Report.docx" } },
      { type: "renamed", fileName: "Plan.docx", data: { previous_name: "Summary.docx" } },
    ]);
  });

  it("is known to the pages that have it open, and is done even if that can't be noted", async () => {
    const { rename, services, file } = stage();
    await rename("Report");
    expect((await services.activity.of(grant.document.fileId)).lastRename).toBeUndefined();
    await rename("Summary");
    expect((await services.activity.of(grant.document.fileId)).lastRename).toMatchObject({ name: "Summary.docx" });
    services.activity.renamed = () => Promise.reject(new Error("the store is away"));
    expect((await rename("Plan")).name).toBe("Plan.docx");
    expect(file()?.name).toBe("Plan.docx");
  });

  it("takes a name near one that is taken, and does nothing for the name it has", async () => {
    const { rename, calls } = stage();
    await rename("Report");
    expect(calls).toEqual(["stat"]);
    expect((await rename("Taken")).name).not.toBe("Taken.docx");
  });

  it("gives the drive's lock back for it and takes it again; a wrong lock is refused, none at all is not", async () => {
    const { rename, services, calls, driveLock } = stage();
    await lockDocument(services, { grant, lockId: "A", signal: here });
    await expect(rename("Summary", "B")).rejects.toMatchObject({
      failure: { kind: "lockMismatch", currentLockId: "A" },
    });
    calls.length = 0;
    await rename("Summary", "A");
    expect(calls).toEqual(["stat", "unlock", "rename", "lock"]);
    expect(driveLock.token).toBeDefined();
    expect((await rename("Plan")).name).toBe("Plan.docx");
  });

  it("is refused when somebody else holds the file in the drive", async () => {
    const { rename, driveLock } = stage();
    driveLock.token = "stranger";
    await expect(rename("Summary")).rejects.toMatchObject({
      failure: { kind: "lockedElsewhere" },
    });
  });
});
