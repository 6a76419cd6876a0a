import { randomBytes } from "node:crypto";
import { z } from "zod";
import type {
  Bytes,
  Drive,
  DriveAccount,
  DriveContent,
  DriveDocument,
  DriveFile,
  DriveFolderPage,
  DriveSignIn,
  DriveTokens,
  OpenedDocument,
  OpenRequest,
  WriteGuard,
} from "../model/drive.ts";
import { BridgeError, failureOf, isTransient } from "../model/failure.ts";
import { type Clock, type Pause, pauseFor } from "../model/keyValueStore.ts";
import type { CloudreveClient } from "./client.ts";
import type { Credentials } from "./credential.ts";
import { type CloudreveFile, contentOf, driveFile, FileApi } from "./fileApi.ts";
import { folderPage } from "./folderPage.ts";
import { type KnownVersion, NativeDocuments } from "./nativeDocuments.ts";
import type { ViewerSessions } from "./nativeWopi.ts";
import type { UploadSessions } from "./uploadSession.ts";
import { DocumentSessions, sessionOf } from "./viewerSessions.ts";

/** What meets a lock that passes, as a save still being received, is tried again after these pauses. */
const busyPausesMs = [50, 150, 400, 1_000];
/** One byte over Cloudreve's default `maxEditSize`. */
const usuallyTooLargeBytes = 50 * 1024 * 1024 + 1;
const triesForShortLocks = 3;
/** So long a look under the lock proves the place of a write: renaming there takes two people's clicks. */
const freshForMs = 1_000;

interface DriveParts {
  readonly client: CloudreveClient;
  readonly credentials: Credentials;
  readonly signIn: DriveSignIn;
  readonly sessions: ViewerSessions;
  readonly uploads: UploadSessions;
  /** Origins besides Cloudreve's that download URLs may name. */
  readonly storageOrigins: readonly string[];
  readonly knownVersion: KnownVersion;
  readonly now: Clock;
  /** Between two tries. */
  readonly pause?: Pause;
}

/** Drive over Cloudreve v4: its file API, and its native WOPI host as the lock and the way to write under it. */
export class CloudreveDrive implements Drive {
  readonly signIn: DriveSignIn;
  readonly #client: CloudreveClient;
  readonly #credentials: Credentials;
  readonly #sessions: ViewerSessions;
  readonly #uploads: UploadSessions;
  readonly #files: FileApi;
  readonly #documents: DocumentSessions;
  readonly #native: NativeDocuments;
  readonly #pause: Pause;
  /** When a file was proven to lie under our lock, by `performance.now()`. */
  readonly #lockedAtMs = new WeakMap<DriveFile, number>();
  /** From this size on the upload session is used at once: Cloudreve's default limit, or less where it said so. */
  #tooLargeBytes = usuallyTooLargeBytes;

  constructor(parts: DriveParts) {
    const { client, credentials, signIn, sessions, uploads, storageOrigins, knownVersion, now } = parts;
    this.#client = client;
    this.#credentials = credentials;
    this.signIn = signIn;
    this.#sessions = sessions;
    this.#uploads = uploads;
    this.#files = new FileApi(client, credentials, storageOrigins, now);
    this.#documents = new DocumentSessions(client, credentials, this.#files, sessions);
    this.#native = new NativeDocuments(this.#files, this.#documents, sessions, knownVersion);
    this.#pause = parts.pause ?? pauseFor;
  }

  async account(tokens: DriveTokens | undefined): Promise<DriveAccount> {
    return this.#credentials.account(tokens);
  }

  async accountNamed(account: string): Promise<DriveAccount> {
    return this.#credentials.accountNamed(account);
  }

  async keepAlive(account: string): Promise<void> {
    await this.#credentials.keepAlive(account);
  }

  async find(account: string, target: OpenRequest["target"]): Promise<DriveFile> {
    const file = await this.#files.own(account, await this.#files.info(account, target));
    if (file.type !== 0) throw new BridgeError({ kind: "fileMissing" });
    return driveFile(file);
  }

  async list(account: string, folderUri?: string, next?: string): Promise<DriveFolderPage> {
    return this.#credentials.authorised(account, (accessToken) =>
      folderPage(this.#client, accessToken, folderUri, next),
    );
  }

  async open(account: DriveAccount, request: OpenRequest): Promise<OpenedDocument> {
    const file = await this.#files.own(account.account, await this.#files.info(account.account, request.target));
    if (file.type !== 0)
      throw new BridgeError({ kind: "noEditor", sentence: "A folder can't be opened in an editor." });
    const viewerId = await this.#documents.viewerFor(account.account, file.name, request.viewerId);
    // The version that is current anyway is the live document; a session pinned to it would go stale with a save.
    const version = request.version === file.primary_entity ? undefined : request.version;
    const { version: _asked, ...asked } = request;
    const minted = await this.#documents.mint(account.account, file.path, viewerId, {
      ...asked,
      ...(version === undefined ? {} : { version, action: "view" }),
    });
    if (minted.wopi_src === undefined) {
      throw new BridgeError({ kind: "noEditor", sentence: `The viewer "${viewerId}" is not an office editor (WOPI).` });
    }
    const document: DriveDocument = {
      account: account.account,
      fileId: file.id,
      ...(version === undefined ? {} : { version }),
    };
    await this.#sessions.keep(document, sessionOf(minted, file, viewerId));
    return {
      document,
      file: version === undefined ? driveFile(file) : await this.stat(document),
      actionUrl: minted.wopi_src,
      expiresAtMs: minted.session.expires,
    };
  }

  async openable(account: string): Promise<ReadonlySet<string>> {
    return this.#documents.openable(account);
  }

  async stat(document: DriveDocument): Promise<DriveFile> {
    return this.#native.look(document);
  }

  async read(
    document: DriveDocument,
    file: DriveFile,
    range: string | undefined,
    signal: AbortSignal,
  ): Promise<DriveContent> {
    const transfer = (await this.#files.download(document, file, range, signal)) ?? {
      answer: await this.#native.read(document, file, range, signal),
      isCloudreves: true,
    };
    return contentOf(transfer, file);
  }

  async write(document: DriveDocument, file: DriveFile, bytes: Bytes, guard: WriteGuard): Promise<DriveFile> {
    try {
      return await this.#write(document, file, bytes, guard);
    } catch (error) {
      const isUpload = failureOf(error, "lockedElsewhere")?.holder === "upload";
      if (!isUpload || !(await this.#endAbandonedUpload(document))) throw error;
      return this.#write(document, file, bytes, guard);
    }
  }

  async #write(document: DriveDocument, file: DriveFile, bytes: Bytes, guard: WriteGuard): Promise<DriveFile> {
    if (bytes.sizeBytes >= this.#tooLargeBytes) {
      try {
        return await this.#upload(document, file, bytes, guard);
      } catch (error) {
        if (failureOf(error, "bodyTooLarge") === undefined) throw error;
        // This storage takes no chunks from us, or the limit has been raised: what was learned of it is no use.
        this.#tooLargeBytes = usuallyTooLargeBytes;
        return this.#writeWhole(document, file, bytes, guard);
      }
    }
    try {
      return await this.#writeWhole(document, file, bytes, guard);
    } catch (error) {
      if (failureOf(error, "bodyTooLarge") === undefined) throw error;
      this.#tooLargeBytes = bytes.sizeBytes;
      return this.#upload(document, file, bytes, guard);
    }
  }

  async createBeside(document: DriveDocument, file: DriveFile, name: string, bytes: Bytes): Promise<DriveFile> {
    const { account } = document;
    const uri = beside(file, name);
    const empty = await this.#createEmpty(account, uri);
    try {
      // Cloudreve makes the folders that a path names: one moved away just now must not get a namesake, nor the file.
      const folderUri = await this.#folderNow(document);
      if (folderUri !== undefined && folderUri !== folderOf(uri)) throw new BridgeError({ kind: "driveBusy" });
      // Guarded by "never written": nobody else's bytes are lost if the name finds another use meanwhile.
      const guard = { previousVersion: empty.primary_entity };
      return await this.write({ account, fileId: empty.id }, driveFile(empty), bytes, guard);
    } catch (error) {
      await this.#files.removeIfEmpty(account, empty);
      throw error;
    }
  }

  /** @returns undefined for a file that is gone, whose copies go where it lay last */
  async #folderNow(document: DriveDocument): Promise<string | undefined> {
    try {
      return folderOf((await this.stat(document)).uri);
    } catch (error) {
      if (failureOf(error, "fileMissing") === undefined) throw error;
      return undefined;
    }
  }

  /** Whoever makes this very name just now has it locked for a moment; afterwards it is taken, or free. */
  async #createEmpty(account: string, uri: string): Promise<CloudreveFile> {
    for (const pauseMs of busyPausesMs) {
      try {
        return await this.#files.create(account, uri);
      } catch (error) {
        if (failureOf(error, "lockedElsewhere") === undefined) throw error;
      }
      await this.#pause(pauseMs);
    }
    return this.#files.create(account, uri);
  }

  async findBeside(document: DriveDocument, file: DriveFile, name: string): Promise<DriveFile | undefined> {
    try {
      return driveFile(await this.#files.info(document.account, { uri: beside(file, name) }));
    } catch (error) {
      if (failureOf(error, "fileMissing") === undefined) throw error;
      return undefined;
    }
  }

  async rename(document: DriveDocument, file: DriveFile, name: string): Promise<DriveFile> {
    const renamed = await this.#files.rename(document.account, file, name);
    // Every session is bound to the old path. One that can't be made now is made when it is needed, if its account
    // can do so then: an access token that a portal handed on alone may have ended.
    for await (const opened of this.#sessions.documentsOf(document.fileId)) {
      await this.#documents.renew(opened).catch(() => undefined);
    }
    return driveFile(renamed);
  }

  async remove(document: DriveDocument, file: DriveFile): Promise<void> {
    await this.#files.remove(document.account, file.uri, false);
    // Still there? Then something else lay in its place at that moment: it is in the trash, and nothing is lost.
    if (!(await this.#isGone(document))) unprovenFile();
  }

  async #isGone(document: DriveDocument): Promise<boolean> {
    try {
      await this.stat(document);
      return false;
    } catch (error) {
      if (failureOf(error, "fileMissing") === undefined) throw error;
      return true;
    }
  }

  async lock(document: DriveDocument, token: string): Promise<DriveFile> {
    return (await this.#tryLock(document, token)) ?? (await this.#tryLock(document, token)) ?? unprovenFile();
  }

  /** @returns undefined when the file was moved away at that moment; what was locked in its place is given back */
  async #tryLock(document: DriveDocument, token: string): Promise<DriveFile | undefined> {
    const before = await this.#native.lookToChange(document);
    try {
      await this.#lockNatively(document, before, token);
    } catch (error) {
      if (failureOf(error, "fileUnproven") === undefined) throw error;
      return undefined;
    }
    try {
      const after = await this.#native.lookToChange(document);
      if (after.uri === before.uri) return this.#isUnderLock(after);
    } catch (error) {
      // A drive that does not answer is not asked again now; whoever has noted the token gives it back later.
      if (!isTransient(error)) await this.#native.unlock(document, token);
      throw error;
    }
    await this.#native.unlock(document, token);
    return undefined;
  }

  async refreshLock(document: DriveDocument, token: string): Promise<DriveFile | undefined> {
    const file = await this.#native.refreshLock(document, token);
    return file === undefined ? undefined : this.#isUnderLock(file);
  }

  #isUnderLock(file: DriveFile): DriveFile {
    this.#lockedAtMs.set(file, performance.now());
    return file;
  }

  async #lockNatively(document: DriveDocument, file: DriveFile, token: string): Promise<void> {
    await this.#whenNotBusy(async (tries) => {
      const outcome = await this.#native.lock(document, file, token);
      if (outcome !== "heldByAnother") return outcome === "held" ? true : "busy";
      const holder = await this.#files.holder(document);
      if (holder === "upload" && (await this.#endAbandonedUpload(document))) return "busy";
      // The locks of a rename, of somebody's small save, of another bridge's question are gone in a moment.
      const mayPass = holder === undefined || holder === "other" || holder === "upload";
      if (mayPass && tries < triesForShortLocks) return "busy";
      throw new BridgeError({ kind: "lockedElsewhere", holder: holder ?? "other" });
    });
  }

  async unlock(document: DriveDocument, token: string): Promise<void> {
    await this.#native.unlock(document, token);
  }

  async ping(): Promise<string> {
    return this.#client.api(z.string(), { method: "GET", path: "/site/ping" });
  }

  async #writeUnderLock(document: DriveDocument, file: DriveFile, bytes: Bytes, token: string): Promise<DriveFile> {
    let version = "";
    await this.#whenNotBusy(async () => {
      // On a file without a lock, native PutFile writes whatever the token: only this look keeps it off another file.
      const locked = await this.#stillLocked(document, file, token);
      const outcome = await this.#native.write(document, locked, token, () => bytes.open(), bytes.sizeBytes);
      if (outcome === "heldByAnother") {
        throw new BridgeError({ kind: "lockedElsewhere", holder: (await this.#files.holder(document)) ?? "other" });
      }
      if (outcome === "busy") return "busy";
      version = outcome.version;
      return true;
    });
    const stored = await this.#native.readBack(document, token, version);
    if (stored.version !== version || stored.sizeBytes !== bytes.sizeBytes) {
      throw new BridgeError({ kind: "driveFailed", code: 200, said: "what is stored is not what was sent" });
    }
    return stored;
  }

  /** @throws changedInStorage when the lock was lost and another version is stored by now */
  async #stillLocked(document: DriveDocument, file: DriveFile, token: string): Promise<DriveFile> {
    const lockedAtMs = this.#lockedAtMs.get(file);
    if (lockedAtMs !== undefined && performance.now() - lockedAtMs < freshForMs) return file;
    const now = (await this.refreshLock(document, token)) ?? (await this.lock(document, token));
    if (now.version !== file.version) throw new BridgeError({ kind: "changedInStorage" });
    return now;
  }

  /** Without a credential left, a lock of our own keeps others off between the look at the version and the save. */
  async #writeBySession(document: DriveDocument, bytes: Bytes, previous: string): Promise<DriveFile> {
    const token = `${document.fileId}.${randomBytes(18).toString("base64url")}`;
    const file = await this.lock(document, token);
    try {
      if (file.version !== previous) throw new BridgeError({ kind: "changedInStorage" });
      return await this.#writeUnderLock(document, file, bytes, token);
    } finally {
      // What is stored is stored: a lock that can't be given back now ends by itself.
      await this.unlock(document, token).catch(() => undefined);
    }
  }

  async #writeWhole(document: DriveDocument, file: DriveFile, bytes: Bytes, guard: WriteGuard): Promise<DriveFile> {
    if ("lockToken" in guard) return this.#writeUnderLock(document, file, bytes, guard.lockToken);
    try {
      return driveFile(await this.#files.put(document.account, file, bytes, guard.previousVersion));
    } catch (error) {
      if (failureOf(error, "signInNeeded") === undefined) throw error;
      return this.#writeBySession(document, bytes, guard.previousVersion);
    }
  }

  /** Contents above `maxEditSize`: our lock is given back for the upload, which locks the file itself. */
  async #upload(document: DriveDocument, file: DriveFile, bytes: Bytes, guard: WriteGuard): Promise<DriveFile> {
    await this.#endAbandonedUpload(document);
    if ("lockToken" in guard) await this.unlock(document, guard.lockToken);
    try {
      await this.#credentials.authorised(document.account, (accessToken) =>
        this.#uploads.replace(accessToken, file, bytes, async () => {
          const now = await this.stat(document);
          return now.version === file.version && now.uri === file.uri;
        }),
      );
    } finally {
      // Whoever comes in between is met by the next save: it takes the lock anew and compares the version.
      if ("lockToken" in guard) await this.lock(document, guard.lockToken).catch(() => undefined);
    }
    const stored = await this.stat(document);
    if (stored.version === file.version || stored.sizeBytes !== bytes.sizeBytes) {
      throw new BridgeError({ kind: "driveFailed", code: 200, said: "what is stored is not what was sent" });
    }
    return stored;
  }

  /** @returns whether an upload of ours was in the way, and is no more */
  async #endAbandonedUpload({ account, fileId }: DriveDocument): Promise<boolean> {
    const shownId = async () => {
      const { metadata } = await this.#files.info(account, { fileId });
      return z.string().optional().parse(metadata?.["sys:upload_session_id"]);
    };
    return this.#credentials.authorised(account, (accessToken) =>
      this.#uploads.endAbandoned(accessToken, fileId, shownId),
    );
  }

  /** @param attempt is told how often it has been tried, this time included */
  async #whenNotBusy(attempt: (tries: number) => Promise<true | "busy">): Promise<void> {
    for (const [index, pauseMs] of busyPausesMs.entries()) {
      if ((await attempt(index + 1)) === true) return;
      await this.#pause(pauseMs);
    }
    if ((await attempt(busyPausesMs.length + 1)) !== true) throw new BridgeError({ kind: "driveBusy" });
  }
}

function beside(file: DriveFile, name: string): string {
  return `${folderOf(file.uri)}/${encodeURIComponent(name)}`;
}

const folderOf = (uri: string): string => uri.slice(0, uri.lastIndexOf("/"));

function unprovenFile(): never {
  throw new BridgeError({ kind: "fileUnproven" });
}
