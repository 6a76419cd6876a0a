import type { Readable } from "node:stream";
import type { DriveDocument, DriveFile } from "../model/drive.ts";
import { BridgeError, failureOf } from "../model/failure.ts";
import type { RawAnswer } from "./client.ts";
import { driveFile, type FileApi, wholeSeconds } from "./fileApi.ts";
import type { NativeLockOutcome, NativeWopi, ViewerSession } from "./nativeWopi.ts";
import type { ViewerSessions } from "./viewerSessions.ts";

/** @returns what the bridge has recorded about a version of this file; undefined for a version it does not know */
export type KnownVersion = (
  fileId: string,
  version: string,
) => Promise<{ readonly lastModifiedTime: string } | undefined>;

/**
 * Every call to Cloudreve's native WOPI host, and why it can't reach another file. A native session is bound to a path:
 * it shows, locks and overwrites whatever file is there now. So no answer is passed on, and nothing is changed, until
 * this is proven to be the right file; otherwise the failure is `fileUnproven`. There are three proofs:
 *
 * - **id**: Cloudreve's info has just given this path for the file's id. This needs a credential.
 * - **lock**: our token is still held at the path where it was proven. While it is, no one can rename, move, replace or
 *   delete the file or a folder above it, and REFRESH_LOCK answers 200 to no other token and no other path.
 * - **version**: the answer names a version that the bridge has recorded for this file. Version ids are unique in a
 *   Cloudreve; only a copy of a file shares them, so this proves the bytes. Before a change, the time of the last
 *   change must be a recorded one too: a copy, or a file that was moved here, has another.
 *
 * | native call              | proof                                                                                 |
 * |--------------------------|---------------------------------------------------------------------------------------|
 * | CheckFileInfo            | afterwards: version, or lock (refreshed after the call); of an old version: that one  |
 * | GetFile                  | before a byte is sent: version (ETag), otherwise again at the path of the id          |
 * | LOCK                     | afterwards: id, without a credential version and time; otherwise it is released. If   |
 * |                          | it was not to be had where the session was opened, also before                        |
 * | REFRESH_LOCK             | none needed: it renews only what our token holds, and so is a proof itself            |
 * | UNLOCK                   | none needed: it ends only what our token holds, wherever that is                      |
 * | PutFile                  | lock, refreshed within the second before; afterwards the stored version: id or lock   |
 * | viewerSession (API)      | id: Cloudreve binds the session to the id at that path, and refuses our id at another |
 *
 * Calls of Cloudreve's API that name a path rely on the id, asked directly before. Where files could still be swapped
 * in between, the answer is compared and the call undone: PUT content (`previous`, id in the answer), upload (path and
 * version by id, once Cloudreve holds the path for it), create beside (the folder's path, by id, afterwards), rename
 * (id in the answer), delete (the id, afterwards; the file is in the trash). A download URL is for one version.
 */
export class NativeDocuments {
  readonly #files: FileApi;
  readonly #sessions: ViewerSessions;
  readonly #wopi: NativeWopi;
  readonly #knownVersion: KnownVersion;

  constructor(files: FileApi, sessions: ViewerSessions, wopi: NativeWopi, knownVersion: KnownVersion) {
    this.#files = files;
    this.#sessions = sessions;
    this.#wopi = wopi;
    this.#knownVersion = knownVersion;
  }

  /** @returns the file as it is now, proven by id or version @throws fileMissing, fileUnproven */
  async look(document: DriveDocument): Promise<DriveFile> {
    return (await this.#byId(document)) ?? (await this.#byVersion(document, false));
  }

  /** Like `look`, before a lock: a copy of the file is not good enough. */
  async lookToChange(document: DriveDocument): Promise<DriveFile> {
    return (await this.#byId(document)) ?? (await this.#byVersion(document, true));
  }

  /**
   * LOCK where the session was opened, before anything proves that the file is still there.
   * @returns the path that is locked now: unless the file is found there afterwards, it must be released at once;
   *   undefined when nothing was locked
   */
  async lockWhereOpened(document: DriveDocument, token: string): Promise<string | undefined> {
    return this.#sessions.through(document, { by: "token" }, async (session) =>
      (await this.#wopi.lock(document, session, token)) === "held" ? session.uri : undefined,
    );
  }

  /** @param file as `look` just returned it: its path is where the lock goes */
  async lock(document: DriveDocument, file: DriveFile, token: string): Promise<NativeLockOutcome> {
    return this.#sessions.through(document, { by: "path", uri: file.uri }, (session) =>
      this.#wopi.lock(document, session, token),
    );
  }

  /**
   * @param known the file as it was seen under this lock
   * @returns the file; undefined when our token does not hold the lock at its path, or not right now
   */
  async refreshLock(document: DriveDocument, token: string, known?: DriveFile): Promise<DriveFile | undefined> {
    // Look first: if the lock still holds afterwards, it held all the time.
    const file = known ?? (await this.#byId(document)) ?? (await this.#seen(document)).file;
    return (await this.#stands(document, file, token)) ? file : undefined;
  }

  /** @returns whether there was a lock to release */
  async unlock(document: DriveDocument, token: string): Promise<boolean> {
    return this.#sessions.through(document, { by: "token" }, (session) => this.#wopi.unlock(document, session, token));
  }

  /** @param file as `lock` or `refreshLock` just returned it */
  async write(
    document: DriveDocument,
    file: DriveFile,
    token: string,
    body: () => Readable,
    sizeBytes: number,
  ): ReturnType<NativeWopi["write"]> {
    return this.#sessions.through(document, { by: "path", uri: file.uri }, (session) =>
      this.#wopi.write(document, session, token, body(), sizeBytes),
    );
  }

  /** @param version what PutFile answered @returns the file with what was written @throws fileUnproven */
  async readBack(document: DriveDocument, token: string, version: string): Promise<DriveFile> {
    const byId = await this.#byId(document);
    if (byId !== undefined) return byId;
    const { file } = await this.#seen(document);
    // This version is not recorded yet. It is this file's if the lock has held from the proof until now.
    if (file.version === version && (await this.#stands(document, file, token))) return file;
    throw unproven();
  }

  /** The bytes of this file, in the requested version or another of its own. */
  async read(
    document: DriveDocument,
    file: DriveFile,
    range: string | undefined,
    signal: AbortSignal,
  ): Promise<RawAnswer> {
    const first = await this.#readOnce(document, file, range, signal);
    if (first !== undefined) return first;
    await this.#sessions.renew(document).catch((error: unknown) => {
      throw failureOf(error, "signInNeeded") === undefined ? error : unproven(error);
    });
    const second = await this.#readOnce(document, undefined, range, signal);
    if (second !== undefined) return second;
    throw unproven();
  }

  /** @returns undefined when the answer is not proven to be this file; none of it has been read then */
  async #readOnce(
    document: DriveDocument,
    file: DriveFile | undefined,
    range: string | undefined,
    signal: AbortSignal,
  ): Promise<RawAnswer | undefined> {
    const { answer, session } = await this.#sessions.through(
      document,
      { by: "answer", ...(file === undefined ? {} : { uri: file.uri }) },
      async (through) => ({
        answer: await this.#wopi.read(document, through, range, signal),
        session: through,
      }),
    );
    const etag = answer.header("etag")?.replaceAll('"', "");
    const isProven =
      etag === undefined
        ? // A refused range names no version, and tells another file's length.
          answer.status === 416 && file !== undefined && isBeyond(range, file.sizeBytes)
        : await this.#isOurs(document, session, etag);
    if (isProven) return answer;
    answer.body.destroy();
    return undefined;
  }

  /** @returns undefined without a credential, and for an old version, which only its session shows */
  async #byId(document: DriveDocument): Promise<DriveFile | undefined> {
    if (document.version !== undefined) return undefined;
    try {
      return driveFile(await this.#files.info(document.account, { fileId: document.fileId }));
    } catch (error) {
      // A portal's access token lasts an hour; the session opened with it lasts ten.
      if (failureOf(error, "signInNeeded") === undefined) throw error;
      return undefined;
    }
  }

  async #byVersion(document: DriveDocument, isToBeChanged: boolean): Promise<DriveFile> {
    const { file, session } = await this.#seen(document);
    const isProven = isToBeChanged
      ? await this.#isUntouched(document, session, file)
      : await this.#isOurs(document, session, file.version);
    if (!isProven) throw unproven();
    return file;
  }

  async #isOurs(document: DriveDocument, session: ViewerSession, version: string): Promise<boolean> {
    if (document.version !== undefined) return version === document.version;
    if (version === session.seen?.version) return true;
    return (await this.#knownVersion(document.fileId, version)) !== undefined;
  }

  async #isUntouched(document: DriveDocument, session: ViewerSession, file: DriveFile): Promise<boolean> {
    const { seen } = session;
    if (seen?.version === file.version && seen.modifiedAt === file.modifiedAt) return true;
    const known = await this.#knownVersion(document.fileId, file.version);
    return known !== undefined && wholeSeconds(known.lastModifiedTime) === file.modifiedAt;
  }

  /** The file at the session's path, which is not proven to be the right one. */
  async #seen(document: DriveDocument): Promise<{ readonly file: DriveFile; readonly session: ViewerSession }> {
    return this.#sessions.through(document, { by: "answer" }, async (session) => {
      const info = await this.#wopi.info(document, session);
      const file = {
        id: document.fileId,
        name: info.name,
        uri: session.uri,
        sizeBytes: info.sizeBytes,
        version: info.version,
        modifiedAt: wholeSeconds(info.lastModifiedTime),
      };
      return { file, session };
    });
  }

  /** @returns whether our token holds the lock at the path where the file was seen */
  async #stands(document: DriveDocument, { uri }: DriveFile, token: string): Promise<boolean> {
    try {
      return await this.#sessions.through(document, { by: "path", uri }, (session) =>
        this.#wopi.refresh(document, session, token),
      );
    } catch (error) {
      if (failureOf(error, "fileUnproven") === undefined) throw error;
      return false;
    }
  }
}

function unproven(cause?: unknown): BridgeError {
  return new BridgeError({ kind: "fileUnproven" }, { cause });
}

/** @returns whether a range starts after the end of a file of that size */
function isBeyond(range: string | undefined, sizeBytes: number): boolean {
  const first = /^bytes=(\d+)-/.exec(range ?? "")?.[1];
  return sizeBytes === 0 || range === "bytes=-0" || (first !== undefined && Number(first) >= sizeBytes);
}
