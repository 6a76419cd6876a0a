import { randomBytes } from "node:crypto";
import type { DriveDocument, DriveFile, DriveLocks } from "../model/drive.ts";
import { BridgeError, failureOf } from "../model/failure.ts";
import type { FileMutex } from "../model/fileMutex.ts";
import type { Lease } from "../model/sharedFileMutex.ts";
import type { ClockJump } from "../model/watchedClock.ts";
import type { Services } from "../services.ts";
import type { AccessGrant } from "./grants.ts";
import { LockRows, type WopiLock, type WopiLockState } from "./lockRows.ts";

/** Who asks for a lock: for whom it is noted, and whether he came before a take-over. */
type Holder = Pick<AccessGrant, "id" | "issuedAtMs">;

/**
 * The locks of all documents: the WOPI lock, held by whoever presents its id, and around it the drive's own, so that the
 * web UI, WebDAV and uploads keep off. Whatever changes one, or rests on it, is done under the file's mutex.
 */
export class DocumentLocks {
  readonly #mutex: FileMutex;
  readonly #drive: DriveLocks;
  readonly #rows: LockRows;

  /** @param services lastJump: of the clock; it never jumps when left out */
  constructor(
    services: Pick<Services, "store" | "mutex" | "now"> & {
      readonly drive: DriveLocks;
      readonly lastJump?: () => ClockJump | undefined;
    },
  ) {
    this.#mutex = services.mutex;
    this.#drive = services.drive;
    this.#rows = new LockRows(services.store, services.now, services.lastJump ?? (() => undefined));
  }

  /**
   * Does the work under the file's mutex: one at a time per file, among all bridges on the store.
   * @param options signal: of a caller without whom nobody wants the work done; he leaves the queue when he goes
   * @throws driveBusy when the file is not free in time
   */
  exclusively<Result>(
    fileId: string,
    work: (lock: DocumentLock) => Promise<Result>,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<Result> {
    return this.#mutex.run(fileId, (lease) => work(new DocumentLock(fileId, this.#rows, this.#drive, lease)), signal);
  }

  /** @returns the WOPI lock that stands @see WOPI GetLock */
  async current(fileId: string): Promise<WopiLock | undefined> {
    return (await this.#rows.wopiLock(fileId)).held;
  }

  /** @param grantIssuedAtMs when whoever presents the lock opened the document; 0 = before */
  wasTakenOver(fileId: string, lockId: string, grantIssuedAtMs = 0): Promise<boolean> {
    return this.#rows.wasTakenOver(fileId, lockId, grantIssuedAtMs);
  }

  /**
   * @returns the file without asking the drive, while our lock keeps everybody else off; undefined when it must be asked.
   *   Should the drive have lost the lock, this is old: good for showing, not for deciding about a write.
   */
  fileUnderLock(fileId: string): Promise<DriveFile | undefined> {
    return this.#rows.notedFile(fileId);
  }

  /** @returns ids of the files that the drive may still hold for us */
  held(): AsyncIterable<string> {
    return this.#rows.driveLocked();
  }
}

/** The lock of one file, under its mutex. It is read when it is asked for: what stands can end while work goes on. */
export class DocumentLock {
  readonly #fileId: string;
  readonly #rows: LockRows;
  readonly #drive: DriveLocks;
  readonly #lease: Lease;

  constructor(fileId: string, rows: LockRows, drive: DriveLocks, lease: Lease) {
    this.#fileId = fileId;
    this.#rows = rows;
    this.#drive = drive;
    this.#lease = lease;
  }

  /**
   * To be called right before what only one may do.
   * @throws driveBusy when the lease has run out: another bridge may be at work on the file
   */
  requireLease(): void {
    this.#lease.requireMine();
  }

  /** @returns the WOPI lock that stands */
  async current(): Promise<WopiLock | undefined> {
    return (await this.#rows.wopiLock(this.#fileId)).held;
  }

  /** @throws lockMismatch when any WOPI lock is held */
  async requireNone(): Promise<void> {
    const held = await this.current();
    if (held !== undefined) throw lockMismatch(held);
  }

  /**
   * Editors retry with the same id after a lost reply, and some refresh by locking again: both are a refresh.
   * @returns "taken" when the file was free
   * @throws lockMismatch when another lock is held
   * @see WOPI Lock
   */
  async take(lockId: string, holder: Holder): Promise<"taken" | "refreshed"> {
    // An editor that has lost its lock locks again with the same id, and would be back at once.
    await this.#requireNotTakenOver(lockId, holder);
    const { held } = await this.#rows.changeWopiLock(this.#fileId, ({ held }) => {
      if (held !== undefined && held.lockId !== lockId) throw lockMismatch(held);
      return this.#rows.freshWopiLock(lockId, holder.id);
    });
    return held === undefined ? "taken" : "refreshed";
  }

  /** @throws lockMismatch when another lock or none is held @see WOPI RefreshLock */
  async refresh(lockId: string, holder: Holder): Promise<void> {
    await this.#replace(lockId, () => this.#rows.freshWopiLock(lockId, holder.id));
  }

  /** Ends the WOPI lock. @throws lockMismatch when another lock or none is held @see WOPI Unlock */
  async release(lockId: string): Promise<void> {
    await this.#replace(lockId, () => undefined);
  }

  /** Replaces one lock by another in one step. @throws lockMismatch when `oldLockId` is not held @see WOPI UnlockAndRelock */
  async relock(oldLockId: string, lockId: string, holder: Holder): Promise<void> {
    // A refusal names the lock that stands, with which an editor could come back this way.
    await this.#requireNotTakenOver(lockId, holder);
    await this.#replace(oldLockId, () => this.#rows.freshWopiLock(lockId, holder.id));
  }

  /**
   * Ends whatever WOPI lock stands, and for good: whoever was there before does not get it again under its id. Who opens
   * the document afterwards may: ONLYOFFICE makes the id of the file's, so that it is always the same.
   * @returns the lock that was ended; undefined when there was none
   */
  async takeOver(): Promise<WopiLock | undefined> {
    const standing = await this.current();
    if (standing === undefined) return undefined;
    // Remembered before it ends: in between, a save under it would pass for a late one.
    await this.#rows.noteTakenOver(this.#fileId, standing.lockId);
    const isSeen = ({ held }: WopiLockState): boolean => held?.lockId === standing.lockId;
    const before = await this.#rows.changeWopiLock(this.#fileId, (state) => (isSeen(state) ? undefined : state.held));
    return isSeen(before) ? before.held : undefined;
  }

  /**
   * Takes the drive's lock, refreshes it, or takes it again after the drive has forgotten it.
   * @returns the file as it stands under the lock
   * @throws lockedElsewhere when somebody else holds the file in the drive
   */
  async holdInDrive(document: DriveDocument): Promise<DriveFile> {
    const { file } = await this.holdInDriveToWrite(document);
    await this.noteFile(file);
    return file;
  }

  /** As `holdInDrive`, for a write that comes at once: until it is noted, nothing is known of the file. */
  async holdInDriveToWrite(document: DriveDocument): Promise<{ readonly token: string; readonly file: DriveFile }> {
    const standing = await this.#rows.driveLock(document.fileId);
    // Written before the drive is asked: a bridge that dies in between still knows what it may hold.
    const token = standing?.token ?? `${document.fileId}.${randomBytes(18).toString("base64url")}`;
    if (standing?.wasTaken) {
      await this.#rows.putDriveLock({ token, document, wasTaken: true });
      const file = await this.#drive.refreshLock(document, token);
      if (file !== undefined) return { token, file };
    }
    // Not taken until proven: should it turn out to stand on another file, nothing rests on it.
    await this.#rows.putDriveLock({ token, document });
    const file = await this.#drive.lock(document, token);
    await this.#rows.putDriveLock({ token, document, wasTaken: true });
    return { token, file };
  }

  /** Notes how the file stands under the drive's lock, as after a write of ours. */
  async noteFile(file: DriveFile): Promise<void> {
    await this.#rows.noteFile(file);
  }

  /** Gives the drive's lock back; when the drive can't be reached the row stays, and this is tried again. */
  async releaseInDrive(): Promise<void> {
    const standing = await this.#rows.driveLock(this.#fileId);
    if (standing === undefined) return;
    try {
      await this.#drive.unlock(standing.document, standing.token);
    } catch (error) {
      // A deleted file has taken its lock along.
      if (failureOf(error, "fileMissing") === undefined) throw error;
    }
    await this.#rows.removeDriveLock(this.#fileId);
  }

  async #requireNotTakenOver(lockId: string, holder: Holder): Promise<void> {
    if (await this.#rows.wasTakenOver(this.#fileId, lockId, holder.issuedAtMs))
      throw lockMismatch(await this.current());
  }

  /** A lock that has run out because the clock has jumped is as good as one that stands: nobody else has come. */
  async #replace(lockId: string, next: () => WopiLock | undefined): Promise<void> {
    await this.#rows.changeWopiLock(this.#fileId, ({ held, lapsed }) => {
      if ((held ?? lapsed)?.lockId !== lockId) throw lockMismatch(held);
      return next();
    });
  }
}

/** Names the lock that stands, as WOPI wants it; an empty id when there is none. */
export function lockMismatch(held: WopiLock | undefined): BridgeError {
  return new BridgeError({ kind: "lockMismatch", currentLockId: held?.lockId ?? "" });
}
