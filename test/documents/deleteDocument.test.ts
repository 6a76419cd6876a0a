import { describe, expect, it } from "vitest";
import { deleteDocument } from "../../src/documents/deleteDocument.ts";
import { lockDocument } from "../../src/documents/lockDocument.ts";
import { lockLifetimeMs } from "../../src/documents/lockRows.ts";
import { grant, here, lockStage } from "./lockStage.ts";

describe("deleting a document", () => {
  it("moves it to the trash, and the audit hears of it", async () => {
    const { services, audited, file } = lockStage();
    await deleteDocument(services, grant, here);
    expect(file()).toBeUndefined();
    expect(audited).toEqual([
      { event: "deleted", file: "f1", person: { id: "u1", name: "Ann" }, name: "Report.docx", through: "person:u1" },
    ]);
  });

  it("is the owner's alone", async () => {
    const { services, calls } = lockStage();
    const visitors = { ...grant, issuedTo: "link:l1" };
    await expect(deleteDocument(services, visitors, here)).rejects.toMatchObject({
      failure: { kind: "rightMissing", right: "delete" },
    });
    expect(calls).toEqual([]);
  });

  it("is refused while it is locked, to whoever holds the lock too", async () => {
    const { services, file } = lockStage();
    await lockDocument(services, { grant, lockId: "A", signal: here });
    await expect(deleteDocument(services, grant, here)).rejects.toMatchObject({
      failure: { kind: "lockMismatch", currentLockId: "A" },
    });
    expect(file()).toBeDefined();
  });

  it("is not kept off by a lock that has run out here and stands in the drive", async () => {
    const { services, clock, driveLock, file } = lockStage();
    await lockDocument(services, { grant, lockId: "A", signal: here });
    clock.advance(lockLifetimeMs);
    expect(driveLock.token).toBeDefined();
    await deleteDocument(services, grant, here);
    expect(file()).toBeUndefined();
  });
});
