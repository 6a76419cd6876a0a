import { describe, expect, it } from "vitest";
import {
  currentLockId,
  lockDocument,
  refreshDocumentLock,
  relockDocument,
  takeOverDocument,
  unlockDocument,
} from "../../src/documents/lockDocument.ts";
import { BridgeError } from "../../src/model/failure.ts";
import { grant, here, lockStage } from "./lockStage.ts";

const ask = (lockId: string) => ({ grant, lockId, signal: here });
const mismatch = (currentLockId: string) => ({ failure: { kind: "lockMismatch", currentLockId } });
const away = new BridgeError({ kind: "driveUnreachable" });

describe("locking a document", () => {
  it("takes the lock here and in the drive, and tells the version that stands under it", async () => {
    const { services, driveLock } = lockStage();
    expect(await lockDocument(services, ask("A"))).toBe("v1");
    expect(await currentLockId(services, grant)).toBe("A");
    expect(driveLock.token).toBeDefined();
    await expect(lockDocument(services, ask("B"))).rejects.toMatchObject(mismatch("A"));
  });

  it("takes none here when somebody else holds the file in the drive", async () => {
    const { services, driveLock } = lockStage();
    driveLock.token = "stranger";
    await expect(lockDocument(services, ask("A"))).rejects.toMatchObject({ failure: { kind: "lockedElsewhere" } });
    expect(await currentLockId(services, grant)).toBe("");
    expect(driveLock.token).toBe("stranger");
  });

  it("waits for nobody whose session has ended: his lock is given back first", async () => {
    const { services, locks } = lockStage();
    await lockDocument(services, ask("A"));
    const sessionsEnded = (fileId: string) => locks.exclusively(fileId, (lock) => lock.release("A"));
    expect(await lockDocument({ ...services, sessionsEnded }, ask("B"))).toBe("v1");
    expect(await currentLockId(services, grant)).toBe("B");
  });
});

describe("a lock that stands", () => {
  it("is refreshed, replaced and given back", async () => {
    const { services, driveLock } = lockStage();
    await lockDocument(services, ask("A"));
    expect(await refreshDocumentLock(services, ask("A"))).toBe("v1");
    expect(await relockDocument(services, ask("B"), "A")).toBe("v1");
    await expect(unlockDocument(services, ask("A"))).rejects.toMatchObject(mismatch("B"));
    expect(await unlockDocument(services, ask("B"))).toBe("v1");
    expect(await currentLockId(services, grant)).toBe("");
    expect(driveLock.token).toBeUndefined();
  });

  it("is the truth while the drive is away: refreshed and given back all the same, without a version", async () => {
    const { services, spoilt, noted } = lockStage();
    await lockDocument(services, ask("A"));
    for (const call of ["stat", "lock", "refreshLock", "unlock"] as const) spoilt.set(call, away);
    expect(await refreshDocumentLock(services, ask("A"))).toBeUndefined();
    expect(await unlockDocument(services, ask("A"))).toBeUndefined();
    expect(await currentLockId(services, grant)).toBe("");
    expect(noted).toEqual([away, away, away]);
  });

  it("is ended for good when the file is taken over, whatever the drive says", async () => {
    const { services, spoilt, noted } = lockStage();
    await lockDocument(services, ask("A"));
    spoilt.set("unlock", away);
    expect(await takeOverDocument(services, "f1")).toMatchObject({ lockId: "A", grantId: "g1" });
    expect(await takeOverDocument(services, "f1")).toBeUndefined();
    expect(noted).toEqual([away, away]);
    await expect(lockDocument(services, ask("A"))).rejects.toMatchObject(mismatch(""));
  });
});

describe("that a file is not locked", () => {
  it("is said of files alone that are there", async () => {
    const { services, spoilt } = lockStage();
    await expect(refreshDocumentLock(services, ask("A"))).rejects.toMatchObject(mismatch(""));
    spoilt.set("stat", new BridgeError({ kind: "fileMissing" }));
    for (const asked of [
      currentLockId(services, grant),
      refreshDocumentLock(services, ask("A")),
      relockDocument(services, ask("B"), "A"),
      unlockDocument(services, ask("A")),
    ]) {
      await expect(asked).rejects.toMatchObject({ failure: { kind: "fileMissing" } });
    }
  });
});
