import { randomBytes } from "node:crypto";
import { logFacts } from "../http/requestLog.ts";
import type { DriveDocument, DriveFile, DriveFiles, DriveLocks } from "../model/drive.ts";
import { BridgeError, failureOf } from "../model/failure.ts";
import type { FileMutex } from "../model/fileMutex.ts";
import type { Lease } from "../model/sharedFileMutex.ts";
import type { ClockJump } from "../model/watchedClock.ts";
import type { Services } from "../services.ts";
import type { AccessGrant } from "./grants.ts";
import { type DriveLock, LockRows, type WopiLock, type WopiLockState } from "./lockRows.ts";

/** Who asks for a lock: recorded with it, and used to tell whether they came before a take-over. */
type Holder = Pick<AccessGrant, "id" | "issuedAtMs">;

type LockedDrive = DriveLocks & Pick<DriveFiles, "stat">;

/** A file whose WOPI lock is held. */
interface HeldFile {
  readonly file: DriveFile;
  /** Of the drive's own lock; undefined for a file that the drive can't lock: others may write it at any time. */
  readonly token: string | undefined;
}

/**
 * The locks of all documents: the WOPI lock, held by everybody who presents its id, and the drive's own lock, which
 * keeps the web UI, WebDAV and uploads away. Everything that changes or relies on one is done under the file's mutex.
 */
export class DocumentLocks {
  readonly #mutex: FileMutex;
  readonly #drive: LockedDrive;
  readonly #rows: LockRows;

  /** @param services lastJump: of the clock; when left out, it never jumps */
  constructor(
    services: Pick<Services, "store" | "mutex" | "now"> & {
      readonly drive: LockedDrive;
      readonly lastJump?: () => ClockJump | undefined;
    },
  ) {
    this.#mutex = services.mutex;
    this.#drive = services.drive;
    this.#rows = new LockRows(services.store, services.now, services.lastJump ?? (() => undefined));
  }

  /**
   * Does the work under the file's mutex: one at a time per file, across all bridges on the store.
   * @param options signal: of the caller; when it aborts, the call leaves the queue
   * @throws driveBusy when the file is not free in time
   */
  exclusively<Result>(
    fileId: string,
    work: (lock: DocumentLock) => Promise<Result>,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<Result> {
    return this.#mutex.run(fileId, (lease) => work(new DocumentLock(fileId, this.#rows, this.#drive, lease)), signal);
  }

  /** @returns the current WOPI lock @see WOPI GetLock */
  async current(fileId: string): Promise<WopiLock | undefined> {
    return (await this.#rows.wopiLock(fileId)).held;
  }

  /** Records which start of the editor's server holds a lock. */
  noteServer(fileId: string, lockId: string, serverId: string): Promise<void> {
    return this.#rows.noteServer(fileId, lockId, serverId);
  }

  /** When the clock last jumped; what was heard before it seems longer ago than it is. */
  jumpedAtMs(): number {
    return this.#rows.jumpedAtMs();
  }

  /** @param grantIssuedAtMs when the person who presents the lock opened the document; 0 = before any take-over */
  wasTakenOver(fileId: string, lockId: string, grantIssuedAtMs = 0): Promise<boolean> {
    return this.#rows.wasTakenOver(fileId, lockId, grantIssuedAtMs);
  }

  /**
   * @returns the file without asking the drive, while our lock keeps everybody else away; undefined when the drive
   *   must be asked. If the drive has lost the lock, this is outdated: good for display, not for deciding about a
   *   write.
   */
  fileUnderLock(fileId: string): Promise<DriveFile | undefined> {
    return this.#rows.notedFile(fileId);
  }

  /** @returns ids of the files that the drive may still hold for us */
  held(): AsyncIterable<string> {
    return this.#rows.driveLocked();
  }
}

/** The lock of one file, under its mutex. It is read on each use, because it can end during the work. */
export class DocumentLock {
  readonly #fileId: string;
  readonly #rows: LockRows;
  /** Of the drive's lock. */
  readonly #row: ReturnType<LockRows["driveLock"]>;
  readonly #drive: LockedDrive;
  readonly #lease: Lease;

  constructor(fileId: string, rows: LockRows, drive: LockedDrive, lease: Lease) {
    this.#fileId = fileId;
    this.#rows = rows;
    this.#row = rows.driveLock(fileId);
    this.#drive = drive;
    this.#lease = lease;
  }

  /**
   * To be called right before a step that only one bridge may take.
   * @throws driveBusy when the lease has expired: another bridge may be working on the file
   */
  requireLease(): void {
    this.#lease.requireMine();
  }

  /** @returns the current WOPI lock */
  async current(): Promise<WopiLock | undefined> {
    return (await this.#rows.wopiLock(this.#fileId)).held;
  }

  /** @throws lockMismatch when any WOPI lock is held */
  async requireNone(): Promise<void> {
    const held = await this.current();
    if (held !== undefined) throw lockMismatch(held);
  }

  /**
   * Editors retry with the same id after a lost reply, and some refresh by locking again: both count as a refresh.
   * @returns "taken" when the file was free
   * @throws lockMismatch when another lock is held
   * @see WOPI Lock
   */
  async take(lockId: string, holder: Holder): Promise<"taken" | "refreshed"> {
    // An editor that has lost its lock locks again with the same id, and would take the file back at once.
    await this.#requireNotTakenOver(lockId, holder);
    const { held } = await this.#rows.changeWopiLock(this.#fileId, ({ held }) => {
      if (held !== undefined && held.lockId !== lockId) throw lockMismatch(held);
      return this.#rows.freshWopiLock(lockId, holder.id, held);
    });
    return held === undefined ? "taken" : "refreshed";
  }

  /** @throws lockMismatch when another lock or none is held @see WOPI RefreshLock */
  async refresh(lockId: string, holder: Holder): Promise<void> {
    await this.#replace(lockId, (standing) => this.#rows.freshWopiLock(lockId, holder.id, standing));
  }

  /** Ends the WOPI lock. @throws lockMismatch when another lock or none is held @see WOPI Unlock */
  async release(lockId: string): Promise<void> {
    await this.#replace(lockId, () => undefined);
  }

  /**
   * Replaces one lock with another in one step. @throws lockMismatch if `oldLockId` isn't held @see WOPI
   * UnlockAndRelock
   */
  async relock(oldLockId: string, lockId: string, holder: Holder): Promise<void> {
    // The refusal tells the editor the current lock id, with which it could otherwise come back this way.
    await this.#requireNotTakenOver(lockId, holder);
    await this.#replace(oldLockId, () => this.#rows.freshWopiLock(lockId, holder.id));
  }

  /**
   * Ends any WOPI lock for good: its holder can't take it again under its id. People who open the document later can:
   * ONLYOFFICE derives the id from the file's id, so it is always the same.
   * @returns the lock that was ended; undefined when there was none
   */
  async takeOver(): Promise<WopiLock | undefined> {
    const standing = await this.current();
    if (standing === undefined) return undefined;
    // Recorded before the lock ends: in between, a save under it would count as a late one.
    await this.#rows.noteTakenOver(this.#fileId, standing.lockId);
    const isSeen = ({ held }: WopiLockState): boolean => held?.lockId === standing.lockId;
    const before = await this.#rows.changeWopiLock(this.#fileId, (state) => (isSeen(state) ? undefined : state.held));
    return isSeen(before) ? before.held : undefined;
  }

  /**
   * Takes the drive's lock, refreshes it, or takes it again after the drive has forgotten it.
   * @returns the file's facts under the lock
   * @throws lockedElsewhere when somebody else holds the file in the drive
   */
  async holdInDrive(document: DriveDocument): Promise<DriveFile> {
    const standing = await this.#row.read();
    const refreshed = await this.#refresh(document, standing);
    const { file, token } = refreshed ?? (await this.#take(document, standing));
    // The account that acts from now on is the document's.
    if (refreshed !== undefined && standing !== undefined) {
      await this.#rows.noteFile(this.#row, { ...standing, document }, file);
    } else if (token !== undefined) await this.#rows.putDriveLock(this.#row, { token, document, wasTaken: true }, file);
    return file;
  }

  /** As `holdInDrive`, right before a write: until that is recorded, the store holds no facts about the file. */
  async holdInDriveToWrite(document: DriveDocument): Promise<HeldFile> {
    const standing = await this.#row.read();
    const [refreshed] = await Promise.all([
      this.#refresh(document, standing),
      standing?.wasTaken && this.#rows.putDriveLock(this.#row, { token: standing.token, document, wasTaken: true }),
    ]);
    if (refreshed !== undefined) return refreshed;
    const taken = await this.#take(document, standing);
    if (taken.token !== undefined)
      await this.#rows.putDriveLock(this.#row, { token: taken.token, document, wasTaken: true });
    return taken;
  }

  /** While the drive's lock has stood all along, what was noted under it is still true: the drive need not be asked. */
  async #refresh(document: DriveDocument, standing: DriveLock | undefined): Promise<HeldFile | undefined> {
    if (standing?.wasTaken === undefined) return undefined;
    const { token } = standing;
    try {
      const file = await this.#drive.refreshLock(document, token, this.#rows.notedIn(standing));
      return file === undefined ? undefined : { token, file };
    } catch (error) {
      await this.#rows.putDriveLock(this.#row, { token, document, wasTaken: true });
      throw error;
    }
  }

  /** @returns the file under a lock that was just taken; the caller records that it was */
  async #take(document: DriveDocument, standing: DriveLock | undefined): Promise<HeldFile> {
    const token = standing?.token ?? `${document.fileId}.${randomBytes(18).toString("base64url")}`;
    // Stored before the drive is called: a bridge that dies in between still knows what it may hold. It counts as not
    // taken until proven: if the lock turns out to be on another file, nothing relies on it.
    await this.#rows.putDriveLock(this.#row, { token, document });
    try {
      return { token, file: await this.#drive.lock(document, token) };
    } catch (error) {
      // Cloudreve locks only through a viewer. A lock that it took while it still had one for this type may stand.
      if (failureOf(error, "noEditor") === undefined || standing !== undefined) throw error;
      await this.#row.update(() => undefined);
      logFacts({ lock: "unshielded" });
      return { token: undefined, file: await this.#drive.stat(document) };
    }
  }

  /** Records the file's facts under the drive's lock, as after our own write. */
  async noteFile(file: DriveFile): Promise<void> {
    const standing = await this.#row.read();
    if (standing !== undefined) await this.#rows.noteFile(this.#row, standing, file);
  }

  /**
   * Releases the drive's lock; when the drive can't be reached, the row stays and the release is retried.
   * @returns the file as it was noted under the lock, if that stood until now
   */
  async releaseInDrive(): Promise<DriveFile | undefined> {
    const standing = await this.#row.read();
    if (standing === undefined) return undefined;
    const known = this.#rows.notedIn(standing);
    let stood = false;
    try {
      stood = await this.#drive.unlock(standing.document, standing.token);
    } catch (error) {
      // The lock of a deleted file went with it.
      if (failureOf(error, "fileMissing") === undefined) throw error;
    }
    await this.#row.update(() => undefined);
    return stood ? known : undefined;
  }

  async #requireNotTakenOver(lockId: string, holder: Holder): Promise<void> {
    if (await this.#rows.wasTakenOver(this.#fileId, lockId, holder.issuedAtMs))
      throw lockMismatch(await this.current());
  }

  /** A lock that expired only because the clock jumped counts as held: nobody else has taken the file. */
  async #replace(lockId: string, next: (standing: WopiLock) => WopiLock | undefined): Promise<void> {
    await this.#rows.changeWopiLock(this.#fileId, ({ held, lapsed }) => {
      const standing = held ?? lapsed;
      if (standing?.lockId !== lockId) throw lockMismatch(held);
      return next(standing);
    });
  }
}

/** Reports the current lock id, as WOPI requires; an empty one when there is no lock. */
export function lockMismatch(held: WopiLock | undefined): BridgeError {
  return new BridgeError({ kind: "lockMismatch", currentLockId: held?.lockId ?? "" });
}
