import type { DriveDocument, DriveFile, DriveLocks } from "../model/drive.ts";
import { BridgeError, failureOf, isTransient, onFailure } from "../model/failure.ts";
import type { Pause } from "../model/keyValueStore.ts";
import type { FileApi } from "./fileApi.ts";
import type { NativeDocuments } from "./nativeDocuments.ts";
import type { UploadSessions } from "./uploadSession.ts";

/** Pauses before the next try when a lock is in the way that soon ends, such as one for a save still arriving. */
const busyPausesMs = [50, 150, 400, 1_000];
export const mostTries = busyPausesMs.length + 1;
const triesForShortLocks = 3;
/** A check under the lock is trusted for this long before a write: to rename a file there, two people must act. */
const freshForMs = 1_000;

/** Cloudreve's lock, held with our token on exactly the file that is meant. */
export class NativeLocks implements Pick<DriveLocks, "lock" | "refreshLock"> {
  readonly #native: NativeDocuments;
  readonly #files: FileApi;
  readonly #uploads: UploadSessions;
  readonly #pause: Pause;
  /** When a file was proven to be under our lock, by `performance.now()`. */
  readonly #lockedAtMs = new WeakMap<DriveFile, number>();

  constructor(native: NativeDocuments, files: FileApi, uploads: UploadSessions, pause: Pause) {
    this.#native = native;
    this.#files = files;
    this.#uploads = uploads;
    this.#pause = pause;
  }

  async lock(document: DriveDocument, token: string): Promise<DriveFile> {
    const locked =
      (await this.#lockWhereOpened(document, token)) ??
      (await this.#tryLock(document, token)) ??
      (await this.#tryLock(document, token));
    if (locked === undefined) throw new BridgeError({ kind: "fileUnproven" });
    return locked;
  }

  /** @returns undefined when the lock was lost in the meantime */
  async refreshLock(document: DriveDocument, token: string, known?: DriveFile): Promise<DriveFile | undefined> {
    const file = await this.#native.refreshLock(document, token, known);
    return file === undefined ? undefined : this.#isUnderLock(file);
  }

  /**
   * The file under the lock, if that was checked just now.
   * @throws changedInStorage when the lock was lost and another version has been stored since
   */
  async stillLocked(document: DriveDocument, file: DriveFile, token: string): Promise<DriveFile> {
    const lockedAtMs = this.#lockedAtMs.get(file);
    if (lockedAtMs !== undefined && performance.now() - lockedAtMs < freshForMs) return file;
    const now = (await this.refreshLock(document, token)) ?? (await this.lock(document, token));
    if (now.version !== file.version) throw new BridgeError({ kind: "changedInStorage" });
    return now;
  }

  /** Mostly the file is still where its session was opened, and free: one call less. @returns undefined when not */
  async #lockWhereOpened(document: DriveDocument, token: string): Promise<DriveFile | undefined> {
    try {
      const uri = await this.#native.lockWhereOpened(document, token);
      return uri === undefined ? undefined : await this.#provenAt(document, uri, token);
    } catch (error) {
      // All else is found out, and told, by looking for the file first.
      if (failureOf(error, "driveUnreachable") !== undefined) throw error;
      return undefined;
    }
  }

  /** @returns undefined when the file was moved away at that moment */
  async #tryLock(document: DriveDocument, token: string): Promise<DriveFile | undefined> {
    const before = await this.#native.lookToChange(document);
    const isHeld = await onFailure(
      "fileUnproven",
      () => this.#hold(document, before, token),
      () => false,
    );
    return isHeld ? this.#provenAt(document, before.uri, token) : undefined;
  }

  /** @returns undefined when the file is not at the path that was locked; the lock on what is there is released */
  async #provenAt(document: DriveDocument, uri: string, token: string): Promise<DriveFile | undefined> {
    try {
      const after = await this.#native.lookToChange(document);
      if (after.uri === uri) return this.#isUnderLock(after);
    } catch (error) {
      // A drive that does not answer is not asked again now; callers that stored the token release it later.
      if (!isTransient(error)) await this.#native.unlock(document, token);
      throw error;
    }
    await this.#native.unlock(document, token);
    return undefined;
  }

  /** @throws lockedElsewhere, driveBusy */
  async #hold(document: DriveDocument, file: DriveFile, token: string): Promise<true> {
    return whenNotBusy(this.#pause, async (tries) => {
      const outcome = await this.#native.lock(document, file, token);
      if (outcome !== "heldByAnother") return outcome === "held" ? true : "busy";
      const holder = await this.#files.holder(document);
      if (holder === "upload" && (await this.#uploads.endAbandoned(document))) return "busy";
      // Locks for a rename, a small save or another bridge's question end within a moment.
      const mayPass = holder === undefined || holder === "other" || holder === "upload";
      if (mayPass && tries < triesForShortLocks) return "busy";
      throw new BridgeError({ kind: "lockedElsewhere", holder: holder ?? "other" });
    });
  }

  #isUnderLock(file: DriveFile): DriveFile {
    this.#lockedAtMs.set(file, performance.now());
    return file;
  }
}

/** @param attempt gets the number of this try, starting at 1 @throws driveBusy */
export async function whenNotBusy<Result>(
  pause: Pause,
  attempt: (tries: number) => Promise<Result | "busy">,
): Promise<Result> {
  for (let tries = 1; ; tries++) {
    const result = await attempt(tries);
    if (result !== "busy") return result;
    const pauseMs = busyPausesMs[tries - 1];
    if (pauseMs === undefined) throw new BridgeError({ kind: "driveBusy" });
    await pause(pauseMs);
  }
}
