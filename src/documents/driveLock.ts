import { randomBytes } from "node:crypto";
import type { Drive, DriveDocument, DriveFile } from "../model/drive.ts";
import { failureOf } from "../model/failure.ts";
import { type Clock, type KeyValueStore, put } from "../model/keyValueStore.ts";
import { clockSkewMs, keptAfterEndMs } from "../model/watchedClock.ts";
import { lockLifetimeMs } from "./fileLocks.ts";

/** Cloudreve's clock may be ahead: what is known of a file is let go before its lock can run out there. */
const factsLifetimeMs = lockLifetimeMs - 60_000;

interface Shield {
  /** Unique per file: Cloudreve keeps all lock strings in one table, and anybody who knows one can remove the lock. */
  readonly token: string;
  readonly document: DriveDocument;
  /** Whether the drive has given the lock on this very file: while it stands, nobody moves or replaces the file. */
  readonly wasTaken?: true;
  /** The file as it stands under the lock: nobody else can change it while that lasts. */
  readonly file?: DriveFile;
  readonly factsEndAtMs?: number;
}

/**
 * The drive's own lock around a document that is being edited, so that the web UI, WebDAV and uploads keep off.
 * The record is written before the drive is asked: a bridge that dies in between still knows what it may hold.
 * Calls for one file must come one at a time (FileMutex).
 */
export class DriveLock {
  readonly #store: KeyValueStore;
  readonly #drive: Drive;
  readonly #now: Clock;

  constructor(store: KeyValueStore, drive: Drive, now: Clock) {
    this.#store = store;
    this.#drive = drive;
    this.#now = now;
  }

  /**
   * Takes the drive's lock, refreshes it, or takes it again after the drive has forgotten it.
   * @returns the file as it stands under the lock
   * @throws lockedElsewhere when somebody else holds the file in the drive
   */
  async hold(document: DriveDocument): Promise<DriveFile> {
    const { file } = await this.holdToWrite(document);
    await this.note(file);
    return file;
  }

  /** As `hold`, for a write that comes at once: until it is noted, nothing is known of the file. */
  async holdToWrite(document: DriveDocument): Promise<{ readonly token: string; readonly file: DriveFile }> {
    const standing = await this.#read(document.fileId);
    const token = standing?.token ?? `${document.fileId}.${randomBytes(18).toString("base64url")}`;
    if (standing?.wasTaken) {
      await this.#write({ token, document, wasTaken: true });
      const file = await this.#drive.refreshLock(document, token);
      if (file !== undefined) return { token, file };
    }
    // Not taken until proven: should it turn out to stand on another file, nothing rests on it.
    await this.#write({ token, document });
    const file = await this.#drive.lock(document, token);
    await this.#write({ token, document, wasTaken: true });
    return { token, file };
  }

  /** Notes how the file stands under the lock, as after a write of ours. */
  async note(file: DriveFile): Promise<void> {
    const raw = await this.#store.get(driveLockKey(file.id));
    if (raw === undefined) return;
    const nowMs = this.#now();
    const driveLock: Shield = { ...(JSON.parse(raw) as Shield), file, factsEndAtMs: nowMs + factsLifetimeMs };
    // Whoever was here meanwhile knows better.
    await this.#store.swap(driveLockKey(file.id), raw, JSON.stringify(driveLock), this.#keptUntilMs());
  }

  /**
   * @returns the file without asking the drive, while our lock keeps everybody else off; undefined when it must be asked.
   *   Should the drive have lost the lock, this is old: good for showing, not for deciding about a write.
   */
  async fileUnderLock(fileId: string): Promise<DriveFile | undefined> {
    const { file, factsEndAtMs = 0 } = (await this.#read(fileId)) ?? {};
    const leftMs = factsEndAtMs - this.#now();
    // Longer than they ever last: the clock was set back, and the drive's lock may have run out long ago.
    return leftMs > 0 && leftMs <= factsLifetimeMs + clockSkewMs ? file : undefined;
  }

  /** Gives the drive's lock back; when the drive can't be reached the record stays and `release` is tried again. */
  async release(fileId: string): Promise<void> {
    const standing = await this.#read(fileId);
    if (standing === undefined) return;
    try {
      await this.#drive.unlock(standing.document, standing.token);
    } catch (error) {
      // A deleted file has taken its lock along.
      if (failureOf(error, "fileMissing") === undefined) throw error;
    }
    await put(this.#store, driveLockKey(fileId), undefined);
  }

  /** @returns ids of the files that the drive may still hold for us */
  async *held(): AsyncIterable<string> {
    for await (const [key] of this.#store.list(driveLockKey(""))) yield key.slice(driveLockKey("").length);
  }

  /** Cloudreve's lock ends by its own clock: without its token, a jump of ours would make of it a stranger's. */
  #keptUntilMs(): number {
    return this.#now() + lockLifetimeMs + keptAfterEndMs;
  }

  async #write(driveLock: Shield): Promise<void> {
    await put(this.#store, driveLockKey(driveLock.document.fileId), JSON.stringify(driveLock), this.#keptUntilMs());
  }

  async #read(fileId: string): Promise<Shield | undefined> {
    const raw = await this.#store.get(driveLockKey(fileId));
    return raw === undefined ? undefined : (JSON.parse(raw) as Shield);
  }
}

const driveLockKey = (fileId: string): string => `shield:${fileId}`;
