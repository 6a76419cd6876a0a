import { randomBytes } from "node:crypto";
import type { Bytes, DriveDocument, DriveFile, NewContent, WriteGuard } from "../model/drive.ts";
import { BridgeError, onFailure } from "../model/failure.ts";
import type { Pause } from "../model/keyValueStore.ts";
import { BodyParts } from "./bodyParts.ts";
import { beside, type CloudreveFile, driveFile, type FileApi, folderOf } from "./fileApi.ts";
import type { NativeDocuments } from "./nativeDocuments.ts";
import { mostTries, type NativeLocks, whenNotBusy } from "./nativeLocks.ts";
import type { UploadSessions } from "./uploadSession.ts";

/** One byte over Cloudreve's default `maxEditSize`. */
const usuallyTooLargeBytes = 50 * 1024 * 1024 + 1;

/** The ways to write bytes into a file in Cloudreve. */
export class ContentWriter {
  readonly #files: FileApi;
  readonly #native: NativeDocuments;
  readonly #locks: NativeLocks;
  readonly #uploads: UploadSessions;
  readonly #pause: Pause;
  /** From this size on, the upload session is used at once: Cloudreve's default limit, or less if it has said so. */
  #tooLargeBytes = usuallyTooLargeBytes;

  constructor(files: FileApi, native: NativeDocuments, locks: NativeLocks, uploads: UploadSessions, pause: Pause) {
    this.#files = files;
    this.#native = native;
    this.#locks = locks;
    this.#uploads = uploads;
    this.#pause = pause;
  }

  /** Small contents go in one call, under our lock or guarded by the previous version; large ones in an upload. */
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
            // This storage takes no chunks from us, or the limit was raised: forget what was learned about it.
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
      // On a file without a lock, native PutFile accepts any token: only this check keeps it off another file.
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

  /** Without a credential, a lock of our own keeps others off from the check of the version until the save. */
  async #underOwnLock(document: DriveDocument, bytes: Bytes, previous: string): Promise<DriveFile> {
    const token = `${document.fileId}.${randomBytes(18).toString("base64url")}`;
    const file = await this.#locks.lock(document, token);
    try {
      if (file.version !== previous) throw new BridgeError({ kind: "changedInStorage" });
      return await this.#underLock(document, file, bytes, token);
    } finally {
      // The save is complete; a lock that can't be released now ends by itself.
      await this.#native.unlock(document, token).catch(() => undefined);
    }
  }

  /** Contents above `maxEditSize`: our lock is released for the upload, which locks the file itself. */
  async #byUpload(document: DriveDocument, file: DriveFile, bytes: Bytes, guard: WriteGuard): Promise<DriveFile> {
    await this.#uploads.endAbandoned(document);
    if ("lockToken" in guard) await this.#native.unlock(document, guard.lockToken);
    try {
      await this.#uploads.replace(document.account, file, bytes, async () => {
        const now = await this.#native.look(document);
        return now.version === file.version && now.uri === file.uri;
      });
    } finally {
      // If someone else writes in between, the next save notices: it takes the lock again and compares the version.
      if ("lockToken" in guard) await this.#locks.lock(document, guard.lockToken).catch(() => undefined);
    }
    const stored = await this.#native.look(document);
    if (stored.version === file.version || stored.sizeBytes !== bytes.sizeBytes) throw notWhatWasSent();
    return stored;
  }

  /** Creates an empty file first, which shows whether the name is free. */
  async createBeside(document: DriveDocument, file: DriveFile, name: string, bytes: Bytes): Promise<DriveFile> {
    const { account } = document;
    const uri = beside(file, name);
    const empty = await this.#createEmpty(account, uri);
    try {
      // Undefined for a deleted file, whose copies go where it was last.
      const folderUri = await onFailure(
        "fileMissing",
        async () => folderOf((await this.#native.look(document)).uri),
        () => undefined,
      );
      // Cloudreve creates missing folders in a path: a folder that was just moved must not be created again.
      if (folderUri !== undefined && folderUri !== folderOf(uri)) throw new BridgeError({ kind: "driveBusy" });
      // Guarded by "never written": if someone else uses the name meanwhile, none of their bytes are lost.
      const guard = { previousVersion: empty.primary_entity };
      return await this.write({ account, fileId: empty.id }, driveFile(empty), bytes, guard);
    } catch (error) {
      await this.#files.removeIfEmpty(account, empty);
      throw error;
    }
  }

  /**
   * Creates a file with a content that is passed on as it arrives.
   * @param stillStands whether the folder lies where it did: Cloudreve would create it again
   */
  async createFrom(
    account: string,
    uri: string,
    { sizeBytes, body }: NewContent,
    stillStands: () => Promise<boolean>,
  ): Promise<DriveFile> {
    const parts = new BodyParts(body);
    await onFailure(
      "bodyTooLarge",
      () => this.#uploads.create(account, uri, sizeBytes, parts, stillStands),
      async (_failure) => {
        // This storage takes no chunks from us: Cloudreve passes it on, up to its limit for one call.
        const empty = await this.#createEmpty(account, uri);
        try {
          if (!(await stillStands())) throw new BridgeError({ kind: "fileUnproven" });
          const bytes = { sizeBytes, open: () => parts.next(sizeBytes) };
          await this.#files.put(account, driveFile(empty), bytes, empty.primary_entity);
        } catch (error) {
          await this.#files.removeIfEmpty(account, empty);
          throw parts.isCut ? new BridgeError({ kind: "bodyCut" }, { cause: error }) : error;
        }
      },
    );
    const stored = driveFile(await this.#files.info(account, { uri }));
    if (stored.sizeBytes !== sizeBytes) throw notWhatWasSent();
    return stored;
  }

  /** Someone creating a file with this name locks it for a moment; after that the name is taken, or free. */
  async #createEmpty(account: string, uri: string): Promise<CloudreveFile> {
    return whenNotBusy(this.#pause, (tries) =>
      onFailure<"lockedElsewhere", CloudreveFile | "busy">(
        "lockedElsewhere",
        () => this.#files.create(account, uri, "file"),
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
