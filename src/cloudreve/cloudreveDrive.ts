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
import { BridgeError, failureOf } from "../model/failure.ts";
import { type Clock, type Pause, pauseFor } from "../model/keyValueStore.ts";
import type { CloudreveClient } from "./client.ts";
import type { Credentials } from "./credential.ts";
import { DocumentSessions, sessionOf } from "./documentSessions.ts";
import { type CloudreveFile, contentOf, driveFile, FileApi, type Transfer, wholeSeconds } from "./fileApi.ts";
import { folderPage } from "./folderPage.ts";
import type { UploadSessions } from "./uploadSession.ts";
import type { ViewerSessions } from "./viewerSession.ts";

/** What meets a lock that passes, as a save still being received, is tried again after these pauses. */
const busyPausesMs = [50, 150, 400, 1_000];
/** One byte over Cloudreve's default `maxEditSize`. */
const usuallyTooLargeBytes = 50 * 1024 * 1024 + 1;
const triesForShortLocks = 3;

interface DriveParts {
  readonly client: CloudreveClient;
  readonly credentials: Credentials;
  readonly signIn: DriveSignIn;
  readonly sessions: ViewerSessions;
  readonly uploads: UploadSessions;
  /** Origins besides Cloudreve's that download URLs may name. */
  readonly storageOrigins: readonly string[];
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
  readonly #pause: Pause;
  /** From this size on the upload session is used at once: Cloudreve's default limit, or less where it said so. */
  #tooLargeBytes = usuallyTooLargeBytes;

  constructor({ client, credentials, signIn, sessions, uploads, storageOrigins, now, pause = pauseFor }: DriveParts) {
    this.#client = client;
    this.#credentials = credentials;
    this.signIn = signIn;
    this.#sessions = sessions;
    this.#uploads = uploads;
    this.#files = new FileApi(client, credentials, storageOrigins, now);
    this.#documents = new DocumentSessions(client, credentials, this.#files, sessions);
    this.#pause = pause;
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
    await this.#sessions.keep(document, sessionOf(minted, file.path, viewerId));
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
    if (document.version === undefined) {
      try {
        return driveFile(await this.#files.info(document.account, { fileId: document.fileId }));
      } catch (error) {
        if (failureOf(error, "signInNeeded") === undefined) throw error;
        // A portal's access token lives an hour; the session it made lives ten.
      }
    }
    const { info, uri } = await this.#documents.through(document, undefined, async (session) => ({
      info: await this.#sessions.info(document, session),
      uri: session.uri,
    }));
    return {
      id: document.fileId,
      name: info.name,
      uri,
      sizeBytes: info.sizeBytes,
      version: info.version,
      modifiedAt: wholeSeconds(info.lastModifiedTime),
    };
  }

  async read(
    document: DriveDocument,
    file: DriveFile,
    range: string | undefined,
    signal: AbortSignal,
  ): Promise<DriveContent> {
    const transfer =
      (await this.#files.download(document, file, range, signal)) ??
      (await this.#readNatively(document, file, range, signal));
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
      // Guarded by "never written": nobody else's bytes are lost if the name finds another use meanwhile.
      const guard = { previousVersion: empty.primary_entity };
      return await this.write({ account, fileId: empty.id }, driveFile(empty), bytes, guard);
    } catch (error) {
      await this.#files.removeIfEmpty(account, uri);
      throw error;
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
    const renamed = await this.#files.rename(document.account, file.uri, name);
    // Every session is bound to the old path. One that can't be made now is made when it is needed, if its account
    // can do so then: an access token that a portal handed on alone may have ended.
    for await (const opened of this.#sessions.documentsOf(document.fileId)) {
      await this.#documents.renew(opened).catch(() => undefined);
    }
    return driveFile(renamed);
  }

  async remove(document: DriveDocument, file: DriveFile): Promise<void> {
    await this.#files.remove(document.account, file.uri, false);
  }

  async lock(document: DriveDocument, token: string): Promise<DriveFile> {
    const session = await this.#documents.session(document);
    await this.#lockNatively(document, token);
    const file = await this.stat(document);
    if (file.uri === session.uri) return file;
    // The session's path was another file's by now: what was locked there is given back.
    await this.#sessions.unlock(document, session, token);
    await this.#documents.renew(document);
    await this.#lockNatively(document, token);
    return this.stat(document);
  }

  async #lockNatively(document: DriveDocument, token: string): Promise<void> {
    await this.#whenNotBusy(async (tries) => {
      const outcome = await this.#documents.through(document, undefined, (session) =>
        this.#sessions.lock(document, session, token),
      );
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
    await this.#documents.through(document, undefined, (session) => this.#sessions.unlock(document, session, token));
  }

  async ping(): Promise<string> {
    return this.#client.api(z.string(), { method: "GET", path: "/site/ping" });
  }

  async #readNatively(
    document: DriveDocument,
    file: DriveFile,
    range: string | undefined,
    signal: AbortSignal,
  ): Promise<Transfer> {
    const answer = await this.#documents.through(document, file, (session) =>
      this.#sessions.read(document, session, range, signal),
    );
    return { answer, isCloudreves: true };
  }

  async #writeUnderLock(document: DriveDocument, file: DriveFile, bytes: Bytes, token: string): Promise<DriveFile> {
    let version = "";
    await this.#whenNotBusy(async () => {
      const outcome = await this.#documents.through(document, file, (session) =>
        this.#sessions.write(document, session, token, bytes.open(), bytes.sizeBytes),
      );
      if (outcome === "heldByAnother") {
        throw new BridgeError({ kind: "lockedElsewhere", holder: (await this.#files.holder(document)) ?? "other" });
      }
      if (outcome === "busy") return "busy";
      version = outcome.version;
      return true;
    });
    const stored = await this.stat(document);
    if (stored.version !== version || stored.sizeBytes !== bytes.sizeBytes) {
      throw new BridgeError({ kind: "driveFailed", code: 200, said: "what is stored is not what was sent" });
    }
    return stored;
  }

  /** Without a credential left, a lock of our own keeps others off between the look at the version and the save. */
  async #writeBySession(document: DriveDocument, bytes: Bytes, previous: string | undefined): Promise<DriveFile> {
    const token = `${document.fileId}.${randomBytes(18).toString("base64url")}`;
    await this.lock(document, token);
    try {
      const file = await this.stat(document);
      if (previous !== undefined && file.version !== previous) throw new BridgeError({ kind: "changedInStorage" });
      return await this.#writeUnderLock(document, file, bytes, token);
    } finally {
      // What is stored is stored: a lock that can't be given back now ends by itself.
      await this.unlock(document, token).catch(() => undefined);
    }
  }

  async #writeWhole(document: DriveDocument, file: DriveFile, bytes: Bytes, guard: WriteGuard): Promise<DriveFile> {
    if ("lockToken" in guard) return this.#writeUnderLock(document, file, bytes, guard.lockToken);
    try {
      return driveFile(await this.#files.put(document.account, file.uri, bytes, guard.previousVersion));
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
          return (await this.stat(document)).version === file.version;
        }),
      );
    } finally {
      // Whoever comes in between is met by the next save: it takes the lock anew and compares the version.
      if ("lockToken" in guard) await this.#lockNatively(document, guard.lockToken).catch(() => undefined);
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
  return `${file.uri.slice(0, file.uri.lastIndexOf("/"))}/${encodeURIComponent(name)}`;
}
