import { randomBytes } from "node:crypto";
import type { Bytes, DriveDocument, DriveFile, WriteGuard } from "../model/drive.ts";
import { BridgeError, onFailure } from "../model/failure.ts";
import type { Pause } from "../model/keyValueStore.ts";
import { beside, type CloudreveFile, driveFile, type FileApi, folderOf } from "./fileApi.ts";
import type { NativeDocuments } from "./nativeDocuments.ts";
import { mostTries, type NativeLocks, whenNotBusy } from "./nativeLocks.ts";
import type { UploadSessions } from "./uploadSession.ts";

/** One byte over Cloudreve's default `maxEditSize`. */
const usuallyTooLargeBytes = 50 * 1024 * 1024 + 1;

/** The ways by which bytes get into a file of Cloudreve's. */
export class ContentWriter {
  readonly #files: FileApi;
  readonly #native: NativeDocuments;
  readonly #locks: NativeLocks;
  readonly #uploads: UploadSessions;
  readonly #pause: Pause;
  /** From this size on the upload session is used at once: Cloudreve's default limit, or less where it said so. */
  #tooLargeBytes = usuallyTooLargeBytes;

  constructor(files: FileApi, native: NativeDocuments, locks: NativeLocks, uploads: UploadSessions, pause: Pause) {
    this.#files = files;
    this.#native = native;
    this.#locks = locks;
    this.#uploads = uploads;
    this.#pause = pause;
  }

  /** What is small goes whole, under our lock or guarded by the version before; what is large by an upload session. */
  async write(document: DriveDocument, file: DriveFile, bytes: Bytes, guard: WriteGuard): Promise<DriveFile> {
    const whole = () =>
      "lockToken" in guard
        ? this.#underLock(document, file, bytes, guard.lockToken)
        : onFailure(
            "signInNeeded",
            async () => driveFile(await this.#files.put(document.account, file, bytes, guard.previousVersion)),
            () => this.#underOwnLock(document, bytes, guard.previousVersion),
          );
    const upload = () => this.#byUpload(document, file, bytes, guard);
    const bySize = () =>
      bytes.sizeBytes < this.#tooLargeBytes
        ? onFailure("bodyTooLarge", whole, () => {
            this.#tooLargeBytes = bytes.sizeBytes;
            return upload();
          })
        : onFailure("bodyTooLarge", upload, () => {
            // This storage takes no chunks from us, or the limit has been raised: what was learned of it is no use.
            this.#tooLargeBytes = usuallyTooLargeBytes;
            return whole();
          });
    return onFailure("lockedElsewhere", bySize, async ({ holder }, error) => {
      if (holder === "upload" && (await this.#uploads.endAbandoned(document))) return bySize();
      throw error;
    });
  }

  async #underLock(document: DriveDocument, file: DriveFile, bytes: Bytes, token: string): Promise<DriveFile> {
    const { version } = await whenNotBusy(this.#pause, async () => {
      // On a file without a lock, native PutFile writes whatever the token: only this look keeps it off another file.
      const locked = await this.#locks.stillLocked(document, file, token);
      const outcome = await this.#native.write(document, locked, token, () => bytes.open(), bytes.sizeBytes);
      if (outcome === "heldByAnother") {
        throw new BridgeError({ kind: "lockedElsewhere", holder: (await this.#files.holder(document)) ?? "other" });
      }
      return outcome;
    });
    const stored = await this.#native.readBack(document, token, version);
    if (stored.version !== version || stored.sizeBytes !== bytes.sizeBytes) throw notWhatWasSent();
    return stored;
  }

  /** Without a credential left, a lock of our own keeps others off between the look at the version and the save. */
  async #underOwnLock(document: DriveDocument, bytes: Bytes, previous: string): Promise<DriveFile> {
    const token = `${document.fileId}.${randomBytes(18).toString("base64url")}`;
    const file = await this.#locks.lock(document, token);
    try {
      if (file.version !== previous) throw new BridgeError({ kind: "changedInStorage" });
      return await this.#underLock(document, file, bytes, token);
    } finally {
      // What is stored is stored: a lock that can't be given back now ends by itself.
      await this.#native.unlock(document, token).catch(() => undefined);
    }
  }

  /** Contents above `maxEditSize`: our lock is given back for the upload, which locks the file itself. */
  async #byUpload(document: DriveDocument, file: DriveFile, bytes: Bytes, guard: WriteGuard): Promise<DriveFile> {
    await this.#uploads.endAbandoned(document);
    if ("lockToken" in guard) await this.#native.unlock(document, guard.lockToken);
    try {
      await this.#uploads.replace(document.account, file, bytes, async () => {
        const now = await this.#native.look(document);
        return now.version === file.version && now.uri === file.uri;
      });
    } finally {
      // Whoever comes in between is met by the next save: it takes the lock anew and compares the version.
      if ("lockToken" in guard) await this.#locks.lock(document, guard.lockToken).catch(() => undefined);
    }
    const stored = await this.#native.look(document);
    if (stored.version === file.version || stored.sizeBytes !== bytes.sizeBytes) throw notWhatWasSent();
    return stored;
  }

  /** Makes an empty file first, which tells whether the name is free. */
  async createBeside(document: DriveDocument, file: DriveFile, name: string, bytes: Bytes): Promise<DriveFile> {
    const { account } = document;
    const uri = beside(file, name);
    const empty = await this.#createEmpty(account, uri);
    try {
      // Undefined for a file that is gone, whose copies go where it lay last.
      const folderUri = await onFailure(
        "fileMissing",
        async () => folderOf((await this.#native.look(document)).uri),
        () => undefined,
      );
      // Cloudreve makes the folders that a path names: one moved away just now must not get a namesake, nor the file.
      if (folderUri !== undefined && folderUri !== folderOf(uri)) throw new BridgeError({ kind: "driveBusy" });
      // Guarded by "never written": nobody else's bytes are lost if the name finds another use meanwhile.
      const guard = { previousVersion: empty.primary_entity };
      return await this.write({ account, fileId: empty.id }, driveFile(empty), bytes, guard);
    } catch (error) {
      await this.#files.removeIfEmpty(account, empty);
      throw error;
    }
  }

  /** Whoever makes this very name just now has it locked for a moment; afterwards it is taken, or free. */
  async #createEmpty(account: string, uri: string): Promise<CloudreveFile> {
    return whenNotBusy(this.#pause, (tries) =>
      onFailure<"lockedElsewhere", CloudreveFile | "busy">(
        "lockedElsewhere",
        () => this.#files.create(account, uri),
        (_failure, error) => {
          if (tries === mostTries) throw error;
          return "busy";
        },
      ),
    );
  }
}

function notWhatWasSent(): BridgeError {
  return new BridgeError({ kind: "driveFailed", code: 200, said: "what is stored is not what was sent" });
}
