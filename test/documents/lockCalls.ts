import { DocumentLocks } from "../../src/documents/documentLock.ts";
import type { Drive } from "../../src/model/drive.ts";
import { FileMutex } from "../../src/model/fileMutex.ts";
import type { Clock, KeyValueStore } from "../../src/model/keyValueStore.ts";

/** What one process can ask of the WOPI locks, one call at a time. */
export type LockCalls = ReturnType<typeof lockCalls>;

/** The WOPI locks as one process sees them: its mutex keeps off nobody but its own calls. */
export function lockCalls(store: KeyValueStore, now: Clock) {
  const locks = new DocumentLocks({ store, drive: {} as Drive, mutex: new FileMutex(), now });
  const holder = (id: string, issuedAtMs: number) => ({ id, issuedAtMs });
  return {
    current: (fileId: string) => locks.current(fileId),
    wasTakenOver: (fileId: string, lockId: string) => locks.wasTakenOver(fileId, lockId),
    lock: (fileId: string, lockId: string, grantId: string, grantIssuedAtMs = 0) =>
      locks.exclusively(fileId, (lock) => lock.take(lockId, holder(grantId, grantIssuedAtMs))),
    refresh: (fileId: string, lockId: string, grantId: string) =>
      locks.exclusively(fileId, (lock) => lock.refresh(lockId, holder(grantId, 0))),
    unlock: (fileId: string, lockId: string) => locks.exclusively(fileId, (lock) => lock.release(lockId)),
    unlockAndRelock: (fileId: string, oldLockId: string, lockId: string, grantId: string) =>
      locks.exclusively(fileId, (lock) => lock.relock(oldLockId, lockId, holder(grantId, 0))),
    takeOver: (fileId: string) => locks.exclusively(fileId, (lock) => lock.takeOver()),
  };
}
