import { describe, expect, it } from "vitest";
import { lockLifetimeMs } from "../../src/documents/lockRows.ts";
import { grant, here, lockStage } from "./lockStage.ts";

const { document } = grant;

describe("what is done exclusively for a file", () => {
  it("is done one after the other, and another file's goes on meanwhile", async () => {
    const { locks } = lockStage();
    const log: string[] = [];
    let end = (): void => undefined;
    const first = locks.exclusively("f1", () => new Promise<void>((resolve) => (end = resolve)));
    const second = locks.exclusively("f1", async () => void log.push("f1"));
    await locks.exclusively("f2", async () => void log.push("f2"));
    end();
    await Promise.all([first, second]);
    expect(log).toEqual(["f2", "f1"]);
  });

  it("is not begun for somebody who has hung up, where only he wants it", async () => {
    const { locks } = lockStage();
    const asked = locks.exclusively("f1", async () => "done", { signal: AbortSignal.abort() });
    await expect(asked).rejects.toMatchObject({ failure: { kind: "driveBusy" } });
    expect(await locks.exclusively("f1", async () => "done", { signal: here })).toBe("done");
  });

  it("sees what stands at each look: a lock can run out meanwhile", async () => {
    const { locks, clock } = lockStage();
    await locks.exclusively("f1", async (lock) => {
      await lock.take("A", grant);
      expect((await lock.current())?.lockId).toBe("A");
      await expect(lock.requireNone()).rejects.toMatchObject({ failure: { kind: "lockMismatch", currentLockId: "A" } });
      clock.advance(lockLifetimeMs);
      expect(await lock.current()).toBeUndefined();
      await lock.requireNone();
    });
  });
});

describe("the drive's lock", () => {
  it("is taken once and then refreshed, by every bridge on the store under the same token", async () => {
    const { locks, newLocks, calls, driveLock } = lockStage();
    await locks.exclusively("f1", (lock) => lock.holdInDrive(document));
    const { token } = driveLock;
    await newLocks().exclusively("f1", (lock) => lock.holdInDrive(document));
    expect(calls).toEqual(["lock", "refreshLock"]);
    expect(driveLock.token).toBe(token);
  });

  it("is taken again when the drive has forgotten it", async () => {
    const { locks, calls, driveLock } = lockStage();
    await locks.exclusively("f1", (lock) => lock.holdInDrive(document));
    driveLock.token = undefined;
    await locks.exclusively("f1", (lock) => lock.holdInDrive(document));
    expect(calls).toEqual(["lock", "refreshLock", "lock"]);
  });

  it("is remembered before it is asked for: a bridge that dies in between leaves it to the next to give back", async () => {
    const { locks, newLocks, spoilt, driveLock } = lockStage();
    spoilt.set("lock", new Error("died"));
    await expect(locks.exclusively("f1", (lock) => lock.holdInDrive(document))).rejects.toThrow("died");
    const held: string[] = [];
    for await (const fileId of newLocks().held()) held.push(fileId);
    expect(held).toEqual(["f1"]);
    await newLocks().exclusively("f1", (lock) => lock.releaseInDrive());
    for await (const fileId of locks.held()) held.push(fileId);
    expect(held).toEqual(["f1"]);
    expect(driveLock.token).toBeUndefined();
  });

  it("lets the file be shown without asking the drive, but not while a write is under way", async () => {
    const { locks, clock, file } = lockStage();
    expect(await locks.fileUnderLock("f1")).toBeUndefined();
    await locks.exclusively("f1", (lock) => lock.holdInDrive(document));
    expect(await locks.fileUnderLock("f1")).toEqual(file());
    await locks.exclusively("f1", async (lock) => {
      const held = await lock.holdInDriveToWrite(document);
      expect(await locks.fileUnderLock("f1")).toBeUndefined();
      await lock.noteFile({ ...held.file, version: "v2" });
    });
    expect((await locks.fileUnderLock("f1"))?.version).toBe("v2");
    clock.advance(lockLifetimeMs - 60_000);
    expect(await locks.fileUnderLock("f1")).toBeUndefined();
  });
});

describe("what was noted about a file", () => {
  it("is forgotten when the drive's lock can't be looked at", async () => {
    const { locks, spoilt } = lockStage();
    await locks.exclusively("f1", (lock) => lock.holdInDrive(document));
    for (const hold of ["holdInDrive", "holdInDriveToWrite"] as const) {
      spoilt.set("refreshLock", new Error("not now"));
      const held = locks.exclusively<unknown>("f1", (lock) => lock[hold](document));
      await expect(held).rejects.toThrow("not now");
      expect(await locks.fileUnderLock("f1")).toBeUndefined();
      spoilt.clear();
      await locks.exclusively("f1", (lock) => lock.holdInDrive(document));
      expect(await locks.fileUnderLock("f1")).toBeDefined();
    }
  });

  it("belongs to the account that acts from now on", async () => {
    const { locks, store } = lockStage();
    await locks.exclusively("f1", (lock) => lock.holdInDrive(document));
    const other = { ...document, account: "another" };
    await locks.exclusively("f1", (lock) => lock.holdInDrive(other));
    expect(await store.get("shield:f1")).toContain('"account":"another"');
    await locks.exclusively("f1", (lock) => lock.holdInDriveToWrite(document));
    expect(await store.get("shield:f1")).not.toContain("another");
  });
});

describe("rows of earlier versions", () => {
  it("are read: the lock stands, and the drive's is refreshed and given back under its token", async () => {
    const { locks, store, clock, calls, driveLock, file } = lockStage();
    driveLock.token = "f1.old";
    const expiresAtMs = clock.now() + lockLifetimeMs;
    await store.swap("lock:f1", undefined, JSON.stringify({ lockId: "A", grantId: "g1", expiresAtMs }));
    const shield = { token: "f1.old", document, wasTaken: true, file: file(), factsEndAtMs: expiresAtMs - 60_000 };
    await store.swap("shield:f1", undefined, JSON.stringify(shield));
    expect(await locks.current("f1")).toEqual({ lockId: "A", grantId: "g1", expiresAtMs });
    expect(await locks.fileUnderLock("f1")).toEqual(file());
    await locks.exclusively("f1", async (lock) => {
      await lock.refresh("A", grant);
      await lock.holdInDrive(document);
      await lock.releaseInDrive();
    });
    expect(calls).toEqual(["refreshLock", "unlock"]);
    expect(driveLock.token).toBeUndefined();
  });

  it("are read as the first of them were written, without a word of what the drive has given", async () => {
    const { locks, store, calls, driveLock } = lockStage();
    driveLock.token = "f1.old";
    await store.swap("shield:f1", undefined, JSON.stringify({ token: "f1.old", document }));
    await locks.exclusively("f1", (lock) => lock.holdInDrive(document));
    expect(calls).toEqual(["lock"]);
    expect(driveLock.token).toBe("f1.old");
  });
});
